"""``adverdict benchmark workforce``: what it prints."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from adverdict.cli.console import Bars, out, write_json
from adverdict.cli.door import door
from adverdict.cli.options import Seed


def workforce(
    json: Annotated[Path | None, typer.Option("--json", help="Write the figures here, for machines.")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Fewer worlds, changes and weeks: some minutes on two cores.")] = False,
    seed: Seed = 0,
) -> None:
    """Whether plans of reviewers come true on simulated platforms: forecasts, changes, heads, weeks, causes, and the queue's order."""
    with door():
        from adverdict.benchmarks.workforce.run import WorkforceBenchmark, run

        with Bars() as bars:
            figures = run(WorkforceBenchmark(quick, seed), bars)
        show(figures)
        if json:
            write_json(json, figures)


def show(figures: Mapping[str, Any]) -> None:
    """One line a figure, beside what it is held to."""
    from adverdict.cli.tables import aligned

    f = figures
    rows = [
        ("simulated", "measured", "held to"),
        (
            "a queue's week is off by",
            f"{f['weekly_wape']:.1%}",
            f"{max(0.07, 1.15 * f['floor_wape']):.1%}; chance alone {f['floor_wape']:.1%}",
        ),
        ("less than repeating the last week by", f"{f['vs_seasonal_naive']:.0%}", "30 % or more"),
        ("P10-P90 holds", f"{f['coverage']:.1%} of {f['coverage_cells']:,}", "75-85 %"),
        ("of the total", f"{f['total_coverage']:.1%} of {f['total_coverage_cells']:,}", "75-85 %"),
        ("bias", f"{f['bias']:+.1%}", "2 % or less"),
        (f"tasks after {f['change_cases']} changes are off by", f"{f['change_wape']:.1%}", "7 %"),
        ("their mean handling time", f"{f['handling_error']:.1%}", "5 %"),
        ("their people, one head allowed", f"{f['fte_error']:.1%}", "5 %"),
        (
            f"bound beside the twin, {f['bound_cases']} cases",
            f"{f['bound_vs_twin_low']:+.1%} to {f['bound_vs_twin_high']:+.1%}",
            "-2 to +7 %, or one head",
        ),
        ("called enough, and not", f"{f['bound_not_enough']}", "0"),
        (f"weeks planned at 90 %, of {f['met_weeks']}", f"{f['met_share']:.1%} ({f['met_low']:.1%}-{f['met_high']:.1%})", "85-95 %"),
        (f"causes named right, of {f['cause_cases']}", f"{f['cause_right']:.0%}", "90 % or more"),
        (f"claims in the queue's order, of {f['order_claims']:,}", f"{f['order_same']:,}", "all"),
        (
            f"a lived platform's tasks in time, of {f['world_judged']:,}",
            f"{f['world_in_time']:.1%}",
            f"{f['world_in_time_twin']:.1%} by its twin",
        ),
        ("rejections that come back, as counted", f"{f['world_come_back'][0]:.1%}", f"{f['world_come_back'][1]:.1%} that did"),
        ("absence, as scored", f"{f['world_absence'][0]:.1%}", f"{f['world_absence'][1]:.1%} that was"),
        (
            f"{f['plan_weeks']} weeks of {f['plan_lanes']} lanes",
            f"{f['plan_seconds']:.0f} s, {f['plan_peak_mib']:.0f} MiB",
            "60 s, 1024 MiB",
        ),
    ]
    for line in aligned(rows):
        out.print(line.rstrip(), highlight=False, markup=False)
