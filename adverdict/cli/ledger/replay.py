"""``adverdict ledger replay``: decide again what is on record, and tell every difference."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from adverdict.cli.ledger.open import open_ledger

if TYPE_CHECKING:
    from adverdict.ledger.store import Ledger
    from adverdict.scoring.opened import BundleModel
    from adverdict.scoring.replay import Replayed

Json = Annotated[Path | None, typer.Option("--json", help="Write the figures here, for machines.")]
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
    from adverdict.cli.console import Bars, errors_end_the_command, out, write_json

    with errors_end_the_command():
        from adverdict.cli.moments import moment
        from adverdict.scoring.replay import replay

        ledger = open_ledger()
        after, last = _span(ledger, moment("--since", since), moment("--until", until))
        with Bars() as bars:
            bars.stage("deciding again", 1 if decision else last - after)
            found = replay(ledger, _bundles(bundle or []), after=after, until=last, decision_id=decision, advance=bars.advance)
        ledger.close()
        show(found)
        if json:
            write_json(json, _figures(found))
        if found.different:
            out.print("[bold red]some decisions came out otherwise[/]")
            raise typer.Exit(1)


def show(found: Replayed) -> None:
    from adverdict.cli.console import counted, err, out, printable

    for one in found.differences:
        said = f"{one.seq:>8}  {one.decision_id}  {one.field}: {one.recorded!r} on record, {one.replayed!r} now"
        out.print(printable(said), markup=False, highlight=False)
    out.print(f"{counted(found.same, 'decision')} came out the same, {found.different:,} otherwise", highlight=False)
    if found.after_erasure:
        made = f"{found.after_erasure:,} of them {'was' if found.after_erasure == 1 else 'were'} made"
        err.print(f"{made} with a history of which something has been erased since", style="yellow")
    for cause, times in found.skipped.most_common():
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


def _bundles(folders: list[Path]) -> Callable[[str], BundleModel]:
    """Bundle version -> model: from the folders given, those already downloaded, or the registry."""
    from adverdict.domain.errors import AdverdictError, NotFound
    from adverdict.domain.settings import read_settings, use_registry
    from adverdict.models.manifest import check
    from adverdict.models.registry import fetch_bundle, version_of
    from adverdict.scoring.opened import open_bundle

    settings = read_settings(os.environ)
    use_registry(settings)
    known: dict[str, Path] = {}
    for folder in [*folders, *sorted(settings.cache.glob("*/"))]:
        try:
            known.setdefault(check(folder)[1], folder)
        except AdverdictError:
            if folder in folders:
                raise

    def model_of(version: str) -> BundleModel:
        folder = known.get(version)
        if folder is None:
            registered = version_of(version)
            if registered is None:
                raise NotFound(f"bundle {version} is neither downloaded nor registered")
            folder = fetch_bundle(registered, settings.cache)
        return open_bundle(folder)

    return model_of


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
