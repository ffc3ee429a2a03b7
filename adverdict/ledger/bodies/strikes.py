"""What entries say of strikes. The strikes themselves are no entries: they are what stands of rejections.

strikes_lifted   what an advertiser's ads were rejected for until now causes nothing any more
"""

from __future__ import annotations

from typing import ClassVar

from adverdict.domain.ad import Id, Text
from adverdict.ledger.bodies.body import EntryBody


class StrikesLifted(EntryBody):
    kind: ClassVar[str] = "strikes_lifted"

    advertiser_id: Id
    why: Text
    by: str
