"""Monitoring: tallies that follow the chain, how each detector stood at the last look, and what a webhook is still to be told."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.create_table(
        "monitoring_waiting",
        sa.Column("decision_id", sa.String(length=80), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("decision_id", name="pk_monitoring_waiting"),
    )
    op.create_table(
        "monitoring_tallies",
        sa.Column("what", sa.String(length=200), nullable=False),
        sa.Column("day", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("bin", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("of_them", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("what", "day", "bin", name="pk_monitoring_tallies"),
    )
    op.create_table(
        "monitoring_counted",
        sa.Column("what", sa.String(length=200), nullable=False),
        sa.Column("advertiser", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("what", "advertiser", name="pk_monitoring_counted"),
    )
    op.create_index("ix_monitoring_counted_advertiser", "monitoring_counted", ["advertiser"])
    op.create_table(
        "detectors",
        sa.Column("cell", sa.String(length=200), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("inputs", sa.String(length=64), nullable=False),
        sa.Column("looked_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("cell", name="pk_detectors"),
    )
    op.create_table(
        "outbox",
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.Column("sent_at", sa.BigInteger(), nullable=True),
        sa.Column("said", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_outbox"),
    )
    op.create_index("ix_outbox_due_at", "outbox", ["due_at"])
