"""``adverdict benchmark probing``: what it takes and what it prints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from adverdict.cli.console import out
from adverdict.cli.door import door
from adverdict.cli.options import Json, Seed
from adverdict.cli.tables import columns
from adverdict.domain.formats import number


def probing(
    quick: Annotated[bool, typer.Option("--quick", help="200 climbers instead of 400, and a smaller marketplace.")] = False,
    seed: Seed = 0,
    json: Json = None,
) -> None:
    """How many queries an evader takes until a rejected ad passes, knowing verdicts, checks or risks, and with somebody who notices."""
    from adverdict.cli.console import Bars, write_json

    with door():
        from adverdict.benchmarks.probing.run import run

        with Bars() as bars:
            figures = run(quick, seed, bars)
        _show(figures)
        if json:
            write_json(json, figures)


def _show(found: Mapping[str, Any]) -> None:
    names = ("it knows", "ads", "pass", "queries, median", "noticed", "after", "pass unnoticed", "read again after")
    table = columns(names, left=("it knows",), title="Rejected ads, changed word by word (simulated; up to 200 queries)")
    for knows, one in found["climbers"].items():
        table.add_row(
            knows,
            str(one["ads"]),
            f"{one['passed_unnoticed_watch_off'] / one['ads']:.0%}",
            number(one["median_queries"], ".0f"),
            f"{one['noticed'] / one['ads']:.0%}",
            number(one["median_queries_noticed"], ".0f"),
            f"{one['passed_watched'] / one['ads']:.0%}",
            f"{one['passed_and_read_again'] / one['ads']:.0%}",
        )
    out.print(table)
    whose = ("intent", "advertisers", "something stopped", "noticed", "at most")
    table = columns(whose, left=("intent",), title="Advertisers of the marketplace")
    for intent, one in found["false_notices"].items():
        table.add_row(intent, f"{one['advertisers']:,}", f"{one['stopped']:,}", f"{one['noticed']:,}", f"{one['interval'][1]:.2%}")
    out.print(table)
