"""Changes of what stands about ads, an outbox for several receivers, in order for each ad; drafts that were checked."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.create_table(
        "changes",
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("entry", sa.BigInteger(), nullable=False),
        sa.Column("ad_id", sa.String(length=200), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_changes"),
    )
    op.create_index("ix_changes_ad_id", "changes", ["ad_id"])
    op.create_index("ix_changes_at", "changes", ["at"])
    op.create_table(
        "receivers",
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=True),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("said", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_receivers"),
    )
    op.create_table(
        "probes",
        sa.Column("probe_id", sa.String(length=40), nullable=False),
        sa.Column("advertiser_id", sa.String(length=200), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("level", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("probe_id", name="pk_probes"),
    )
    op.create_index("ix_probes_advertiser_id_at", "probes", ["advertiser_id", "at"])
    op.create_index("ix_probes_at", "probes", ["at"])
    op.drop_index("ix_outbox_due_at", table_name="outbox")
    op.rename_table("outbox", "outbox_before")
    if op.get_bind().dialect.name == "postgresql":  # a constraint keeps its name when its table is renamed
        op.execute("ALTER TABLE outbox_before DROP CONSTRAINT pk_outbox")
    op.create_table(
        "outbox",
        sa.Column("receiver", sa.String(length=80), nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("about", sa.String(length=210), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("sent_at", sa.BigInteger(), nullable=True),
        sa.Column("said", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("receiver", "seq", name="pk_outbox"),
    )
    # What was waiting goes on waiting; of what was given up people decide. Messages of before are told one by one: each is about itself.
    op.execute(
        "INSERT INTO outbox (receiver, seq, about, body, state, tries, due_at, sent_at, said) "
        "SELECT 'monitoring', seq, 'entry ' || CAST(seq AS VARCHAR(20)), body, "
        "CASE WHEN sent_at IS NOT NULL THEN 'sent' WHEN due_at IS NULL THEN 'held' ELSE 'waiting' END, "
        "tries, COALESCE(due_at, sent_at, 0), sent_at, said FROM outbox_before"
    )
    op.drop_table("outbox_before")
    op.create_index("ix_outbox_receiver_state_due_at", "outbox", ["receiver", "state", "due_at"])
    op.create_index("ix_outbox_receiver_about", "outbox", ["receiver", "about"])
    op.create_index("ix_outbox_about", "outbox", ["about"])
