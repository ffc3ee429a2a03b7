"""Decisions on record decided again by other policies or thresholds: what they would have left to people and rejected."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from adverdict.decisions.decide import DecisionContext, decide
from adverdict.decisions.policy import PolicyBook, Stance
from adverdict.decisions.recorded import familiarity_of
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


@dataclass(frozen=True)
class Rules:
    """What decides: policies, and the thresholds solved for them; None: those that each ad was decided by."""

    book: PolicyBook
    solved: SolvedThresholds | None = None

    def in_force(self, ad: Ad) -> frozenset[str]:
        """Policies that can stop this ad."""
        return frozenset(policy.name for policy in self.book.in_force(ad.market, ad.surface) if policy.stance is not Stance.ALLOWED)


@dataclass
class _Tally:
    ads: int = 0
    before: Counter[Verdict] = field(default_factory=Counter)
    after: Counter[Verdict] = field(default_factory=Counter)


def shares(ledger: Ledger, period: Period, before: Rules, after: Rules, markets: Collection[str] = ()) -> list[Shares]:
    """By market (empty: all), from submissions on record in a period whose risks were all recorded: both sides on the same risks.

    Raises InvalidInput where no market has ``ENOUGH`` of them, or Unavailable.
    """
    made = (one.body for one in entries_in(ledger, period, [DecisionMade.kind]) if isinstance(one.body, DecisionMade))
    chosen = (one for one in made if one.first and one.step is None and (not markets or one.ad.market in markets))
    tallies = _tallied(ledger, chosen, before, after)
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


def _tallied(ledger: Ledger, made: Iterable[DecisionMade], before: Rules, after: Rules) -> dict[str, _Tally]:
    kept: dict[str | None, SolvedThresholds | None] = {None: SolvedThresholds()}
    tallies = dict[str, _Tally]()
    for one in made:
        if one.thresholds not in kept:
            kept[one.thresholds] = _recalled(ledger, str(one.thresholds))
        own, risks = kept[one.thresholds], one.decision.risks
        # An ad whose model was missing, or one without the risks of policies that are newly in force, says nothing of the change.
        if own is None or not risks or not after.in_force(one.ad) - before.in_force(one.ad) <= set(risks):
            continue
        was, would = (_verdict(one, rules, own) for rules in (before, after))
        if one.decision.exit == "early" and was is not would:
            continue  # its early risk was good enough for the thresholds of then only
        tally = tallies.setdefault(one.ad.market, _Tally())
        tally.ads += 1
        tally.before[was] += 1
        tally.after[would] += 1
    return tallies


def _verdict(one: DecisionMade, rules: Rules, own: SolvedThresholds) -> Verdict:
    made = one.decision
    context = DecisionContext("scenario", made.decided_at, made.bundle_version, familiarity=familiarity_of(made))
    return decide(one.ad, made.risks, rules.book, own if rules.solved is None else rules.solved, context=context).verdict


def _recalled(ledger: Ledger, digest: str) -> SolvedThresholds | None:
    try:
        return SolvedThresholds.from_json(ledger.recall("thresholds", digest).decode())
    except NotFound:
        return None
