"""``adverdict benchmark attacks``: what it prints."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from adverdict.cli.console import Bars, out, write_json
from adverdict.cli.door import door
from adverdict.cli.options import Json, Seed
from adverdict.cli.tables import columns
from adverdict.domain.formats import interval, number


def attacks(
    data: Annotated[
        list[Path] | None, typer.Option("--data", help="Also on these labelled ads: a folder with ads.* and labels.*. Repeat for several.")
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="A smaller simulated marketplace, and fewer ads of each pack.")] = False,
    seed: Seed = 0,
    json: Json = None,
) -> None:
    """How many violating ads are still stopped once their texts are dressed up, and how many honest texts count as dressed up."""
    with door():
        from adverdict.benchmarks.attacks.run import AttackBenchmark, run

        with Bars() as bars:
            figures = run(AttackBenchmark(tuple(data or ()), seed, quick), bars)
        show(figures)
        if json:
            write_json(json, figures)


def show(figures: Mapping[str, Any]) -> None:
    names = ("how texts are dressed up", "ads", "stopped", "after", "of them still", "95 %")
    for same, title in ((True, "a reader reads the same"), (False, "there is something else to read")):
        table = columns(names, left=names[:1], title=title, no_wrap=True)
        for name, one in figures["families"].items():
            if one["read_the_same"] is same:
                found = one["kept_interval"]
                table.add_row(
                    name.replace("_", " "),
                    f"{one['ads']:,}",
                    number(one["stopped_before"], ".1%"),
                    number(one["stopped_after"], ".1%"),
                    number(one["kept"], ".1%"),
                    interval(found[0], found[1], ".1%") if found else "–",
                )
        out.print(table)
    low, high = figures["honest_interval"]
    worst, products = figures["honest_worst"], figures["honest_products"]
    out.print(
        f"honest texts counted as dressed up: {figures['honest_counted']:.2%} ({interval(low, high, '.2%')}) of "
        f"{figures['honest_texts']:,} in {figures['honest_languages']} languages; most in {worst['language']}: {worst['counted']} of "
        f"{worst['texts']}; {products['counted']} of {products['names']:,} names of products",
        highlight=False,
    )
    low, high = figures["unfamiliar_honest_interval"]
    out.print(
        f"{figures['unfamiliar_honest']:.2%} ({interval(low, high, '.2%')}) of {figures['unfamiliar_honest_ads']:,} honest simulated ads "
        f"go to people as unfamiliar; of texts in unseen languages and of random letters {figures['unfamiliar_strange_stopped']:.1%}",
        highlight=False,
    )
