"""What is reckoned from the times of many requests."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from adverdict.benchmarks.online.load import EXITS, FAILED, TIMED_OUT

Figures = dict[str, Any]
QUANTILES = {"p50_ms": 0.5, "p90_ms": 0.9, "p99_ms": 0.99, "p999_ms": 0.999}


@dataclass(frozen=True)
class LoadLog:
    """What a load generator wrote: one row a request, in the order they ended."""

    number: NDArray[np.int64]
    intended: NDArray[np.float64]
    """(n,), seconds since the load began; in a closed loop, when it was sent."""
    sent: NDArray[np.float64]
    done: NDArray[np.float64]
    status: NDArray[np.int16]
    """(n,): HTTP's, or FAILED or TIMED_OUT."""
    retry_after: NDArray[np.int8]
    exit: NDArray[np.int8]
    """(n,): -1: the answer was not read, 0: it states no exit, 1 and 2: as in EXITS."""
    about: Figures

    @classmethod
    def read(cls, path: Path) -> LoadLog:
        with np.load(path) as held:
            columns = {name: held[name] for name in held.files if name != "about"}
            return cls(**columns, about=json.loads(str(held["about"])))

    @property
    def good(self) -> NDArray[np.bool_]:
        return np.asarray(self.status == 200)

    @property
    def ms(self) -> NDArray[np.float64]:
        """(n,), latencies counted from the intended time of sending."""
        return 1000.0 * (self.done - self.intended)

    def rate(self, begin: float, seconds: float) -> float:
        """Requests answered with 200 a second, of those that ended within ``seconds`` from ``begin``."""
        within = self.good & (self.done >= begin) & (self.done < begin + seconds)
        return int(within.sum()) / seconds

    def exits(self, name: str) -> NDArray[np.bool_]:
        """Rows whose decision left the cascade there; "" for those that state none."""
        return np.asarray(self.exit == (EXITS.index(name) + 1 if name else 0))

    def outcome(self) -> Figures:
        """What became of all requests."""
        refused = self.status == 429
        with_retry_after = int((self.retry_after[refused] > 0).sum())
        return {
            "requests": len(self.status),
            "accepted": int(self.good.sum()),
            "refused": int(refused.sum()),
            "refused_with_retry_after": with_retry_after,
            "server_errors": int((self.status >= 500).sum()),
            "other_statuses": int(((self.status >= 100) & ~self.good & ~refused & (self.status < 500)).sum()),
            "connection_errors": int((self.status == FAILED).sum()),
            "timeouts": int((self.status == TIMED_OUT).sum()),
            "errors": self.about["errors"],
        }

    def answered(self) -> Figures:
        """What the answers that were read say, and how busy the client was: near 1, it is the client that was measured."""
        counted = {name: self.about[name] for name in ("verdicts", "degraded", "exits")}
        return {**counted, "client_busy": self.about["client_cpu_s"] / max(self.about["wall_s"], 1e-9)}


def quantile(values: Sequence[float] | NDArray[np.float64], q: float) -> float | None:
    """The smallest value that at least a share ``q`` do not exceed (nearest rank: one that was observed, never between two).

    None where fewer than one value is expected above it: that would be the largest under another name.
    """
    ordered = np.sort(np.asarray(values, dtype=np.float64))
    count = len(ordered)
    if count == 0 or count * (1.0 - q) < 1.0 - 1e-9:
        return None
    return float(ordered[int(np.ceil(q * count - 1e-9)) - 1])


def spread(ms: NDArray[np.float64]) -> Figures:
    """Quantiles of latencies in milliseconds, their largest, and how far the tail is from the middle."""
    found: Figures = {"requests": len(ms), **{name: quantile(ms, q) for name, q in QUANTILES.items()}}
    found["max_ms"] = float(ms.max()) if len(ms) else None
    return found | {"p99_over_p50": over(found["p99_ms"], found["p50_ms"])}


def over(one: float | None, other: float | None) -> float | None:
    return None if one is None or not other else one / other


def median(values: Sequence[float | None]) -> float | None:
    """Of those that there are."""
    there = [value for value in values if value is not None]
    return float(np.median(there)) if there else None


def slope(requests: Sequence[float], mib: Sequence[float]) -> float | None:
    """MiB for each 10^5 requests, by least squares; None with fewer than two points."""
    if len(set(requests)) < 2:
        return None
    x, y = np.asarray(requests, dtype=np.float64) / 1e5, np.asarray(mib, dtype=np.float64)
    return float(((x - x.mean()) * (y - y.mean())).sum() / ((x - x.mean()) ** 2).sum())
