"""Another creative under the same id: seen in what is submitted, whose picture is another one than that of ads that run under its id.

The platform may say so itself (``POST /v1/signals``); this notices where it does not.
"""

from __future__ import annotations

from collections import OrderedDict

from pydantic import JsonValue
from sqlalchemy import Connection, select

from adverdict.domain.ad import Ad
from adverdict.ledger.bodies.signals import Sign
from adverdict.ledger.entries import DecisionMade
from adverdict.ledger.schema import contents, entries
from adverdict.ledger.store import entry_of, entry_query
from adverdict.review.tasks.rechecking import Suspect

FURTHEST = 10
"""Bits of a perceptual hash in which two renderings of one picture may differ."""
LAST = 50
"""Decisions on ads with the creative that are looked at: the last ones."""
KNOWN = 50_000
"""Creatives whose picture is remembered: most ads show one that was just seen."""


class CreativeWatch:
    """Give it every submission, in order."""

    def __init__(self) -> None:
        self._pictures: OrderedDict[str, str] = OrderedDict()

    def remember(self, ad: Ad) -> None:
        """What its creative looks like; nothing is looked up."""
        if ad.creative_id is not None and ad.creative_phash is not None:
            self._pictures[ad.creative_id] = ad.creative_phash
            self._pictures.move_to_end(ad.creative_id)
            while len(self._pictures) > KNOWN:
                self._pictures.popitem(last=False)

    def see(self, connection: Connection, seq: int, ad: Ad) -> list[Suspect]:
        """Ads that were decided before the entry ``seq`` with another picture under the id of this ad's creative."""
        if ad.creative_id is None or ad.creative_phash is None:
            return []
        known = self._pictures.get(ad.creative_id)
        self.remember(ad)
        if known is not None and not differ(known, ad.creative_phash):
            return []
        others = [made.ad for made in _with(connection, ad.creative_id, seq, LAST if known else 1)]
        if known is None and any(differ(one.creative_phash, ad.creative_phash) for one in others):
            others = [made.ad for made in _with(connection, ad.creative_id, seq, LAST)]
        says = f"Creative {ad.creative_id} is another picture now than when this ad was decided, as a later ad with it shows."
        figures: dict[str, JsonValue] = {"creative": ad.creative_id, "seen_in": seq}
        found = {one.ad_id for one in others if one.ad_id != ad.ad_id and differ(one.creative_phash, ad.creative_phash)}
        return [Suspect(name, Sign.CREATIVE, says, figures) for name in sorted(found)]


def differ(one: str | None, other: str | None) -> bool:
    """Whether two perceptual hashes are of different pictures; of what is no such hash nobody can tell."""
    if one is None or other is None or len(one) != len(other):
        return False
    try:
        return (int(one, 16) ^ int(other, 16)).bit_count() > FURTHEST
    except ValueError:
        return False


def _with(connection: Connection, creative: str, before: int, most: int) -> list[DecisionMade]:
    seqs = select(contents.c.seq).where(contents.c.creative_id == creative, contents.c.seq < before, contents.c.submitted_at.is_not(None))
    some = list(connection.scalars(seqs.order_by(contents.c.seq.desc()).limit(most)))
    rows = connection.execute(entry_query().where(entries.c.seq.in_(some)).order_by(entries.c.seq)) if some else ()
    return [one.body for one in map(entry_of, rows) if isinstance(one.body, DecisionMade)]
