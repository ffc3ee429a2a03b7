"""How good a model is, policy by policy and market by market, with intervals: the figures of reports, gates and ``--json``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from adverdict.training.evaluation.recalibration import recalibration
from adverdict.training.evaluation.resampling import draw, interval, ranking, weighted_mean

VIOLATES_FROM = 0.5
"""An ad violates a policy when at least this share of its raters says so."""


@dataclass(frozen=True)
class Scored:
    """Labelled ads with what each model says of them.

    ``groups`` are the advertisers: the clusters of every bootstrap. ``targets`` is ``float64 (n_ads, n_policies)``, the mean of the
    raters' verdicts in [0, 1], NaN where nobody rated. ``p`` holds for each model P(violates), ``float64 (n_ads, n_policies)`` in [0, 1];
    only ``blend`` and ``early`` are calibrated, the others are the sigmoid of their log-odds.
    """

    ad_ids: tuple[str, ...]
    markets: tuple[str, ...]
    groups: tuple[str, ...]
    policies: tuple[str, ...]
    targets: NDArray[np.float64]
    p: Mapping[str, NDArray[np.float64]]
    familiarity: NDArray[np.float64] | None = None
    """``(n_ads,)``; None: not measured."""

    def __post_init__(self) -> None:
        """Raises ValueError with every array that does not fit the ads and policies."""
        shape = (len(self.ad_ids), len(self.policies))
        wrong = [
            f"{name}: {len(column)} entries, expected {shape[0]}"
            for name, column in (("markets", self.markets), ("groups", self.groups))
            if len(column) != shape[0]
        ]
        arrays = {"targets": self.targets, **{f"p[{model!r}]": p for model, p in self.p.items()}}
        wrong += [f"{name}: shape {array.shape}, expected {shape}" for name, array in arrays.items() if array.shape != shape]
        wrong += [f"{name}: values outside [0, 1]" for name, array in arrays.items() if np.any((array < 0) | (array > 1))]
        wrong += [f"p[{model!r}]: {int(np.isnan(p).sum())} are NaN" for model, p in self.p.items() if np.isnan(p).any()]
        if wrong:
            raise ValueError("\n".join(["these scores cannot be measured:", *(f"  - {line}" for line in wrong)]))

    def labelled(self, model: str, policy: str) -> PolicyScores:
        """The ads somebody rated under one policy, with one model's risk. Raises KeyError for a model or policy there is not."""
        if policy not in self.policies:
            raise KeyError(policy)
        column = self.policies.index(policy)
        target = self.targets[:, column]
        rated = np.flatnonzero(~np.isnan(target))
        groups = np.asarray(self.groups, dtype=object)[rated]
        markets = np.asarray(self.markets, dtype=object)[rated]
        return PolicyScores(target[rated] >= VIOLATES_FROM, self.p[model][rated, column], _numbered(groups), markets)


@dataclass(frozen=True)
class PolicyScores:
    """One policy's labelled ads under one model, all ``(n_ads,)``: whether it violates, its risk, its advertiser's number, its market."""

    y: NDArray[np.bool_]
    p: NDArray[np.float64]
    clusters: NDArray[np.intp]
    markets: NDArray[np.object_]

    def of_market(self, market: str) -> PolicyScores:
        here = self.markets == market
        return PolicyScores(self.y[here], self.p[here], _numbered(self.clusters[here]), self.markets[here])


def measure(scored: Scored, model: str, bootstrap: int = 1000, seed: int = 0) -> dict[str, Any]:
    """Every figure of one model, ready for JSON.

    ``{"policies": {POLICY: {"n", "positives", "advertisers", "violators", "auroc", "auroc_interval", "ap", "ap_interval", "brier",
    "brier_interval", "calibration": {"slope", "intercept", "in_the_large", their "..._interval", "observed", "expected"}, "markets":
    {MARKET: the same without markets}}}}``. ``violators`` are the advertisers with a positive. Intervals are ``[low, high]`` of 95 % by a
    bootstrap over advertisers (see ``resampling.interval`` for resamples with one class). Undefined is ``None``, never NaN.
    Policies nobody rated have ``n`` 0. Raises KeyError for a model there is not.
    """
    policies = {}
    for policy in scored.policies:
        rated = scored.labelled(model, policy)
        markets = {market: figures(rated.of_market(market), bootstrap, seed) for market in sorted(set(rated.markets))}
        policies[policy] = {**figures(rated, bootstrap, seed), "markets": markets}
    return {"policies": policies}


def figures(rated: PolicyScores, bootstrap: int = 1000, seed: int = 0) -> dict[str, Any]:
    """The figures of one policy under one model on one set of ads; see ``measure``."""
    n, n_clusters = rated.y.size, int(rated.clusters.max(initial=-1)) + 1
    violators = int(np.unique(rated.clusters[rated.y]).size)
    found: dict[str, Any] = {"n": n, "positives": int(rated.y.sum()), "advertisers": n_clusters, "violators": violators}
    names = ("ap", "auroc", "brier")
    if not n:
        return {**found, **dict.fromkeys(names), **dict.fromkeys(f"{name}_interval" for name in names), "calibration": UNDEFINED}
    point = quality(rated, np.ones((n_clusters, 1)))
    resampled = quality(rated, draw(n_clusters, bootstrap, seed))
    for name in names:
        found[name] = defined(point[name][0])
        found[f"{name}_interval"] = None if found[name] is None else interval(resampled[name])
    return {**found, "calibration": recalibration(rated.y, rated.p, rated.clusters)}


UNDEFINED = {
    **dict.fromkeys(name for part in ("slope", "intercept", "in_the_large") for name in (part, f"{part}_interval")),
    "observed": 0,
    "expected": 0.0,
}


def quality(rated: PolicyScores, counts: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    """``ap``, ``auroc`` and ``brier`` in each resample, ``float64 (resamples,)``; ``counts`` as ``resampling.draw`` gives them."""
    ap, auroc = ranking(rated.y, rated.p, rated.clusters, counts)
    return {"ap": ap, "auroc": auroc, "brier": weighted_mean((rated.p - rated.y) ** 2, rated.clusters, counts)}


def defined(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _numbered(names: NDArray[Any]) -> NDArray[np.intp]:
    """Names as numbers from 0, without gaps."""
    return np.unique(names, return_inverse=True)[1]
