"""``adverdict benchmark rollout``: what it takes and what it prints."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from adverdict.cli.door import door


def rollout(
    quick: Annotated[bool, typer.Option("--quick", help="Less of everything: eight minutes instead of an hour.")] = False,
    part: Annotated[
        list[str] | None, typer.Option("--part", help="Only guards, shadow, kills, load, requests or cost. Repeat for several.")
    ] = None,
    postgres: Annotated[
        str | None, typer.Option("--postgres", help="URL of a PostgreSQL to make databases on; one is started otherwise.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of everything drawn.")] = 0,
    json: Annotated[Path | None, typer.Option("--json", help="Write the figures here, for machines.")] = None,
) -> None:
    """How often guards of a roll-out end what is harmless, how soon what is not, by simulation; and aborts under load, replay, killed
    watchers and the cost, by doing it."""
    from adverdict.cli.console import Bars, write_json

    with door():
        from adverdict.benchmarks.rollout.run import PARTS, RolloutBenchmark, run
        from adverdict.benchmarks.rollout.run import quick as less
        from adverdict.domain.errors import InvalidSettings, Mistake

        unknown = [Mistake("--part", name, f"one of {', '.join(PARTS)}") for name in part or [] if name not in PARTS]
        if unknown:
            raise InvalidSettings("nothing was measured:", unknown)
        job = RolloutBenchmark(seed=seed, postgres=postgres, parts=tuple(part or PARTS))
        job = less(job) if quick else job
        with Bars() as bars:
            figures = run(job, bars, (lambda found: write_json(json, found)) if json else (lambda found: None))
        show(figures)
        if json:
            write_json(json, figures)


ROWS = {
    "false_abort_max": ("harmless roll-outs ended, worst cell (simulated)", "{:.3f}"),
    "median_units_x3": ("units until ended, three times a limit of .02 (simulated)", "{:.0f}"),
    "median_units_x5": ("units until ended, five times a limit of .005 (simulated)", "{:.0f}"),
    "leaks_seen_x3": ("leaks seen by then, at .02", "{:.0f}"),
    "aborted_before_1pct": ("ended before .3 % / .6 % of a week's ads, worst of both (simulated)", "{:.3f}"),
    "shadow_right": ("shadows told right within 300 readings, worst change (simulated)", "{:.3f}"),
    "shadow_wrong": ("shadows told wrong, worst change (simulated)", "{:.3f}"),
    "watcher_kills": ("kills of the watcher", "{:,}"),
    "stages_lost": ("roll-outs with a stage twice or skipped", "{:,}"),
    "brake_seconds_max": ("seconds until the last decision of an aborted candidate, most", "{:.2f}"),
    "dead_arm_decisions": ("decisions of a candidate that knew it was aborted", "{:,}"),
    "replay_share": ("decisions that a replay makes again, arm and verdict", "{:.5f}"),
    "failed_requests": ("requests that failed while what decides changed", "{:,}"),
    "to_people_for_it": ("ads marked as lacking something meanwhile", "{:,}"),
    "cpu_share": ("processor share of a roll-out on the path of an ad", "{:.4f}"),
}


def show(figures: Mapping[str, Any]) -> None:
    from adverdict.cli.console import out
    from adverdict.cli.tables import columns

    table = columns(("figure", "value"), left=("figure",), title="roll-outs")
    for name, (words, form) in ROWS.items():
        if name in figures:
            table.add_row(words, form.format(figures[name]))
    out.print(table)
    cells = figures["parts"].get("guards", {}).get("cells", ())
    if cells:
        harmless = columns(("limit", "correlation", "roll-outs", "ended", "95 %"), title="harmless roll-outs ended (simulated)")
        for cell in cells:
            low, high = cell["interval"]
            harmless.add_row(
                f"{cell['limit']:g}", f"{cell['correlation']:g}", f"{cell['runs']:,}", f"{cell['share']:.1%}", f"{low:.1%}–{high:.1%}"
            )
        out.print(harmless)
