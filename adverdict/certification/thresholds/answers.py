"""How far the labels of each stratum certify, and the thresholds chosen within that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from adverdict.certification.certificate import LabelNoise, MarketEvidence
from adverdict.certification.statistics.bounds import p_value_over
from adverdict.certification.thresholds.scored import ScoredAds
from adverdict.certification.thresholds.sequence import GRID, Counts, FixedSequenceTest, LabelledAds, Side, fixed_sequence_test
from adverdict.certification.thresholds.strata import PRESENT, Question, Stratum, Strength
from adverdict.decisions.policy import Thresholds

TRUE_LABELS = LabelNoise(sensitivity=1.0, specificity=1.0, source="assumed")
CONTRADICTED = 0.01
"""A market of a pool whose own labels would be this unlikely within the target is not served by the pool."""


@dataclass(frozen=True)
class Answer:
    """A stratum with both sides tested. ``thresholds`` are the boldest certified; ``markets`` says whom they serve."""

    stratum: Stratum
    ads: LabelledAds
    noise: LabelNoise
    approve: FixedSequenceTest
    reject: FixedSequenceTest | None
    """None where nothing may be rejected."""
    thresholds: Thresholds
    markets: tuple[MarketEvidence, ...]

    @property
    def served(self) -> tuple[Question, ...]:
        names = {one.market for one in self.markets if one.served}
        return tuple(question for question in self.stratum.questions if question.market in names)


def answer(scored: ScoredAds, stratum: Stratum, noise: Mapping[str, LabelNoise]) -> Answer:
    """Test both sides of a stratum. ``noise`` by policy; other labels are taken as true."""
    ads = scored.labelled(stratum.policy, stratum.rows)
    raters = noise.get(stratum.policy, TRUE_LABELS)
    approve, reject = sequence_tests(ads, stratum, raters)
    found = boldest(approve, reject)
    return Answer(stratum, ads, raters, approve, reject, found, _markets(scored, stratum, found))


def sequence_tests(ads: LabelledAds, stratum: Stratum, noise: LabelNoise) -> tuple[FixedSequenceTest, FixedSequenceTest | None]:
    """Both sides of a stratum; None where nothing may be rejected."""
    leakage = stratum.targets.max_leakage * noise.sensitivity
    wrongful = stratum.targets.max_wrongful_reject * noise.specificity
    approve = fixed_sequence_test(ads, Side.APPROVE, leakage, stratum.level)
    return approve, fixed_sequence_test(ads, Side.REJECT, wrongful, stratum.level) if stratum.rejects else None


def boldest(approve: FixedSequenceTest, reject: FixedSequenceTest | None) -> Thresholds:
    """The thresholds that decide most within what both sides certify. Where both could take an ad it is rejected, if that is certified."""
    if approve.first is None or approve.last is None:
        return Thresholds(0.0, reject.last.threshold if reject and reject.last else 1.0)
    if reject is None or reject.first is None or reject.last is None:
        return Thresholds(approve.last.threshold, 1.0)
    if approve.last.threshold <= reject.last.threshold:
        return Thresholds(approve.last.threshold, reject.last.threshold)
    # Every threshold from first to last is certified on its side: one that both ranges hold serves both.
    common = max(reject.last.threshold, approve.first.threshold)
    if common <= min(approve.last.threshold, reject.first.threshold):
        return Thresholds(common, common)
    return Thresholds(approve.last.threshold, 1.0)


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
