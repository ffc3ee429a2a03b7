"""Scored ads made up market by market, and policy books to certify them under."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from adverdict.certification.thresholds.scored import ScoredAds
from adverdict.decisions.policy import MarketRules, PolicyBook, PolicyInForce, Targets
from adverdict.models.calibration import sigmoid
from tests.decisions.build import POLICY

TARGETS = Targets(max_leakage=0.05, max_wrongful_reject=0.1, confidence=0.95)
STRICT = Targets(max_leakage=0.03, max_wrongful_reject=0.05, confidence=0.95)
GAMBLING = replace(POLICY, thresholds=None, targets=TARGETS, max_risk=0.25, min_risk_rejected=0.5)
ADULT = replace(GAMBLING, name="adult", title="Adult")


@dataclass(frozen=True)
class Place:
    """So many ads of one market and surface. ``each``: ads of an advertiser; ``shift``: by how much the stated log-odds are off."""

    market: str
    labelled: int
    unlabelled: int = 0
    surface: str = ""
    each: int = 1
    shift: float = 0.0


def ads(*places: Place, policies: tuple[str, ...] = ("gambling",), seed: int = 1) -> ScoredAds:
    """Risks spread wide enough to be useful on both sides; an advertiser has ads in one place only. Labels under all policies or none."""
    rng = np.random.default_rng(seed)
    counts = [place.labelled + place.unlabelled for place in places]
    n = sum(counts)
    p = sigmoid(-2.0 + 4.0 * rng.normal(size=(n, len(policies))))
    shift = np.repeat([place.shift for place in places], counts)[:, None]
    verdict = (rng.random(p.shape) < sigmoid(np.log(p / (1 - p)) + shift)).astype(np.float64)
    verdict[np.concatenate([np.arange(place.labelled + place.unlabelled) >= place.labelled for place in places])] = np.nan
    group = [f"{number}/{ad // place.each}" for number, place in enumerate(places) for ad in range(counts[number])]
    return ScoredAds(
        policies=policies,
        market=np.repeat([place.market for place in places], counts),
        surface=np.repeat([place.surface for place in places], counts),
        group=np.unique(group, return_inverse=True)[1].astype(np.int64),
        risk=p,
        verdict=verdict,
    )


def book(*policies: PolicyInForce, markets: tuple[str, ...] = ("SE",), **by_surface: tuple[PolicyInForce, ...]) -> PolicyBook:
    """The same rules in every market."""
    return rules(dict.fromkeys(markets, MarketRules(policies, by_surface)))


def rules(found: Mapping[str, MarketRules]) -> PolicyBook:
    every = {policy.name for of in found.values() for some in (of.elsewhere, *of.by_surface.values()) for policy in some}
    return PolicyBook(names=tuple(sorted(every)), rules=found)
