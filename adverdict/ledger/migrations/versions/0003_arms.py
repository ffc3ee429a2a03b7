"""Decisions made while a roll-out is on name its side, so that the sides can be compared."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_IN_AN_ARM = sa.text("arm IS NOT NULL")


def upgrade() -> None:
    op.add_column("contents", sa.Column("arm", sa.String(length=100), nullable=True))
    op.create_index("ix_contents_arm", "contents", ["arm"], sqlite_where=_IN_AN_ARM, postgresql_where=_IN_AN_ARM)
