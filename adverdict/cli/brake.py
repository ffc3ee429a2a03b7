"""``adverdict brake``: stop automatic decisions of one side at once, and let them go on."""

from __future__ import annotations

import getpass
from typing import TYPE_CHECKING, Annotated

import typer

from adverdict.cli.door import door, ledger_of
from adverdict.cli.options import Json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from adverdict.ledger.entries import Braked, Entry

app = typer.Typer(help="Stop automatic decisions of one side at once: every worker obeys from its next round on.", no_args_is_help=True)

Policy = Annotated[str | None, typer.Option("--policy", help="Only verdicts under this policy; all of them otherwise.")]
Market = Annotated[str | None, typer.Option("--market", help="Only in this market.")]
Surface = Annotated[str | None, typer.Option("--surface", help="Only on this surface.")]
Cluster = Annotated[str | None, typer.Option("--cluster", help="Only copies of an ad: their cluster, or a decision or an ad in it.")]
Why = Annotated[str, typer.Option("--why", help="Kept on record.")]
By = Annotated[str | None, typer.Option("--by", help="Who does it; the name of the user otherwise.")]


@app.command("on")
def on_command(
    side: Annotated[str, typer.Option("--side", help="approve, reject or both: what is left to people from now on.")],
    why: Why,
    policy: Policy = None,
    market: Market = None,
    surface: Surface = None,
    cluster: Cluster = None,
    by: By = None,
) -> None:
    """Put a brake on. One of the same scope that is on already stays the one it is."""
    from adverdict.cli.console import out

    with door() as settings:
        from adverdict.clusters.braking import asked_for_copies
        from adverdict.clusters.follower import ClusterFollower
        from adverdict.ledger.in_force.steering import brake, scope_in_words
        from adverdict.ledger.store import now
        from adverdict.scoring.bootstrap import bootstrap

        book = bootstrap(settings).in_force()
        who, follows = by or getpass.getuser(), settings.clusters
        scope = {"side": side, "policy": policy, "market": market, "surface": surface, "cluster": cluster}
        with ledger_of(settings) as ledger:
            if cluster and follows:
                ClusterFollower(ledger).catch_up()
            with ledger.look() as connection:
                told = asked_for_copies(connection, book, **scope, why=why, by=who, follows=follows)  # type: ignore[arg-type]
            with ledger.write() as writing:
                brake_id, seq = brake(writing, told, now())
        out.print(f"{scope_in_words(told)} is left to people from entry {seq} on", highlight=False, markup=False)
        out.print(f"to let it go on  adverdict brake off {brake_id} --why …", highlight=False, markup=False, soft_wrap=True)


@app.command("off")
def off_command(
    brake_id: Annotated[str, typer.Argument(metavar="BRAKE", help="As 'adverdict brake list' shows it.")],
    why: Why,
    by: By = None,
) -> None:
    """Release a brake: what it stopped is decided automatically again."""
    from adverdict.cli.console import out

    with door() as settings:
        from adverdict.ledger.in_force.steering import release
        from adverdict.ledger.store import now

        with ledger_of(settings) as ledger, ledger.write() as writing:
            seq = release(writing, brake_id, why, by or getpass.getuser(), now())
        out.print(f"{brake_id} is off from entry {seq} on", highlight=False, markup=False)


@app.command("list")
def list_command(json: Json = None) -> None:
    """The brakes that are on."""
    from adverdict.cli.console import write_json

    with door() as settings:
        from adverdict.ledger.in_force.steering import brakes_on

        with ledger_of(settings) as ledger, ledger.look() as connection:
            found = brakes_on(connection)
        show_brakes(found)
        if json:
            told = [{"brake_id": entry.entry_id, "seq": entry.seq, "since": entry.at, **on.model_dump(mode="json")} for entry, on in found]
            write_json(json, {"brakes": [{**one, "since": one["since"].isoformat()} for one in told]})


def show_brakes(found: Sequence[tuple[Entry, Braked]]) -> None:
    from adverdict.cli.console import out, printable
    from adverdict.domain.formats import moment
    from adverdict.ledger.in_force.steering import scope_in_words

    if not found:
        out.print("no brake is on")
    for entry, on in found:
        out.print(f"{entry.entry_id}  {scope_in_words(on)}", highlight=False, markup=False, soft_wrap=True)
        out.print(printable(f"  since {moment(entry.at)}, by {on.by}: {on.why}"), highlight=False, markup=False, soft_wrap=True)
