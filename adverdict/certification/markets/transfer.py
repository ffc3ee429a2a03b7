"""How well either assumption did where the answer is known: each market with labels, treated as if it had none."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from adverdict.certification.markets.cells import MIN_SOURCE, MIN_TARGET, Floats, Unlabelled, log_odds
from adverdict.certification.markets.label_shift import Assumption, point_estimates
from adverdict.certification.thresholds.sequence import LabelledAds

MIN_MARKETS = 3
"""Fewer known markets say nothing about how far off another may be."""
MIN_VIOLATING = 5
"""A known market with fewer violating ads has no rate to speak of."""


@dataclass(frozen=True)
class KnownMarket:
    """A market with labels, and what would have been said of it without."""

    market: str
    ads: int
    violating: int
    estimates: dict[Assumption, float]

    def miss(self, assumption: Assumption) -> float:
        """Estimate less truth, in log-odds; half an ad is added on either side, so that an estimate of 0 is not infinitely far."""
        ends = 0.5 / (self.ads + 1)
        estimate = np.clip(self.estimates[assumption], ends, 1 - ends)
        truth = (self.violating + 0.5) / (self.ads + 1)
        return float(log_odds(np.array(estimate)) - log_odds(np.array(truth)))


@dataclass(frozen=True)
class Transfer:
    """The known markets."""

    markets: tuple[KnownMarket, ...]

    @property
    def checked(self) -> bool:
        return len(self.markets) >= MIN_MARKETS

    def miss(self, assumption: Assumption) -> float | None:
        """Root mean square miss in log-odds, the labels' own chance included; None with too few markets."""
        if not self.checked:
            return None
        return float(np.sqrt(np.mean([one.miss(assumption) ** 2 for one in self.markets])))

    @property
    def better(self) -> Assumption:
        """The one that missed by less. Where too few markets are known to tell, that a risk carries over: what was found of real ads."""
        carried, shifted = self.miss(Assumption.CARRIED), self.miss(Assumption.LABEL_SHIFT)
        shift = carried is not None and shifted is not None and shifted < carried
        return Assumption.LABEL_SHIFT if shift else Assumption.CARRIED


def transfer(ads: LabelledAds, market: NDArray[np.str_]) -> Transfer:
    """Estimate the rate of each market with enough labels from its risks and the labels of the others.

    ``market`` str (n,), of each ad. Models trained on these markets know them better than they know a new one: what is found here is the
    least to expect there.
    """
    found = []
    for name in np.unique(market):
        here = market == name
        others = ads.part(~here)
        violating = int(ads.violating[here].sum())
        enough = here.sum() >= MIN_TARGET and min(violating, int(here.sum()) - violating) >= MIN_VIOLATING
        if enough and min(int(others.violating.sum()), int((~others.violating).sum())) >= MIN_SOURCE:
            part = ads.part(here)
            estimates = point_estimates(others, Unlabelled(part.risk, part.group))
            found.append(KnownMarket(str(name), len(part), violating, estimates))
    return Transfer(tuple(found))


def widened(rate: float, low: float, high: float, miss: float) -> tuple[float, float]:
    """An interval of a rate with room for the miss of its assumption, a standard deviation in log-odds: both combined as independent."""
    centre, ends = log_odds(np.array(rate)), log_odds(np.array([low, high]))
    reach: Floats = np.hypot(ends - centre, 1.96 * miss) * np.array([-1.0, 1.0])
    moved = 1 / (1 + np.exp(-(centre + reach)))
    return float(moved[0]), float(moved[1])
