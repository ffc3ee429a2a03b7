"""Decisions on record decided again by another folder of policy files: what it would have left to people and rejected."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from adverdict.decisions.decide import DecisionContext, decide
from adverdict.decisions.policy import PolicyBook, Stance
from adverdict.decisions.thresholds import SolvedThresholds
from adverdict.domain.ad import Ad
from adverdict.domain.errors import InvalidInput, Mistake, NotFound
from adverdict.domain.verdict import Verdict
from adverdict.ledger.entries import DecisionMade
from adverdict.ledger.store import Ledger
from adverdict.review.period import Period, entries_in
from adverdict.workforce.effects import Shares

ENOUGH = 50
"""Ads of a market below which its shares are not told."""


@dataclass
class _Tally:
    ads: int = 0
    before: Counter[Verdict] = field(default_factory=Counter)
    after: Counter[Verdict] = field(default_factory=Counter)


def shares(ledger: Ledger, period: Period, before: PolicyBook, after: PolicyBook, now: datetime) -> list[Shares]:
    """By market, from submissions on record in a period whose risks were all recorded: both books on the same risks and thresholds.

    Raises InvalidInput where no market has ``ENOUGH`` of them, or Unavailable.
    """
    made = (one.body for one in entries_in(ledger, period, [DecisionMade.kind]) if isinstance(one.body, DecisionMade))
    tallies = _tallied(ledger, (one for one in made if one.first and one.step is None), before, after, now)
    found = [
        Shares(
            market,
            tally.ads,
            tally.before[Verdict.REVIEW],
            tally.after[Verdict.REVIEW],
            tally.before[Verdict.REJECT],
            tally.after[Verdict.REJECT],
        )
        for market, tally in sorted(tallies.items())
        if tally.ads >= ENOUGH
    ]
    if not found:
        total = sum(tally.ads for tally in tallies.values())
        expected = f"at least {ENOUGH} submissions of one market {period} with their risks on record"
        raise InvalidInput("the change cannot be tried on past ads:", [Mistake("ads", total, expected)])
    return found


def _tallied(ledger: Ledger, made: Iterable[DecisionMade], before: PolicyBook, after: PolicyBook, now: datetime) -> dict[str, _Tally]:
    solved: dict[str | None, SolvedThresholds | None] = {None: SolvedThresholds()}
    context, tallies = DecisionContext("scenario", now, None), dict[str, _Tally]()
    for one in made:
        if one.thresholds not in solved:
            solved[one.thresholds] = _recalled(ledger, str(one.thresholds))
        thresholds, risks = solved[one.thresholds], one.decision.risks
        # An ad whose model was missing, or one without the risks of policies that are newly in force, says nothing of the change.
        if thresholds is None or not risks or not _newly_in_force(one.ad, before, after) <= set(risks):
            continue
        tally = tallies.setdefault(one.ad.market, _Tally())
        tally.ads += 1
        tally.before[decide(one.ad, risks, before, thresholds, context=context).verdict] += 1
        tally.after[decide(one.ad, risks, after, thresholds, context=context).verdict] += 1
    return tallies


def _newly_in_force(ad: Ad, before: PolicyBook, after: PolicyBook) -> set[str]:
    """Policies that can stop this ad by the other folder and are not in force by ours."""
    ours = {policy.name for policy in before.in_force(ad.market, ad.surface) if policy.stance is not Stance.ALLOWED}
    return {policy.name for policy in after.in_force(ad.market, ad.surface) if policy.stance is not Stance.ALLOWED} - ours


def _recalled(ledger: Ledger, digest: str) -> SolvedThresholds | None:
    try:
        return SolvedThresholds.from_json(ledger.recall("thresholds", digest).decode())
    except NotFound:
        return None
