"""What entries say of verdicts that are carried to copies, and taken back.

carrying      how far a verdict of one side is carried from now on, and on what evidence
carrying_end  no verdict of that side is carried any more
unwinding     what people made of a decision no longer stands, nor what was carried from it: one entry a decision
"""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from adverdict.domain.ad import Id, Market, Text
from adverdict.ledger.bodies.body import EntryBody

CarriedSide = Literal["approve", "reject"]


class CarryingBegun(EntryBody):
    """The entry's id is the certificate's. The last such entry of a side counts, until its end."""

    kind: ClassVar[str] = "carrying"

    side: CarriedSide
    distance: float = Field(ge=0, le=1, description="of words: 1 less their likeness. Up to it verdicts are carried")
    limit: float = Field(gt=0, lt=1, description="share of carried verdicts that may be wrong")
    confidence: float = Field(gt=0, lt=1)
    pairs: int = Field(description="copies within the distance that people read without knowing of the verdict")
    wrong: int = Field(description="those of which they made the opposite")
    groups: int = Field(description="campaigns and advertisers these are of: the sample")
    upper: float = Field(description="upper confidence bound of the share that is wrong")
    look: int = Field(ge=1, description="how often evidence of this side was looked at: each look spends less of the error allowed")
    as_of: int = Field(description="last entry it knew of")
    until: int = Field(description="microseconds since 1970 UTC: it ends then")
    by: str


class CarryingEnded(EntryBody):
    kind: ClassVar[str] = "carrying_end"

    side: CarriedSide
    look: int = Field(default=0, ge=0, description="the look at evidence that it comes from; 0: none")
    why: Text
    by: str


class Unwound(EntryBody):
    kind: ClassVar[str] = "unwinding"

    decision_id: str
    ad_id: Id
    advertiser_id: Id
    market: Market
    source: str = Field(description="the decision that people's verdict, now taken back, was about")
    retracted: tuple[str, ...] = Field(default=(), description="entries whose labels no longer count")
    why: Text
    by: str


CopiesBody = CarryingBegun | CarryingEnded | Unwound
