"""``adverdict advertiser``: the strikes against an advertiser, and lifting them."""

from __future__ import annotations

import getpass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from adverdict.cli.door import door, ledger_of
from adverdict.cli.options import Json

if TYPE_CHECKING:
    from adverdict.ledger.in_force.struck import AdvertiserStrikes

app = typer.Typer(help="Strikes: rejections of an advertiser's ads that count against it.", no_args_is_help=True)

Advertiser = Annotated[str, typer.Argument(metavar="ADVERTISER", help="Its id, as ads have it.")]


@app.command("strikes")
def strikes_command(advertiser: Advertiser, json: Json = None) -> None:
    """The strikes that stand, and the limits of the policies in force that they have reached."""
    from adverdict.cli.console import write_json

    with door() as settings:
        from adverdict.ledger.in_force.struck import strikes_against
        from adverdict.ledger.store import now
        from adverdict.scoring.bootstrap import bootstrap

        book = bootstrap(settings).in_force()
        with ledger_of(settings) as ledger, ledger.look() as connection:
            told = strikes_against(connection, book, advertiser, now())
        _show(told)
        if not book.counts_strikes:
            _line("no policy in force counts strikes: see 'strikes' in docs/policies.md")
        if json:
            write_json(json, as_json(told))


@app.command("lift")
def lift_command(
    advertiser: Advertiser,
    why: Annotated[str, typer.Option("--why", help="Kept on record.")],
    by: Annotated[str | None, typer.Option("--by", help="Who does it; the name of the user otherwise.")] = None,
) -> None:
    """Have the strikes until now cause nothing any more; new ones count as before."""
    with door() as settings:
        from adverdict.ledger.in_force.strikes import lift
        from adverdict.ledger.store import now

        with ledger_of(settings) as ledger, ledger.write() as writing:
            _, seq = lift(writing, advertiser, why, by or getpass.getuser(), now())
        _line(f"the strikes of {advertiser} count no more from entry {seq} on")


def as_json(told: AdvertiserStrikes) -> dict[str, Any]:
    return {
        "advertiser_id": told.advertiser_id,
        "strikes": [
            {
                "policy": one.policy,
                "at": one.at.isoformat(),
                "ad_id": one.ad_id,
                "decision_id": one.decision_id,
                "by": one.by,
                "counts_by_itself": one in told.by_themselves,
            }
            for one in told.strikes
        ],
        "limits": [
            {
                "policy": one.reached.policy,
                "limit": one.reached.limit.limit,
                "days": one.reached.limit.days,
                "then": one.reached.limit.then.value,
                "markets": list(one.markets),
                "until": None if one.reached.until is None else one.reached.until.isoformat(),
                "says": one.sentence,
            }
            for one in told.limits
        ],
    }


def _show(told: AdvertiserStrikes) -> None:
    from adverdict.cli.tables import table
    from adverdict.domain.formats import moment

    _line(f"{told.advertiser_id}: {told.sentence}")
    for one in told.limits:
        _line(f"  {one.sentence}")
    if told.strikes:
        rows = [
            [moment(one.at), one.policy, one.ad_id, one.by, "by itself" if one in told.by_themselves else "with an earlier one"]
            for one in told.strikes
        ]
        table(["since", "policy", "ad", "rejected by", "counts"], rows)
    if told.limits:
        _line(f"to lift them  adverdict advertiser lift {told.advertiser_id} --why …")


def _line(text: str) -> None:
    from adverdict.cli.console import out, printable

    out.print(printable(text), highlight=False, markup=False, soft_wrap=True)
