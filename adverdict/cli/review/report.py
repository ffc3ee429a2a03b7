"""``adverdict report``: what the EU's Digital Services Act asks a platform to tell of a period."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from adverdict.cli.review.commands import Json, Since, Until

if TYPE_CHECKING:
    from collections.abc import Iterable

    from adverdict.review.reasons.statement import StatementOfReasons

app = typer.Typer(help="Report on a period: counts, error rates, statements of reasons.", no_args_is_help=True)


@app.callback()
def report() -> None:
    """Commands of a group, although there is only one so far."""


@app.command("transparency")
def transparency_command(
    since: Since = None,
    until: Until = None,
    json: Json = None,
    table: Annotated[Path | None, typer.Option("--csv", help="Write the figures here, one a row.")] = None,
    statements: Annotated[
        Path | None, typer.Option("--statements", help="Write a statement of reasons for each rejection here, one JSON document a line.")
    ] = None,
    policy_files: Annotated[
        Path | None, typer.Option("--policies", help="Folder of policy files, for decisions whose own the ledger has not kept.")
    ] = None,
) -> None:
    """Count a period's decisions, appeals, errors of automated means and erasures, each under the article it is for."""
    from adverdict.cli.console import errors_end_the_command, out, write_json
    from adverdict.cli.ledger.open import open_ledger
    from adverdict.cli.moments import moment

    with errors_end_the_command():
        from adverdict.review.reasons.statements import kept_books
        from adverdict.review.reasons.statements import statements as stated
        from adverdict.review.reasons.transparency import transparency
        from adverdict.scoring.scorer import load_policies

        begin, end = moment("--since", since), moment("--until", until)
        ledger = open_ledger()
        try:
            found = transparency(ledger, begin, end)
            out.print(found.to_text(), end="", highlight=False, markup=False)
            if json:
                write_json(json, found.to_json())
            if table:
                write_whole(table, [found.to_csv()])
            if statements:
                books = kept_books(ledger, load_policies(policy_files))
                count = write_whole(statements, _lines(stated(ledger, books, begin, end)))
                out.print(f"{count:,} statements of reasons written to {statements}", highlight=False, markup=False)
        finally:
            ledger.close()


def _lines(found: Iterable[StatementOfReasons]) -> Iterable[str]:
    import json

    for one in found:
        told = {"in_union": one.in_union, "statement": one.to_database(), "redress": one.redress}
        yield json.dumps(told, ensure_ascii=False) + "\n"


def write_whole(path: Path, pieces: Iterable[str]) -> int:
    """Write pieces of text one after the other, whole or not at all; how many there were."""
    path.parent.mkdir(parents=True, exist_ok=True)
    half, count = path.with_name(f".{path.name}.part"), 0
    try:
        with half.open("w", encoding="utf-8", newline="") as file:
            for piece in pieces:
                file.write(piece)
                count += 1
        half.replace(path)
    finally:
        half.unlink(missing_ok=True)
    return count
