"""``adverdict benchmark train``: what it takes and what it prints."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from adverdict.cli.door import door

QUICK_ADS = 3000


def train(
    data: Annotated[
        Path | None, typer.Option("--data", help="Folder with ads.* and labels.* to train on; simulated ads otherwise.")
    ] = None,
    ads: Annotated[int, typer.Option("--ads", min=1000, help="How many simulated ads.")] = 10_000,
    encoder: Annotated[str, typer.Option("--encoder", help="minilm, a Hugging Face folder, or none.")] = "minilm",
    quick: Annotated[bool, typer.Option("--quick", help="At most 3,000 simulated ads.")] = False,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the simulation and of the trainings.")] = 7,
    json: Annotated[Path | None, typer.Option("--json", help="Write the figures here, for machines; also those so far.")] = None,
) -> None:
    """How long a training takes by stage: from nothing, again on the same ads, and with a twentieth of them new."""
    from adverdict.cli.console import Bars, write_json

    with door():
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        from adverdict.benchmarks.train import TrainBenchmark, run
        from adverdict.training.encoder.tune import EncoderSettings

        chosen = None if encoder == "none" else EncoderSettings(encoder)
        job = TrainBenchmark(data=data, ads=min(ads, QUICK_ADS) if quick else ads, encoder=chosen, seed=seed)
        with Bars() as bars:
            figures = run(job, bars, lambda some: write_json(json, some) if json else None)
        show(figures)
        if json:
            write_json(json, figures)


def show(figures: Mapping[str, Any]) -> None:
    """Seconds by stage of each training beside the others, then what they come to."""
    from adverdict.cli.console import err, out, printable
    from adverdict.cli.tables import columns

    trainings = figures["trainings"]
    first = "seconds (of CPU)"
    table = columns([first, *(name.replace("_", " ") for name in trainings)], left=(first,))
    for stage in dict.fromkeys(stage for one in trainings.values() for stage in one["stages"]):
        table.add_row(printable(stage), *(_both(one["stages"].get(stage)) for one in trainings.values()))
    table.add_row("all", *(_both(one) for one in trainings.values()), style="bold")
    table.add_row("ads/s", *(f"{one['ads_per_s']:,.1f}" for one in trainings.values()))
    table.add_row("cache, MiB", *(f"{one['cache_bytes'] / 2**20:,.1f}" for one in trainings.values()))
    table.add_row("peak memory, MiB", *(f"{one['peak_mib']:,.0f}" for one in trainings.values()))
    out.print(table)
    for name, why in figures["notes"].items():
        out.print(f"{name.replace('_', ' ')}: {why}", markup=False, highlight=False)
    for name in ("same_ads", "new_ads"):
        again = name.replace("_", " ")
        out.print(
            f"{again}: {figures[f'cold_over_{name}']:.2f} times as fast ({figures[f'cold_over_{name}_cpu']:.2f} in CPU seconds)",
            markup=False,
            highlight=False,
        )
    same = "the bundles are the same, file by file" if figures["identical"] else "THE BUNDLES DIFFER"
    out.print(same, style=None if figures["identical"] else "red", markup=False, highlight=False)
    for one in trainings.values():
        for warning in one["warnings"]:
            err.print(f"warning: {printable(warning)}", style="yellow", markup=False)


def _both(one: Mapping[str, float] | None) -> str:
    return "–" if one is None else f"{one['seconds']:,.1f} ({one['cpu_seconds']:,.1f})"
