"""``adverdict benchmark rescore``: what it takes and what it prints."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from adverdict.cli.door import door
from adverdict.cli.tables import number, say, table


def rescore(
    quick: Annotated[bool, typer.Option("--quick", help="Less of everything: ten minutes instead of hours.")] = False,
    part: Annotated[list[str] | None, typer.Option("--part", help="Only speed, growth, kills, same or faults. Repeat for several.")] = None,
    data: Annotated[
        list[Path] | None, typer.Option("--data", help="Ads that must be decided alike everywhere, too: a folder with ads.parquet. Repeat.")
    ] = None,
    model: Annotated[
        Path | None, typer.Option("--model", help="Bundle's folder to use where it fits; small ones are trained otherwise.")
    ] = None,
    size: Annotated[
        list[int] | None,
        typer.Option("--size", min=1, help="Ads that growth rescores, with the model that is there, to the end. Repeat for several."),
    ] = None,
    kills: Annotated[int, typer.Option("--kills", min=1, help="Of the whole run, at random moments.")] = 60,
    work: Annotated[
        Path | None, typer.Option("--work", help="Keep simulated ads and trained bundles in this folder for the next time.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the moments drawn; what a kill interrupts differs all the same.")] = 0,
    json: Annotated[Path | None, typer.Option("--json", help="Write the figures here, for machines; also those so far.")] = None,
) -> None:
    """How fast rescoring is and how it grows, that kills and faults lose no row, and that every way decides the same ad alike."""
    from adverdict.cli.console import Bars, write_json

    with door():
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # a stopped benchmark ends what it has started, as on Ctrl-C
        from adverdict.benchmarks.rescore.run import PARTS, RescoreBenchmark, of_size, run
        from adverdict.benchmarks.rescore.run import quick as less

        job = RescoreBenchmark(parts=tuple(part or PARTS), data=tuple(data or ()), model=model, kills=kills, work=work, seed=seed)
        job = less(job) if quick else job
        with Bars() as bars:
            figures = run(of_size(job, size) if size else job, bars, lambda some: write_json(json, some) if json else None)
        show(figures)
        if json:
            write_json(json, figures)


def show(figures: Mapping[str, Any]) -> None:
    """What of the figures a person looks for first."""
    parts = figures["parts"]
    for part, shown in {"speed": _speed, "growth": _growth, "kills": _kills, "same": _same, "faults": _faults}.items():
        if part in parts:
            shown(parts[part])
        for name, why in parts.get(part, {}).get("left_out", {}).items():
            say(f"left out: {name}: {why}", "yellow")


def _speed(found: Mapping[str, Any]) -> None:
    rows = [
        [engine, workers, f"{int(size):,}", number(rate), number(_at(found["rows_per_s_working"], engine, workers, size)), number(peak)]
        for engine, by in found["rows_per_s"].items()
        for workers, sizes in by.items()
        for size, rate in sizes.items()
        for peak in [_at(found["peak_mib"], engine, workers, size)]
    ]
    table(["engine", "workers", "ads", "rows/s", "rows/s working", "peak MiB"], rows)
    for name, rounds in found["comparators"].items():
        say(f"{name}: {number(max(one['rows_per_s'] for one in rounds))} rows/s")
    for name in ("vs_pipeline", "vs_pyfunc", "vs_pyfunc_row_by_row", "vs_mlflow_serve"):
        if name in found:
            say(f"{name}: {found[name]:.2f} with the start, {number(found.get(f'{name}_working'))} without (one worker, median of rounds)")
    share = found["encoder"]
    say(
        f"encoder: {number(share['texts_per_s'])} texts/s, {number(share['gflop_per_s'])} GFLOP/s, "
        f"{share['int8_share_of_peak']:.2f} of the int8 peak here ({number(share['int8_peak_gflop_per_s'])})"
    )


def _growth(found: Mapping[str, Any]) -> None:
    rows = [
        [kind, f"{one['size']:,}", number(one["seconds"]), number(one["rows_per_s"]), number(one["peak_mib"]), _yes(one["extrapolated"])]
        for kind in ("plain", "encoded")
        for one in found[kind]
    ]
    table(["model", "ads", "seconds", "rows/s", "peak MiB", "extrapolated"], rows)


def _kills(found: Mapping[str, Any]) -> None:
    while_ = ", ".join(f"{times} {phase}" for phase, times in found["killed_while"].items())
    say(f"{found['kills']} kills ({while_}): {found['resume_mismatches']} mismatches over {found['resumed_runs']} runs")
    for refused in found["refused_to_resume"]:
        say(f"did not resume: {refused}", "red")


def _same(found: Mapping[str, Any]) -> None:
    rows = [
        [name, way, f"{one['compared']:,}", f"{one['mismatches']:,}", f"{one['largest_difference']:.3g}"]
        for name, ways in found["ads"].items()
        for way, one in ways.items()
        if isinstance(one, Mapping)
    ]
    table(["ads", "against one worker", "compared", "mismatches", "largest difference"], rows)


def _faults(found: Mapping[str, Any]) -> None:
    rows = []
    for name, one in found.items():
        if name != "left_out":
            rows.append([name, str(one["exit_code"]), str(one.get("rows_lost", "–")), str(one.get("rows_twice", "–")), one["said"]])
            if "after" in one:
                after = one["after"]
                rows.append(
                    [
                        "  and after",
                        str(after["exit_code"]),
                        str(after.get("rows_lost", "–")),
                        str(after.get("rows_twice", "–")),
                        after["said"],
                    ]
                )
    table(["fault", "exit", "lost", "twice", "says"], rows)


def _at(by: Mapping[str, Any], engine: str, workers: str, size: str) -> float | None:
    value = by.get(engine, {}).get(workers, {}).get(size)
    return None if value is None else float(value)


def _yes(value: bool) -> str:
    return "yes" if value else ""
