"""An index of rejections by advertiser, from which strikes are counted."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    where = sa.text("verdict = 'reject'")
    op.create_index("ix_contents_rejected", "contents", ["advertiser_id", "seq"], sqlite_where=where, postgresql_where=where)
