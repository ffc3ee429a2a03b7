"""Decisions name the rescoring step that recorded them, so that a step can be withdrawn as one."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_STEPPED = sa.text("step IS NOT NULL")


def upgrade() -> None:
    op.add_column("contents", sa.Column("step", sa.String(length=80), nullable=True))
    op.create_index("ix_contents_step", "contents", ["step"], sqlite_where=_STEPPED, postgresql_where=_STEPPED)
