"""Roll-outs of models: which bundles are loaded where, and what one that is tried beside would have decided."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.create_table(
        "arm_readiness",
        sa.Column("worker", sa.String(length=64), nullable=False),
        sa.Column("bundle", sa.String(length=80), nullable=False),
        sa.Column("ready", sa.Boolean(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("worker", "bundle", name="pk_arm_readiness"),
    )
    op.create_table(
        "shadowed",
        sa.Column("rollout", sa.String(length=80), nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("verdict", sa.String(length=16), nullable=False),
        sa.PrimaryKeyConstraint("rollout", "seq", name="pk_shadowed"),
    )
