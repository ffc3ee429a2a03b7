"""``adverdict benchmark familiarity``: what it prints."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from adverdict.cli.console import Bars, out, write_json
from adverdict.cli.door import door
from adverdict.cli.options import Json, Seed
from adverdict.cli.tables import columns


def familiarity(
    data: Annotated[
        list[Path] | None, typer.Option("--data", help="Labelled ads, each folder scored by a model of each other one. Repeat for several.")
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="A small simulated marketplace.")] = False,
    seed: Seed = 0,
    json: Json = None,
) -> None:
    """Which ads unlike those learnt from go to people, and how many honest ones with them."""
    with door():
        from adverdict.benchmarks.truth.familiarity import FamiliarityBenchmark, run

        with Bars() as bars:
            figures = run(FamiliarityBenchmark(data or (), quick, seed), bars)
        show(figures)
        if json:
            write_json(json, figures)


def show(figures: Mapping[str, Any]) -> None:
    """The curves: a row for each kind of ads, a column for each setting."""
    settings = list(figures["honest"])
    table = columns(("share that goes to people", *(f"at {setting}" for setting in settings)), left=("share that goes to people",))
    honest = [f"{mean:.2%} ({low:.2%} to {high:.2%})" for mean, low, high in figures["honest"].values()]
    table.add_row(f"{figures['honest_ads']:,} honest simulated ads of new advertisers", *honest)
    for name, curve in figures["strange"].items():
        table.add_row(f"names in {name}" if len(name) == 2 else name, *(f"{curve[setting]:.1%}" for setting in settings))
    for policy, curve in figures["subjects"].items():
        table.add_row(f"{policy}, no ad of it learnt", *(f"{curve[setting]:.1%}" if curve["ads"] else "–" for setting in settings))
    for pair in figures["packs"]:
        table.add_row(f"harmless {pair['scored']} to {pair['trained_on']}", *(f"{pair['stopped'][setting]:.1%}" for setting in settings))
    out.print(table)
    for pair in figures["packs"]:
        out.print(
            f"{pair['trained_on']} rejects {pair['rejected']:,} and approves {pair['approved']:,} of {pair['ads']:,} harmless ads of "
            f"{pair['scored']}; {pair['by_risk']:,} have a risk that may be rejected, {pair['still']:,} of them familiar",
            highlight=False,
        )
    cost = figures["cost"]
    share = cost["us"] / cost["view_us"]
    out.print(f"{cost['us']:.0f} us an ad, {share:.2f} of what taking it apart costs; {cost['bytes']:,} bytes", highlight=False)
