"""``adverdict benchmark reading``: what it takes and what it prints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from adverdict.cli.console import out
from adverdict.cli.door import door
from adverdict.cli.options import Json, Seed
from adverdict.cli.tables import columns
from adverdict.domain.formats import number

ROWS = (
    ("cards", "decisions a reader gives to clear it", ".0f"),
    ("seconds", "seconds of reading", ",.0f"),
    ("contradictions", "ads of one truth, answered both ways", ".2f"),
    ("told", "of which the page told its reader", ".2f"),
    ("wrong", "wrong verdicts", ".2f"),
    ("campaigns_wrong", "campaigns with one", ".2f"),
)


def reading(
    quick: Annotated[bool, typer.Option("--quick", help="4 mornings instead of 40.")] = False,
    seed: Seed = 0,
    json: Json = None,
) -> None:
    """A simulated reviewer clears 200 tasks one by one, and with one answer for copies: decisions, seconds, contradictions, errors."""
    from adverdict.cli.console import Bars, write_json

    with door():
        from adverdict.benchmarks.reading.run import run

        with Bars() as bars:
            figures = run(quick, seed, bars)
        _show(figures)
        if json:
            write_json(json, figures)


def _show(found: Mapping[str, Any]) -> None:
    table = columns(
        ("simulated, a morning", "one by one", "95 %", "one answer for copies", "95 %"),
        left=("simulated, a morning",),
        title=f"{found['tasks']} tasks, {found['tasks_with_copies']:.0f} of them with a copy; {found['mornings']} mornings",
    )
    for name, words, shape in ROWS:
        told = []
        for way in ("one_by_one", "together"):
            if (name, way) == ("told", "one_by_one"):
                told += ["", ""]  # nothing is said of copies there
                continue
            low, high = found[f"{name}_{way}_interval"]
            told += [number(found[f"{name}_{way}"], shape), f"{low:{shape}} to {high:{shape}}"]
        table.add_row(words, *told)
    out.print(table)
    table = columns(("what one answer changes", "figure", "95 %"), left=("what one answer changes",))
    for name, words, shape in (
        ("cards_ratio", "decisions, times those before", ".2f"),
        ("seconds_ratio", "seconds of reading, times those before", ".2f"),
        ("contradictions_difference", "contradictions more", "+.2f"),
        ("wrong_difference", "wrong verdicts more", "+.2f"),
        ("seconds_a_copy_may_take", "seconds a glance at a copy may take until nothing is saved", ".1f"),
    ):
        low, high = found[f"{name}_interval"]
        table.add_row(words, number(found[name], shape), f"{low:{shape}} to {high:{shape}}")
    out.print(table)
