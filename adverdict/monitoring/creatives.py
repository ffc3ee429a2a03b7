"""Another creative under the same id: seen in what is submitted, whose picture is another one than that of ads that run under its id.

The platform may say so itself (``POST /v1/signals``); this notices where it does not.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from pydantic import JsonValue
from sqlalchemy import Connection, func, select

from adverdict.ledger.bodies.signals import Sign
from adverdict.ledger.entries import DecisionMade
from adverdict.ledger.schema import contents, entries
from adverdict.ledger.store import CHUNK, entry_of, entry_query
from adverdict.review.tasks.rechecking import Suspect

FURTHEST = 10
"""Bits of a perceptual hash in which two renderings of one picture may differ."""
LAST = 50
"""Decisions on ads with the creative that are looked at: the last ones."""
KNOWN = 50_000
"""Creatives whose picture is remembered: most ads show one that was just seen."""


class Shown(NamedTuple):
    """Which creative an ad shows, and what it looks like."""

    ad_id: str
    creative: str | None
    picture: str | None
    """Its perceptual hash."""


class CreativeWatch:
    """Give it every submission, in order."""

    def __init__(self) -> None:
        self._pictures: OrderedDict[str, str] = OrderedDict()

    def remember(self, ad: Shown) -> None:
        """What its creative looks like; nothing is looked up."""
        if ad.creative is not None and ad.picture is not None:
            self._pictures[ad.creative] = ad.picture
            self._pictures.move_to_end(ad.creative)
            while len(self._pictures) > KNOWN:
                self._pictures.popitem(last=False)

    def see(self, connection: Connection, ads: Sequence[tuple[int, Shown]]) -> list[Suspect]:
        """Ads that were decided before the entry of one of these with another picture under the id of its creative. ``ads``: each with
        the seq of its entry."""
        unknown = {ad.creative for _, ad in ads if ad.creative is not None and ad.creative not in self._pictures}
        first = _first_shown(connection, sorted(unknown))
        return [suspect for seq, ad in ads for suspect in self._see(connection, seq, ad, first)]

    def _see(self, connection: Connection, seq: int, ad: Shown, first: Mapping[str, int]) -> list[Suspect]:
        if ad.creative is None or ad.picture is None:
            return []
        known = self._pictures.get(ad.creative)
        self.remember(ad)
        new = known is None and first.get(ad.creative, 0) >= seq  # as most are
        if new or (known is not None and not differ(known, ad.picture)):
            return []
        others = [made.ad for made in _with(connection, ad.creative, seq, LAST if known else 1)]
        if known is None and any(differ(one.creative_phash, ad.picture) for one in others):
            others = [made.ad for made in _with(connection, ad.creative, seq, LAST)]
        says = f"Creative {ad.creative} is another picture now than when this ad was decided, as a later ad with it shows."
        figures: dict[str, JsonValue] = {"creative": ad.creative, "seen_in": seq}
        found = {one.ad_id for one in others if one.ad_id != ad.ad_id and differ(one.creative_phash, ad.picture)}
        return [Suspect(name, Sign.CREATIVE, says, figures) for name in sorted(found)]


def differ(one: str | None, other: str | None) -> bool:
    """Whether two perceptual hashes are of different pictures; of what is no such hash nobody can tell."""
    if one is None or other is None or len(one) != len(other):
        return False
    try:
        return (int(one, 16) ^ int(other, 16)).bit_count() > FURTHEST
    except ValueError:
        return False


def _first_shown(connection: Connection, creatives: Sequence[str]) -> dict[str, int]:
    """The first entry with each, by the index alone."""
    found: dict[str, int] = {}
    for start in range(0, len(creatives), CHUNK):
        its = contents.c.creative_id.in_(creatives[start : start + CHUNK])
        query = select(contents.c.creative_id, func.min(contents.c.seq)).where(its).group_by(contents.c.creative_id)
        found |= {creative: int(seq) for creative, seq in connection.execute(query)}
    return found


def _with(connection: Connection, creative: str, before: int, most: int) -> list[DecisionMade]:
    seqs = select(contents.c.seq).where(contents.c.creative_id == creative, contents.c.seq < before, contents.c.submitted_at.is_not(None))
    some = list(connection.scalars(seqs.order_by(contents.c.seq.desc()).limit(most)))
    rows = connection.execute(entry_query().where(entries.c.seq.in_(some)).order_by(entries.c.seq)) if some else ()
    return [one.body for one in map(entry_of, rows) if isinstance(one.body, DecisionMade)]
