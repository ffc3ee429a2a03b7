"""The few figures by which trainings are compared at a glance, and all of them as one table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from statistics import fmean
from typing import Any

COUNTS = ("n", "positives", "advertisers", "violators")
WITH_INTERVAL = ("ap", "auroc", "brier")
CALIBRATION = ("slope", "intercept", "in_the_large")
MOST_POLICIES = 8
"""Whose AP is told by itself: those with the most violating ads. The others are in the table and in the models' own figures."""


def headline(measured: Mapping[str, Any]) -> dict[str, float]:
    """At most a dozen: ``ap``, ``auroc`` and ``brier``, mean over the policies where they are defined; ``worst_level``, how far off the
    risks of the worst policy are in all (log-odds, without sign); and ``POLICY.ap``. ``measured`` as of ``metrics.measure``."""
    policies = {policy: found for policy, found in measured["policies"].items() if found["n"]}
    found: dict[str, float] = {}
    for name in WITH_INTERVAL:
        values = [one[name] for one in policies.values() if one[name] is not None]
        found |= {name: fmean(values)} if values else {}
    levels = [abs(one["calibration"]["in_the_large"]) for one in policies.values() if one["calibration"]["in_the_large"] is not None]
    found |= {"worst_level": max(levels)} if levels else {}
    largest = sorted(policies, key=lambda policy: (-policies[policy]["positives"], policy))[:MOST_POLICIES]
    return found | {f"{policy}.ap": policies[policy]["ap"] for policy in sorted(largest) if policies[policy]["ap"] is not None}


def by_policy(measured: Mapping[str, Any]) -> dict[str, float]:
    """``POLICY.FIGURE`` of one model: the same names for every model, so that they can be drawn over each other. What is undefined is left
    out: a store of numbers has no null."""
    found: dict[str, float] = {}
    for policy, one in measured["policies"].items():
        values = {**{name: one[name] for name in WITH_INTERVAL}, **{name: one["calibration"][name] for name in CALIBRATION}}
        found |= {f"{policy}.{name}": float(value) for name, value in values.items() if value is not None}
    return found


def table(models: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Every figure there is, a row for each model, policy and market (``all``: all of them): counts, figures and the ends of their 95 %
    intervals, ``None`` where undefined."""
    return [row for model, measured in models.items() for row in _rows(model, measured)]


def _rows(model: str, measured: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for policy, found in measured["policies"].items():
        for market, here in {"all": found, **found["markets"]}.items():
            row: dict[str, Any] = {"model": model, "policy": policy, "market": market}
            row |= {name: here[name] for name in COUNTS}
            for names, source in ((WITH_INTERVAL, here), (CALIBRATION, here["calibration"])):
                for name in names:
                    low, high = source[f"{name}_interval"] or (None, None)
                    row |= {name: source[name], f"{name}_low": low, f"{name}_high": high}
            yield row
