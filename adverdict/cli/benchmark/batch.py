"""``adverdict benchmark batch``: what it takes and what it prints."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from adverdict.cli.door import door
from adverdict.cli.tables import number, say, table


def batch(
    quick: Annotated[bool, typer.Option("--quick", help="Less of everything: four minutes instead of fifteen.")] = False,
    part: Annotated[list[str] | None, typer.Option("--part", help="Only speed, flips or int8. Repeat for several.")] = None,
    data: Annotated[
        list[Path] | None, typer.Option("--data", help="Labelled ads to judge the early exit on, too: a folder with ads.parquet. Repeat.")
    ] = None,
    model: Annotated[Path | None, typer.Option("--model", help="Bundle's folder to measure; a small one is trained otherwise.")] = None,
    certificates: Annotated[
        Path | None, typer.Option("--certificates", help="certificates.json of the model, for its early exit; certified here otherwise.")
    ] = None,
    policies: Annotated[
        Path | None, typer.Option("--policies", help="Folder of policy files to decide by; rules with fixed thresholds otherwise.")
    ] = None,
    fp32: Annotated[Path | None, typer.Option("--fp32", help="Bundle's folder of the same model before it was quantised.")] = None,
    work: Annotated[
        Path | None, typer.Option("--work", help="Keep simulated ads and trained bundles in this folder for the next time.")
    ] = None,
    json: Annotated[Path | None, typer.Option("--json", help="Write the figures here, for machines; also those so far.")] = None,
) -> None:
    """How many ads a core scores beside a transformers pipeline, what the early exit flips, and the encoder's share of the peak."""
    from adverdict.cli.console import Bars, write_json

    with door():
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # a stopped benchmark ends what it has started, as on Ctrl-C
        from adverdict.benchmarks.batch.run import PARTS, BatchBenchmark, run
        from adverdict.benchmarks.batch.run import quick as less

        job = BatchBenchmark(
            parts=tuple(part or PARTS),
            data=tuple(data or ()),
            model=model,
            certificates=certificates,
            policies=policies,
            fp32=fp32,
            work=work,
        )
        with Bars() as bars:
            figures = run(less(job) if quick else job, bars, lambda some: write_json(json, some) if json else None)
        show(figures)
        if json:
            write_json(json, figures)


def show(figures: Mapping[str, Any]) -> None:
    """What of the figures a person looks for first."""
    parts = figures["parts"]
    for part, shown in {"speed": _speed, "flips": _flips, "int8": _int8}.items():
        if part in parts:
            shown(parts[part])
    for name, why in figures["left_out"].items():
        say(f"left out: {name}: {why}", "yellow")


def _speed(found: Mapping[str, Any]) -> None:
    table(["one core", "ads/s"], [[name, number(rate)] for name, rate in found.get("rows_per_s", {}).items()])
    if "us_per_ad" in found:
        say(f"CPU µs an ad with the early exit: {number(found['us_per_ad'])}, by {'the native core' if found['native'] else 'pure Python'}")
    for name in ("vs_pipeline", "vs_pipeline_no_encoder", "full_vs_pipeline", "vs_pyfunc_row_by_row", "cascade_vs_full"):
        if name in found:
            low, high = found[f"{name}_range"]
            say(f"{name}: {number(found[name])} ({number(low)} to {number(high)} over the rounds)")
    if "stages" in found:
        spent = ", ".join(f"{name.replace('_', ' ')} {number(value)}" for name, value in found["stages"].items())
        say(f"CPU µs an ad that goes all the way: {spent}")


def _flips(found: Mapping[str, Any]) -> None:
    if "ads" in found:
        say(f"{_flipped(found)}; {found['decisions_flipped']} decisions")
        say(f"if every ad left early: {_percent(found['if_all_left_early']['flipped_share'])} flipped")
        if found["why_no_exit"]:
            say(f"no exit: {found['why_no_exit']}", "yellow")
        columns = ("left_early", "exit_share", "flipped", "flipped_share_upper")
        rows = [[name, f"{one['ads']:,}", *_cells(one, columns)] for name, one in found["markets"].items()]
        table(["market", "ads", "left early", "share", "flipped", "at most"], rows)
    for name, pack in found.get("packs", {}).items():
        say(f"{name}: {pack['ads']:,} new ads, {pack['labelled']:,} of them labelled")
        for one in pack["limits"]:
            say(f"  at most {_percent(one['max_flipped'])} flipped: {_flipped(one)}")
        rows = [
            [policy, f"{one['n']:,}", f"{one['positives']:,}", *(_ap(one[model]) for model in ("early", "cascade", "full"))]
            for policy, one in pack["limits"][-1]["ap"].items()
        ]
        table([f"AP at {_percent(pack['limits'][-1]['max_flipped'])}", "ads", "violating", "early", "cascade", "full"], rows)


def _int8(found: Mapping[str, Any]) -> None:
    if "encoder" in found:
        one = found["encoder"]
        say(
            f"encoder: {number(one['texts_per_s'])} texts/s, {number(one['gflop_per_s'])} GFLOP/s, "
            f"{found['int8_share_of_peak']:.2f} of the int8 peak here ({number(one['int8_peak_gflop_per_s'])})"
        )
    for name, one in found["beside_fp32"].items():
        whose = "new to the bundle" if one["new_to_the_bundle"] else "it was made with"
        say(f"{name}, {one['ads']:,} ads {whose}: int8 and fp32 judge {one['flipped']:,} differently, at most {_percent(_upper(one))}")
        rows = [
            [policy, f"{ap['n']:,}", f"{ap['positives']:,}", _ap(ap["int8"]), _ap(ap["fp32"]), f"{ap['int8']['difference']:+.4f}"]
            for policy, ap in one["ap"].items()
        ]
        table(["AP", "ads", "violating", "int8", "fp32", "difference"], rows)


def _flipped(one: Mapping[str, Any]) -> str:
    return (
        f"{_percent(one['exit_share'])} of {one['ads']:,} ads leave early, {one['flipped']:,} flipped "
        f"({_percent(one['flipped_share'])}, at most {_percent(_upper(one))} of ads at 95 %)"
    )


def _upper(one: Mapping[str, Any]) -> float:
    return float(one["flipped_share_upper"])


def _cells(one: Mapping[str, Any], columns: tuple[str, ...]) -> list[str]:
    return [_percent(one[name]) if "share" in name else f"{one[name]:,}" for name in columns]


def _ap(one: Mapping[str, Any]) -> str:
    if one["interval"] is None:
        return f"{one['ap']:.3f}"
    return f"{one['ap']:.3f} ({one['interval'][0]:.3f} to {one['interval'][1]:.3f})"


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{share:.3%}" if share < 0.01 else f"{share:.1%}"
