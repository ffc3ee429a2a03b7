"""What entries say of advertisers who try out what is approved. ``probing`` is the id of the entry that noticed one.

probing      an advertiser sends near copies of what was rejected, again and again: none of its ads is approved automatically meanwhile
probing_end  people have looked: what it was, and that its ads are decided as others' are again
"""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field, JsonValue

from adverdict.domain.ad import Id, Text, Utc
from adverdict.ledger.bodies.body import EntryBody


class ProbingNoticed(EntryBody):
    """The entry's id is the notice's."""

    kind: ClassVar[str] = "probing"

    advertiser_id: Id
    until: Utc = Field(description="to when its ads are left to people, unless somebody ends it before")
    says: Text
    figures: dict[str, JsonValue] = Field(default_factory=dict)
    examples: tuple[str, ...] = Field(default=(), description="decisions on some of the copies, the last one last")
    as_of: int = Field(description="last entry it was computed from")
    by: str


class ProbingEnded(EntryBody):
    kind: ClassVar[str] = "probing_end"

    probing: str
    advertiser_id: Id
    outcome: Literal["evasion", "harmless"] = Field(description="what people found it to be")
    why: Text
    by: str


ProbingBody = ProbingNoticed | ProbingEnded
