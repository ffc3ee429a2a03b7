"""Pictures go with the ads that show them."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, delete, select

from adverdict.ledger.schema import creative_frames, creative_uses, creatives

PART = 500
"""Values named in one statement."""


def forget(connection: Connection, abouts: Sequence[str]) -> int:
    """Forget what these decisions show; of how many files the pictures went with that, as no other ad on record shows them.

    In a transaction that holds the chain's end, as whoever keeps pictures does: so nobody comes to show a file while it goes.
    """
    gone = 0
    for start in range(0, len(abouts), PART):
        mine = creative_uses.c.about.in_(abouts[start : start + PART])
        contents = list(connection.scalars(select(creative_uses.c.content).where(mine, creative_uses.c.content.is_not(None)).distinct()))
        connection.execute(delete(creative_uses).where(mine))
        still = set(connection.scalars(select(creative_uses.c.content).where(creative_uses.c.content.in_(contents))))
        unused = [content for content in contents if content not in still]
        for table in (creative_frames, creatives):
            connection.execute(delete(table).where(table.c.content.in_(unused)))
        gone += len(unused)
    return gone
