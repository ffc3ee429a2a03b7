"""How many ads to label, and which, so that the thresholds aimed at can be certified: planned before any is labelled.

A sample has one part for all policies, a random part of all ads, which shows leakage, and for each policy more ads of the two risks at
which that says too little: the edge of what would be approved, and what would be rejected. A number announced before is tested exactly,
and once.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np

from adverdict.certification.samples.draw import Floats, Rows, draw
from adverdict.certification.statistics.bounds import draws_needed, fewest_draws
from adverdict.certification.thresholds.edge import WIDTH
from adverdict.certification.thresholds.least_harm import Stakes
from adverdict.certification.thresholds.scored import ScoredAds
from adverdict.certification.thresholds.sequence import Bools
from adverdict.certification.thresholds.strata import Question
from adverdict.certification.words import SamplePart
from adverdict.decisions.policy import Targets, Thresholds

MOST = 100_000
"""Nobody labels more ads than this to show one bound."""


@dataclass(frozen=True)
class Need:
    """What one policy needs to be certified in all its markets together. Labels, each of another advertiser."""

    policy: str
    surfaces: tuple[str, ...]
    """Where, if not everywhere."""
    targets: Targets
    ads: int
    advertisers: int
    approve_below: float
    reject_at: float
    """The thresholds aimed at."""
    foreseen: float | None
    """Share of the ads approved that violate, by the calibrated risks; None: none would be approved."""
    random: int | None
    """Ads of all, so that leakage is shown four times in five; None: no number up to ``MOST`` would do."""
    edge: int
    """More of the riskiest ads that would be approved."""
    above: int
    """More of those that may be rejected."""

    @property
    def name(self) -> str:
        return f"{self.policy} on {', '.join(self.surfaces)}" if self.surfaces else self.policy


@dataclass(frozen=True)
class ToLabel:
    """One ad to label under one policy."""

    row: int
    policy: str
    part: SamplePart
    inclusion: float


@dataclass(frozen=True)
class SamplePlan:
    """Which ads to label, the random part first, in the order to label in."""

    needs: tuple[Need, ...]
    random: int
    """Ads of the random parts: the number announced."""
    to_label: tuple[ToLabel, ...]

    @property
    def ads(self) -> int:
        return len({one.row for one in self.to_label})


def plan_sample(
    scored: ScoredAds,
    asked: Sequence[Question],
    price: float,
    rng: np.random.Generator,
    *,
    most: int,
    ads: int | None = None,
    views: Floats | None = None,
) -> SamplePlan:
    """What ``asked`` needs, and a draw of it. ``price``: of a review, as the solve will have it.

    ``most``: ads of the random part at most; ``ads``: exactly so many. ``views`` float64 (n,): what each ad counts for where promises are
    about impressions, and then nothing but the random part is drawn; None: all alike. Labels have no part in it.
    """
    together: defaultdict[tuple[str, frozenset[str] | None, Targets], list[Question]] = defaultdict(list)
    for question in asked:
        if len(question.rows):
            together[question.policy, question.surfaces, question.targets].append(question)
    needs = [_need(scored, questions, price, most if ads is None else ads) for questions in together.values()]
    everything = np.unique(np.concatenate([question.rows for question in asked] or [np.zeros(0, dtype=np.intp)]))
    everywhere = [need.random for need in needs if need.random is not None and need.ads == len(everything)]
    wanted = min(max(everywhere, default=most), most) if ads is None else ads
    drawn = draw(everything, scored.group[everything], wanted, rng, None if views is None else views[everything])
    asked_of = _policies_of(asked)
    made = [
        ToLabel(int(row), policy, SamplePart.RANDOM, float(inclusion))
        for row, inclusion in zip(drawn.rows, drawn.inclusion, strict=True)
        for policy in asked_of.get(int(row), ())
    ]
    for need, questions in zip(needs, together.values(), strict=True) if views is None else ():
        made += _more(scored, need, questions, {one.row for one in made if one.policy == need.policy}, 0 if ads else most, rng)
    return SamplePlan(tuple(needs), len({one.row for one in made if one.part is SamplePart.RANDOM}), tuple(made))


def _need(scored: ScoredAds, questions: Sequence[Question], price: float, most: int) -> Need:
    stakes = reduce(Stakes.strictest, (question.stakes for question in questions))
    targets, aims = questions[0].targets, [question.aim(price) for question in questions]
    aim = Thresholds(min(one.approve_below for one in aims), max(one.reject_at for one in aims))
    rows = np.concatenate([question.rows for question in questions])
    risk = scored.risk[rows, scored.policies.index(questions[0].policy)]
    level = (1.0 - targets.confidence) / (2 if stakes.rejects else 1)
    below, band, above = _regions(risk, aim.approve_below, _rejected_from(questions))
    foreseen = float(risk[below].mean()) if below.any() else None
    draws = None if foreseen is None else draws_needed(foreseen, targets.max_leakage, level, at_most=MOST)
    random = None if draws is None else math.ceil(draws / below.mean())
    labelled = min(most, random or most)
    return Need(
        policy=questions[0].policy,
        surfaces=tuple(sorted(questions[0].surfaces or ())),
        targets=targets,
        ads=len(rows),
        advertisers=len(np.unique(scored.group[rows])),
        approve_below=aim.approve_below,
        reject_at=aim.reject_at,
        foreseen=foreseen,
        random=random,
        edge=_lacking(risk[band], stakes.max_risk, level, labelled * float(band.mean())),
        above=_lacking(1.0 - risk[above], targets.max_wrongful_reject, level, labelled * float(above.mean())) if stakes.rejects else 0,
    )


def _rejected_from(questions: Sequence[Question]) -> float:
    """The risk below which no threshold to reject is ever tested."""
    return max(max(question.stakes.min_risk_rejected, question.attainable.reject_at) for question in questions)


def _regions(risk: Floats, approve_below: float, reject_from: float) -> tuple[Bools, Bools, Bools]:
    """What would be approved, the edge of it, and what may be rejected; bool (n,) each."""
    below = risk < approve_below
    return below, below & (risk >= approve_below / WIDTH), risk >= reject_from


def _lacking(errors: Floats, limit: float, level: float, had: float) -> int:
    """Labels of a region beyond those that a random part has of it; as many as show the least where the forecast is above the limit."""
    if not len(errors) or not 0 < limit < 1:
        return 0
    needed = draws_needed(float(errors.mean()), limit, level, at_most=MOST) or fewest_draws(limit, level)
    return max(0, min(needed, len(errors)) - math.floor(had))


def _more(
    scored: ScoredAds, need: Need, questions: Sequence[Question], taken: set[int], most: int, rng: np.random.Generator
) -> list[ToLabel]:
    """What a policy needs beyond the part drawn for all of them: random ads of where it decides, at most ``most`` with those it has, and
    ads of the two regions. Each is again a random part of what it is drawn from, without those that were taken."""
    rows = np.concatenate([question.rows for question in questions])
    risk = scored.risk[rows, scored.policies.index(need.policy)]
    below, band, above = _regions(risk, need.approve_below, _rejected_from(questions))
    had = int(np.isin(rows, list(taken)).sum())
    random = max(0, min(need.random or 0, most) - had)
    made: list[ToLabel] = []
    parts = ((SamplePart.RANDOM, below | ~below, random), (SamplePart.EDGE, band, need.edge), (SamplePart.ABOVE, above, need.above))
    for part, region, ads in parts:
        left: Rows = rows[region & ~np.isin(rows, [*taken, *(one.row for one in made)])]
        drawn = draw(left, scored.group[left], ads, rng)
        made += [ToLabel(int(row), need.policy, part, float(p)) for row, p in zip(drawn.rows, drawn.inclusion, strict=True)]
    return made


def _policies_of(asked: Sequence[Question]) -> Mapping[int, list[str]]:
    found: defaultdict[int, list[str]] = defaultdict(list)
    for question in asked:
        for row in question.rows.tolist():
            found[row].append(question.policy)
    return found
