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
    from adverdict.training.fit.prepared import FitSettings

HARM = ("harm_ratio_c5", "harm_ratio_c20")


def certificates(data: Sequence[Path], settings: FitSettings, deployments: int, quick: bool, json: Path | None) -> None:
    with door():
        from adverdict.benchmarks.truth.certificates import CertificatesPlan, run

        with Bars() as bars:
            figures = run(CertificatesPlan(data, settings, deployments, quick, workers=os.cpu_count() or 1), bars)
        show(figures)
        if json:
            write_json(json, figures)


def show(figures: Mapping[str, Any]) -> None:
    """Every stratum, then every method over all of them, then what looking, few labels and borrowing come to."""
    _strata(figures["detail"])
    _methods(figures)
    for name, reason in figures["missing"].items():
        err.print(f"left out: {name}: {reason}", style="yellow", markup=False)
    for line in _lines(figures):
        out.print(line, highlight=False)


def _strata(detail: Sequence[Mapping[str, Any]]) -> None:
    names = ("ads", "policy", "market", "leak", "targets", "labelled", "exceeded", "95 %", "looks", "auto", "harm", "boldest", "edge", "")
    table = columns(names, left=("ads", "policy", "market", "targets", ""), title="certified thresholds, by stratum")
    for entry in detail:
        row, targets, looks = entry["methods"]["certified"], entry["targets"], entry["looks"]
        table.add_row(
            entry["population"],
            entry["policy"],
            entry["market"],
            f"{entry['leaked']:g}",
            f"{targets['max_leakage']:.2g}/{targets['max_wrongful_reject']:g}",
            f"{entry['labelled']:,}",
            f"{row['exceeded']}/{row['deployments']}",
            "–".join(f"{end * 100:.1f}" for end in row["exceeded_interval"]),
            "/".join(str(one["exceeded"]) for one in looks.values()) or "–",
            number(row["auto_rate"], ".1%"),
            number(row["harm_ratio"], ".2f"),
            number(entry["methods"].get("boldest within the targets", {}).get("harm_ratio"), ".2f"),
            number(row["edge"], ".1%"),
            "[red]broken[/]" if row["broken"] else "",
        )
    out.print(table)


def _methods(figures: Mapping[str, Any]) -> None:
    counts = figures["harm_strata"]
    title = (
        f"every method on the same deployments; harm over the least possible, mean of {counts['c5']} and {counts['c20']} strata of packs"
    )
    table = columns(("method", "strata", "broken", "harm, C=5", "harm, C=20"), left=("method",), title=title)
    for method, found in figures["comparators"].items():
        table.add_row(method, str(found["strata"]), str(found["strata_broken"]), *(number(found[name], ".2f") for name in HARM))
    fixed = figures["harm_ratio_fixed"]
    table.add_row("fixed a/1-a, load of certified", "–", "–", number(fixed["c5"], ".2f"), number(fixed["c20"], ".2f"))
    out.print(table)


def _of_fewer(figures: Mapping[str, Any]) -> str:
    """Of how many strata, where the exact test was not tried in all that were looked at."""
    tried = figures["strata_solved_anew"]
    return "" if tried == figures["strata_looked_at"] else f" of {tried}"


def _lines(figures: Mapping[str, Any]) -> list[str]:
    daily, labels = figures["everyday"], figures["labels"]["most"]
    each = f"{figures['deployments']} deployments a stratum{' (quick)' if figures['quick'] else ''}"
    low, high = daily["auto_share_interval"]
    return [
        f"{each}: the guarantee is refuted in {figures['strata_broken']} of {figures['strata']} strata",
        f"looked at {figures['strata_looked_at']} strata 20 times: refuted in {figures['strata_broken_peeking']} by tests made for it, in "
        f"{figures['strata_broken_solving_anew']}{_of_fewer(figures)} by the exact test anew at each look (the column: false at any look, "
        "betting/exact)",
        f"edge: {number(figures['edge_c5'], '.1%')} of the riskiest tenth approved violate (C=5, mean of {figures['edge_strata']} strata; "
        f"worst {number(figures['edge_c5_worst'], '.1%')})",
        f"simulated, packaged policies: {daily['auto_share_all_ads']:.1%} ({low * 100:.1f}–{high * 100:.1f}) of {daily['ads']:,} ads are "
        f"decided without a person (mean of {daily['halvings']} halvings; the limits on single ads alone would leave "
        f"{daily['auto_share_of_limits']:.1%} to decide); harm {daily['harm_per_1000']:,.1f} for 1,000 ads, a fixed pair of the same load "
        f"{daily['fixed_harm_per_1000']:,.1f}",
        f"simulated: {labels['labels']} labels ({labels['interval'][0]}–{labels['interval'][1]}) certify four deployments in five",
        f"simulated: borrowing certifies {figures['borrowed_certified']:.1%} of markets, covers {figures['borrowed_coverage']:.1%}, serves "
        f"{figures['borrowed_bad_served']:.1%} of the bad ones",
    ]
