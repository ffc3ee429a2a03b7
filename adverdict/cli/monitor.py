"""``adverdict monitor``: whether what was promised is still true, and what became of the alarms."""

from __future__ import annotations

import getpass
import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from adverdict.cli import emerging
from adverdict.cli.door import door, ledger_of
from adverdict.cli.options import Json, Model, PolicyFiles
from adverdict.cli.workforce.shared import OperationsFolder

if TYPE_CHECKING:
    from collections.abc import Sequence

    from adverdict.domain.settings import Settings
    from adverdict.ledger.in_force.alarms import Alarm
    from adverdict.ledger.store import Ledger
    from adverdict.monitoring.watch import CellStanding, LastLook

app = typer.Typer(help="Whether what was promised is still true: alarms within one budget of false ones.", no_args_is_help=True)

app.add_typer(emerging.app, name="emerging")

AlarmId = Annotated[str, typer.Argument(metavar="ALARM", help="As 'adverdict monitor alarms' shows it.")]
Why = Annotated[str, typer.Option("--why", help="Kept on record.")]
By = Annotated[str | None, typer.Option("--by", help="Who does it; the name of the user otherwise.")]


@app.command("run")
def run_command(
    model: Model = None,
    policy_files: PolicyFiles = None,
    once: Annotated[bool, typer.Option("--once", help="Look once and end.")] = False,
    kinds: Annotated[
        bool, typer.Option("--kinds/--no-kinds", help="Once a day also look for new kinds of ads, which takes longer.")
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
                    out.print(f"{len(told.opened)} kinds of ads are new since yesterday: adverdict monitor emerging list", highlight=False)
                _tell(settings, ledger)
                show_cells(found, settings.false_alarms)
                if json:
                    write_json(json, {"cells": [_told(one) for one in found]})
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
            write_json(json, {"alarms": [_alarm(one) for one in found]})


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


@app.command("inputs")
def inputs_command(operations: OperationsFolder = None, json: Json = None) -> None:
    """What comes in otherwise than in the four weeks before: missing fields, languages, formats, by caller; and volume against forecast."""
    from adverdict.cli.console import out, printable, write_json
    from adverdict.cli.workforce.shared import knowing

    with knowing(operations) as (ledger, known):
        from adverdict.ledger.store import now
        from adverdict.monitoring.following.follower import follow
        from adverdict.monitoring.inputs import input_changes, volume_weeks

        changes = input_changes(follow(ledger, now()))
        weeks = volume_weeks(known.history, known.operations.events)
        for change in changes:
            out.print(printable(change.sentence), highlight=False, markup=False)
        if not changes:
            out.print("nothing came in otherwise, as far as days with 20 ads of a caller in a market tell")
        for week in weeks:
            if week.off:
                told = (
                    f"{week.came:,.0f} ads came in {week.market} in the last week on record, and {week.forecast:,.0f} were to be expected"
                )
                out.print(f"{told}: adverdict workforce events suggest", highlight=False)
        if json:
            volumes = [{**asdict(one), "off": one.off} for one in weeks]
            write_json(json, {"changes": [{**asdict(one), "says": one.sentence} for one in changes], "volumes": volumes})


@app.command("reviewers")
def reviewers_command(
    weeks: Annotated[int, typer.Option("--weeks", min=3, max=26, help="The last two are compared with those before.")] = 8,
    json: Json = None,
) -> None:
    """Golden tasks and second readings by week, and whose reading has become worse."""
    from adverdict.cli.console import out, printable, write_json
    from adverdict.cli.tables import columns

    with door() as settings:
        from adverdict.ledger.store import now
        from adverdict.monitoring.readers import reader_changes, reader_weeks

        with ledger_of(settings) as ledger:
            found = reader_weeks(ledger, now(), weeks)
        changes = reader_changes(found)
        if found:
            names = (
                "reviewer",
                "answers",
                *(f"{weeks - number - 1} weeks ago" if number < weeks - 1 else "last week" for number in range(weeks)),
            )
            table = columns(names, left=names[:2])
            for reviewer, told in sorted(found.items()):
                table.add_row(reviewer, "golden, right", *(f"{one.right}/{one.golden}" if one.golden else "" for one in told))
                table.add_row("", "read twice, agreed", *(f"{one.agreed}/{one.read_twice}" if one.read_twice else "" for one in told))
            out.print(table)
        for change in changes:
            out.print(printable(change.sentence), highlight=False, markup=False)
        if not changes:
            out.print("nobody's reading has become worse, as far as 20 answers before and since tell")
        if json:
            by_week = {name: [asdict(one) for one in told] for name, told in found.items()}
            write_json(json, {"weeks": by_week, "changes": [{**asdict(one), "says": one.sentence} for one in changes]})


@app.command("drift")
def drift_command(
    policy: Annotated[str, typer.Option("--policy", help="Whose risks are compared.")],
    since: Annotated[str, typer.Option("--since", help="From when on something may have changed: a day, or a time; UTC.")],
    market: Annotated[str | None, typer.Option("--market", help="Only this market; all of them otherwise.")] = None,
    days: Annotated[int, typer.Option("--days", min=1, max=400, help="Before that, to compare with.")] = 90,
    model: Model = None,
    policy_files: PolicyFiles = None,
    json: Json = None,
) -> None:
    """What has changed since a day: the ads, how many violate, what a risk means, nothing, or that it cannot be told."""
    from adverdict.cli.console import out, write_json
    from adverdict.cli.moments import moment

    with door(model=model, policies=policy_files) as settings:
        from adverdict.decisions.files.fields import one_of
        from adverdict.domain.errors import InvalidSettings, Mistake
        from adverdict.monitoring.compare import compare
        from adverdict.scoring.bootstrap import bootstrap

        installation = bootstrap(settings)
        book = installation.book
        mistakes = [] if policy in book.names else [Mistake("--policy", policy, f"a policy that is in force: {one_of(book.names, policy)}")]
        if market is not None and not book.knows(market):
            mistakes.append(Mistake("--market", market, f"a market with a file: {one_of(book.markets, market)}"))
        if mistakes:
            raise InvalidSettings("nothing to compare", mistakes)
        changed = moment("--since", since)
        issued = installation.find().issued(book.hash)
        ours = [one for one in issued.certificates if one.policy == policy and market in (None, *one.served)] if issued else []
        below = max((one.approve_below for one in ours), default=0.0)
        with ledger_of(settings) as ledger:
            found = compare(ledger, policy, market, changed, days, below)
        told = found.attribution
        out.print(f"{told.drift}: {told.sentence}", highlight=False)
        read = f"people judged the first ads of {told.labels[0]:,} and {told.labels[1]:,} of them"
        out.print(f"{found.before:,} advertisers before, {found.since:,} since; {read}", highlight=False)
        alike = f"risks mean what they did, p = {told.p_meaning:.2g}; they are spread as they were, p = {told.p_spread:.2g}"
        out.print(alike, highlight=False)
        if json:
            short = {str(zone): n for zone, n in told.short.items()}
            figures = {
                "drift": str(told.drift),
                "level": told.level,
                "labels": list(told.labels),
                "short": short,
                "p_meaning": told.p_meaning,
            }
            write_json(json, {**figures, "p_spread": told.p_spread, "advertisers": [found.before, found.since]})


def _tell(settings: Settings, ledger: Ledger) -> None:
    """The webhook, where one is configured; a receiver that does not answer ends nothing."""
    from adverdict.cli.console import out
    from adverdict.monitoring.webhook import Receiver, tell

    if settings.webhook_url:
        sent = tell(ledger, Receiver(settings.webhook_url, bytes.fromhex(settings.webhook_secret)))
        if sent.sent or sent.failed or sent.given_up:
            told = f"webhook: {sent.sent} told, {sent.failed} not confirmed, {sent.waiting} to be told again, {sent.given_up} given up"
            out.print(told, highlight=False)


def show_cells(found: Sequence[CellStanding], budget: float) -> None:
    """What is watched, the loudest first."""
    from adverdict.cli.console import out, printable
    from adverdict.cli.tables import columns
    from adverdict.monitoring.detectors import FEWEST

    heard = [one for one in found if one.state.rings_at is not None]
    if heard:
        names = ("watched", "policy", "where", "read", "wrong", "evidence", "rings at")
        table = columns(names, left=names[:3], title=f"Watched, with at most {budget:g} false alarms a year together")
        for one in sorted(heard, key=lambda one: -(one.state.evidence / (one.state.rings_at or 1.0))):
            where, state = ", ".join(one.cell.markets), one.state
            evidence, rings_at = f"{state.evidence:.3g}", f"{state.rings_at:.3g}"
            table.add_row(str(one.cell.watched), one.cell.policy, where, f"{state.counted:,}", f"{state.errors:,}", evidence, rings_at)
        out.print(table)
    if unheard := len(found) - len(heard):
        out.print(f"of {unheard} of {len(found)} that are watched too little was read to say anything (fewer than {FEWEST} answers)")
    for one in found:
        if one.alarm is not None:
            out.print(printable(f"rings: {one.cell.watched} of {one.cell.policy}. {one.alarm.says}"), highlight=False, markup=False)
            out.print(printable(one.alarm.proposal), highlight=False, markup=False)
        elif one.told is not None:
            out.print(f"open since {one.told.opened_at:%Y-%m-%d}: {one.told.alarm_id}", highlight=False, markup=False)


def show_detectors(found: Sequence[LastLook]) -> None:
    from datetime import timedelta

    from adverdict.cli.console import out
    from adverdict.cli.tables import columns
    from adverdict.ledger.moments import moment

    names = ("detector", "days", "read", "wrong", "evidence", "rings at", "may ring falsely a year")
    table = columns(names, left=names[:2])
    for one in found:
        state = one.state
        first, last = (moment(day * 86_400_000_000) for day in (state.begin, state.end))
        days = f"{first:%Y-%m-%d} to {last - timedelta(days=1):%Y-%m-%d}" if state.end > state.begin else "none yet"
        heard = (f"{state.evidence:.3g}", f"{state.rings_at:.3g}") if state.rings_at is not None else ("too little", "")
        table.add_row(one.cell, days, f"{state.counted:,}", f"{state.errors:,}", *heard, f"{state.may:.2f}")
    out.print(table)


def show_alarms(found: Sequence[Alarm], *, figures: bool = False) -> None:
    from adverdict.cli.console import out, printable
    from adverdict.domain.formats import moment

    if not found:
        out.print("no alarm is open")
    for one in found:
        told = one.told
        line = f"{one.alarm_id}  {told.watched} of {told.policy} in {', '.join(told.markets)}: {one.state}, since {told.since:%Y-%m-%d}"
        out.print(line, highlight=False, markup=False, soft_wrap=True)
        for sentence in (told.says, told.proposal):
            out.print(printable(f"  {sentence}"), highlight=False, markup=False)
        if figures:
            for name, value in told.figures.items():
                out.print(printable(f"  {name}: {value}"), highlight=False, markup=False)
            for name in told.examples:
                out.print(f"  an example: decision {name} (/console/decisions/{name})", highlight=False, markup=False, soft_wrap=True)
        for at, move in one.moves:
            link = f" ({move.link})" if move.link else ""
            out.print(printable(f"  {move.state} {moment(at)}, by {move.by}: {move.why}{link}"), highlight=False, markup=False)


def _told(one: CellStanding) -> dict[str, object]:
    return {
        "cell": one.name,
        "watched": str(one.cell.watched),
        "policy": one.cell.policy,
        "markets": list(one.cell.markets),
        "limit": one.state.limit,
        "read": one.state.counted,
        "wrong": one.state.errors,
        "evidence": one.state.evidence if one.state.rings_at is not None else None,
        "rings_at": one.state.rings_at,
        "alarm": one.alarm.model_dump(mode="json") if one.alarm else None,
        "open": one.told.alarm_id if one.told else None,
    }


def _alarm(one: Alarm) -> dict[str, object]:
    return {
        "alarm_id": one.alarm_id,
        "opened_at": one.opened_at.isoformat(),
        "state": str(one.state),
        **one.told.model_dump(mode="json"),
        "moves": [{"at": at.isoformat(), **move.model_dump(mode="json")} for at, move in one.moves],
    }
