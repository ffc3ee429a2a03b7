"""Whether a decision of a rescoring is put on record, from what stands of its ad. Plain rules, no I/O."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from adverdict.domain.verdict import Verdict


class SkipReason(StrEnum):
    """Why a decision is left alone."""

    UNCHANGED = "the verdict is what stands"
    APPLIED = "applied before, and stands"
    NO_LONGER = "applied before, and no longer what stands"
    PERSON = "a person's verdict stands"
    APPEAL = "an appeal is still to be ruled on"
    NEWER = "a newer version of the ad was decided"
    OLDER = "the run holds a newer version of the ad"
    DEGRADED = "degraded, and would make the ad less safe"
    STEERED = "a brake that is on, or a revoked certificate, stops such a verdict"
    MORE = "more than --max"


@dataclass(frozen=True, slots=True)
class RescoredDecision:
    """A rescored decision, as far as the rules read it."""

    decision_id: str
    verdict: Verdict
    degraded: bool
    submitted_at: int
    """Of the ad, in microseconds since 1970 UTC: which version it is."""


@dataclass(frozen=True, slots=True)
class EffectiveVerdict:
    """What stands of the ad. ``ledger.effective.EffectiveDecision`` is one; so is a row of its export."""

    decision_id: str
    verdict: Verdict
    by: Literal["model", "person"]
    submitted_at: int


def freed() -> tuple[tuple[Verdict | None, Verdict], ...]:
    """(What stands, new verdict), where ``skip_reason`` leaves a degraded decision alone: for what counts them by the million in SQL."""
    stands = {None: None} | {was: EffectiveVerdict("before", was, "model", 0) for was in Verdict}
    return tuple(
        (was, now)
        for was in stands
        for now in Verdict
        if skip_reason(RescoredDecision("new", now, True, 0), stands[was]) is SkipReason.DEGRADED
    )


def skip_reason(new: RescoredDecision, now: EffectiveVerdict | None) -> SkipReason | None:
    """Why the decision is left alone; None: it is put on record.

    A version of an ad that was never decided is: nothing stands of it. Where something was missing when an ad was rescored, only a
    more severe verdict counts, for what nobody knows must not free an ad.
    """
    if now is None or now.submitted_at < new.submitted_at:
        return SkipReason.DEGRADED if new.degraded and new.verdict is Verdict.APPROVE else None
    if now.submitted_at > new.submitted_at:
        return SkipReason.NEWER
    if now.by == "person":
        return SkipReason.PERSON
    if now.decision_id == new.decision_id:
        return SkipReason.APPLIED
    if now.verdict is new.verdict:
        return SkipReason.UNCHANGED
    if new.degraded and new.verdict.severity < now.verdict.severity:
        return SkipReason.DEGRADED
    return None
