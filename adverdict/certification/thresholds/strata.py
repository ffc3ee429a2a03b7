"""Which ads answer for which thresholds: a policy in one market, or in several small ones that borrow strength from each other.

Who pools is settled by how many labelled ads there are, never by what they say, so that no market is pooled because its own labels were
unwelcome.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from adverdict.certification.statistics.bounds import Sizes, fewest_draws
from adverdict.certification.thresholds.least_harm import Stakes
from adverdict.certification.thresholds.scored import ScoredAds
from adverdict.certification.words import Strength as Strength
from adverdict.decisions.harm import LEAKED
from adverdict.decisions.policy import Licence, PolicyBook, PolicyInForce, Stance, Targets

OWN = 3.0
"""A market stands on its own with this many times the fewest draws that could certify anything: enough to forgive a few errors."""
PRESENT = 30
"""A market with fewer labelled ads than this is in no pool: nothing would speak for it, or against."""

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
    """Questions answered together, from the same labels."""

    questions: tuple[Question, ...]
    strength: Strength
    level: float
    """The chance of error each side may spend."""
    family: tuple[str, ...]
    """Names of the questions whose certificates hold all at once, with the confidence stated."""
    sources: tuple[str, ...]
    """The markets whose labels are used; more than those of the questions where larger ones lend theirs."""
    rows: Rows
    """The ads with those labels."""

    @property
    def policy(self) -> str:
        return self.questions[0].policy

    @property
    def targets(self) -> Targets:
        return self.questions[0].targets

    @property
    def surfaces(self) -> frozenset[str] | None:
        """Where, as in ``Question``."""
        return self.questions[0].surfaces

    @property
    def stakes(self) -> Stakes:
        """The strictest of its questions."""
        return reduce(Stakes.strictest, (question.stakes for question in self.questions))

    @property
    def rejects(self) -> bool:
        return any(question.rejects for question in self.questions)

    @property
    def max_missed(self) -> float | None:
        return min((question.max_missed for question in self.questions if question.max_missed is not None), default=None)


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
    return [gathered.question(*key) for key, gathered in found.items()]


_Key = tuple[str, str, Targets]


@dataclass
class _Gathered:
    """A question while its places are being collected. Surface None stands for all that are not named."""

    policies: list[PolicyInForce] = field(default_factory=list)
    surfaces: set[str | None] = field(default_factory=set)
    rows: list[Rows] = field(default_factory=list)

    def question(self, policy: str, market: str, targets: Targets) -> Question:
        named = None if None in self.surfaces else frozenset(surface for surface in self.surfaces if surface is not None)
        rows = np.sort(np.concatenate([*self.rows, np.zeros(0, dtype=np.intp)]))
        missed = min((one.max_missed for one in self.policies if one.max_missed is not None), default=None)
        return Question(policy, market, targets, reduce(Stakes.strictest, map(stakes_of, self.policies)), missed, named, rows)


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
    """Questions put together as their numbers of labels allow. Each policy's confidence stands for itself, as its manager reads it; with
    ``all_at_once`` for all policies of a market together (Bonferroni). A surface with targets of its own is a question more."""
    family: defaultdict[str, list[Question]] = defaultdict(list)
    for question in asked:
        family[question.market].append(question)
    alike: defaultdict[tuple[str, frozenset[str] | None], list[Question]] = defaultdict(list)
    for question in asked:
        alike[question.policy, question.surfaces].append(question)
    made: list[Stratum] = []
    for same in alike.values():
        made += _grouped(scored, same, {q.market: _at_once(family[q.market], None if all_at_once else q.policy) for q in same})
    return made


def _at_once(asked: Sequence[Question], policy: str | None) -> tuple[str, ...]:
    return tuple(sorted(question.name for question in asked if policy in (None, question.policy)))


def _may_reject(policy: PolicyInForce) -> bool:
    """Whether thresholds may reject anybody: where a licence is asked for, those who hold none."""
    return policy.stance is Stance.PROHIBITED or policy.licence is Licence.REQUIRED


def _grouped(scored: ScoredAds, same: Sequence[Question], family: dict[str, tuple[str, ...]]) -> list[Stratum]:
    """The strata of one policy. Markets of a pool answer each with its own targets, from the labels of all of them."""
    alone, small, empty = [], [], []
    for question in same:
        rows = _labelled(scored, question)
        if len(rows) < PRESENT:
            empty.append(question)
        elif _enough(scored, rows, question.targets, _level(question, family)):
            alone.append(question)
        else:
            small.append(question)
    made = [_stratum(scored, [question], [], family) for question in [*alone, *empty]]
    for targets in dict.fromkeys(question.targets for question in small):
        served = [question for question in small if question.targets == targets]
        others = [question for question in small if question.targets != targets]
        pool = _stratum(scored, served, others, family)
        lacking = bool(alone) and not _enough(scored, pool.rows, targets, pool.level)
        made.append(_stratum(scored, served, [*others, *alone], family) if lacking else pool)
    return made


def _stratum(scored: ScoredAds, served: Sequence[Question], lenders: Sequence[Question], family: dict[str, tuple[str, ...]]) -> Stratum:
    sources = [*served, *lenders]
    return Stratum(
        questions=tuple(served),
        strength=Strength.POOLED if len(sources) > 1 else Strength.OWN,
        level=min(_level(question, family) for question in served),
        family=tuple(sorted({name for question in served for name in family[question.market]})),
        sources=tuple(sorted(question.market for question in sources)),
        rows=np.sort(np.concatenate([_labelled(scored, question) for question in sources])),
    )


def _level(question: Question, family: dict[str, tuple[str, ...]]) -> float:
    sides = 2 if question.rejects else 1
    return (1.0 - question.targets.confidence) / (sides * len(family[question.market]))


def _labelled(scored: ScoredAds, question: Question) -> Rows:
    kept: Rows = question.rows[~np.isnan(scored.verdict[question.rows, scored.policies.index(question.policy)])]
    return kept


def _enough(scored: ScoredAds, rows: Rows, targets: Targets, level: float) -> bool:
    """For the leakage: rejections are few wherever violations are."""
    if targets.max_leakage <= 0:
        return False
    return Sizes.of(np.unique(scored.group[rows], return_inverse=True)[1]).draws >= OWN * fewest_draws(targets.max_leakage, level)
