"""What the commands of workforce share: options, and everything a plan is made from."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from adverdict.cli.console import Bars
from adverdict.cli.door import door, ledger_of

if TYPE_CHECKING:
    from adverdict.ledger.store import Ledger
    from adverdict.workforce.outlook import Known

OperationsFolder = Annotated[
    Path | None,
    typer.Option(
        "--operations",
        help="Folder with events.csv, roster.csv, availability.csv, shrinkage.yaml, targets.yaml; ADVERDICT_OPERATIONS otherwise.",
    ),
]
Weeks = Annotated[int, typer.Option("--weeks", min=1, max=26, help="Weeks ahead.")]
Market = Annotated[list[str] | None, typer.Option("--market", help="Only this market. Repeat for several.")]
Csv = Annotated[Path | None, typer.Option("--csv", help="Write the rows here, for a spreadsheet or a roster tool.")]
InTime = Annotated[float | None, typer.Option("--target", min=0.01, max=1.0, help="Share in time; that of targets.yaml otherwise.")]
Occupancy = Annotated[float | None, typer.Option("--occupancy", min=0.05, max=1.0, help="Most of a shift spent on tasks; .85 otherwise.")]
By = Annotated[str | None, typer.Option("--by", help="Who does it; the name of the user otherwise.")]


@contextmanager
def knowing(operations: Path | None, target: float | None = None, occupancy: float | None = None) -> Iterator[tuple[Ledger, Known]]:
    """The ledger, open, and what a plan is made from."""
    from dataclasses import replace

    from adverdict.ledger.store import now
    from adverdict.scoring.bootstrap import bootstrap
    from adverdict.workforce.known import known
    from adverdict.workforce.operations.read import read_operations

    with door(operations=operations) as settings, ledger_of(settings) as ledger:
        installation = bootstrap(settings)
        declared = read_operations(settings.operations)
        declared = replace(declared, targets=declared.targets.changed(in_time=target, occupancy=occupancy))
        with Bars() as bars:
            found = known(ledger, declared, installation.book, installation.review, now(), bars)
        yield ledger, found


def markets(told: Known, chosen: list[str] | None) -> frozenset[str]:
    """Those chosen, or all. Raises InvalidSettings for one without anything on record."""
    from adverdict.domain.errors import InvalidSettings, Mistake

    there = told.history.markets
    wrong = [Mistake("--market", one, f"a market on record: {', '.join(sorted(there))}") for one in chosen or () if one not in there]
    if wrong:
        raise InvalidSettings("no such market:", wrong)
    return frozenset(chosen or there)


def write_csv(path: Path, names: list[str], rows: list[list[str]]) -> None:
    """Write whole or not at all; no cell begins a formula."""
    import csv
    import io

    from adverdict.domain.spreadsheet import inert
    from adverdict.storage.whole import write_whole

    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([names, *([inert(cell) for cell in row] for row in rows)])
    write_whole(path, text.getvalue())
