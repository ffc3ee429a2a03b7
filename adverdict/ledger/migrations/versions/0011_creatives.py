"""Which creatives the ads on record show, and the pictures that were made of them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.create_table(
        "creative_uses",
        sa.Column("about", sa.String(length=80), nullable=False),
        sa.Column("uri", sa.Text(), nullable=True),
        sa.Column("address", sa.LargeBinary(length=32), nullable=True),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.Column("said", sa.String(length=500), nullable=False),
        sa.Column("content", sa.String(length=64), nullable=True),
        sa.Column("fetched_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("about", name="pk_creative_uses"),
    )
    op.create_index("ix_creative_uses_address", "creative_uses", ["address"])
    op.create_index("ix_creative_uses_content", "creative_uses", ["content"])
    op.create_index("ix_creative_uses_state_due_at", "creative_uses", ["state", "due_at"])
    op.create_table(
        "creatives",
        sa.Column("content", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("seconds", sa.Float(), nullable=True),
        sa.Column("told", sa.String(length=500), nullable=False),
        sa.Column("ocr_text", sa.Text(), nullable=True),
        sa.Column("read_by", sa.String(length=40), nullable=False),
        sa.Column("phash", sa.String(length=64), nullable=True),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("content", name="pk_creatives"),
    )
    op.create_table(
        "creative_frames",
        sa.Column("content", sa.String(length=64), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", sa.Float(), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("content", "number", name="pk_creative_frames"),
    )
