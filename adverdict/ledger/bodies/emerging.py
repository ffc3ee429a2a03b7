"""What entries say of new kinds of ads. ``case`` is the id of the entry that opened one.

mark        a reviewer found an ad bad, and no policy fits; no label of any policy
case        ads that are alike, new, and of several advertisers: examples, where, a budget of labels, a draft of a policy
case_state  what people made of it
"""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar

from pydantic import Field

from adverdict.domain.ad import Id, Market, OptionalText, Text
from adverdict.ledger.bodies.body import EntryBody


class CaseState(StrEnum):
    """Where a case is in its life."""

    OPEN = "open"
    LABELLING = "labelling"
    """Its ads are being labelled."""
    BRAKED = "braked"
    """Where it comes from is left to people meanwhile."""
    POLICY = "policy"
    """A policy was written, or one was widened."""
    EXPLAINED = "explained"
    """New, and harmless: a campaign, a market that opened."""
    CLOSED = "closed"


class Marked(EntryBody):
    kind: ClassVar[str] = "mark"

    decision_id: str
    ad_id: Id
    advertiser_id: Id
    market: Market
    task_id: str
    reviewer: str
    reason: OptionalText = None


class CaseOpened(EntryBody):
    """The entry's id is the case's. Phrases are used by several advertisers each."""

    kind: ClassVar[str] = "case"

    language: str
    phrases: tuple[str, ...] = Field(description="the likeliest first; of what the model has hardly seen there may be none")
    advertisers: int
    ads: int
    markets: tuple[Market, ...] = Field(description="those with most of them first")
    examples: tuple[str, ...] = Field(description="decisions about some of them")
    by_marks: bool = Field(description="found among what reviewers marked; else because so many use it at once")
    strange: str | None = Field(
        default=None, description="found because suddenly many sent what the model has hardly seen, such as text or language:zh"
    )
    cluster: str | None = Field(
        default=None, description="found because more advertisers than usual began to send copies of one ad: their cluster"
    )
    marked: int = Field(description="of the ads, those that reviewers marked as bad")
    reported: int | None = Field(default=None, description="of the ads, those that viewers reported; null: none, or it was not counted")
    labels: int = Field(description="how many of them to label, to know what they are")
    says: Text
    proposal: Text
    draft: Text = Field(description="of a policy, as a policy file has it")
    as_of: int = Field(description="last entry it was computed from")
    by: str


class CaseMoved(EntryBody):
    kind: ClassVar[str] = "case_state"

    case: str
    state: CaseState
    why: Text
    link: str | None = Field(default=None, description="what was done, or explains it")
    by: str


EmergingBody = Marked | CaseOpened | CaseMoved
