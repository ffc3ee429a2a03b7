"""What is watched while a candidate is on trial: settled audits, first ads and appeals of both arms -> evidence that it does harm.

All guards of a roll-out share one alpha: the chance that a harmless one is ended by any of them. No look costs anything, however many there
are (``certification.statistics.sequential``). What has not settled counts as clean here; whoever advances must wait for it instead.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from adverdict.certification.statistics.intervals import clopper_pearson
from adverdict.certification.statistics.sequential import Bets, bets_for, bets_of_guard, bets_on_pairs, sample_ratio
from adverdict.decisions.rollout import Guard
from adverdict.domain.verdict import Verdict

TrialSide = Literal["candidate", "control"]
SAMPLE_ALPHA = 0.01
"""Chance that arms of one size are taken for unequal. Not of the alpha of harm: it ends nothing, it holds."""
ADVANCE_ALPHA = 0.05
"""Chance, a guard and roll-out, that a limit which is exceeded is taken for kept. Less than that, and a person decides."""


@dataclass(frozen=True, slots=True)
class Settled:
    """An audited automatic decision that people have settled."""

    side: TrialSide
    advertiser: str
    verdict: Verdict
    """Approve or reject."""
    looked_at: tuple[str, ...]
    """Policies that the verdict is about: all in force for an approval, those that rejected for a rejection."""
    violated: tuple[str, ...]
    """What people found."""
    weight: float = 1.0
    """Ads of the advertiser in its arm by then, over the mean of advertisers there."""

    @property
    def wrong(self) -> bool:
        """Whether the verdict is not what people say."""
        return bool(self.violated) if self.verdict is Verdict.APPROVE else not set(self.violated) & set(self.looked_at)


@dataclass(frozen=True, slots=True)
class FirstAd:
    """An advertiser's first ad in its arm."""

    side: TrialSide
    advertiser: str
    to_people: bool
    took_ms: float | None = None
    """That scoring it took; None: no model is tried."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that befell an advertiser in its arm, such as an appeal that was upheld, or an ad that its model failed on."""

    side: TrialSide
    advertiser: str


One = TypeVar("One", Settled, Event)
Unit = TypeVar("Unit", Settled, FirstAd)


@dataclass(frozen=True)
class Trial:
    """What has come of both arms so far, each list in the order in which it became known."""

    settled: Sequence[Settled] = ()
    first_ads: Sequence[FirstAd] = ()
    appeals: Sequence[Event] = ()
    """Upheld in the advertiser's favour."""
    failures: Sequence[Event] = ()
    """Ads that the model of their arm failed on."""
    unsettled: int = 0
    """Audits that nobody has answered, or not for good."""
    crossed: int = 0
    """Advertisers left out because their creatives are in both arms."""
    missing: int = 0
    """Decisions for which the candidate's policies could not be had."""
    decisions: int = 0
    """Of both arms."""
    made: Mapping[Verdict, int] = field(default_factory=dict)
    """The candidate's decisions by verdict."""
    seq: int = 0
    """The entry as of which all this is."""


@dataclass(frozen=True, slots=True)
class Look:
    """What one guard says."""

    guard: Guard
    units: int
    """Advertisers of the candidate, or pairs, that it rests on."""
    errors: int
    against: float
    """Evidence that the candidate is over the limit."""
    supporting: float
    """Evidence that it is under it."""
    rate: float | None = None
    low: float | None = None
    high: float | None = None
    """Share of errors with a 95 % interval, of advertisers; None without units."""

    @property
    def bar(self) -> float:
        """Evidence at which the guard ends the roll-out."""
        return 1.0 / self.guard.alpha

    @property
    def ends(self) -> bool:
        return self.against >= self.bar

    @property
    def clears(self) -> bool:
        """Whether the limit is shown to be kept."""
        return self.supporting >= 1.0 / ADVANCE_ALPHA


def looks(guards: Iterable[Guard], trial: Trial) -> list[Look]:
    """What each guard says now."""
    return [_look(guard, trial) for guard in guards]


def unequal_arms(trial: Trial) -> bool:
    """Whether the arms have not as many advertisers as they should: then they are not compared, and nothing advances."""
    candidate = sum(one.side == "candidate" for one in trial.first_ads)
    return float(sample_ratio(candidate, len(trial.first_ads) - candidate)) >= 1.0 / SAMPLE_ALPHA


def _look(guard: Guard, trial: Trial) -> Look:
    if guard.kind in ("leakage", "wrongful_rejection"):
        return _absolute(guard, trial)
    if guard.kind == "worse":
        return _paired(guard, _pairs(_firsts(trial.settled), lambda one: one.wrong), 1.0)
    if guard.kind == "load":
        return _paired(guard, _pairs(trial.first_ads, lambda one: one.to_people), guard.limit or 1.0)
    if guard.kind == "latency":
        return _paired(guard, _slower(trial.first_ads, guard.limit or 1.0), 1.0)
    told = trial.failures if guard.kind == "errors" else trial.appeals
    events = np.array([one.side == "candidate" for one in _firsts(told)], dtype=np.float64)
    return _paired(guard, events, guard.limit or 1.0)


def _absolute(guard: Guard, trial: Trial) -> Look:
    """Leakage or wrongful rejection under one policy, of the candidate alone, against its limit."""
    side = Verdict.APPROVE if guard.kind == "leakage" else Verdict.REJECT
    about = [one for one in trial.settled if one.side == "candidate" and one.verdict is side and guard.policy in one.looked_at]
    units = _firsts(about)
    errors = np.array([(guard.policy in one.violated) == (side is Verdict.APPROVE) for one in units], dtype=np.float64)
    heaviest = guard.heaviest if guard.by_ads else 1.0
    weights = np.array([one.weight if guard.by_ads else 1.0 for one in units], dtype=np.float64)
    weights = np.minimum(weights / heaviest, 1.0)
    limit = guard.limit or 0.0
    against = wealth(bets_of_guard(limit, heaviest), errors, weights)
    supporting = wealth(bets_for(limit), errors, weights)
    rate = _rate(int(errors.sum()), len(units))
    return Look(guard, len(units), int(errors.sum()), against, supporting, *rate)


def _paired(guard: Guard, candidate_wrong: NDArray[np.float64], odds: float) -> Look:
    """From discordant pairs, 1 where the candidate is the wrong one."""
    wrong = int(candidate_wrong.sum())
    ones = np.ones_like(candidate_wrong)
    against = wealth(bets_on_pairs(odds), candidate_wrong, ones)
    supporting = wealth(bets_on_pairs(1.0 / odds), 1.0 - candidate_wrong, ones)
    return Look(guard, len(candidate_wrong), wrong, against, supporting, *_rate(wrong, len(candidate_wrong)))


def wealth(bets: Bets, errors: NDArray[np.float64], weights: NDArray[np.float64]) -> float:
    """The most there was at any look: evidence that was enough once is not taken back."""
    if not len(errors):
        return 1.0
    return float(bets.running(bets.growth(errors, np.ones_like(errors), weights)).max())


def _rate(errors: int, units: int) -> tuple[float | None, float | None, float | None]:
    if not units:
        return None, None, None
    return errors / units, *clopper_pearson(errors, units)


def _firsts(told: Sequence[One]) -> list[One]:
    """The first of each advertiser in each arm."""
    first: dict[tuple[str, str], One] = {}
    for one in told:
        first.setdefault((one.side, one.advertiser), one)
    return list(first.values())


def _slower(first_ads: Sequence[FirstAd], limit: float) -> NDArray[np.float64]:
    """First ads of both arms paired with their neighbours: 1 where the candidate took more than ``limit`` times as long as the control.

    Both are scored in groups of their own arm, which is what makes them alike: of a larger group an ad takes less. Neighbours meet machines
    that are as busy, and which of them is the candidate's was drawn: so a candidate that takes no more than the limit is the slower one
    with a chance of one half at most, whatever came before.
    """
    timed = [(one.side == "candidate", one.took_ms) for one in first_ads if one.took_ms]
    found = []
    for first, second in neighbours([candidate for candidate, _ in timed]):
        candidate, control = (first, second) if timed[first][0] else (second, first)
        found.append(timed[candidate][1] > limit * timed[control][1])
    return np.array(found, dtype=np.float64)


def neighbours(sides: Sequence[bool]) -> list[tuple[int, int]]:
    """Positions of pairs of consecutive units of different arms, each unit in one pair at most."""
    found, last = [], -1
    for position in range(1, len(sides)):
        if last < position - 1 and sides[position] != sides[position - 1]:
            found.append((position - 1, position))
            last = position
    return found


def _pairs(units: Sequence[Unit], said: Callable[[Unit], bool]) -> NDArray[np.float64]:
    """Units of the arms paired in their order: of pairs in which one is so and the other not, 1 where the candidate's is."""
    sides = {side: [said(one) for one in units if one.side == side] for side in ("candidate", "control")}
    pairs = zip(sides["candidate"], sides["control"], strict=False)
    return np.array([candidate for candidate, control in pairs if candidate != control], dtype=np.float64)
