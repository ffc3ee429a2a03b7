"""Who needs thresholds, and which labels answer: those of a policy in one market, and those that other markets lend."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from adverdict.certification.thresholds.least_harm import Stakes, attainable, least_harm, on_grid
from adverdict.certification.thresholds.scored import ScoredAds
from adverdict.certification.words import Strength as Strength
from adverdict.decisions.harm import LEAKED
from adverdict.decisions.policy import Licence, PolicyBook, PolicyInForce, Stance, Targets, Thresholds, WhenUncertified

PRESENT = 30
"""A market with fewer labelled ads of its own than this is served by nothing: nothing would speak for it, or against."""

Rows = NDArray[np.intp]


@dataclass(frozen=True)
class Question:
    """One policy under one set of targets in one market: what a pair of thresholds has to answer."""

    policy: str
    market: str
    targets: Targets
    stakes: Stakes
    """Of the severest place it is asked for, and the narrowest limits."""
    max_missed: float | None
    """Largest P(approved automatically | violating) that is asked for; None: it is only stated."""
    surfaces: frozenset[str] | None
    """The surfaces these targets are stated for; None: all that are not named."""
    rows: Rows
    """Every ad it decides on, labelled or not."""
    decides_uncertified: bool
    """Whether the policy lets thresholds decide of which nothing is shown yet."""
    attainable: Thresholds
    """The boldest at which the calibrated risks foresee both targets kept, in all markets together: beyond them labels hardly ever show
    what is asked for. Uses no label."""

    def aim(self, price: float) -> Thresholds:
        """The thresholds of least harm where a review costs ``price``, on the grid.

        Rejecting never begins below what is attainable: whom it would hit wrongly has nobody to see it. Approving may, for labels can show
        that risks are too high.
        """
        found = on_grid(least_harm(price, self.stakes))
        return Thresholds(found.approve_below, max(found.reject_at, self.attainable.reject_at))

    @property
    def rejects(self) -> bool:
        """Whether the market's rules let thresholds reject at all."""
        return self.stakes.rejects

    @property
    def name(self) -> str:
        """The policy, and where it is this question's if not everywhere."""
        return self.policy if self.surfaces is None else f"{self.policy} on {', '.join(sorted(self.surfaces))}"


@dataclass(frozen=True)
class Stratum:
    """A question with the labels that answer it."""

    question: Question
    level: float
    """The chance of error each side may spend."""
    family: tuple[str, ...]
    """Names of the questions whose certificates hold all at once, with the confidence stated."""
    rows: Rows
    """The labelled ads of its market."""
    lenders: Mapping[str, Rows]
    """By market, the labelled ads of the same policy and surfaces elsewhere."""

    @property
    def policy(self) -> str:
        return self.question.policy

    @property
    def targets(self) -> Targets:
        return self.question.targets


def questions(scored: ScoredAds, book: PolicyBook) -> list[Question]:
    """Every (policy, market, targets) the book leaves to solved thresholds and the models score."""
    found: dict[_Key, _Gathered] = {}
    for market, surface, policy in book.every():
        if policy.name in scored.policies and _solvable(policy):
            gathered = found.setdefault((policy.name, market, policy.targets), _Gathered())
            gathered.policies.append(policy)
            gathered.surfaces.add(surface)
    for (market, where), rows in scored.places.items():
        for policy in book.in_force(market, where or None):
            if policy.name in scored.policies and _solvable(policy):
                found[policy.name, market, policy.targets].rows.append(rows)
    foreseen = _foreseen(scored, found)
    return [gathered.question(*key, foreseen[key[0], gathered.named, key[2]]) for key, gathered in found.items()]


def _foreseen(scored: ScoredAds, found: Mapping[_Key, _Gathered]) -> dict[_Alike, Thresholds]:
    """What is attainable under a policy, on its surfaces, by its targets, in all markets together."""
    rows: defaultdict[_Alike, list[Rows]] = defaultdict(list)
    for (policy, _, targets), gathered in found.items():
        rows[policy, gathered.named, targets].append(gathered.every_row)
    risks = {key: scored.risk[np.concatenate(parts), scored.policies.index(key[0])] for key, parts in rows.items()}
    return {key: attainable(risk, key[2]) for key, risk in risks.items()}


_Key = tuple[str, str, Targets]
_Alike = tuple[str, frozenset[str] | None, Targets]


@dataclass
class _Gathered:
    """A question while its places are being collected. Surface None stands for all that are not named."""

    policies: list[PolicyInForce] = field(default_factory=list)
    surfaces: set[str | None] = field(default_factory=set)
    rows: list[Rows] = field(default_factory=list)

    @property
    def named(self) -> frozenset[str] | None:
        return None if None in self.surfaces else frozenset(surface for surface in self.surfaces if surface is not None)

    @property
    def every_row(self) -> Rows:
        return np.sort(np.concatenate([*self.rows, np.zeros(0, dtype=np.intp)]))

    def question(self, policy: str, market: str, targets: Targets, foreseen: Thresholds) -> Question:
        stakes = reduce(Stakes.strictest, map(stakes_of, self.policies))
        missed = min((one.max_missed for one in self.policies if one.max_missed is not None), default=None)
        uncertified = all(one.when_uncertified is WhenUncertified.DECIDE for one in self.policies)
        return Question(policy, market, targets, stakes, missed, self.named, self.every_row, uncertified, foreseen)


def stakes_of(policy: PolicyInForce) -> Stakes:
    """What is at stake where a policy is in force."""
    return Stakes(
        LEAKED[policy.severity],
        1.0 if policy.max_risk is None else policy.max_risk,
        0.0 if policy.min_risk_rejected is None else policy.min_risk_rejected,
        _may_reject(policy),
    )


def _solvable(policy: PolicyInForce) -> bool:
    return policy.thresholds is None and policy.stance is not Stance.ALLOWED


def strata(scored: ScoredAds, asked: Sequence[Question], *, all_at_once: bool = False) -> list[Stratum]:
    """Each question with its labels. Each policy's confidence stands for itself, as its manager reads it; with ``all_at_once`` for all
    policies of a market together (Bonferroni). A surface with targets of its own is a question more."""
    family: defaultdict[str, list[Question]] = defaultdict(list)
    alike: defaultdict[tuple[str, frozenset[str] | None], dict[str, Rows]] = defaultdict(dict)
    for question in asked:
        family[question.market].append(question)
        alike[question.policy, question.surfaces][question.market] = _labelled(scored, question)
    made = []
    for question in asked:
        rows = alike[question.policy, question.surfaces]
        together = _at_once(family[question.market], None if all_at_once else question.policy)
        others = {market: lent for market, lent in rows.items() if market != question.market and len(lent)}
        made.append(Stratum(question, _level(question, together), together, rows[question.market], others))
    return made


def _at_once(asked: Sequence[Question], policy: str | None) -> tuple[str, ...]:
    return tuple(sorted(question.name for question in asked if policy in (None, question.policy)))


def _may_reject(policy: PolicyInForce) -> bool:
    """Whether thresholds may reject anybody: where a licence is asked for, those who hold none."""
    return policy.stance is Stance.PROHIBITED or policy.licence is Licence.REQUIRED


def _level(question: Question, family: tuple[str, ...]) -> float:
    sides = 2 if question.rejects else 1
    return (1.0 - question.targets.confidence) / (sides * len(family))


def _labelled(scored: ScoredAds, question: Question) -> Rows:
    column = scored.policies.index(question.policy)
    known = ~np.isnan(scored.verdict[question.rows, column])
    if scored.risky is not None:
        known |= ~np.isnan(scored.risky[question.rows, column])
    kept: Rows = question.rows[known]
    return kept
