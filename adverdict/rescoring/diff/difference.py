"""What a rescoring would change: counts of the whole inventory, each with its denominator. Plain values, for machines and for the page.

A flip is an ad whose verdict is another one than what it is compared with. Flips of the model's own verdicts would be applied; flips of
what a person decided are counted apart, and applying leaves them alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from adverdict.domain.decision import Reason
from adverdict.domain.verdict import Verdict
from adverdict.workforce.handling import Handling

By = Literal["model", "person"]
PolicyOutcome = Literal["approve", "review", "reject", "absent"]
"""Under one policy; absent: the policy was not in force for the ad."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True)


class Versions(_Part):
    """What decided."""

    out: str = Field(description="where the rescoring lies")
    run_id: str
    model: str = Field(description="as it was asked for")
    bundle_version: str
    policy_hash: str
    as_of: datetime
    history: str = Field(description="what the ads' past was taken from, in words")


class Baseline(_Part):
    """What the rescoring is compared with."""

    kind: Literal["ledger", "rescoring"]
    words: str
    seq: int | None = Field(default=None, description="last entry of the ledger that was read")
    versions: Versions | None = Field(default=None, description="of the other rescoring")


class Inventory(_Part):
    """What became of every row of the run. Ads are counted once, by their latest version."""

    rows: int = Field(description="rows the run covers, those before --since left out")
    decided: int = Field(description="rows with a new decision")
    quarantined: int = Field(description="rows without one: no ads, or of a part that could not be read")
    unread_parts: int = Field(description="parts of the input that could not be read at all")
    unfinished_parts: int = Field(description="parts the run has not come to; their ads are in no other figure")
    earlier_versions: int = Field(description="decided rows that are not the latest version of their ad")
    compared: int
    not_on_record: int = Field(description="ads of which nothing, or an earlier version alone, is on record: nothing to compare with")
    outdated: int = Field(description="ads on record in a later version than the run decided: not compared, and left alone")
    missing: int | None = Field(description="ads of the other rescoring that this one has not decided; null for a ledger")
    applied: int = Field(description="compared ads whose standing decision is this run's own")
    degraded: int = Field(description="decided rows made with something missing or stale")
    degraded_by: dict[str, int] = Field(description="what was missing -> rows; a row may lack several things")
    uncertified: int = Field(description="decided rows by a threshold without a certificate in force")


class Compared(_Part):
    """Compared ads of one market by what stands and what would: also where nothing changes."""

    market: str
    was: Verdict
    now: Verdict
    by: By = Field(description="who gave the verdict that stands")
    ads: int
    impressions: float = Field(description="expected, summed over the ads that state them")
    stating: int = Field(description="ads that state their impressions")
    held: int = Field(
        default=0, description="ads whose new decision is degraded and less severe: applying leaves them alone, unknown is not safe"
    )


class Unrecorded(_Part):
    """Ads of one market that are not on record, by the verdict that applying would put there."""

    market: str
    verdict: Verdict
    ads: int
    held: int = Field(default=0, description="approvals among them that are degraded: not applied")


class Flip(Compared):
    """A direction in which verdicts change."""

    of: int = Field(description="compared ads of the market with the same old verdict, given by the same")

    @property
    def share(self) -> float:
        return self.ads / self.of


class PolicyFlip(_Part):
    """A policy's own verdict that changed in ads whose verdict flips. One flip may count under several policies."""

    policy: str
    market: str
    was: PolicyOutcome
    now: PolicyOutcome
    ads: int
    of: int = Field(description="flips of the model's verdicts in the market whose old verdicts by policy are known")
    risk_before: float | None = Field(description="mean of the ads' risks; null where none had one")
    risk_after: float | None


class Reviews(_Part):
    """Reviewers' work in one market."""

    market: str
    opened: int = Field(description="flips to review, without those held")
    closed: int = Field(description="flips from review, without those held")
    first: int = Field(description="ads not on record that would go to review; in no other figure here")
    handling: Handling

    @property
    def net(self) -> int:
        return self.opened - self.closed

    @property
    def hours(self) -> float:
        """Of the reviews opened."""
        return self.opened * self.handling.seconds / 3600

    @property
    def all_opened(self) -> int:
        """Reviews that applying opens, ads not on record included."""
        return self.opened + self.first

    @property
    def all_hours(self) -> float:
        """Of these."""
        return self.all_opened * self.handling.seconds / 3600

    @property
    def hours_saved(self) -> float:
        """Of the reviews closed."""
        return self.closed * self.handling.seconds / 3600


class Change(_Part):
    """One policy's verdict on an example. Thresholds are the new ones."""

    policy: str
    was: PolicyOutcome | None = Field(description="null: not known")
    now: PolicyOutcome
    risk_before: float | None
    risk_after: float | None
    approve_below: float | None
    reject_at: float | None
    because: str = Field(description="the rule that gives the new verdict")


class Example(_Part):
    """An ad whose verdict flips."""

    ad_id: str
    decision_id: str
    market: str
    was: Verdict
    now: Verdict
    by: By
    impressions: float | None
    shard: str
    row: int
    readable: bool = Field(description="whether the run's input still holds the ad")
    title: str | None = Field(description="the advertiser's text")
    body: str | None
    changes: tuple[Change, ...]
    reasons: tuple[Reason, ...] | None = Field(description="the strongest of the new decision for the policies above; null: not known")
    degraded: tuple[str, ...]


class Difference(_Part):
    """All of it."""

    run: Versions
    against: Baseline
    inventory: Inventory
    compared: tuple[Compared, ...]
    flips: tuple[Flip, ...] = Field(description="of the model's verdicts; by market, then direction")
    against_people: tuple[Flip, ...] = Field(description="of people's verdicts; applying leaves these alone")
    unrecorded: tuple[Unrecorded, ...] = Field(description="by market, then verdict")
    policies: tuple[PolicyFlip, ...]
    unknown_policies: int = Field(description="flips of the model's verdicts whose old verdicts by policy are gone")
    reviews: tuple[Reviews, ...]
    examples: tuple[Example, ...] = Field(description="most impressions first, some of each direction")
    reasons_missing: str | None = Field(default=None, description="why no example has reasons, in words; null: they could be made")

    @property
    def flipped(self) -> int:
        return sum(one.ads for one in self.flips)

    @property
    def held(self) -> int:
        """Ads that would change, and that applying leaves alone all the same: their new decision is degraded and less severe."""
        return sum(one.held for one in self.flips) + sum(one.held for one in self.unrecorded)

    @property
    def markets(self) -> tuple[str, ...]:
        return tuple(sorted({one.market for one in self.compared} | {one.market for one in self.unrecorded}))

    def total(self, by: By, was: Verdict | None = None, now: Verdict | None = None) -> int:
        """Compared ads of all markets."""
        return sum(one.ads for one in self.compared if one.by == by and was in (None, one.was) and now in (None, one.now))

    def first(self, market: str, verdict: Verdict | None = None) -> int:
        """Ads of a market that are not on record."""
        return sum(one.ads for one in self.unrecorded if one.market == market and verdict in (None, one.verdict))


def flips(compared: Sequence[Compared], by: By) -> tuple[Flip, ...]:
    """Those that change, each with its denominator; by market, then old and new verdict."""
    of: dict[tuple[str, Verdict], int] = {}
    for one in compared:
        if one.by == by:
            of[one.market, one.was] = of.get((one.market, one.was), 0) + one.ads
    found = [Flip(**one.model_dump(), of=of[one.market, one.was]) for one in compared if one.by == by and one.was is not one.now]
    return tuple(sorted(found, key=lambda one: (one.market, one.was.severity, one.now.severity)))
