"""``adverdict benchmark reports``: what it takes and what it prints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from adverdict.cli.console import out
from adverdict.cli.door import door
from adverdict.cli.options import Json, Seed
from adverdict.cli.tables import columns


def reports(
    quick: Annotated[bool, typer.Option("--quick", help="A marketplace of half the size.")] = False,
    seed: Seed = 0,
    json: Json = None,
) -> None:
    """What viewers' reports are worth: new kinds noticed earlier, and a flood of false ones that moves nothing that measures."""
    from adverdict.cli.console import Bars, write_json

    with door():
        from adverdict.benchmarks.reports.run import run

        with Bars() as bars:
            figures = run(quick, seed, bars)
        _show(figures)
        if json:
            write_json(json, figures)


def _show(found: Mapping[str, Any]) -> None:
    emerging, flood = found["emerging"], found["flood"]
    names = ("new kind", "of its ads", "days, marks alone", "days, with reports")
    table = columns(names, left=("new kind",), title="New kinds (simulated)")
    for row in emerging["kinds"]:
        days = ["not seen" if row[name] is None else str(row[name]) for name in ("days_marks", "days_reports")]
        table.add_row(row["subject"], f"{row['part']:.0%}", *days)
    out.print(table)
    cases = f"{emerging['unexplained_a_week_marks']:.2f} and {emerging['unexplained_a_week_reports']:.2f} cases a week of nothing new"
    out.print(f"earlier in {emerging['earlier']}, later in {emerging['later']} of {len(emerging['kinds'])}; {cases}", highlight=False)
    title = f"{flood['false_reports']:,} false reports of {flood['bots']:,} new reporters"
    table = columns(("wave", "read again", "of violating ads"), title=title)
    for row in flood["waves"]:
        table.add_row(str(row["wave"] + 1), str(row["read_again"]), str(row["of_violating_ads"]))
    out.print(table)
    moved = "have moved" if flood["measures_moved"] else "are the same as before"
    out.print(f"certificates' evidence and what audits count {moved}", highlight=False)
