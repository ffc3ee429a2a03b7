"""``adverdict report``: what the EU's Digital Services Act asks a platform to tell of a period."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from adverdict.cli.door import door, ledger_of
from adverdict.cli.options import Json
from adverdict.cli.review.commands import Since, Until
from adverdict.storage.whole import write_whole

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
        Path | None,
        typer.Option(
            "--policies", help="Folder of policy files, where the ledger has kept none of a decision; ADVERDICT_POLICIES otherwise."
        ),
    ] = None,
) -> None:
    """Count a period's decisions, appeals, errors of automated means and erasures, each under the article it is for."""
    from adverdict.cli.console import out, write_json
    from adverdict.cli.moments import moment

    with door(policies=policy_files) as settings:
        from adverdict.decisions.files.read import read_policies
        from adverdict.review.reasons.statements import kept_books
        from adverdict.review.reasons.statements import statements as stated
        from adverdict.review.reasons.transparency import transparency

        begin, end = moment("--since", since), moment("--until", until)
        with ledger_of(settings) as ledger:
            report = transparency(ledger, begin, end)
            out.print(report.to_text(), end="", highlight=False, markup=False)
            if json:
                write_json(json, report.to_json())
            if table:
                write_whole(table, report.to_csv())
            if statements:
                books = kept_books(ledger, read_policies(settings.policies))
                count = _write_lines(statements, _lines(stated(ledger, books, begin, end)))
                out.print(f"{count:,} statements of reasons written to {statements}", highlight=False, markup=False)


def _lines(statements: Iterable[StatementOfReasons]) -> Iterable[str]:
    import json

    for statement in statements:
        document = {"in_union": statement.in_union, "statement": statement.to_database(), "redress": statement.redress}
        yield json.dumps(document, ensure_ascii=False) + "\n"


def _write_lines(path: Path, lines: Iterable[str]) -> int:
    """Whole or not at all; how many there were."""
    from adverdict.storage.whole import replacing_text

    count = 0
    with replacing_text(path) as file:
        for line in lines:
            file.write(line)
            count += 1
    return count
