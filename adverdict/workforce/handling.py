"""How long a review takes: as reviewers really took, or as told where they have not shown it. Each says which.

Hours are reviews times the *mean*: handling times are skewed to the right, and their median is 11 to 22 % lower. So that a task left open
over lunch does not set the mean, times are cut off where hardly any honest one lies; so that a market of few answers does not, its mean is
drawn towards that of all.
"""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from adverdict.ledger.entries import Answered
from adverdict.ledger.store import Ledger

USUAL_SECONDS = 45.0
ENOUGH = 30
"""Answers without which nothing is measured; so many of all markets are added to those of one."""
EVERYWHERE = ""
"""All markets together."""
CUT_OFF = 3.0
"""Standard deviations of the logarithms above their median: of lognormal times one in 740 is longer, and the mean loses .1 to .2 %."""
LEAST_SPREAD = 0.3
"""Of the logarithms, where most times are the same."""
TO_DEVIATION = 1.4826
"""From the median absolute deviation to the standard deviation of a normal distribution."""
NORMAL_95 = 1.96

Seconds = NDArray[np.float64]


class Handling(BaseModel):
    """How long a review takes."""

    model_config = ConfigDict(frozen=True)

    seconds: float
    source: Literal["market", "everywhere", "told"] = Field(
        description="mean of the market's answers, drawn towards that of all; of all answers, where it has none; or as the caller said"
    )
    answers: int = Field(default=0, description="behind a mean: the market's, or all")
    low: float | None = Field(default=None, description="with high, a 95 % interval of the mean by its answers; null: as told")
    high: float | None = None


@dataclass(frozen=True)
class HandlingTimes:
    """Handling times by market."""

    otherwise: float = USUAL_SECONDS
    """Seconds, where too few answers are on record."""
    means: Mapping[str, Handling] = field(default_factory=dict)
    """By market, or ``EVERYWHERE``."""

    def of(self, market: str) -> Handling:
        if market in self.means:
            return self.means[market]
        return self.means.get(EVERYWHERE) or Handling(seconds=self.otherwise, source="told")


def measured(ledger: Ledger, otherwise: float = USUAL_SECONDS) -> HandlingTimes:
    """Means of the answers that say how long they took, where there are ``ENOUGH``; golden tasks left out. Raises Unavailable.

    Memory: some 30 bytes an answer while the means are sought.
    """
    took: defaultdict[str, array[float]] = defaultdict(lambda: array("d"))
    for entry in ledger.read(kinds=[Answered.kind]):
        body = entry.body
        if isinstance(body, Answered) and body.seconds is not None and body.task_kind != "golden":
            took[body.market].append(body.seconds)
    return HandlingTimes(otherwise, means({market: np.array(times) for market, times in took.items()}))


def means(took: Mapping[str, Seconds]) -> dict[str, Handling]:
    """By market, and ``EVERYWHERE``, from the handling times of each market; none where there are not ``ENOUGH`` of all."""
    together = np.concatenate([*took.values(), np.empty(0)])
    if len(together) < ENOUGH:
        return {}
    cut = {market: np.minimum(times, cut_off(times if len(times) >= ENOUGH else together)) for market, times in took.items()}
    everybody = np.concatenate(list(cut.values()))
    mean, spread = float(everybody.mean()), _spread(list(cut.values()))
    found = {EVERYWHERE: _handling(mean, spread, len(together), "everywhere", len(together))}
    for market, times in cut.items():
        drawn = (float(times.sum()) + ENOUGH * mean) / (len(times) + ENOUGH)
        found[market] = _handling(drawn, spread, len(times) + ENOUGH, "market", len(times))
    return found


def cut_off(times: Seconds) -> float:
    """The seconds beyond which a time counts as no more than this. ``times``: float64 (n,), n at least 1, none negative."""
    logs = np.log(np.maximum(times, 0.1))
    middle = float(np.median(logs))
    spread = max(TO_DEVIATION * float(np.median(np.abs(logs - middle))), LEAST_SPREAD)
    return float(np.exp(middle + CUT_OFF * spread))


def _spread(by_market: list[Seconds]) -> float:
    """Standard deviation of the times around their market's mean."""
    squares = sum(float(((times - times.mean()) ** 2).sum()) for times in by_market)
    return float(np.sqrt(squares / max(1, sum(map(len, by_market)) - len(by_market))))


def _handling(mean: float, spread: float, worth: int, source: Literal["market", "everywhere"], answers: int) -> Handling:
    """``worth``: the answers behind it and those added."""
    half = NORMAL_95 * spread / float(np.sqrt(worth))
    return Handling(seconds=mean, source=source, answers=answers, low=max(0.0, mean - half), high=mean + half)
