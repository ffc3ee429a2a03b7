"""How long a market's tasks take beside those of other markets, whatever their kind: kinds and markets multiply."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from adverdict.workforce.handling import Seconds

ROUNDS = 8
"""Of fitting kinds and markets in turn."""


class Factor(NamedTuple):
    """Of a market, beside all."""

    times: float
    spread: float
    """Standard error."""
    answers: int


@dataclass(frozen=True)
class Markets:
    kinds: Mapping[str, float] = field(default_factory=dict)
    """Mean seconds of a kind of task in a market of factor 1."""
    factors: Mapping[str, Factor] = field(default_factory=dict)

    def seconds(self, kind: str, market: str) -> float:
        return self.kinds[kind] * self.factors[market].times


def of_markets(times: Seconds, kinds: Sequence[str], markets: Sequence[str]) -> Markets:
    """From the kind and market of each answer. Factors are drawn towards 1 by how much markets differ and how often each was seen."""
    kind_names, kind = np.unique(np.array(kinds), return_inverse=True)
    market_names, market = np.unique(np.array(markets), return_inverse=True)
    factor, seen = np.ones(len(market_names)), np.bincount(market)
    spread = np.zeros(len(market_names))
    level = np.ones(len(kind_names))
    for _ in range(ROUNDS):
        level = np.bincount(kind, times) / np.bincount(kind, factor[market])
        relative = times / level[kind]
        scatter, own = float(relative.var()), np.bincount(market, relative) / seen
        differ = between(zip(seen.tolist(), own.tolist(), np.ones(len(own)).tolist(), strict=True), scatter)
        weight = differ / (differ + scatter / seen) if differ else np.zeros(len(own))
        factor, spread = 1 + weight * (own - 1), np.sqrt(weight**2 * scatter / seen + (1 - weight) ** 2 * differ)
    told = zip(factor.tolist(), spread.tolist(), seen.tolist(), strict=True)
    return Markets(
        dict(zip(kind_names.tolist(), level.tolist(), strict=True)),
        {name: Factor(*one) for name, one in zip(market_names.tolist(), told, strict=True)},
    )


def between(groups: Iterable[tuple[int, float, float]], scatter: float) -> float:
    """Variance between groups of a level, by the method of moments; 0 where chance explains how they differ."""
    told = [(n, own, around) for n, own, around in groups if n > 1]
    weight = sum(n for n, _, _ in told)
    if not weight:
        return 0.0
    return max(0.0, (sum(n * (own - around) ** 2 for n, own, around in told) - scatter * len(told)) / weight)
