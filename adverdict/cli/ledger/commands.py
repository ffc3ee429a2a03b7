"""``adverdict ledger``: whether the record is whole, erasing from it, and bringing its tables up to date."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from adverdict.cli.door import door, ledger_of
from adverdict.cli.ledger.replay import replay_command
from adverdict.cli.options import Json

if TYPE_CHECKING:
    from adverdict.domain.settings import Settings
    from adverdict.ledger.erase import Erasure
    from adverdict.ledger.store import Ledger
    from adverdict.ledger.verify import Verified

app = typer.Typer(help="Check the record of decisions, erase from it, replay it.", no_args_is_help=True)

app.command("replay")(replay_command)
SHOWN = 20
"""Problems printed; the rest are counted."""


@app.command("verify")
def verify_command(
    anchor: Annotated[
        str | None, typer.Option("--anchor", metavar="SEQ:HASH", help="An end that was printed earlier and kept elsewhere.")
    ] = None,
    json: Json = None,
) -> None:
    """Find every edited, deleted, moved or cut-off row; say what that covers; print the end of the chain, to be kept elsewhere."""
    from adverdict.cli.console import Bars, err, out, write_json
    from adverdict.domain.formats import counted

    with door() as settings:
        from adverdict.ledger.verify import verify

        noted = _anchor(anchor)
        with ledger_of(settings) as ledger, Bars() as bars:
            verified = verify(ledger, anchor=noted, progress=bars)
            stored = _stored(settings, ledger)
        show_verified(verified)
        if stored:
            out.print(stored, highlight=False, soft_wrap=True)
        if json:
            write_json(json, _figures(verified))
        if verified.found:
            err.print(f"[bold red]the ledger is not as it was written[/]: {counted(verified.found, 'problem')}")
            raise typer.Exit(1)


@app.command("erase")
def erase_command(
    why: Annotated[str, typer.Option("--why", help="The reason; it stays in the ledger, so it must not name the advertiser.")],
    advertiser: Annotated[str | None, typer.Option("--advertiser", help="Erase what is about this advertiser_id.")] = None,
    before: Annotated[
        str | None, typer.Option("--before", metavar="DATE", help="Erase decisions made before this day (UTC), and all about them.")
    ] = None,
    by: Annotated[str | None, typer.Option("--by", help="Who erases; the name of the user otherwise.")] = None,
    compact: Annotated[
        bool, typer.Option(help="Write the tables anew, so that no piece of a row stays in a file. Nobody writes meanwhile.")
    ] = True,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Erase contents for good: an advertiser's, or old ones. The chain stays verifiable and says that they were erased."""
    with door() as settings:
        from adverdict.cli.console import out
        from adverdict.cli.moments import moment
        from adverdict.ledger.erase import erase
        from adverdict.ledger.history import forget
        from adverdict.ledger.store import now

        day = moment("--before", before)
        _one_of(advertiser, before)
        with ledger_of(settings) as ledger:
            if not yes:
                typer.confirm(f"Erase {_what(advertiser, before)} from {ledger.engine.url.render_as_string()} for good?", abort=True)
            done = erase(ledger, advertiser=advertiser, before=day, why=why, by=by or _user(), now=now(), forget=forget, rewrite=compact)
            stored = _stored(settings, ledger)
        show_erasure(done, compact)
        if stored:
            out.print(stored, highlight=False, soft_wrap=True)


@app.command("accept")
def accept_command() -> None:
    """Go on with the ledger as it is, though this installation remembers a longer or another one: after a backup was restored."""
    from adverdict.cli.console import out
    from adverdict.domain.formats import counted

    with door() as settings:
        from adverdict.domain.errors import Unavailable
        from adverdict.models.registry import use_registry
        from adverdict.serving.worker.watches.record import accept

        use_registry(settings)
        with ledger_of(settings) as ledger:
            try:
                before, end = accept(ledger, settings.cache, settings.model)
            except OSError as error:
                raise Unavailable(f"not accepted everywhere: {error}. Run it again when that is mended") from error
        if before is not None and before.seq > end.seq:
            lost = counted(before.seq - end.seq, "entry", "entries")
            out.print(f"given up: {lost} that were on record; what was answered by them is not known any more")
        out.print(f"remembered: entry {end.seq}, {end.hash}. Restart the services of this installation")


@app.command("migrate")
def migrate_command() -> None:
    """Bring the tables up to date; 'adverdict serve' does it too. Makes them where there are none."""
    from adverdict.cli.console import out

    with door() as settings:
        from adverdict.ledger.migrate import latest

        with ledger_of(settings, create=True) as ledger:
            out.print(f"{ledger.engine.url.render_as_string()} has tables of version {latest()}", highlight=False, markup=False)


def show_verified(found: Verified) -> None:
    from adverdict.cli.console import out, printable
    from adverdict.domain.formats import counted
    from adverdict.ledger.beside import COVERS, LEAVES

    for problem in found.problems[:SHOWN]:
        where = "        " if problem.seq is None else f"{problem.seq:>8}"
        out.print(printable(f"{where}  {problem.what}"), highlight=False, markup=False)
    if found.found > SHOWN:
        out.print(f"          … and {found.found - min(SHOWN, len(found.problems)):,} more")
    erased = f", {found.erased:,} of them erased" if found.erased else ""
    wrong = counted(found.found, "problem") if found.found else "nothing is wrong"
    out.print(f"{counted(found.rows, 'entry', 'entries')}{erased}; {wrong}", highlight=False)
    out.print(f"end  {found.end}", highlight=False, soft_wrap=True)
    out.print(f"covered: {COVERS}", highlight=False)
    out.print(f"not covered: {LEAVES}", highlight=False)


def show_erasure(done: Erasure, compact: bool) -> None:
    from adverdict.cli.console import err, out
    from adverdict.domain.formats import counted

    gone = (counted(done.contents, "content"), counted(done.tasks, "task"), counted(done.keys, "idempotency key"))
    out.print(f"{gone[0]}, {gone[1]} and {gone[2]} erased", highlight=False)
    if done.pictures:
        out.print(f"with the pictures of {counted(done.pictures, 'creative')} that no other ad on record shows", highlight=False)
    for entry_id in done.entry_ids:
        out.print(f"recorded as {entry_id}", highlight=False)
    if done.history:
        out.print(f"kept history  {done.history}", highlight=False)
    if done.held_back:
        stay = f"{counted(done.held_back, 'old decision')} {'stays' if done.held_back == 1 else 'stay'}"
        err.print(f"{stay}: tasks about them are still to be answered", style="yellow")
    if done.golden:
        left = f"{counted(done.golden, 'golden item')} still {'shows' if done.golden == 1 else 'show'} an ad of the advertiser"
        err.print(f"{left}: 'adverdict review golden --remove-advertiser' takes them away, then erase again", style="yellow")
    if done.traces:
        why = "somebody is using the database: erase again when nobody is" if compact else "erase again without --no-compact"
        err.print(f"pieces of erased rows may be left in the database's files; {why}", style="yellow")


def _stored(settings: Settings, ledger: Ledger) -> str | None:
    """Where the history store of this machine stands in the ledger; None where there is none."""
    from adverdict.ledger.stored.folder import HistoryFolder

    folder = HistoryFolder(settings.history)
    if folder.current is None:
        return None
    standing = folder.standing(ledger)
    if not standing.seq:
        return "history store: not of this ledger, or damaged; nobody uses it, and 'adverdict history build' makes it anew"
    if standing.erased:
        return "history store: its files still hold hashes of what was erased since it was built; 'adverdict history build' forgets it"
    return f"history store: stands on entry {standing.seq:,} of this chain; 'adverdict history check' compares what it counts"


def _figures(found: Verified) -> dict[str, object]:
    from adverdict.ledger.beside import COVERS, LEAVES

    problems = [{"seq": one.seq, "what": one.what} for one in found.problems]
    told = {"rows": found.rows, "erased": found.erased, "problems": problems, "found": found.found, "end": found.end}
    return told | {"covers": COVERS, "does_not_cover": LEAVES}


def _anchor(told: str | None) -> tuple[int, bytes] | None:
    from adverdict.domain.errors import InvalidSettings, Mistake
    from adverdict.ledger.verify import read_anchor

    try:
        return None if told is None else read_anchor(told)
    except ValueError:
        expected = "SEQ:HASH, as 'adverdict ledger verify' printed it"
        raise InvalidSettings("the anchor cannot be used:", [Mistake("--anchor", told, expected)]) from None


def _one_of(advertiser: str | None, before: str | None) -> None:
    from adverdict.domain.errors import InvalidSettings, Mistake

    if advertiser is None and before is None:
        raise InvalidSettings("nothing was erased:", [Mistake("--advertiser, --before", "(none)", "at least one of them")])


def _what(advertiser: str | None, before: str | None) -> str:
    from adverdict.cli.console import printable

    about = f"everything about advertiser {printable(advertiser)}" if advertiser else "everything"
    return f"{about} decided before {before}" if before else about


def _user() -> str:
    import getpass

    return getpass.getuser()
