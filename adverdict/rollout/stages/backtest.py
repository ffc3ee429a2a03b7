"""What a candidate would have done to ads on record: decided twice, by advertiser, with what people said of them.

Risks are those on record, of policies that were not in force too; a candidate that is another model scores a part of the ads anew. An ad
that lacks a risk, or that left the models early with another verdict than the candidate's, has no answer here and is counted apart: its
early risk was good enough for the control's thresholds only.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict, deque
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np
from pydantic import JsonValue

from adverdict.certification.statistics.intervals import clopper_pearson
from adverdict.decisions.decide import DecisionContext, decide
from adverdict.decisions.policy import PolicyBook, Stance
from adverdict.decisions.recorded import familiarity_of
from adverdict.decisions.thresholds import SolvedThresholds
from adverdict.domain.decision import Decision
from adverdict.domain.verdict import Verdict
from adverdict.ledger.entries import DecisionMade, Resolved
from adverdict.ledger.store import Ledger
from adverdict.review.period import Period, about_each, entries_in, pages
from adverdict.rollout.stages.rescored import Rescored, sample
from adverdict.workforce.handling import measured

NORMAL_95 = 1.96
MOST = 50_000
"""Ads looked at: the last ones."""
MOST_SCORED = 2_000
"""Ads that a model scores anew: at some 20 ms each."""
PAGE = 500


@dataclass(frozen=True)
class Rules:
    """What decides: policies, and the thresholds solved for them."""

    book: PolicyBook
    solved: SolvedThresholds

    def decide(self, made: DecisionMade) -> Decision:
        """By the risks on record, as of when it was decided, as if no brake had been on."""
        before = made.decision
        context = DecisionContext("backtest", before.decided_at, before.bundle_version, familiarity=familiarity_of(before))
        return decide(made.ad, before.risks, self.book, self.solved, context=context)

    def decide_all(self, made: Sequence[DecisionMade]) -> list[Decision | None]:
        """One each; None where a risk that it would ask for is not on record."""
        return [None if self.lacks(one) else self.decide(one) for one in made]

    def lacks(self, made: DecisionMade) -> bool:
        """Whether a risk that it would ask for is not on record."""
        risks = made.decision.risks
        asked = self.book.in_force(made.ad.market, made.ad.surface)
        return any(policy.name not in risks for policy in asked if policy.stance is not Stance.ALLOWED)


@dataclass
class Backtest:
    """Ads decided by both."""

    since: datetime
    until: datetime
    before: Counter[Verdict] = field(default_factory=Counter)
    after: Counter[Verdict] = field(default_factory=Counter)
    flips: Counter[tuple[Verdict, Verdict]] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)
    labelled: Counter[tuple[Verdict, Verdict, bool]] = field(default_factory=Counter)
    """Of the flips, those that people read: whether the ad violates."""
    change: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))
    """Advertiser -> ads that newly go to people, less those that no longer do."""
    by_market: Counter[tuple[str, Verdict, Verdict]] = field(default_factory=Counter)
    """(market, before, after) -> ads."""
    seconds: float = 0.0
    """Of a review, mean."""
    recorded: int = 0
    """Ads of the period, of which some were looked at."""
    scored: bool = False
    """Whether a model scored them anew."""

    @property
    def ads(self) -> int:
        return self.before.total()

    @property
    def days(self) -> float:
        return max((self.until - self.since) / timedelta(days=1), 1.0)

    def to_json(self) -> dict[str, JsonValue]:
        """What is stored with a proposal, and scored when it is done."""
        ads = max(self.ads, 1)
        moved, half = self._moved()
        shares: dict[str, JsonValue] = {
            name: {str(verdict): counted[verdict] / ads for verdict in Verdict}
            for name, counted in (("before", self.before), ("after", self.after))
        }
        return {
            "ads": self.ads,
            "advertisers": len(self.change),
            "days": self.days,
            "ads_a_day": self.recorded / self.days,
            "share": min(1.0, (self.ads + self.left_out.total()) / max(self.recorded, 1)),
            "scored_anew": self.scored,
            "markets": {market: self._of_market(market) for market in sorted({market for market, _, _ in self.by_market})},
            "left_out": dict(self.left_out),
            **shares,
            "to_people": {"change": moved, "low": moved - half, "high": moved + half},
            "hours_a_day": {"change": moved * self.ads / self.days * self.seconds / 3600, "seconds_each": self.seconds},
            "flips": {f"{before} -> {after}": count for (before, after), count in sorted(self.flips.items())},
            "newly_approved": self._read(Verdict.APPROVE),
            "newly_rejected": self._read(Verdict.REJECT),
        }

    def _of_market(self, market: str) -> JsonValue:
        """What becomes of its ads, for whoever plans people."""
        counts = [(before, after, n) for (where, before, after), n in self.by_market.items() if where == market]
        names = ((Verdict.REVIEW, "reviewed"), (Verdict.REJECT, "rejected"))
        told: dict[str, JsonValue] = {"ads": sum(n for _, _, n in counts)}
        for verdict, name in names:
            told[f"{name}_before"] = sum(n for before, _, n in counts if before is verdict)
            told[f"{name}_after"] = sum(n for _, after, n in counts if after is verdict)
        return told

    def _moved(self) -> tuple[float, float]:
        """Change of the share that goes to people, and half its 95 % interval: advertisers are the sample."""
        if not self.ads:
            return 0.0, 0.0
        changes = np.array(list(self.change.values()), dtype=np.float64)
        if not changes.any():  # that no advertiser's ads moved is not that none ever would
            return 0.0, clopper_pearson(0, len(changes))[1]
        spread = float(changes.std(ddof=1)) if len(changes) > 1 else 0.0
        return float(changes.sum()) / self.ads, NORMAL_95 * spread * math.sqrt(len(changes)) / self.ads

    def _read(self, verdict: Verdict) -> JsonValue:
        """Of ads that only the candidate would decide so and that people read: how many violate."""
        flipped = [(violates, n) for (_, to, violates), n in self.labelled.items() if to is verdict]
        total, violating = sum(n for _, n in flipped), sum(n for violates, n in flipped if violates)
        low, high = clopper_pearson(violating, total) if total else (0.0, 1.0)
        return {"read": total, "violate": violating, "low": low, "high": high}


def backtest(
    ledger: Ledger,
    base: Rules,
    candidate: Rules | Rescored,
    markets: Collection[str],
    since: datetime,
    until: datetime,
    bundle: str | None = None,
) -> Backtest:
    """First decisions of a period in these markets (empty: all). ``bundle``: only what that one scored. Raises Unavailable."""
    scored = isinstance(candidate, Rescored)
    found = Backtest(since, until, seconds=measured(ledger).of("").seconds, scored=scored)
    recorded = _recorded(ledger, markets, since, until, found)
    for page in pages(sample(recorded, MOST_SCORED) if scored else recorded, PAGE):
        with ledger.look() as connection:
            said = about_each(connection, [one.decision.decision_id for one in page], (Resolved.kind,))
        for one, after in zip(page, candidate.decide_all(page), strict=True):
            resolved = [entry.body for entry in said.get(one.decision.decision_id, ()) if isinstance(entry.body, Resolved)]
            if bundle is not None and one.decision.bundle_version not in (None, bundle):
                found.left_out["another bundle decided it"] += 1
                continue
            _count(found, base, after, one, resolved[-1].verdict is Verdict.REJECT if resolved else None)
    return found


def _count(found: Backtest, base: Rules, decided: Decision | None, made: DecisionMade, violates: bool | None) -> None:
    if made.decision.bundle_version is None or base.lacks(made) or (decided is None and not found.scored):
        found.left_out["a risk is not on record"] += 1
        return
    if decided is None:
        found.left_out["the candidate fails on it"] += 1
        return
    before, after = base.decide(made).verdict, decided.verdict
    if made.decision.exit == "early" and before is not after and not found.scored:
        found.left_out["it left the models early"] += 1
        return
    found.before[before] += 1
    found.after[after] += 1
    found.by_market[made.ad.market, before, after] += 1
    found.change[made.ad.advertiser_id] += (after is Verdict.REVIEW) - (before is Verdict.REVIEW)
    if before is not after:
        found.flips[before, after] += 1
        if violates is not None:
            found.labelled[before, after, violates] += 1


def _recorded(ledger: Ledger, markets: Collection[str], since: datetime, until: datetime, found: Backtest) -> Iterable[DecisionMade]:
    """The last ``MOST``; how many there are is counted."""

    def counted(made: Iterable[DecisionMade]) -> Iterable[DecisionMade]:
        for one in made:
            if not markets or one.ad.market in markets:
                found.recorded += 1
                yield one

    bodies = (entry.body for entry in entries_in(ledger, Period(since, until), (DecisionMade.kind,)))
    made = (body for body in bodies if isinstance(body, DecisionMade) and body.first and body.step is None)
    return deque(counted(made), maxlen=MOST)
