"""``adverdict probing``: advertisers who try out what is approved, and what people found it to be."""

from __future__ import annotations

import getpass
from typing import Annotated

import typer

from adverdict.cli.door import door, ledger_of
from adverdict.cli.options import Json

app = typer.Typer(help="Advertisers who send near copies of what was stopped until one passes.", no_args_is_help=True)


@app.command("list")
def list_command(every: Annotated[bool, typer.Option("--all", help="Also those that are over.")] = False, json: Json = None) -> None:
    """Notices, and the advertisers whose ads are left to people because of them."""
    from adverdict.cli.console import out, printable, write_json

    with door() as settings, ledger_of(settings) as ledger:
        from adverdict.domain.formats import moment
        from adverdict.ledger.in_force.probing import notices
        from adverdict.ledger.store import now

        at = now()
        with ledger.look() as connection:
            found = [one for one in notices(connection) if every or one.holds(at)]
        if not found:
            out.print("nobody is noticed to try out what is approved")
        for one in found:
            how = f"{one.ended.outcome}, by {one.ended.by}: {one.ended.why}" if one.ended else f"held until {moment(one.told.until)}"
            line = f"{one.probing_id}  {moment(one.at)}  {one.told.advertiser_id}: {how}"
            out.print(printable(line), highlight=False, markup=False, soft_wrap=True)
            out.print(printable(f"  {one.told.says}"), highlight=False, markup=False)
            for name in one.told.examples:
                out.print(f"  an example: decision {name} (/console/decisions/{name})", highlight=False, markup=False, soft_wrap=True)
        if json:
            told = [
                {
                    "probing_id": one.probing_id,
                    "at": one.at.isoformat(),
                    **one.told.model_dump(mode="json"),
                    "ended": one.ended.model_dump(mode="json") if one.ended else None,
                }
                for one in found
            ]
            write_json(json, {"notices": told})


@app.command("end")
def end_command(
    probing: Annotated[str, typer.Argument(metavar="NOTICE", help="As 'adverdict probing list' shows it.")],
    outcome: Annotated[str, typer.Option("--outcome", help="evasion or harmless: what people found it to be.")],
    why: Annotated[str, typer.Option("--why", help="Kept on record.")],
    by: Annotated[str | None, typer.Option("--by", help="Who does it; the name of the user otherwise.")] = None,
) -> None:
    """Say what it was: the advertiser's ads are decided as others' are from the next round on."""
    from adverdict.cli.console import out

    with door() as settings:
        from adverdict.ledger.in_force.probing import end
        from adverdict.ledger.store import now

        with ledger_of(settings) as ledger, ledger.write() as writing:
            seq = end(writing, probing, outcome, why, by or getpass.getuser(), now())
        out.print(f"{probing} is over from entry {seq} on", highlight=False, markup=False)
