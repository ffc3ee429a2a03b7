"""``adverdict workforce events``: the calendar that forecasts stand on."""

from __future__ import annotations

import typer

from adverdict.cli.door import door
from adverdict.cli.workforce.shared import OperationsFolder, knowing

app = typer.Typer(help="The calendar that forecasts stand on.", no_args_is_help=True)


@app.command("check")
def check_command(operations: OperationsFolder = None) -> None:
    """Read the operations folder; every mistake at once, with file and line."""
    with door(operations=operations) as settings:
        from adverdict.cli.tables import say
        from adverdict.domain.formats import counted
        from adverdict.workforce.operations.read import needed, read_operations

        found = read_operations(needed(settings.operations))
        say(f"{counted(len(found.events), 'event')}, {counted(len(found.roster), 'shift')}; digest {found.digest[:16]}")
        for name in found.missing:
            say(f"not there: {name}", "yellow")


@app.command("suggest")
def suggest_command(operations: OperationsFolder = None) -> None:
    """Days that no declared event explains, as lines for events.csv; with holidays, where 'adverdict[plan]' is installed."""
    with knowing(operations) as (_, known):
        from adverdict.cli.workforce.tables import show_suggestions
        from adverdict.workforce.suggest import suggestions

        show_suggestions(suggestions(known.history, known.operations.events))
