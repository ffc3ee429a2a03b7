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
    shares = list(emerging["reported"])
    names = ("new kind", "of its ads", "days, marks alone", *(f"{float(share):.0%} reported" for share in shares))
    table = columns(names, left=("new kind",), title="New kinds (simulated)")
    for row in emerging["kinds"]:
        days = ("not seen" if row["days"][share] is None else str(row["days"][share]) for share in ("0", *shares))
        table.add_row(row["subject"], f"{row['part']:.0%}", *days)
    out.print(table)
    out.print(f"cases a week of nothing new: {emerging['unexplained_a_week_marks']:.2f} by marks alone", highlight=False)
    for share, told in emerging["reported"].items():
        of = f"of {len(emerging['kinds'])}, {told['mean_days_earlier']:.1f} days on average"
        said = f"earlier in {told['earlier']}, later in {told['later']} {of}"
        out.print(f"{float(share):.0%} reported: {said}; {told['unexplained_a_week']:.2f} cases a week of nothing new", highlight=False)
    title = f"{flood['false_reports']:,} false reports of {flood['bots']:,} new reporters"
    table = columns(("wave", "read again", "of violating ads"), title=title)
    for row in flood["waves"]:
        table.add_row(str(row["wave"] + 1), str(row["read_again"]), str(row["of_violating_ads"]))
    out.print(table)
    moved = "have moved" if flood["measures_moved"] else "are the same as before"
    out.print(f"certificates' evidence and what audits count {moved}", highlight=False)
