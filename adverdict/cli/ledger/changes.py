"""``adverdict changes``: what has changed about what stands of ads, whom it was told, and what could not be delivered."""

from __future__ import annotations

import getpass
from typing import TYPE_CHECKING, Annotated

import typer

from adverdict.cli.door import door, ledger_of
from adverdict.cli.options import Json

if TYPE_CHECKING:
    from datetime import datetime

    from adverdict.delivery.outbox import Message, Standing
    from adverdict.ledger.changes import Change

app = typer.Typer(help="Changes of what stands about ads, told to the platform and to plug-ins.", no_args_is_help=True)

Named = Annotated[str, typer.Argument(metavar="RECEIVER", help="As 'adverdict changes list' shows it.")]
Number = Annotated[int, typer.Argument(metavar="NUMBER", help="Of the message.")]


@app.command("list")
def list_command(
    after: Annotated[int | None, typer.Option("--after", min=0, help="From the change after this one on; the last ones otherwise.")] = None,
    most: Annotated[int, typer.Option("--most", min=1, max=1_000, help="Changes shown at most.")] = 20,
    undelivered: Annotated[bool, typer.Option("--undelivered", help="What was refused or is held, instead.")] = False,
    json: Json = None,
) -> None:
    """The receivers and how they stand, and the last changes."""
    from adverdict.cli.console import out, write_json

    with door() as settings, ledger_of(settings) as ledger:
        from adverdict.delivery import outbox
        from adverdict.delivery.following import follow
        from adverdict.ledger.changes import changes_after, span

        follow(ledger)
        receivers, waiting = outbox.standings(ledger), outbox.undelivered(ledger)
        with ledger.look() as connection:
            last = span(connection)[1]
            found = changes_after(connection, max(0, last - most) if after is None else after, most)
        _show_receivers(receivers)
        if undelivered:
            _show_messages(waiting)
        elif not found:
            out.print("nothing has changed about any ad since changes are told")
        else:
            _show_changes(found)
        if json:
            told = [{**vars(one), "away_since": _iso(one.away_since), "next_try": _iso(one.next_try)} for one in receivers]
            stuck = [{key: value for key, value in vars(one).items() if key not in ("body", "due_at")} for one in waiting]
            write_json(json, {"receivers": told, "undelivered": stuck, "changes": [one.model_dump(mode="json") for one in found]})


@app.command("send")
def send_command(json: Json = None) -> None:
    """Send what is due, once. A service that runs does it every few seconds."""
    from adverdict.cli.console import out, write_json

    with door() as settings, ledger_of(settings) as ledger:
        from adverdict.delivery.deliver import deliver
        from adverdict.delivery.following import follow
        from adverdict.delivery.receivers import channels_of

        made, done = follow(ledger), {}
        for channel in channels_of(settings):
            one = deliver(ledger, channel)
            away = "; it does not answer, and is asked again later" if one.away else ""
            out.print(f"{channel.name}: {one.sent} told, {one.refused} not taken{away}", highlight=False, markup=False)
            done[channel.name] = vars(one)
        if not done:
            out.print("nobody is to be told: ADVERDICT_CHANGES_URL names no address, and ADVERDICT_SINKS no plug-in")
        if json:
            write_json(json, {"made": made, "receivers": done})


@app.command("retry")
def retry_command(
    receiver: Annotated[str | None, typer.Argument(metavar="RECEIVER", help="Of whom everything is tried again; of all otherwise.")] = None,
    number: Annotated[int | None, typer.Option("--number", help="Only this message.")] = None,
) -> None:
    """Try again, at once, what is held or waits for its next try."""
    from adverdict.cli.console import out

    with door() as settings:
        from adverdict.delivery.outbox import retry
        from adverdict.domain.errors import InvalidInput, Mistake
        from adverdict.domain.formats import counted
        from adverdict.ledger.store import now

        if number is not None and receiver is None:
            raise InvalidInput("nothing was tried again:", [Mistake("RECEIVER", None, "whose message it is")])
        with ledger_of(settings) as ledger:
            done = retry(ledger, receiver, number, now())
        out.print(f"{counted(done, 'message')} will be tried at the next round: adverdict changes send", highlight=False)


@app.command("drop")
def drop_command(
    receiver: Named,
    number: Number,
    why: Annotated[str, typer.Option("--why", help="Kept with the message.")],
    by: Annotated[str | None, typer.Option("--by", help="Who does it; the name of the user otherwise.")] = None,
) -> None:
    """Let one message go, so that what waits behind it is told."""
    from adverdict.cli.console import out

    with door() as settings:
        from adverdict.delivery.outbox import drop
        from adverdict.ledger.store import now

        with ledger_of(settings) as ledger:
            drop(ledger, receiver, number, why, by or getpass.getuser(), now())
        out.print(f"{receiver} is not told number {number}", highlight=False, markup=False)


def _show_receivers(found: list[Standing]) -> None:
    from adverdict.cli.console import out, printable
    from adverdict.domain.formats import moment

    if not found:
        out.print("nobody was told anything yet: ADVERDICT_CHANGES_URL, ADVERDICT_SINKS, or GET /v1/changes")
    for one in found:
        away = ""
        if one.away_since and one.next_try:
            away = f", does not answer since {moment(one.away_since)}, asked again {moment(one.next_try)}"
        told = f"{one.receiver}: {one.sent:,} told in 30 days, {one.waiting:,} waiting, {one.held:,} held{away}; {one.said}"
        out.print(printable(told), highlight=False, markup=False)


def _show_messages(found: list[Message]) -> None:
    from adverdict.cli.console import out
    from adverdict.cli.tables import columns

    if not found:
        out.print("nothing was refused")
        return
    names = ("receiver", "number", "about", "stands", "tries", "last answer")
    table = columns(names, left=("receiver", "about", "stands", "last answer"))
    for one in found:
        table.add_row(one.receiver, str(one.seq), one.about, one.state, str(one.tries), one.said)
    out.print(table)


def _show_changes(found: list[Change]) -> None:
    from adverdict.cli.console import out
    from adverdict.cli.tables import columns
    from adverdict.domain.formats import moment

    table = columns(("number", "when", "ad", "by", "stood", "stands"), left=("when", "ad", "by", "stood", "stands"))
    for one in found:
        before, verdict = (v.value if v else "nothing" for v in (one.before, one.verdict))
        table.add_row(str(one.seq), moment(one.at), one.ad_id, one.change, before, verdict)
    out.print(table)


def _iso(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()
