"""What a model is, on one page of Markdown: the description of its run and of its version."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from adverdict.domain.formats import interval, number
from adverdict.models.manifest import DataEntry


@dataclass(frozen=True)
class CardData:
    """``metrics``: of what is served, as of ``metrics.measure``; ``split`` says in words which ads it was measured on; ``skipped``:
    policies that were not trained, and why; ``components``: the models that decide."""

    bundle_version: str
    created_at: datetime
    sources: Sequence[DataEntry]
    split: str
    metrics: Mapping[str, Any]
    components: Sequence[str]
    skipped: Mapping[str, str]
    unstated: Sequence[str] = ()


def model_card(data: CardData) -> str:
    """Markdown, without any ad's text."""
    lines = [
        f"Calibrated risks of {len(data.metrics['policies'])} ad policies, decided by {', '.join(data.components)}. "
        f"Bundle `{data.bundle_version}`, trained {data.created_at:%Y-%m-%d %H:%M} UTC.",
        "",
        f"**Measured** on {data.split}. In brackets 95 % intervals over advertisers.",
        "",
        "| policy | violating of labelled | advertisers | AP | AUROC | calibration slope | level (log-odds) |",
        "|---|---|---|---|---|---|---|",
        *(_row(policy, found) for policy, found in data.metrics["policies"].items()),
        "",
        "**Trained on** " + "; ".join(map(_source, data.sources)) + ".",
    ]
    lines += [f"**Not trained**: {policy}: {reason}." for policy, reason in data.skipped.items()]
    lines += ["", *data.unstated] if data.unstated else []
    lines += [
        "",
        "**Use.** One row an ad; for each policy the calibrated probability that it violates it, `p_POLICY`, and the ends of its 90 % "
        "interval, `p_low_POLICY` and `p_high_POLICY`. A risk is no verdict: thresholds, certificates and people decide "
        "(`adverdict serve`, `adverdict policy solve`). Loaded by itself, the model knows of advertisers what was known when it was made.",
        "",
        "**Limits.** The figures hold for ads like those measured; ads in a language or script that it hardly saw are marked unfamiliar, "
        "and go to people. Markets without labels of their own have the risks of all markets together.",
    ]
    return "\n".join(lines)


def figures_tags(metrics: Mapping[str, Any]) -> dict[str, str]:
    """``POLICY.ap`` with its interval, as tags of a version."""
    return {f"{policy}.ap": _of(found, "ap") for policy, found in metrics["policies"].items() if found["ap"] is not None}


def data_tags(sources: Sequence[DataEntry]) -> dict[str, str]:
    """``data.NAME``: the sha256 of what it was trained on; of a name that no tag may have, what is left of it."""
    return {f"data.{re.sub('[^A-Za-z0-9_.-]+', '_', one.name)}": one.digest for one in sources}


def _source(one: DataEntry) -> str:
    return f"{one.name}: {one.ads:,} ads, {one.labels:,} labels (`{one.digest[:16]}`)"


def _row(policy: str, found: Mapping[str, Any]) -> str:
    calibration = found["calibration"]
    counts = f"{found['positives']:,} of {found['n']:,}"
    figures = (_of(found, "ap"), _of(found, "auroc"), _of(calibration, "slope", ".2f"), _of(calibration, "in_the_large", "+.2f"))
    return f"| {policy} | {counts} | {found['advertisers']:,} | {' | '.join(figures)} |"


def _of(found: Mapping[str, Any], name: str, form: str = ".3f") -> str:
    if found[name] is None:
        return "–"
    ends = found[f"{name}_interval"]
    return f"{number(found[name], form)} [{interval(ends[0], ends[1], form)}]" if ends else f"{number(found[name], form)} [no interval]"
