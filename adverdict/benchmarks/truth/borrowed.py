"""Borrowed strength over made-up markets whose rates are known: how many are certified, how often the bound is above the rate, and how many
bad markets are served; beside own labels alone, and beside pooling all markets' labels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

from adverdict.benchmarks.truth.revocation import share
from adverdict.certification.statistics.borrowed import Draws, borrowed_p
from adverdict.domain.errors import InvalidSettings, Mistake
from adverdict.domain.progress import Progress

Bools = NDArray[np.bool_]

FEWEST, QUICK_RUNS, RUNS = 500, 2000, 20_000
LEVEL = 0.025
SPREAD, UNLIKE_TIMES = 0.5, 5.0
"""Standard deviation of markets' log-odds, and how many times as much those unlike the others leak."""
OTHERS_LABELS = 1000
CONTRADICTED = 0.01
"""The pool leaves a market out whose own labels are this unlikely within the limit."""


@dataclass(frozen=True)
class Markets:
    """One market with ``own`` labels among ``others`` with ``OTHERS_LABELS`` each; the median rate, and the share of unlike markets."""

    rate: float = 0.006
    own: int = 180
    unlike: float = 0.0
    others: int = 8
    limit: float = 0.02


JUDGED = (Markets(), Markets(unlike=0.1))
"""Those with bars."""
ALSO = (
    Markets(own=60),
    Markets(own=60, unlike=0.1),
    Markets(own=370, unlike=0.1),
    Markets(others=3, unlike=0.1),
    Markets(rate=0.01),
    Markets(rate=0.01, unlike=0.1),
    Markets(unlike=0.3),
)


def borrowed(runs: int, seed: int, progress: Progress) -> dict[str, Any]:
    """Figures of each kind of market, ready for JSON. About a millisecond a run and kind.

    ``borrowed_certified``, ``borrowed_coverage`` and ``bad_served`` are the least, the least and the most over ``JUDGED``. Raises
    InvalidSettings for too few runs to tell.
    """
    if runs < FEWEST:
        raise InvalidSettings("too few to tell", [Mistake("runs", runs, f"at least {FEWEST}")])
    progress.stage("borrowed strength", len(JUDGED) + len(ALSO))
    rows = []
    for number, markets in enumerate((*JUDGED, *ALSO)):
        rows.append(_figures(markets, runs, np.random.default_rng([seed, number])))
        progress.advance()
    judged = [row["borrowed"] for row in rows[: len(JUDGED)]]
    return {
        "borrowed_certified": min(row["certified"]["share"] for row in judged),
        "borrowed_coverage": min(row["covered"]["share"] for row in judged),
        "bad_served": max(row["bad_served"]["share"] for row in judged),
        "markets": rows,
    }


def _figures(markets: Markets, runs: int, rng: np.random.Generator) -> dict[str, Any]:
    size = (runs, markets.others + 1)
    log_odds = special.logit(markets.rate) + SPREAD * rng.normal(size=size)
    rates = special.expit(log_odds + np.log(UNLIKE_TIMES) * (rng.random(size) < markets.unlike))
    own, others = rng.binomial(markets.own, rates[:, 0]), rng.binomial(OTHERS_LABELS, rates[:, 1:])
    bad = rates[:, 0] > markets.limit
    lent = Draws.of(own, markets.own), Draws.of(others, OTHERS_LABELS)
    at_limit, at_rate = (borrowed_p(*lent, at) for at in (markets.limit, rates[:, 0]))
    alone = stats.binom.cdf(own, markets.own, markets.limit) <= LEVEL
    return {
        "rate": markets.rate,
        "own_labels": markets.own,
        "unlike": markets.unlike,
        "others": markets.others,
        "limit": markets.limit,
        "bad": share(int(bad.sum()), runs),
        "borrowed": {**_served(at_limit <= LEVEL, bad), "covered": share(int((at_rate >= LEVEL).sum()), runs)},
        "own": _served(alone, bad),
        "pool": _served(_pooled(own, others, markets), bad),
    }


def _served(certified: Bools, bad: Bools) -> dict[str, Any]:
    return {
        "certified": share(int(certified.sum()), len(bad)),
        "bad_served": share(int((certified & bad).sum()), max(1, int(bad.sum()))),
        "bad_of_certified": share(int((certified & bad).sum()), max(1, int(certified.sum()))),
    }


def _pooled(own: NDArray[np.int64], others: NDArray[np.int64], markets: Markets) -> Bools:
    """Served by the labels of all markets together, unless its own contradict them."""
    labels = markets.own + OTHERS_LABELS * markets.others
    shown = stats.binom.cdf(own + others.sum(axis=1), labels, markets.limit) <= LEVEL
    contradicted = stats.binom.sf(own - 1, markets.own, markets.limit) <= CONTRADICTED
    return np.asarray(shown & ~contradicted)
