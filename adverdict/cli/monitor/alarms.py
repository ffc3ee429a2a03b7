"""``adverdict monitor alarms``, ``explain`` and ``move``: what rang, and what became of it."""

from __future__ import annotations

import getpass
from typing import Annotated

import typer

from adverdict.cli.door import door, ledger_of
from adverdict.cli.monitor.options import By, Why
from adverdict.cli.monitor.shown import alarm_figures, show_alarms
from adverdict.cli.options import Json

app = typer.Typer()

AlarmId = Annotated[str, typer.Argument(metavar="ALARM", help="As 'adverdict monitor alarms' shows it.")]


@app.command("alarms")
def alarms_command(
    every: Annotated[bool, typer.Option("--all", help="Closed ones too.")] = False,
    json: Json = None,
) -> None:
    """The alarms that are open, and what people made of them."""
    from adverdict.cli.console import write_json

    with door() as settings:
        from adverdict.ledger.bodies.alarm import AlarmState
        from adverdict.ledger.in_force.alarms import alarms

        with ledger_of(settings) as ledger, ledger.look() as connection:
            found = [one for one in alarms(connection) if every or one.state is not AlarmState.CLOSED]
        show_alarms(found)
        if json:
            write_json(json, {"alarms": [alarm_figures(one) for one in found]})


@app.command("explain")
def explain_command(alarm_id: AlarmId) -> None:
    """All that is known of one alarm: what it says, what it rests on, and what became of it."""
    with door() as settings:
        from adverdict.domain.errors import NotFound
        from adverdict.ledger.in_force.alarms import alarms

        with ledger_of(settings) as ledger, ledger.look() as connection:
            found = [one for one in alarms(connection) if one.alarm_id == alarm_id]
        if not found:
            raise NotFound(f"no alarm {alarm_id}: adverdict monitor alarms --all shows them")
        show_alarms(found, figures=True)


@app.command("move")
def move_command(
    alarm_id: AlarmId,
    state: Annotated[str, typer.Option("--to", help="acknowledged, explained, acted or closed; closed, evidence begins anew.")],
    why: Why,
    link: Annotated[str | None, typer.Option("--link", help="What explains it, or what was done: an event, a roll-out, a brake.")] = None,
    by: By = None,
) -> None:
    """Say what became of an alarm."""
    from adverdict.cli.console import out

    with door() as settings:
        from adverdict.domain.errors import InvalidInput, Mistake
        from adverdict.ledger.bodies.alarm import AlarmMoved, AlarmState
        from adverdict.ledger.in_force.alarms import move_alarm
        from adverdict.ledger.store import now

        known = [str(one) for one in AlarmState if one is not AlarmState.OPEN]
        if state not in known:
            raise InvalidInput("the alarm stays as it is:", [Mistake("--to", state, f"one of {', '.join(known)}")])
        told = AlarmMoved(alarm=alarm_id, state=AlarmState(state), why=why, link=link, by=by or getpass.getuser())
        with ledger_of(settings) as ledger, ledger.write() as writing:
            seq = move_alarm(writing, told, now())
        out.print(f"{alarm_id} is {state} from entry {seq} on", highlight=False, markup=False)
