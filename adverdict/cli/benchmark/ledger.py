"""``adverdict benchmark ledger``: what it takes and what it prints."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from adverdict.cli.door import door


def ledger(
    quick: Annotated[bool, typer.Option("--quick", help="Less of everything: two minutes instead of hours.")] = False,
    part: Annotated[
        list[str] | None, typer.Option("--part", help="Only kills, claims, mutations, size or cost. Repeat for several.")
    ] = None,
    kills: Annotated[int, typer.Option("--kills", min=1, help="Of the service, for each database.")] = 200,
    claims: Annotated[int, typer.Option("--claims", min=1, help="For each database.")] = 100_000,
    decisions: Annotated[int, typer.Option("--decisions", min=1, help="Written and verified, for each database.")] = 100_000,
    postgres: Annotated[
        str | None, typer.Option("--postgres", help="URL of a PostgreSQL to make databases on; one is started otherwise.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of everything drawn; what a kill interrupts differs all the same.")] = 0,
    json: Annotated[Path | None, typer.Option("--json", help="Write the figures here, for machines.")] = None,
) -> None:
    """Whether nothing is lost or decided twice when the service is killed and reviewers stall, tampering is found, and what that costs."""
    from adverdict.cli.console import Bars, write_json

    with door():
        from adverdict.benchmarks.ledger.run import PARTS, LedgerBenchmark, run
        from adverdict.benchmarks.ledger.run import quick as less
        from adverdict.domain.errors import InvalidSettings, Mistake

        unknown = [Mistake("--part", name, f"one of {', '.join(PARTS)}") for name in part or [] if name not in PARTS]
        if unknown:
            raise InvalidSettings("nothing was measured:", unknown)
        job = LedgerBenchmark(kills=kills, claims=claims, decisions=decisions, postgres=postgres, seed=seed, parts=tuple(part or PARTS))
        with Bars() as bars:
            figures = run(less(job) if quick else job, bars)
        show(figures)
        if json:
            write_json(json, figures)


ROWS = {
    "kills": "kills of the service",
    "lost": "answers lost",
    "duplicated": "ads decided twice",
    "chain_errors": "problems of the chain",
    "history_mismatches": "decisions on another history",
    "claims": "claims",
    "double_decided": "tasks decided twice",
    "tasks_lost": "tasks lost",
    "overdue": "tasks past their bound",
    "mutations": "mutations",
    "mutations_found": "mutations found",
    "bytes_per_decision": "bytes a decision, tasks and indexes included",
    "copies_bytes_per_decision": "bytes a decision more, where copies are followed",
    "verify_rows_per_s": "rows verified a second",
    "requests_per_s_with": "requests a second, recorded",
    "requests_per_s_without": "requests a second, not recorded",
    "of_without": "of those not recorded (median of rounds)",
}


def show(figures: Mapping[str, Any]) -> None:
    """One column a database."""
    from adverdict.cli.console import err, out
    from adverdict.cli.tables import columns

    databases = figures["databases"]
    table = columns(["", *databases], left=("",))
    for key, title in ROWS.items():
        if any(key in found for found in databases.values()):
            table.add_row(title, *(_shown(found.get(key)) for found in databases.values()))
    out.print(table)
    for name, found in databases.items():
        for clients, asked in found.get("with_ledger", {}).items():
            without = found["without_ledger"][clients]
            out.print(
                f"{name}, {clients} clients: p50 {asked['p50_ms']:.1f} ms and p99 {asked['p99_ms']:.1f} ms "
                f"({without['p50_ms']:.1f} and {without['p99_ms']:.1f} ms without), {asked['of_without']:.2f} of the requests a second",
                highlight=False,
            )
    for name, why in figures["missing"].items():
        err.print(f"left out: {name}: {why}", style="yellow", markup=False)


def _shown(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:,}" if isinstance(value, int) else f"{value:,.2f}" if value < 10 else f"{value:,.0f}"
