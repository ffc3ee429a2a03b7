"""``adverdict benchmark certificates``: what it prints."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adverdict.cli.console import Bars, err, out, write_json
from adverdict.cli.door import door
from adverdict.cli.tables import columns
from adverdict.domain.formats import number

if TYPE_CHECKING:
    from adverdict.training.fit.everything import FitSettings

SHOWN_MARKETS = 3


def certificates(data: Sequence[Path], settings: FitSettings, deployments: int, quick: bool, json: Path | None) -> None:
    with door():
        from adverdict.benchmarks.truth.certificates import CertificatesPlan, run

        with Bars() as bars:
            figures = run(CertificatesPlan(data, settings, deployments, quick, workers=os.cpu_count() or 1), bars)
        show(figures)
        if json:
            write_json(json, figures)


def show(figures: Mapping[str, Any]) -> None:
    """Every stratum, then every method over all of them."""
    _strata(figures["detail"])
    for name in figures["populations"]:
        _methods(name, figures["populations"][name])
    for name, reason in figures["missing"].items():
        err.print(f"left out: {name}: {reason}", style="yellow", markup=False)
    count, of = figures["strata_rejected"], figures["strata"]
    out.print(f"the guarantee is refuted in {count} of {of} strata, {figures['deployments']} deployments each", highlight=False)


def _strata(detail: Sequence[Mapping[str, Any]]) -> None:
    names = ("ads", "policy", "markets", "targets", "labelled", "draws", "exceeded", "95 %", "p", "auto", "oracle", "second look", "")
    table = columns(names, left=("ads", "policy", "markets", "targets", ""), title="certified thresholds, by stratum")
    for entry in detail:
        row, targets, second = entry["methods"]["certified"], entry["targets"], entry["second_look"]
        table.add_row(
            entry["population"],
            entry["policy"],
            _markets(entry["markets"]),
            f"{targets['max_leakage']:g}/{targets['max_wrongful_reject']:g}",
            f"{entry['labelled']:,}",
            f"{entry['draws']:,.0f}",
            f"{row['exceeded_share']:.1%}",
            "–".join(f"{end * 100:.1f}" for end in row["exceeded_interval"]),
            f"{row['p']:.2g}",
            f"{row['auto_rate']:.1%}",
            f"{entry['oracle']:.1%}",
            "/".join(number(second[error], ".1%") for error in ("leakage", "wrongful")),
            "[red]refuted[/]" if row["rejected"] else "",
        )
    out.print(table)


def _methods(name: str, methods: Mapping[str, Mapping[str, Any]]) -> None:
    names = ("method", "strata", "refuted", "exceeded, worst", "auto", "of the oracle's")
    table = columns(names, left=("method",), title=f"{name}: every method on the same deployments")
    for method, found in methods.items():
        table.add_row(
            method,
            str(found["strata"]),
            str(found["strata_rejected"]),
            *(number(found[share], ".1%") for share in ("exceeded_most", "auto_rate", "auto_rate_vs_oracle")),
        )
    out.print(table)


def _markets(markets: Sequence[str]) -> str:
    return "+".join(markets) if len(markets) <= SHOWN_MARKETS else f"{len(markets)} pooled"
