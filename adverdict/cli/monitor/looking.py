"""``adverdict monitor run``, ``status`` and ``verify``: following the ledger, and what the detectors make of it."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from adverdict.cli.door import door, ledger_of
from adverdict.cli.monitor.shown import cell_figures, show_cells, show_detectors
from adverdict.cli.options import Json, Model, PolicyFiles

if TYPE_CHECKING:
    from adverdict.domain.settings import Settings
    from adverdict.ledger.store import Ledger

app = typer.Typer()


@app.command("run")
def run_command(
    model: Model = None,
    policy_files: PolicyFiles = None,
    once: Annotated[bool, typer.Option("--once", help="Look once and end.")] = False,
    kinds: Annotated[
        bool, typer.Option("--kinds/--no-kinds", help="Every six hours also look for new kinds of ads, which takes longer.")
    ] = True,
    every: Annotated[float, typer.Option("--every", min=1, max=86_400, help="Seconds between looks.")] = 600.0,
    json: Json = None,
) -> None:
    """Follow the ledger, and open an alarm for what rings."""
    from adverdict.cli.console import out, write_json

    with door(model=model, policies=policy_files) as settings:
        from adverdict.monitoring.kinds import look_for_kinds, looked_for
        from adverdict.monitoring.watch import watch
        from adverdict.scoring.bootstrap import bootstrap

        installation = bootstrap(settings)
        with ledger_of(settings) as ledger:
            while True:
                issued = installation.find().issued(installation.book.hash)
                if issued is None:
                    out.print("nothing is certified here, so nothing is promised: adverdict policy solve")
                found = watch(ledger, issued.certificates if issued else (), installation.book, settings.false_alarms)
                if kinds and not looked_for(ledger):
                    told = look_for_kinds(ledger)
                    out.print(f"{len(told.opened)} kinds of ads are new: adverdict monitor emerging list", highlight=False)
                _tell(settings, ledger)
                show_cells(found, settings.false_alarms)
                if json:
                    write_json(json, {"cells": [cell_figures(one) for one in found]})
                if once:
                    return
                time.sleep(every)


@app.command("status")
def status_command(json: Json = None) -> None:
    """How every detector stood at the last look, and how far the ledger has been followed. Looks at nothing anew."""
    from adverdict.cli.console import out, write_json

    with door() as settings:
        from adverdict.domain.formats import moment
        from adverdict.monitoring.following.follower import load
        from adverdict.monitoring.watch import last_look

        with ledger_of(settings) as ledger:
            state, found, end = load(ledger), last_look(ledger), ledger.end()[0]
        behind = f"{end - state.seq:,} behind" if end > state.seq else "nothing is behind"
        waiting = f"{len(state.waiting):,} decisions wait for people, or for the end of their day"
        out.print(f"followed to entry {state.seq:,} of {end:,} ({behind}); {waiting}", highlight=False)
        if not found:
            out.print("nobody has looked yet, or nothing is certified: adverdict monitor run --once")
        else:
            out.print(f"looked last {moment(max(one.looked_at for one in found))}", highlight=False)
            show_detectors(found)
        if json:
            cells = [{"cell": one.cell, "looked_at": one.looked_at.isoformat(), **asdict(one.state)} for one in found]
            write_json(json, {"seq": state.seq, "end": end, "waiting": len(state.waiting), "detectors": cells})


@app.command("verify")
def verify_command(
    again: Annotated[bool, typer.Option("--rebuild", help="Throw away what was counted, and count the whole ledger anew.")] = False,
    json: Json = None,
) -> None:
    """Count the whole ledger again, in memory, and compare with what is kept. Ends with 1 where they differ."""
    from adverdict.cli.console import Bars, out, printable, write_json

    with door() as settings:
        from adverdict.ledger.store import now
        from adverdict.monitoring.following.follower import rebuild, verify

        with ledger_of(settings) as ledger, Bars() as bars:
            if again:
                rebuild(ledger, now(), bars)
            checked = verify(ledger, bars)
        if checked.erased:
            out.print(f"{checked.erased:,} entries were erased since they were counted, and the ledger cannot say them again:")
            out.print("what differs may be theirs; adverdict monitor verify --rebuild counts without them")
        for line in checked.differ:
            out.print(printable(line), highlight=False, markup=False)
        told = "what is kept is what the ledger says" if checked.equal else "what is kept is not what the ledger says"
        out.print(f"{told}: {checked.rows:,} rows, up to entry {checked.seq:,}", highlight=False)
        if json:
            write_json(json, {**asdict(checked), "equal": checked.equal})
        if not checked.equal:
            raise typer.Exit(1)


def _tell(settings: Settings, ledger: Ledger) -> None:
    """The webhook, where one is configured; a receiver that does not answer ends nothing."""
    from adverdict.cli.console import out
    from adverdict.delivery.deliver import deliver
    from adverdict.delivery.posting import Receiver
    from adverdict.monitoring.webhook import channel

    if settings.webhook_url:
        done = deliver(ledger, channel(Receiver(settings.webhook_url, bytes.fromhex(settings.webhook_secret))))
        if done.sent or done.refused or done.away:
            away = "; it does not answer, and is asked again later" if done.away else ""
            out.print(f"webhook: {done.sent} told, {done.refused} not taken{away}", highlight=False)
