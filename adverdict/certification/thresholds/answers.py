"""How far the labels of each stratum certify, and the thresholds of least harm within that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from adverdict.certification.certificate import LabelNoise, MarketEvidence
from adverdict.certification.statistics.bounds import p_value_over
from adverdict.certification.thresholds.least_harm import least_harm, on_grid
from adverdict.certification.thresholds.scored import ScoredAds
from adverdict.certification.thresholds.sequence import GRID, Counts, FixedSequenceTest, LabelledAds, Side, fixed_sequence_test
from adverdict.certification.thresholds.strata import PRESENT, Question, Stratum, Strength
from adverdict.decisions.policy import Thresholds

TRUE_LABELS = LabelNoise(sensitivity=1.0, specificity=1.0, source="assumed")
CONTRADICTED = 0.01
"""A market of a pool whose own labels would be this unlikely within the target is not served by the pool."""


@dataclass(frozen=True)
class Answer:
    """A stratum with both sides tested; ``markets`` says whom the thresholds serve."""

    stratum: Stratum
    ads: LabelledAds
    noise: LabelNoise
    approve: FixedSequenceTest
    reject: FixedSequenceTest | None
    """None where nothing may be rejected."""
    aim: Thresholds
    """Those of least harm at the price of a review, settled before any label was looked at."""
    thresholds: Thresholds
    """The nearest to the aim that are certified."""
    markets: tuple[MarketEvidence, ...]

    @property
    def served(self) -> tuple[Question, ...]:
        names = {one.market for one in self.markets if one.served}
        return tuple(question for question in self.stratum.questions if question.market in names)


def answer(scored: ScoredAds, stratum: Stratum, noise: Mapping[str, LabelNoise], price: float) -> Answer:
    """Test both sides of a stratum up to what its policy permits, and choose by the price of a review within what is certified.

    ``noise`` by policy; other labels are taken as true.
    """
    ads = scored.labelled(stratum.policy, stratum.rows)
    raters = noise.get(stratum.policy, TRUE_LABELS)
    aim = on_grid(least_harm(price, stratum.stakes))
    approve, reject = sequence_tests(ads, stratum, raters, aim)
    chosen = nearest(approve, reject, aim)
    return Answer(stratum, ads, raters, approve, reject, aim, chosen, _markets(scored, stratum, chosen))


def sequence_tests(
    ads: LabelledAds, stratum: Stratum, noise: LabelNoise, aim: Thresholds
) -> tuple[FixedSequenceTest, FixedSequenceTest | None]:
    """Both sides of a stratum; None where nothing may be rejected."""
    targets, stakes, level = stratum.targets, stratum.stakes, stratum.level
    approve = fixed_sequence_test(
        ads, Side.APPROVE, targets.max_leakage * noise.sensitivity, level, furthest=stakes.max_risk, aim=aim.approve_below
    )
    if not stratum.rejects:
        return approve, None
    wrongful = targets.max_wrongful_reject * noise.specificity
    reject = fixed_sequence_test(ads, Side.REJECT, wrongful, level, furthest=stakes.min_risk_rejected, aim=aim.reject_at)
    return approve, reject


def nearest(approve: FixedSequenceTest | None, reject: FixedSequenceTest | None, aim: Thresholds) -> Thresholds:
    """The certified thresholds nearest to the aim, on each side none that decides more than it; 0 and 1 where a side has none."""
    below, at = certified(approve), certified(reject)
    below, at = below[below <= aim.approve_below], at[at >= aim.reject_at]
    return Thresholds(float(below.max(initial=0.0)), float(at.min(initial=1.0)))


def certified(side: FixedSequenceTest | None) -> NDArray[np.float64]:
    """Every threshold that the side certifies, from cautious to bold; empty when none is."""
    if side is None or side.first is None or side.last is None:
        return np.zeros(0)
    low, high = sorted((side.first.threshold, side.last.threshold))
    within = GRID[(low <= GRID) & (high >= GRID)]
    return within if side.side is Side.APPROVE else within[::-1]


def _markets(scored: ScoredAds, stratum: Stratum, found: Thresholds) -> tuple[MarketEvidence, ...]:
    """Every market whose labels were used; a pool serves those its own labels do not speak against."""
    serves = {question.market: question for question in stratum.questions}
    made = []
    for market in sorted({*stratum.sources, *serves}):
        here = scored.labelled(stratum.policy, stratum.rows[scored.market[stratum.rows] == market])
        why_not = _why_not(here, found, stratum) if market in serves else None
        made.append(
            MarketEvidence(
                market=market,
                ads=len(serves[market].rows) if market in serves else len(here),
                labelled=len(here),
                violating=int(here.violating.sum()),
                served=market in serves and why_not is None,
                lends=market not in serves,
                why_not=why_not,
            )
        )
    return tuple(made)


def _why_not(here: LabelledAds, found: Thresholds, stratum: Stratum) -> str | None:
    """Why a market is not served; None: it is."""
    if len(here) < PRESENT:
        return f"{len(here)} labelled ads; {PRESENT} are needed before others may speak for it"
    return _contradiction(here, found, stratum) if stratum.strength is Strength.POOLED else None


def _contradiction(here: LabelledAds, found: Thresholds, stratum: Stratum) -> str | None:
    limits = {Side.APPROVE: stratum.targets.max_leakage, Side.REJECT: stratum.targets.max_wrongful_reject}
    for side, threshold in ((Side.APPROVE, found.approve_below), (Side.REJECT, found.reject_at)):
        index = int(np.searchsorted(GRID, threshold))
        if index >= len(GRID) or GRID[index] != threshold:
            continue  # 0 and 1 decide nothing
        counted = Counts(here, side).at(index)
        if p_value_over(counted.errors, counted.sizes, limits[side]) <= CONTRADICTED:
            wrong = "violate" if side is Side.APPROVE else "do not violate"
            return f"its own labels speak against it: {counted.errors} of {counted.ads} ads the pool would {side} {wrong}"
    return None
