"""Clusters of copies: fingerprints of ads, and which cluster each is in, as followed from the chain."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.create_table(
        "cluster_ads",
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("cluster", sa.BigInteger(), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_cluster_ads"),
    )
    op.create_index("ix_cluster_ads_cluster", "cluster_ads", ["cluster"])
