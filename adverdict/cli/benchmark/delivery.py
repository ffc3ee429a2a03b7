"""``adverdict benchmark delivery``: what it takes and what it prints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from adverdict.cli.console import out
from adverdict.cli.door import door
from adverdict.cli.options import Json, Seed
from adverdict.cli.tables import columns
from adverdict.domain.formats import number


def delivery(
    quick: Annotated[bool, typer.Option("--quick", help="40 kills on each database instead of 200.")] = False,
    seed: Seed = 0,
    json: Json = None,
) -> None:
    """Whether every change of what stands about ads reaches a receiver, in order, whoever is killed or away."""
    from adverdict.cli.console import Bars, write_json

    with door():
        from adverdict.benchmarks.delivery.run import run

        with Bars() as bars:
            figures = run(quick, seed, bars)
        _show(figures)
        if json:
            write_json(json, figures)


def _show(found: Mapping[str, Any]) -> None:
    names = {
        "kills": "senders killed",
        "changes": "changes, erased ads' included",
        "lost": "changes on record that never came",
        "out_of_order": "of an ad, that came after a later one",
        "repeated": "that came again",
        "chain_problems": "problems in the chain",
    }
    table = columns(("simulated", "SQLite", "PostgreSQL"), left=("simulated",), title="Killed at every statement and message")
    for name, words in names.items():
        table.add_row(words, *(f"{found[which][name]:,}" if found[which] else "not tried" for which in ("sqlite", "postgres")))
    out.print(table)
    if found["postgres"] is None:
        out.print(found["postgres_missing"], markup=False)
    minutes = number(found["away_minutes_to_catch_up"], ".0f")
    out.print(
        f"dead for a day: {found['away_changes']:,} changes, {found['away_lost']} lost, {found['away_out_of_order']} out of order, asked "
        f"{found['away_asked']} times, caught up {minutes} minutes after it answered again",
        highlight=False,
    )
