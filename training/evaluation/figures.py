"""The figures of ``metrics.measure`` as flat names, for a store that knows only numbers by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

COUNTS = ("n", "positives", "advertisers", "violators")
WITH_INTERVAL = ("ap", "auroc", "brier")
CALIBRATION = ("slope", "intercept", "in_the_large")


def flat(measured: Mapping[str, Any], model: str, *, markets: bool) -> dict[str, float]:
    """``MODEL.POLICY.FIGURE`` and ``MODEL.POLICY.market.MARKET.FIGURE``, the ends of an interval as ``FIGURE_low`` and ``FIGURE_high``.

    What is undefined is left out: a store of numbers has no null.
    """
    found: dict[str, float] = {}
    for policy, figures in measured["policies"].items():
        found |= {f"{model}.{policy}.{name}": value for name, value in _figures(figures)}
        for market, here in figures["markets"].items() if markets else ():
            found |= {f"{model}.{policy}.market.{market}.{name}": value for name, value in _figures(here)}
    return found


def _figures(figures: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    yield from ((name, float(figures[name])) for name in COUNTS)
    for names, source in ((WITH_INTERVAL, figures), (CALIBRATION, figures["calibration"])):
        for name in names:
            if source[name] is not None:
                yield name, float(source[name])
            if source[f"{name}_interval"] is not None:
                low, high = source[f"{name}_interval"]
                yield from ((f"{name}_low", float(low)), (f"{name}_high", float(high)))
