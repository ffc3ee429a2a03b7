"""Decisions repeat what their ad used, format, category and surface, so that the history counts them without unpacking every content."""

from __future__ import annotations

import zlib

import sqlalchemy as sa
from alembic import op
from pydantic_core import from_json

revision = "0007"
down_revision = "0006"

USED = ("creative_format", "creative_category", "surface")
PAGE = 2000


def upgrade() -> None:
    for name in USED:
        op.add_column("contents", sa.Column(name, sa.String(length=200), nullable=True))
    contents = sa.table("contents", *map(sa.column, ("seq", "submitted_at", "body", *USED)))
    connection, after = op.get_bind(), 0
    fill = sa.update(contents).where(contents.c.seq == sa.bindparam("at")).values({name: sa.bindparam(f"new_{name}") for name in USED})
    # Only a decision repeats when its ad was submitted.
    decisions = sa.select(contents.c.seq, contents.c.body).where(contents.c.submitted_at.is_not(None)).order_by(contents.c.seq).limit(PAGE)
    while page := connection.execute(decisions.where(contents.c.seq > after)).all():
        after = page[-1].seq
        ads = [(row.seq, from_json(zlib.decompress(row.body))["ad"]) for row in page]
        told = [{"at": seq, **{f"new_{name}": ad.get(name) for name in USED}} for seq, ad in ads]
        told = [one for one in told if any(one[f"new_{name}"] is not None for name in USED)]
        if told:
            connection.execute(fill, told)
