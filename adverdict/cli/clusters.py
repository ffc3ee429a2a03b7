"""``adverdict clusters``: which ads are copies of each other."""

from __future__ import annotations

import getpass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from adverdict.cli.door import door, ledger_of
from adverdict.cli.options import Json

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from adverdict.clusters.read import ClusterSummary

By = Annotated[str | None, typer.Option("--by", help="Who does it; the name of the user otherwise.")]
app = typer.Typer(help="Copies of ads: found by words, pictures and landing pages, shown, and taken back.", no_args_is_help=True)


@app.command("build")
def build_command(
    anew: Annotated[bool, typer.Option("--anew", help="Throw away what is kept and follow the whole ledger.")] = False,
    check: Annotated[bool, typer.Option("--check", help="Then follow the ledger again, in memory, and compare.")] = False,
) -> None:
    """Bring clusters up to date with the ledger. The service does so by itself, every minute."""
    from adverdict.cli.console import Bars, out

    with door() as settings:
        from adverdict.clusters.follower import ClusterFollower, verify

        with ledger_of(settings) as ledger:
            with Bars() as bars:
                follower = ClusterFollower(ledger)
                follower.rebuild(bars) if anew else follower.catch_up(bars)
                checked = verify(ledger, bars) if check else None
            firsts = follower.index.firsts().size
        out.print(f"{follower.index.size:,} ads in {firsts:,} clusters, up to entry {follower.seq:,}", highlight=False)
        if checked is not None:
            for line in checked.differ:
                out.print(line, highlight=False, markup=False)
            out.print(
                "what is kept is what the ledger says"
                if not checked.differ
                else "what is kept differs: clusters build --anew makes it anew"
            )
            if checked.differ:
                raise typer.Exit(1)


@app.command("show")
def show_command(
    which: Annotated[str | None, typer.Argument(metavar="AD|DECISION|CLUSTER", help="Its copies; the largest clusters otherwise.")] = None,
    most: Annotated[int, typer.Option("--most", min=1, help="Rows.")] = 20,
    json: Json = None,
) -> None:
    """The copies of an ad, with what stands about each; or the largest clusters."""
    from adverdict.cli.console import write_json

    with door() as settings:
        from adverdict.clusters import read

        with ledger_of(settings) as ledger, ledger.look() as connection:
            behind = read.followed_to(connection)
            told = _largest(connection, most) if which is None else _copies(connection, which, most)
        if behind[0] < behind[1]:
            from adverdict.cli.console import err

            err.print(
                f"the ledger has {behind[1] - behind[0]:,} entries that are not followed yet: adverdict clusters build",
                style="yellow",
                highlight=False,
            )
        if json:
            write_json(json, told)


@app.command("certify")
def certify_command(
    limit: Annotated[float, typer.Option("--limit", help="Share of carried verdicts that may be wrong, such as 0.05.")] = 0.05,
    confidence: Annotated[float, typer.Option("--confidence", help="With which it is to be shown.")] = 0.95,
    by: By = None,
    json: Json = None,
) -> None:
    """Look at what was read blind, and carry verdicts to copies as far as that shows; each look spends some of the error allowed."""
    from adverdict.cli.console import Bars, out, write_json

    with door() as settings:
        from adverdict.clusters.follower import ClusterFollower
        from adverdict.review.carrying.certifying import certify_carrying

        with ledger_of(settings) as ledger, Bars() as bars:
            ClusterFollower(ledger).catch_up(bars)
            found = certify_carrying(ledger, limit=limit, confidence=confidence, by=by or getpass.getuser(), progress=bars)
        told = [{"side": one.side, "certificate": one.certificate_id, **vars(one.found)} for one in found]
        for one in found:
            read = f"{one.found.wrong} of {one.found.pairs:,} copies read blind, of {one.found.groups:,} campaigns, were decided otherwise"
            if one.found.distance is None:
                short = f"at least {one.found.groups_needed:,} campaigns without an error are needed"
                out.print(f"{one.side}: nothing is carried; {read}; {short}", highlight=False)
            else:
                upper = f"at most {one.found.upper:.1%} are wrong with {confidence:.0%} confidence"
                out.print(f"{one.side}: carried to copies alike to {1 - one.found.distance:.0%}; {read}; {upper}", highlight=False)
        if json:
            write_json(json, told)


@app.command("carry")
def carry_command() -> None:
    """Carry verdicts to copies that wait now. The service does so by itself, every minute."""
    from adverdict.cli.console import Bars, out

    with door() as settings:
        from adverdict.clusters.follower import ClusterFollower
        from adverdict.ledger.in_force.carrying import in_force
        from adverdict.ledger.store import now
        from adverdict.review.carrying.carry import carry

        with ledger_of(settings) as ledger:
            with Bars() as bars:
                ClusterFollower(ledger).catch_up(bars)
                done = carry(ledger, progress=bars)
            with ledger.look() as connection:
                holding = in_force(connection, now())
        out.print(f"{len(done):,} verdicts carried", highlight=False)
        if not holding:
            out.print("nothing is certified: adverdict clusters certify", highlight=False)


@app.command("stop")
def stop_command(
    side: Annotated[str, typer.Argument(metavar="SIDE", help="approve or reject.")],
    why: Annotated[str, typer.Option("--why", help="Kept on record.")],
    by: By = None,
) -> None:
    """Carry no verdicts of one side any more, until they are certified anew."""
    from adverdict.cli.console import out

    with door() as settings:
        from adverdict.domain.errors import InvalidInput, Mistake
        from adverdict.ledger.store import now
        from adverdict.review.carrying.certifying import SIDES, stop_carrying

        chosen = next((one for one in SIDES if one == side), None)
        if chosen is None:
            raise InvalidInput("nothing was stopped:", [Mistake("side", side, "approve or reject")])
        with ledger_of(settings) as ledger:
            stopped = stop_carrying(ledger, chosen, why, by or getpass.getuser(), now())
        out.print(f"{side}: nothing is carried from now on" if stopped else f"{side}: nothing was carried", highlight=False)


@app.command("unwind")
def unwind_command(
    decision: Annotated[str, typer.Argument(metavar="DECISION", help="That a review has settled wrongly.")],
    why: Annotated[str, typer.Option("--why", help="Kept on record.")],
    by: By = None,
    json: Json = None,
) -> None:
    """Take back what a review made of a decision, and all that was carried from it: verdicts, labels, history. People decide again."""
    from adverdict.cli.console import Bars, out, write_json

    with door() as settings:
        from adverdict.review.carrying.unwind import unwind
        from adverdict.scoring.bootstrap import bootstrap

        installation = bootstrap(settings)
        book, review = installation.in_force(), installation.review
        with ledger_of(settings) as ledger, Bars() as bars:
            done = unwind(ledger, decision, why=why, by=by or getpass.getuser(), book=book, settings=review, progress=bars)
        if not done.decisions:
            out.print("it was taken back before", highlight=False)
        else:
            told = f"{done.carried:,} carried from it, {done.along:,} answered along with it, {done.labels:,} labels"
            out.print(f"taken back: the verdict on {decision}, {told}", highlight=False, markup=False)
            out.print(f"{done.reopened:,} tasks are open again", highlight=False)
        if json:
            write_json(json, vars(done))


def _largest(connection: Connection, most: int) -> list[dict[str, Any]]:
    from adverdict.cli.console import out
    from adverdict.cli.tables import table
    from adverdict.clusters import read

    found = read.largest(connection, most)
    if not found:
        out.print("no ad has a copy")
        return []
    table(["cluster", "ads", "advertisers", "first", "last"], [_row(one) for one in found])
    return [
        {"cluster": one.name, "ads": one.ads, "advertisers": one.advertisers, "first": one.first.isoformat(), "last": one.last.isoformat()}
        for one in found
    ]


def _row(one: ClusterSummary) -> list[str]:
    return [one.name, f"{one.ads:,}", f"{one.advertisers:,}", f"{one.first:%Y-%m-%d %H:%M}", f"{one.last:%Y-%m-%d %H:%M}"]


def _copies(connection: Connection, which: str, most: int) -> list[dict[str, Any]]:
    from adverdict.cli.console import out
    from adverdict.cli.tables import table
    from adverdict.clusters import read

    seq = read.found(connection, which)
    members = read.copies(connection, seq)
    stands = read.standing(connection, members)
    told: list[dict[str, Any]] = []
    for member in members:
        decided = stands.get(member.ad_id)
        told.append(
            {
                "ad_id": member.ad_id,
                "advertiser_id": member.advertiser_id,
                "market": member.market,
                "submitted_at": member.submitted_at.isoformat(),
                "decision_id": member.decision_id,
                "alike": None if member.near is None else round(member.near.words, 3),
                "picture_differs": None if member.near is None or member.near.picture is None else round(member.near.picture, 3),
                "verdict": None if decided is None else str(decided.verdict),
                "by": None if decided is None else decided.by,
            }
        )
    rows = [
        [
            one["ad_id"],
            one["advertiser_id"],
            one["market"],
            "this one" if one["alike"] is None else f"{one['alike']:.0%}",
            f"{one['verdict'] or 'none'}{' by people' if one['by'] == 'person' else ''}",
        ]
        for one in told[:most]
    ]
    table(["ad", "advertiser", "market", "words alike", "verdict"], rows)
    if len(told) > most:
        out.print(f"and {len(told) - most:,} more (--most)", highlight=False)
    return told
