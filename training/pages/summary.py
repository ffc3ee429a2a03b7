"""What a training's report says first: what is served, how good it is beside the other models, and a line a policy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from adverdict.decisions.thresholds import POOLED
from adverdict.domain.formats import counted
from adverdict.storage.charts import Interval, interval

NARROW = (0.7, 1.4)
"""Slopes of calibration between which risks mean about what they say."""


@dataclass(frozen=True)
class SummaryRow:
    """One policy's."""

    policy: str
    positives: int
    n: int
    ap: float | None
    ap_interval: Sequence[float] | None
    drawing: Interval | None
    thresholds: str


@dataclass(frozen=True)
class Summary:
    lines: tuple[str, ...]
    rows: tuple[SummaryRow, ...]


def summarised(policies: Sequence[Mapping[str, Any]], models: Sequence[str], final: str) -> Summary:
    """``policies`` as the report has them: ``name``, ``figures`` by model, ``thresholds``."""
    served = final if final in models else models[0] if models else ""
    return Summary(tuple(_lines(policies, models, served)), tuple(_row(one, served) for one in policies))


def _lines(policies: Sequence[Mapping[str, Any]], models: Sequence[str], served: str) -> list[str]:
    lines = [f"What is served is {served}, under {counted(len(policies), 'policy', 'policies')}."]
    means = {model: _mean([one["figures"][model]["ap"] for one in policies]) for model in models}
    known = {model: mean for model, mean in means.items() if mean is not None}
    if served in known:
        others = ", ".join(f"{model} {mean:.2f}" for model, mean in sorted(known.items(), key=lambda item: -item[1]) if model != served)
        beside = f"; of the others by themselves: {others}" if others else ""
        lines.append(
            f"Mean average precision over the policies {known[served]:.2f}{beside}. The means say how they compare, not how sure that is."
        )
    slopes = {one["name"]: one["figures"][served]["calibration"]["slope"] for one in policies}
    odd = [name for name, slope in slopes.items() if slope is not None and not NARROW[0] <= slope <= NARROW[1]]
    if odd:
        lines.append(f"Look at the calibration of {_listed(odd)}: its slope is not near 1, so risks there say more or less than they mean.")
    silent = [one["name"] for one in policies if not any(each["approve_below"] > 0 or each["reject_at"] < 1 for each in _pooled(one))]
    if silent and len(silent) == len(policies):
        lines.append(
            "The thresholds that come with it decide nothing by themselves: people decide every ad until thresholds are certified."
        )
    elif silent:
        lines.append(f"Under {_listed(silent)} its thresholds decide nothing: people do.")
    return lines


def _row(one: Mapping[str, Any], served: str) -> SummaryRow:
    found = one["figures"][served]
    ends, drawing = found["ap_interval"], None
    if found["ap"] is not None and ends is not None:
        drawing = interval(ends[0], found["ap"], ends[1], found["positives"] / found["n"] if found["n"] else None, 1.0)
    return SummaryRow(one["name"], found["positives"], found["n"], found["ap"], ends, drawing, _thresholds(_pooled(one)))


def _thresholds(pooled: Sequence[Mapping[str, Any]]) -> str:
    if not pooled:
        return "none asked for"
    first = pooled[0]
    below, at = first["approve_below"], first["reject_at"]
    approves = f"approve below {below:.3g}" if below > 0 else "approve nobody"
    return f"{approves}, {f'reject from {at:.3g}' if at < 1 else 'reject nobody'}{', …' if len(pooled) > 1 else ''}"


def _pooled(one: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    found = list(one["thresholds"])
    return [each for each in found if each["market"] in (POOLED, "all markets")] or found[:1]


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def _listed(names: Sequence[str]) -> str:
    said = [name.replace("_", " ") for name in names]
    return said[0] if len(said) == 1 else f"{', '.join(said[:-1])} and {said[-1]}"
