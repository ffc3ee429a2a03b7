"""``adverdict benchmark clusters``: what it takes and what it prints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from adverdict.cli.console import out
from adverdict.cli.door import door
from adverdict.cli.options import Json, Seed
from adverdict.cli.tables import columns
from adverdict.domain.formats import number


def clusters(
    quick: Annotated[bool, typer.Option("--quick", help="A tenth of the ads.")] = False,
    seed: Seed = 0,
    json: Json = None,
) -> None:
    """Copies among simulated ads: how many are found, how fast; and verdicts carried to them: how many are wrong, what is leaked."""
    from adverdict.cli.console import Bars, write_json

    with door():
        from adverdict.benchmarks.clusters.run import run

        with Bars() as bars:
            figures = run(quick, seed, bars)
        _show(figures)
        if json:
            write_json(json, figures)


def _show(found: Mapping[str, Any]) -> None:
    table = columns(("simulated", "figure", "95 %"), left=("simulated",), title="Copies")
    table.add_row("ads", number(found["ads"], ",.0f"), "")
    table.add_row("campaigns", number(found["campaigns"], ",.0f"), "")
    for name, words in (("precision", "pairs in one cluster that are copies"), ("recall", "pairs of copies that are in one cluster")):
        low, high = found[f"{name}_interval"]
        table.add_row(words, number(found[name], ".4f"), f"{low:.4f} to {high:.4f}")
    table.add_row("the same for the mean ad: precision", number(found["precision_of_the_mean_ad"], ".4f"), "")
    table.add_row("the same for the mean ad: recall", number(found["recall_of_the_mean_ad"], ".4f"), "")
    table.add_row("ads in the largest cluster", number(found["largest_cluster"], ",.0f"), "")
    table.add_row("ads a second of one core", number(found["ads_per_s"], ",.0f"), "")
    table.add_row("MiB at most, whole process", number(found["peak_mib"], ",.0f"), "")
    out.print(table)
    table = columns(("simulated", "figure", "95 %"), left=("simulated",), title="Verdicts carried to copies")
    for side in ("reject", "approve"):
        seen, distance = found["propagation_evidence"][side], found["propagation_distance"][side]
        table.add_row(f"{side}: copies read blind, of {seen['campaigns']:,} campaigns", number(seen["copies"], ",.0f"), "")
        table.add_row(f"{side}: carried up to distance", "not" if distance is None else number(distance, ".2f"), "")
    low, high = found["propagation_wrong_share_interval"]
    table.add_row(
        f"wrong, of {found['verdicts_carried']:,} carried", number(found["propagation_wrong_share"], ".4f"), f"{low:.4f} to {high:.4f}"
    )
    table.add_row("the limit", number(found["propagation_limit"], ".2f"), "")
    table.add_row(f"of {found['campaigns_carried']} campaigns, those over it", str(found["campaigns_over_limit"]), "")
    low, high = found["leaked_impressions_ratio_interval"]
    table.add_row(
        "leaked impressions, of those without copies known", number(found["leaked_impressions_ratio"], ".2f"), f"{low:.2f} to {high:.2f}"
    )
    table.add_row(f"seconds to take back {found['unwound']:,} verdicts", number(found["unwind_seconds"], ".1f"), "")
    out.print(table)
