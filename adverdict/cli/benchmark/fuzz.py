"""``adverdict benchmark fuzz``: what it takes and what it prints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from adverdict.cli.console import out
from adverdict.cli.door import door
from adverdict.cli.options import Json, Seed
from adverdict.cli.tables import columns


def fuzz(
    requests: Annotated[int, typer.Option("--requests", min=100, help="Asked of the service in one process, without sockets.")] = 1_000_000,
    sockets: Annotated[int, typer.Option("--sockets", min=100, help="Asked of the service as it is run, over sockets.")] = 20_000,
    minutes: Annotated[float, typer.Option("--minutes", min=0.1, help="After which the part without sockets stops.")] = 120.0,
    seed: Seed = 0,
    json: Json = None,
) -> None:
    """Whether requests that no client should send break the service: statuses of 500 and more, tracebacks, and memory that grows."""
    from adverdict.cli.console import Bars, err, write_json

    with door():
        from adverdict.benchmarks.fuzz.run import run

        with Bars() as bars:
            figures = run(requests, sockets, minutes * 60, seed, bars)
        _show(figures)
        if json:
            write_json(json, figures)
        broken = figures["inside"]["broken"] + figures["over_sockets"]["broken"] + sum(figures["inside"]["tracebacks"].values())
        if broken:
            err.print(f"[bold red]{broken:,} requests broke something[/]: --json keeps the first of them")
            raise typer.Exit(1)


def _show(found: Mapping[str, Any]) -> None:
    table = columns(("", "asked", "answered by", "broken"), left=("", "answered by"), title="Requests that no client should send")
    for name, where in (("in one process", "inside"), ("over sockets", "over_sockets")):
        one = found[where]
        told = ", ".join(f"{status}: {number:,}" for status, number in one["statuses"].items())
        table.add_row(name, f"{one['asked']:,}", told, f"{one['broken']:,}")
    out.print(table)
    inside = found["inside"]
    grown = "too short to tell" if inside["growth_mib"] is None else f"{inside['growth_mib']:+,.1f} MiB"
    out.print(f"memory since it had settled: {grown}; tracebacks in the log: {sum(inside['tracebacks'].values()):,}", highlight=False)
