"""Tasks of planned samples say how their ad was drawn."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.add_column("tasks", sa.Column("drawn", sa.Text(), nullable=True))
