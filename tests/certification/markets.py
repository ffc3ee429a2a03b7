"""Markets made up for tests: risks as a model would give them, with a truth that follows one assumption or the other."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from adverdict.certification.markets.cells import Unlabelled, probability
from adverdict.certification.thresholds.scored import ScoredAds
from adverdict.certification.thresholds.sequence import LabelledAds

POLICY = "deceptive"
APART = 2.5
"""Between the mean log-odds of violating and other ads, of standard deviation 1 each."""


def ads(
    n: int, rate: float, seed: int, *, per_group: int = 1, moved: float = 0.0, squeezed: float = 1.0, hidden: float = 0.0
) -> LabelledAds:
    """Scored so that risks are calibrated where one ad in five violates. Then log-odds are multiplied by ``squeezed`` and
    ``moved``; a share ``hidden`` of the violating ads is scored as the others are. Ads of a group violate together and are scored alike."""
    rng = np.random.default_rng(seed)
    groups = -(-n // per_group)
    violating = np.repeat(rng.random(groups) < rate, per_group)[:n]
    seen = violating & (np.repeat(rng.random(groups), per_group)[:n] >= hidden)
    score = APART * (seen - 0.5) + np.repeat(rng.normal(size=groups), per_group)[:n]
    log_odds = APART * score + np.log(0.2 / 0.8)  # Bayes' rule for two normals of equal spread
    return LabelledAds(probability(squeezed * log_odds + moved), violating, np.arange(n) // per_group)


def unlabelled(market: LabelledAds) -> Unlabelled:
    return Unlabelled(market.risk, market.group)


def scored(markets: dict[str, LabelledAds], without_labels: str, surface: str = "") -> ScoredAds:
    """Several markets as one, no advertiser in two of them."""
    names = np.repeat(list(markets), [len(one) for one in markets.values()])
    first = np.cumsum([0, *(int(one.group.max()) + 1 for one in markets.values())])
    verdict: NDArray[np.float64] = np.concatenate([one.violating for one in markets.values()]).astype(np.float64)
    verdict[names == without_labels] = np.nan
    return ScoredAds(
        policies=(POLICY,),
        market=names,
        surface=np.full(len(names), surface),
        group=np.concatenate([one.group + start for one, start in zip(markets.values(), first, strict=False)]),
        risk=np.concatenate([one.risk for one in markets.values()])[:, None],
        verdict=verdict[:, None],
    )
