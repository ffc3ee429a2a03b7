"""``adverdict benchmark monitoring``: what it takes and what it prints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer
from rich.table import Table

from adverdict.cli.console import out
from adverdict.cli.door import door
from adverdict.cli.options import Json, Seed
from adverdict.cli.tables import columns
from adverdict.domain.formats import number


def monitoring(
    quick: Annotated[bool, typer.Option("--quick", help="Fewer windows of drift, and a marketplace of half the size.")] = False,
    launches: Annotated[int | None, typer.Option("--launches", min=1, help="Only so many launches, and nothing else.")] = None,
    seed: Seed = 0,
    json: Json = None,
) -> None:
    """How often alarms ring falsely and how soon truly, which drift is named right, when new kinds are seen, what launches keep."""
    from adverdict.cli.console import Bars, write_json

    with door():
        from adverdict.benchmarks.monitoring.run import run, run_launches

        with Bars() as bars:
            figures = run(quick, seed, bars) if launches is None else run_launches(launches, seed, bars)
        if launches is None:
            _show(figures)
        else:
            table = columns(("simulated", "figure"), left=("simulated",), title="Launches")
            _show_launches(table, figures)
            out.print(table)
        if json:
            write_json(json, figures)


def _show_launches(table: Table, found: Mapping[str, Any]) -> None:
    told = found["launches"]
    low, high = told["nogo_wrong_interval"] or (0.0, 1.0)
    table.add_row(f"launches called go, or go with people, of {told['count']}", str(told["go"] + told["people"]))
    table.add_row("of them, those that broke what was claimed", f"{found['launch_go_wrong']} (at most {told['go_wrong_high']:.0%})")
    wrong = f"{found['launch_nogo_wrong']:.0%} ({low:.0%} to {high:.0%})"
    table.add_row(f"of {told['no_go']} called no go, those that would have held", wrong)


def _show(found: Mapping[str, Any]) -> None:
    table = columns(("simulated", "figure"), left=("simulated",), title="Alarms")
    false = ", ".join(f"{kind} {count}" for kind, count in found["false_alarms"].items())
    table.add_row(f"false alarms a market-year, of {found['market_years']} ({false})", number(found["false_alarms_per_market_year"], ".2f"))
    table.add_row("their budget", number(found["budget"], ".2f"))
    for times in ("x3", "x5"):
        table.add_row(f"audited advertisers until leakage {times} rings, median", number(found[f"median_units_{times}"], ".0f"))
    table.add_row("risks off by .7 log-odds, seen within 400 labels", number(found["calibration_seen"], ".1%"))
    table.add_row("decisions a second followed on one core", number(found["follower_per_s"], ",.0f"))
    table.add_row("what is kept is what the chain says again", "yes" if found["follower_equal"] else "no")
    _show_launches(table, found)
    out.print(table)
    table = columns(("truth", "advertisers", "labels", "answered", "right", "wrong"), left=("truth",), title="Which drift it is")
    for row in found["drifts"]:
        table.add_row(
            row["truth"],
            f"{row['advertisers']:,}",
            f"{row['labels']:,.0f}",
            *(f"{row[name] / row['runs']:.0%}" for name in ("answered", "right", "wrong")),
        )
    out.print(table)
    table = columns(("new kind", "of the ads", "days", "its ads by then"), left=("new kind",), title="New kinds of ads")
    for row in found["kinds"]:
        days = "not seen" if row["days"] is None else str(row["days"])
        table.add_row(row["subject"], f"{row['share_of_ads']:.1%}", days, str(row["ads_by_then"]))
    out.print(table)
    out.print(f"{found['unexplained_cases_a_week']:.1f} cases a week of nothing new", highlight=False)
