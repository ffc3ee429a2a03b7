"""``adverdict benchmark profile``: what it takes and what it prints."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from adverdict.cli.door import door


def profile(
    model: Annotated[str, typer.Option("--model", help="Bundle's folder, or models:/adverdict@champion.")],
    data: Annotated[Path | None, typer.Option("--data", help="Folder with ads.parquet; simulated ads otherwise.")] = None,
    ads: Annotated[int, typer.Option("--ads", min=1, help="How many of them.")] = 512,
    batch: Annotated[list[int] | None, typer.Option("--batch", min=1, help="Ads scored together. Repeat; default 1, 64 and 256.")] = None,
    rounds: Annotated[int, typer.Option("--rounds", min=1, help="Each ad is scored this often.")] = 3,
    json: Annotated[Path | None, typer.Option("--json", help="Write the figures here, for machines.")] = None,
) -> None:
    """Where each microsecond of an ad goes: parsing, history, features, models, decision, reasons, ledger, serialisation."""
    from adverdict.cli.console import Bars, write_json

    with door():
        from adverdict.benchmarks.profile import ProfileBenchmark, run

        with Bars() as bars:
            figures = run(ProfileBenchmark(model, data, ads, tuple(batch or (1, 64, 256)), rounds), bars)
        show(figures)
        if json:
            write_json(json, figures)


def show(figures: Mapping[str, Any]) -> None:
    """Median microseconds an ad, a column for each size of batch."""
    from adverdict.cli.console import out
    from adverdict.cli.tables import columns

    batches: Mapping[str, Any] = figures["batches"]
    title = f"microseconds an ad: median of {figures['ads']} ads under {figures['policies']} policies, {', '.join(figures['components'])}"
    sizes = [name for size in batches for name in ("one by one" if size == "1" else f"{size} at once", "share")]
    table = columns(["step", *sizes], left=("step",), title=title)
    for step in next(iter(batches.values()))["steps"]:
        cells = [cell for found in batches.values() for cell in _cells(found["steps"].get(step))]
        table.add_row(step, *cells)
    table.add_row("sum", *[cell for found in batches.values() for cell in (f"{found['sum_us']:,.0f}", "100 %")])
    table.add_row("the path as one", *[cell for found in batches.values() for cell in (f"{found['whole']['wall_us']:,.0f}", "")])
    out.print(table)


def _cells(found: Mapping[str, float] | None) -> tuple[str, str]:
    return (f"{found['wall_us']:,.1f}", f"{found['share']:.0%}") if found else ("–", "")
