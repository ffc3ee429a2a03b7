"""The tables of the first version."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

GENESIS = bytes.fromhex("8fce59c0f03d982973567a42bc9ebea52071bbe1f044553f2ff591beaeead379")
"""What stands before the first entry: sha256 of \"adverdict ledger 1\"."""


def upgrade() -> None:
    op.create_table(
        "entries",
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("entry_id", sa.String(length=80), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("hash", sa.LargeBinary(length=32), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_entries")),
        sa.UniqueConstraint("entry_id", name=op.f("uq_entries_entry_id")),
    )
    op.create_index(op.f("ix_entries_kind_seq"), "entries", ["kind", "seq"], unique=False)
    op.create_table(
        "golden",
        sa.Column("golden_id", sa.String(length=80), nullable=False),
        sa.Column("ad", sa.Text(), nullable=False),
        sa.Column("truth", sa.Text(), nullable=False),
        sa.Column("market", sa.String(length=2), nullable=False),
        sa.Column("language", sa.String(length=35), nullable=True),
        sa.PrimaryKeyConstraint("golden_id", name=op.f("pk_golden")),
    )
    op.create_table(
        "head",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_head")),
    )
    op.create_table(
        "idempotency",
        sa.Column("caller", sa.String(length=64), nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("request", sa.LargeBinary(length=32), nullable=False),
        sa.Column("entry_ids", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("caller", "key", name=op.f("pk_idempotency")),
    )
    op.create_index(op.f("ix_idempotency_at"), "idempotency", ["at"], unique=False)
    op.create_table(
        "kept",
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "digest", name=op.f("pk_kept")),
    )
    op.create_table(
        "reviewers",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("markets", sa.Text(), nullable=False),
        sa.Column("languages", sa.Text(), nullable=False),
        sa.Column("policies", sa.Text(), nullable=False),
        sa.Column("senior", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_reviewers")),
    )
    op.create_table(
        "sessions",
        sa.Column("token", sa.LargeBinary(length=32), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("csrf", sa.String(length=64), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("token", name=op.f("pk_sessions")),
    )
    op.create_index(op.f("ix_sessions_expires_at"), "sessions", ["expires_at"], unique=False)
    op.create_table(
        "tasks",
        sa.Column("task_id", sa.String(length=80), nullable=False),
        sa.Column("case_id", sa.String(length=80), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("about", sa.String(length=80), nullable=False),
        sa.Column("ad_id", sa.String(length=200), nullable=False),
        sa.Column("advertiser_id", sa.String(length=200), nullable=False),
        sa.Column("market", sa.String(length=2), nullable=False),
        sa.Column("language", sa.String(length=35), nullable=True),
        sa.Column("policies", sa.Text(), nullable=False),
        sa.Column("lane", sa.Text(), nullable=False),
        sa.Column("senior", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("probability", sa.Float(), nullable=False),
        sa.Column("harm", sa.Float(), nullable=False),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=9), nullable=False),
        sa.Column("token", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("reviewer", sa.String(length=64), nullable=True),
        sa.Column("lease_until", sa.BigInteger(), nullable=True),
        sa.Column("closed_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("task_id", name=op.f("pk_tasks")),
    )
    op.create_index(op.f("ix_tasks_about"), "tasks", ["about"], unique=False)
    op.create_index(op.f("ix_tasks_advertiser_id"), "tasks", ["advertiser_id"], unique=False)
    op.create_index(op.f("ix_tasks_case_id"), "tasks", ["case_id"], unique=False)
    op.create_index(op.f("ix_tasks_reviewer_state"), "tasks", ["reviewer", "state"], unique=False)
    op.create_index(op.f("ix_tasks_state_due_at"), "tasks", ["state", "due_at"], unique=False)
    op.create_index(op.f("ix_tasks_state_lane_due_at"), "tasks", ["state", "lane", "due_at"], unique=False)
    op.create_table(
        "contents",
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("about", sa.String(length=80), nullable=True),
        sa.Column("ad_id", sa.String(length=200), nullable=True),
        sa.Column("advertiser_id", sa.String(length=200), nullable=True),
        sa.Column("creative_id", sa.String(length=200), nullable=True),
        sa.Column("landing_domain", sa.String(length=200), nullable=True),
        sa.Column("market", sa.String(length=2), nullable=True),
        sa.Column("verdict", sa.String(length=8), nullable=True),
        sa.Column("submitted_at", sa.BigInteger(), nullable=True),
        sa.Column("submission", sa.BigInteger(), nullable=True),
        sa.Column("salt", sa.LargeBinary(length=16), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["seq"], ["entries.seq"], name=op.f("fk_contents_seq")),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_contents")),
    )
    op.create_index(op.f("ix_contents_about"), "contents", ["about"], unique=False)
    op.create_index(op.f("ix_contents_ad_id_submission"), "contents", ["ad_id", "submission"], unique=False)
    op.create_index(op.f("ix_contents_advertiser_id"), "contents", ["advertiser_id"], unique=False)
    op.create_index(op.f("ix_contents_creative_id"), "contents", ["creative_id"], unique=False)
    op.create_index(op.f("ix_contents_landing_domain"), "contents", ["landing_domain"], unique=False)
    op.execute(
        sa.insert(sa.table("head", sa.column("id", sa.Integer), sa.column("seq", sa.BigInteger), sa.column("hash", sa.LargeBinary))).values(
            id=1, seq=0, hash=GENESIS
        )
    )
