"""How far the labels of each stratum certify, and the thresholds of least harm within that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from adverdict.certification.certificate import LabelNoise
from adverdict.certification.statistics.borrowed import FEWEST_OTHERS
from adverdict.certification.statistics.bounds import fewest_draws
from adverdict.certification.thresholds.scored import ScoredAds
from adverdict.certification.thresholds.sequence import (
    GRID,
    BettingCounts,
    BorrowingCounts,
    Counts,
    FixedSequenceTest,
    LabelledAds,
    Side,
    fixed_sequence_test,
)
from adverdict.certification.thresholds.strata import PRESENT, Stratum
from adverdict.certification.words import Strength
from adverdict.decisions.policy import Thresholds

TRUE_LABELS = LabelNoise(sensitivity=1.0, specificity=1.0, source="assumed")
DOUBTFUL = 0.2
"""Chance, after its own labels and those of others (``statistics.borrowed``), that a market is over its limit, above which the certificate
of all markets together does not serve it."""
ENOUGH = 3.0
"""A side stands on its own labels with this many times the fewest draws that could certify anything: enough to forgive a few errors."""


@dataclass(frozen=True)
class SideAnswer:
    """One side of a stratum, tested."""

    counts: Counts
    """Of the labels it was tested on."""
    test: FixedSequenceTest
    strength: Strength
    rows: NDArray[np.intp]
    """Of the scored ads that it was tested on."""
    furthest: float
    """The boldest threshold that could be tested."""


@dataclass(frozen=True)
class Answer:
    """A stratum with both sides tested, each on the labels that suit it."""

    stratum: Stratum
    ads: LabelledAds
    """Of its own market."""
    noise: LabelNoise
    approve: SideAnswer
    reject: SideAnswer | None
    """None where nothing may be rejected."""
    aim: Thresholds
    """Those of least harm at the price of a review, settled before any label was looked at."""
    thresholds: Thresholds
    """The nearest to the aim that are certified."""

    @property
    def served(self) -> bool:
        """Whether the market has labels enough of its own for anything to be said of it."""
        return len(self.ads) >= PRESENT

    def at_price(self, price: float) -> Thresholds:
        """Those of least harm at another price, within what is certified."""
        aim = self.stratum.question.aim(price)
        return nearest(self.approve.test, self.reject.test if self.reject else None, aim)


@dataclass(frozen=True)
class _Asked:
    """One side of a stratum: what is to be shown of it."""

    stratum: Stratum
    side: Side
    limit: float
    """For the rate of errors that labels may show: the target, lowered for what raters miss."""
    furthest: float
    """The boldest threshold the policy permits."""
    aim: float


class Labels:
    """The labelled ads of every stratum, counted once for all that rest on them."""

    def __init__(self, scored: ScoredAds, *, looked_again: bool = False) -> None:
        """``looked_again``: whether these labels, or a part of them, were solved with before, or more are to come."""
        self._scored = scored
        self._kind = BettingCounts if looked_again else Counts
        self.may_borrow = not looked_again
        self._alike: dict[str, float] = {}
        self._counts: dict[tuple[str, Side, float, bytes], Counts] = {}
        self._tests: dict[tuple[Counts, float, float, float, float], FixedSequenceTest] = {}

    def of(self, policy: str, rows: NDArray[np.intp]) -> LabelledAds:
        """A random part of the ads."""
        return replace(self._scored.labelled(policy, rows), elsewhere=self._alikeness(policy))

    def of_side(self, asked: _Asked, rows: NDArray[np.intp]) -> LabelledAds:
        """What speaks on one side: rejecting looks at no ad below what the policy permits, and so may use labels of risky ads."""
        policy = asked.stratum.policy
        if asked.side is Side.APPROVE:
            return self.of(policy, rows)
        return replace(self._scored.labelled_from(policy, rows, asked.furthest), elsewhere=self._alikeness(policy))

    def _alikeness(self, policy: str) -> float:
        """Of the ads of one advertiser in all markets together: what too few labels to show their own are taken to have."""
        if policy not in self._alike:
            self._alike[policy] = self._scored.labelled(policy, np.arange(len(self._scored))).alikeness
        return self._alike[policy]

    def counts(self, asked: _Asked, rows: NDArray[np.intp]) -> Counts:
        key = asked.stratum.policy, asked.side, asked.furthest, rows.tobytes()
        if key not in self._counts:
            self._counts[key] = self._kind(self.of_side(asked, rows), asked.side)
        return self._counts[key]

    def test(self, counts: Counts, limit: float, level: float, furthest: float, aim: float) -> FixedSequenceTest:
        """Markets with the same targets are answered by one test where they are taken together."""
        key = counts, limit, level, furthest, aim
        if key not in self._tests:
            self._tests[key] = fixed_sequence_test(counts, limit, level, furthest=furthest, aim=aim)
        return self._tests[key]


def answer(labels: Labels, stratum: Stratum, noise: Mapping[str, LabelNoise], price: float) -> Answer:
    """Test both sides of a stratum up to what its policy permits, and choose by the price of a review within what is certified.

    ``noise`` by policy; other labels are taken as true.
    """
    stakes, targets = stratum.question.stakes, stratum.targets
    ads, raters = labels.of(stratum.policy, stratum.rows), noise.get(stratum.policy, TRUE_LABELS)
    aim = stratum.question.aim(price)
    leakage = targets.max_leakage * raters.sensitivity
    approve = _tested(labels, _Asked(stratum, Side.APPROVE, leakage, stakes.max_risk, aim.approve_below))
    reject = None
    if stakes.rejects:
        wrongful = targets.max_wrongful_reject * raters.specificity
        furthest = max(stakes.min_risk_rejected, stratum.question.attainable.reject_at)
        reject = _tested(labels, _Asked(stratum, Side.REJECT, wrongful, furthest, aim.reject_at))
    return Answer(stratum, ads, raters, approve, reject, aim, nearest(approve.test, reject.test if reject else None, aim))


def _tested(labels: Labels, asked: _Asked) -> SideAnswer:
    """On the market's own labels where those at the threshold aimed at could bear a few errors; else on those of all markets together, as
    far as its own do not speak against it; else on its own with what the others lend.

    Which of them is settled by how many labels there are, by each side for itself: rejections are few wherever violations are.
    """
    stratum, limit, level = asked.stratum, asked.limit, asked.stratum.level
    own = labels.counts(asked, stratum.rows)
    enough = limit > 0 and float(own.worth.draws[_index(asked.aim)]) >= ENOUGH * fewest_draws(limit, level)
    if enough or len(labels.of(stratum.policy, stratum.rows)) < PRESENT or len(stratum.lenders) < FEWEST_OTHERS:
        return SideAnswer(own, labels.test(own, limit, level, asked.furthest, asked.aim), Strength.OWN, stratum.rows, asked.furthest)
    lent = [labels.counts(asked, rows).worth for rows in stratum.lenders.values()]
    borrowing = BorrowingCounts(labels.of_side(asked, stratum.rows), asked.side, lent)
    everything = np.sort(np.concatenate([stratum.rows, *stratum.lenders.values()]))
    together = labels.counts(asked, everything)
    joint = labels.test(together, limit, level, asked.furthest, asked.aim)
    used = _nearest(joint, asked.aim)
    if used is not None:
        over = borrowing.p_value(_index(used), limit)
        if over <= DOUBTFUL:
            strength = Strength.BORROWED if over <= level and labels.may_borrow else Strength.TOGETHER
            return SideAnswer(together, joint, strength, everything, asked.furthest)
    if not labels.may_borrow:
        return SideAnswer(own, labels.test(own, limit, level, asked.furthest, asked.aim), Strength.OWN, stratum.rows, asked.furthest)
    borrowed = fixed_sequence_test(borrowing, limit, level, furthest=asked.furthest, aim=asked.aim)
    return SideAnswer(borrowing, borrowed, Strength.BORROWED, stratum.rows, asked.furthest)


def _index(threshold: float) -> int:
    return min(int(np.searchsorted(GRID, threshold)), len(GRID) - 1)


def _nearest(test: FixedSequenceTest, aim: float) -> float | None:
    """The certified threshold nearest to the aim that decides no more; None: none is."""
    found = certified(test)
    found = found[found <= aim] if test.side is Side.APPROVE else found[found >= aim]
    return float(found[-1]) if len(found) else None


def nearest(approve: FixedSequenceTest | None, reject: FixedSequenceTest | None, aim: Thresholds) -> Thresholds:
    """The certified thresholds nearest to the aim, on each side none that decides more than it; 0 and 1 where a side has none."""
    below = None if approve is None else _nearest(approve, aim.approve_below)
    at = None if reject is None else _nearest(reject, aim.reject_at)
    return Thresholds(0.0 if below is None else below, 1.0 if at is None else at)


def certified(side: FixedSequenceTest | None) -> NDArray[np.float64]:
    """Every threshold that the side certifies, from cautious to bold; empty when none is."""
    if side is None or side.first is None or side.last is None:
        return np.zeros(0)
    low, high = sorted((side.first.threshold, side.last.threshold))
    within = GRID[(low <= GRID) & (high >= GRID)]
    return within if side.side is Side.APPROVE else within[::-1]
