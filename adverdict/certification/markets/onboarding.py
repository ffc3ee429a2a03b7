"""A market opens: what can be said of it before anybody labelled an ad there, and which ads to label so that more can.

labels of other markets + unlabelled risks here -> base rate -> is it to be believed? -> labels needed, which ones, thresholds to start
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from adverdict.certification.markets.cells import Floats, Unlabelled, too_few
from adverdict.certification.markets.forecast import Forecast, boldest, forecast
from adverdict.certification.markets.label_shift import Assumption, BaseRate, base_rates, corrected
from adverdict.certification.markets.mixture import MixtureTest, mixture_test
from adverdict.certification.markets.transfer import Transfer, transfer, widened
from adverdict.certification.samples.draw import ads_needed, draw
from adverdict.certification.thresholds.scored import ScoredAds
from adverdict.certification.thresholds.sequence import LabelledAds, Side
from adverdict.certification.thresholds.strata import Question, questions
from adverdict.decisions.policy import PolicyBook, Targets, Thresholds

Rows = NDArray[np.intp]
FIRST = 50
"""Ads to label at first where nothing can be said of a market but the number without which nothing is ever certified is smaller."""


class Part(StrEnum):
    """A stratum of the ads to label. The order is the order to label in, a stratum whole before the next."""

    APPROVE = "approve"
    """Ads that a threshold would approve, as many as the leakage bound needs."""
    UNDECIDED = "undecided"
    """Ads that nothing would decide, at least as large a part of them as of the others: so a threshold bolder than those planned for is
    judged too severely, never too kindly."""
    REJECT = "reject"
    """Ads that a threshold would reject, as many as the bound on wrongful rejections needs."""
    ALL = "all"
    """The whole market: nothing is known that would tell parts of it apart."""


@dataclass(frozen=True)
class Draw:
    """One ad to label."""

    row: int
    part: Part
    inclusion: float
    """Probability in (0, 1] that an ad of this part is on the list."""


@dataclass(frozen=True)
class Onboarding:
    """What is known of one policy under one set of targets in a new market. No guarantee is part of it."""

    policy: str
    market: str
    targets: Targets
    surfaces: tuple[str, ...]
    """Where it decides, if not everywhere: surfaces with other targets are another entry."""
    ads: int
    """Ads there that the policy decides on by thresholds."""
    advertisers: int
    labelled: int
    """Ads with a label already."""
    mean_risk: float | None
    rates: Mapping[Assumption, BaseRate] = field(default_factory=dict)
    transfer: Transfer = field(default_factory=lambda: Transfer(()))
    test: MixtureTest | None = None
    chosen: BaseRate | None = None
    """The estimate that known markets speak for, its interval widened by how far off it was there. None: nothing can be said."""
    forecasts: tuple[Forecast, ...] = ()
    suggested: Thresholds | None = None
    """Thresholds to start with, uncertified. None: everything goes to people."""
    to_label: tuple[Draw, ...] = ()
    why_not: str | None = None
    """Why nothing is estimated."""

    @property
    def title(self) -> str:
        return f"{self.policy} on {', '.join(self.surfaces)}" if self.surfaces else self.policy

    @property
    def accepted(self) -> bool:
        """Whether risks there are taken to mean anything. If not, everything goes to people."""
        return self.chosen is not None and self.test is not None and self.test.accepted

    def forecast(self, side: Side) -> Forecast | None:
        return next((one for one in self.forecasts if one.side is side), None)


def onboard(scored: ScoredAds, market: str, book: PolicyBook, seed: int = 0) -> tuple[Onboarding, ...]:
    """Every policy that the book leaves to solved thresholds in the market, in the book's order.

    ``scored`` holds the market's ads, labelled or not, and labelled ads of other markets that the model was not trained on, all scored as
    the model scores this market's.
    """
    asked = [question for question in questions(scored, book) if question.market == market]
    policies = len({question.policy for question in asked})
    return tuple(_onboard(scored, question, policies, seed) for question in asked)


def _onboard(scored: ScoredAds, question: Question, policies: int, seed: int) -> Onboarding:
    column = scored.policies.index(question.policy)
    here = Unlabelled(scored.risk[question.rows, column], scored.group[question.rows])
    elsewhere = np.flatnonzero((scored.market != question.market) & ~np.isnan(scored.verdict[:, column]))
    source = scored.labelled(question.policy, elsewhere)
    labelled = int((~np.isnan(scored.verdict[question.rows, column])).sum())
    mean = float(here.risk.mean()) if len(here) else None
    found = Onboarding(
        policy=question.policy,
        market=question.market,
        targets=question.targets,
        surfaces=_surfaces(scored, question),
        ads=len(here),
        advertisers=len(np.unique(here.group)),
        labelled=labelled,
        mean_risk=mean,
    )
    missing = too_few(source, here)
    if missing:
        found = replace(found, why_not="; ".join(f"{one.field}: {one.value}, {one.expected} needed" for one in missing))
    else:
        found = _estimated(found, source, scored.market[elsewhere], here, seed)
    found = _forecast(found, question, here, policies)
    return replace(found, to_label=_to_label(scored, question, found, np.random.default_rng([seed, 3])))


def _surfaces(scored: ScoredAds, question: Question) -> tuple[str, ...]:
    here, everywhere = (np.unique(scored.surface[rows]) for rows in (question.rows, scored.market == question.market))
    return () if len(here) in (0, len(everywhere)) else tuple(str(name) or "no surface" for name in here)


def _estimated(found: Onboarding, source: LabelledAds, markets: NDArray[np.str_], here: Unlabelled, seed: int) -> Onboarding:
    rates, known = base_rates(source, here, seed), transfer(source, markets)
    chosen, miss = rates[known.better], known.miss(known.better)
    if miss is None:  # nothing tells the assumptions apart: both may be right
        low, high = min(one.low for one in rates.values()), max(one.high for one in rates.values())
    else:
        low, high = widened(chosen.rate, chosen.low, chosen.high, miss)
    return replace(found, rates=rates, transfer=known, test=mixture_test(source, here, seed), chosen=replace(chosen, low=low, high=high))


def _forecast(found: Onboarding, question: Question, here: Unlabelled, policies: int) -> Onboarding:
    sides = [(Side.APPROVE, question.targets.max_leakage)]
    sides += [(Side.REJECT, question.targets.max_wrongful_reject)] if question.rejects else []
    level = (1.0 - question.targets.confidence) / (len(sides) * policies)
    believed = found.chosen.corrected(here.risk) if found.accepted and found.chosen else None
    # Without a rate to believe in only what holds whatever the rate is remains: the labels that it takes at least.
    nobody = Unlabelled(np.zeros(0), np.zeros(0, dtype=np.int64))
    forecasts = tuple(
        forecast(nobody if believed is None else here, np.zeros(0) if believed is None else believed, side, limit, level)
        for side, limit in sides
    )
    suggested = _suggested(found.chosen, here, believed, question) if found.chosen and believed is not None else None
    return replace(found, forecasts=forecasts, suggested=suggested)


def _suggested(rate: BaseRate, here: Unlabelled, believed: Floats, question: Question) -> Thresholds:
    """Each side's boldest threshold within its target at the end of the rate's interval that is worse for it."""
    worse = {side: corrected(believed, _inside(rate.rate), _inside(end)) for side, end in zip(Side, (rate.high, rate.low), strict=True)}
    approve = boldest(here, worse[Side.APPROVE], Side.APPROVE, question.targets.max_leakage) or 0.0
    reject = boldest(here, worse[Side.REJECT], Side.REJECT, question.targets.max_wrongful_reject) if question.rejects else None
    reject_at = 1.0 if reject is None else reject
    return Thresholds(min(approve, reject_at), reject_at)


def _inside(rate: float) -> float:
    return min(max(rate, 1e-4), 1 - 1e-4)


def _to_label(scored: ScoredAds, question: Question, found: Onboarding, rng: np.random.Generator) -> tuple[Draw, ...]:
    """See ``samples.draw``. Ads that have a label are not drawn again."""
    column = scored.policies.index(question.policy)
    rows = question.rows[np.isnan(scored.verdict[question.rows, column])]
    risk, group = scored.risk[rows, column], scored.group[rows]
    approve, reject = (found.forecast(side) for side in Side)
    below = approve.threshold if approve and approve.threshold is not None else 0.0
    at = max(below, reject.threshold) if reject and reject.threshold is not None else np.inf
    if not below and at == np.inf:
        least = [one.at_least for one in found.forecasts if one.at_least is not None]
        return tuple(_drawn(Part.ALL, rows, group, max([FIRST, *least]), rng))
    regions = {Part.APPROVE: risk < below, Part.UNDECIDED: (risk >= below) & (risk < at), Part.REJECT: risk >= at}
    wanted = {
        Part.APPROVE: _wanted(approve, group[regions[Part.APPROVE]]),
        Part.REJECT: _wanted(reject, group[regions[Part.REJECT]]),
    }
    undecided = int(regions[Part.UNDECIDED].sum())
    wanted[Part.UNDECIDED] = max(_as_dense(ads, int(regions[part].sum()), undecided) for part, ads in wanted.items())
    made: list[Draw] = []
    for part, inside in regions.items():
        made += _drawn(part, rows[inside], group[inside], wanted[part], rng)
    return tuple(made)


def _wanted(side: Forecast | None, group: NDArray[np.int64]) -> int:
    """Ads of its region that the bound needs; all of them where there are not enough."""
    if side is None or side.draws is None:
        return 0
    needed = ads_needed(group, side.draws)
    return len(group) if needed is None else needed


def _drawn(part: Part, rows: Rows, group: NDArray[np.int64], ads: int, rng: np.random.Generator) -> list[Draw]:
    drawn = draw(rows, group, ads, rng)
    return [Draw(int(row), part, float(inclusion)) for row, inclusion in zip(drawn.rows, drawn.inclusion, strict=True)]


def _as_dense(ads: int, of: int, others: int) -> int:
    """As large a part of ``others`` as ``ads`` are of ``of``."""
    return math.ceil(ads / of * others) if of else 0
