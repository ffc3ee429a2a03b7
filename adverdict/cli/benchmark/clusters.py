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
    """How many copies are found among simulated ads, how many others are taken for some, how fast, in how much memory."""
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
