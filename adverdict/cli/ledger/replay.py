"""``adverdict ledger replay``: decide again what is on record, and tell every difference."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from adverdict.cli.door import door, ledger_of
from adverdict.cli.options import Json

if TYPE_CHECKING:
    from adverdict.ledger.store import Ledger
    from adverdict.scoring.replay import Replayed

Day = Annotated[str | None, typer.Option(metavar="DATE", help="Only decisions from this day on (UTC).")]


def replay_command(
    decision: Annotated[str | None, typer.Option("--decision", help="Only this decision.")] = None,
    since: Day = None,
    until: Annotated[str | None, typer.Option(metavar="DATE", help="Only decisions before this day (UTC).")] = None,
    bundle: Annotated[
        list[Path] | None, typer.Option("--bundle", help="A bundle's folder, beside those downloaded and registered. Repeat for several.")
    ] = None,
    json: Json = None,
) -> None:
    """Decide recorded ads again by their recorded bundle, policies, thresholds and history; report any difference."""
    from adverdict.cli.console import Bars, out, write_json

    with door() as settings:
        from adverdict.cli.moments import moment
        from adverdict.models.opening import find_version
        from adverdict.scoring.opened import open_bundle
        from adverdict.scoring.replay import replay

        begin, end = moment("--since", since), moment("--until", until)
        folder_of = find_version(bundle or [], settings)
        with ledger_of(settings) as ledger, Bars() as bars:
            after, last = _span(ledger, begin, end)
            bars.stage("deciding again", 1 if decision else last - after)
            replayed = replay(
                ledger,
                lambda version: open_bundle(folder_of(version)),
                after=after,
                until=last,
                decision_id=decision,
                progress=bars,
            )
        show(replayed)
        if json:
            write_json(json, _figures(replayed))
        if replayed.different:
            out.print("[bold red]some decisions came out otherwise[/]")
            raise typer.Exit(1)


def show(replayed: Replayed) -> None:
    from adverdict.cli.console import err, out, printable
    from adverdict.domain.formats import counted

    for difference in replayed.differences:
        what = f"{difference.field}: {difference.recorded!r} on record, {difference.replayed!r} now"
        said = f"{difference.seq:>8}  {difference.decision_id}  {what}"
        out.print(printable(said), markup=False, highlight=False)
    out.print(f"{counted(replayed.same, 'decision')} came out the same, {replayed.different:,} otherwise", highlight=False)
    if replayed.after_erasure:
        made = f"{replayed.after_erasure:,} of them {'was' if replayed.after_erasure == 1 else 'were'} made"
        err.print(f"{made} with a history of which something has been erased since", style="yellow")
    for cause, times in replayed.skipped.most_common():
        err.print(printable(f"{times:,} could not be replayed: {cause}"), style="yellow", markup=False)


def _span(ledger: Ledger, since: datetime | None, until: datetime | None) -> tuple[int, int]:
    """The entries between two moments: after the first number, up to the second."""
    from sqlalchemy import func, select

    from adverdict.ledger.moments import micros
    from adverdict.ledger.schema import entries

    with ledger.look() as connection:
        last = func.coalesce(func.max(entries.c.seq), 0)
        before = 0 if since is None else connection.execute(select(last).where(entries.c.at < micros(since))).scalar_one()
        end = select(last) if until is None else select(last).where(entries.c.at < micros(until))
        return before, connection.execute(end).scalar_one()


def _figures(found: Replayed) -> dict[str, object]:
    return {
        "same": found.same,
        "different": found.different,
        "after_erasure": found.after_erasure,
        "skipped": dict(found.skipped),
        "differences": [
            {"decision_id": one.decision_id, "seq": one.seq, "field": one.field, "recorded": one.recorded, "replayed": one.replayed}
            for one in found.differences
        ],
    }
