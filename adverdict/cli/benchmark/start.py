"""``adverdict benchmark start``: what it takes and what it prints."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from adverdict.cli.door import door
from adverdict.cli.options import Json


def start(
    decisions: Annotated[int, typer.Option("--decisions", min=1, help="On record in the synthetic store.")] = 10_000_000,
    ledger: Annotated[int, typer.Option("--ledger", min=1, help="In a real ledger, over which both ways are measured.")] = 100_000,
    starts: Annotated[int, typer.Option("--starts", min=1, help="Processes of each kind.")] = 3,
    model: Annotated[
        Path | None, typer.Option("--model", help="Bundle's folder that a process loads, too; the history alone otherwise.")
    ] = None,
    work: Annotated[Path | None, typer.Option("--work", help="Folder with room for about 300 bytes a decision, meanwhile.")] = None,
    json: Json = None,
) -> None:
    """How soon a worker knows what is on record of advertisers, and in how much memory: from the ledger, and from the history store."""
    from adverdict.cli.console import Bars, write_json

    with door():
        from adverdict.benchmarks.history.run import StartBenchmark, run

        job = StartBenchmark(decisions, ledger, starts, model, work)
        with Bars() as bars:
            figures = run(job, bars, lambda some: write_json(json, some) if json else None)
        show(figures)


def show(figures: Mapping[str, Any]) -> None:
    """What of the figures a person looks for first."""
    from adverdict.cli.console import out
    from adverdict.cli.tables import columns, number, say

    real, store = figures["ledger"], figures["store"]
    names = ["ready, s", "CPU, s", "private MiB", "mapped MiB", "us an ad, 256 at once", "one by one"]
    table = columns(["", "decisions", *names], left=("",), title="until a worker knows the history: medians")
    rows = (("the ledger, read", real["decisions"], real["chain"]), ("its store", real["decisions"], real["store"]))
    for name, decisions, one in (*rows, ("a synthetic store", store["decisions"], store)):
        told = ("ready_s", "cpu_s", "worker_private_mib", "worker_mapped_mib", "us, 256 at once", "us, one by one")
        table.add_row(name, f"{decisions:,}", *[number(one[key]) for key in told])
    out.print(table)
    say("both count the same" if real["same_counts"] else "they do not count the same", "" if real["same_counts"] else "red")
    say(
        f"the synthetic store: {store['bytes'] / 2**20:,.0f} MiB, built in {number(store['built']['cpu_s'])} s of CPU, "
        f"at most {number(store['built']['peak_mib'])} MiB"
    )
    would = store["chain_would_take"]
    say(f"reading a ledger of as many would take {number(would['cpu_s'])} s of CPU and {number(would['private_mib'])} MiB: worked out")
