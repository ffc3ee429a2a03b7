"""``adverdict workforce events``: the calendar that forecasts stand on."""

from __future__ import annotations

import getpass
from typing import TYPE_CHECKING, Annotated

import typer

from adverdict.cli.door import door, ledger_of
from adverdict.cli.options import Json
from adverdict.cli.workforce.shared import By, OperationsFolder, knowing

if TYPE_CHECKING:
    from datetime import date

app = typer.Typer(help="The calendar that forecasts stand on.", no_args_is_help=True)


@app.command("check")
def check_command(operations: OperationsFolder = None) -> None:
    """Read the operations folder; every mistake at once, with file and line."""
    with door(operations=operations) as settings:
        from adverdict.cli.tables import say
        from adverdict.domain.formats import counted
        from adverdict.workforce.operations.read import needed, read_operations

        found = read_operations(needed(settings.operations))
        say(f"{counted(len(found.events), 'event')}, {counted(found.shifts, 'shift')}; digest {found.digest[:16]}")
        if found.away:
            said = f"{counted(len(found.away), 'absence')} ({', '.join(sorted({one.team for one in found.away}))})"
            say(f"{said}: people of these teams are taken off the roster while they are away")
        for name in found.missing:
            say(f"not there: {name}", "yellow")


@app.command("list")
def list_command(operations: OperationsFolder = None, json: Json = None) -> None:
    """Events as plans know them: those of events.csv, then those declared on record."""
    with door(operations=operations) as settings, ledger_of(settings) as ledger:
        from adverdict.cli.console import write_json
        from adverdict.cli.tables import say
        from adverdict.cli.workforce.tables import show
        from adverdict.workforce.operations.declared import with_declared
        from adverdict.workforce.operations.read import read_operations

        folder = read_operations(settings.operations)
        found = with_declared(folder, ledger).events
        where = {one.name for one in folder.events}
        rows = [
            [
                one.starts.isoformat(),
                one.ends.isoformat(),
                one.kind,
                "+".join(one.markets) or "all",
                "+".join(one.surfaces) or "all",
                "as before" if one.expected_factor is None else f"{one.expected_factor:g}",
                "events.csv" if one.name in where else "on record",
                one.name,
            ]
            for one in found
        ]
        if rows:
            show([("starts", "ends", "kind", "markets", "surfaces", "times", "declared", "event"), *rows], 8)
            say("times: the usual submissions; as before: as its kind did")
        else:
            say("no event is declared: 'adverdict workforce events suggest' lists past days that nothing explains")
        if json:
            days = [{**vars(one), "starts": one.starts.isoformat(), "ends": one.ends.isoformat()} for one in found]
            write_json(json, {"events": days})


@app.command("declare")
def declare_command(
    name: Annotated[str, typer.Argument(help="By which people will know it; one of the same name is replaced.")],
    kind: Annotated[str, typer.Option("--kind", help="Such as sale: what is learnt of one is expected of the next.")],
    starts: Annotated[str, typer.Option("--starts", metavar="DAY", help="Such as 2026-12-05.")],
    ends: Annotated[str | None, typer.Option("--ends", metavar="DAY", help="The last day; the first otherwise.")] = None,
    market: Annotated[list[str] | None, typer.Option("--market", help="Only there. Repeat for several; all otherwise.")] = None,
    surface: Annotated[list[str] | None, typer.Option("--surface", help="Only there. Repeat for several; all otherwise.")] = None,
    factor: Annotated[float | None, typer.Option("--factor", help="Times the usual submissions; as its kind did before otherwise.")] = None,
    by: By = None,
) -> None:
    """Put an event on record, for whoever plans from now on; for those without a folder of operations at hand."""
    with door() as settings, ledger_of(settings) as ledger:
        from adverdict.cli.tables import say
        from adverdict.ledger.store import now
        from adverdict.workforce.operations.declared import declare
        from adverdict.workforce.operations.events import Event

        first, last = _days(starts, ends or starts)
        event = Event(name, kind, first, last, tuple(market or ()), tuple(surface or ()), factor)
        say(f"{declare(ledger, event, by or getpass.getuser(), now())} is on record")


@app.command("call-off")
def call_off_command(name: Annotated[str, typer.Argument(help="As 'adverdict workforce events list' shows it.")], by: By = None) -> None:
    """Call off an event that was declared on record."""
    with door() as settings, ledger_of(settings) as ledger:
        from adverdict.cli.tables import say
        from adverdict.ledger.store import now
        from adverdict.workforce.operations.declared import call_off

        say(f"{call_off(ledger, name, by or getpass.getuser(), now())} is on record")


def _days(starts: str, ends: str) -> tuple[date, date]:
    from datetime import date

    from adverdict.domain.errors import InvalidSettings, Mistake

    found, wrong = [], []
    for option, told in (("--starts", starts), ("--ends", ends)):
        try:
            found.append(date.fromisoformat(told))
        except ValueError:
            wrong.append(Mistake(option, told, "a day such as 2026-11-27"))
    if wrong:
        raise InvalidSettings("the event was not declared:", wrong)
    return found[0], found[1]


@app.command("suggest")
def suggest_command(operations: OperationsFolder = None) -> None:
    """Days that no declared event explains, as lines for events.csv; with holidays, where 'adverdict[plan]' is installed."""
    with knowing(operations) as (_, known):
        from adverdict.cli.workforce.tables import show_suggestions
        from adverdict.workforce.suggest import suggestions

        show_suggestions(suggestions(known.history, known.operations.events))
