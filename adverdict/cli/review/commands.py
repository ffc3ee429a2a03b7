"""``adverdict review``: labels for retraining, golden tasks, reviewers and their quality, queues."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from adverdict.cli.door import door, ledger_of
from adverdict.cli.options import Json, PolicyFiles

app = typer.Typer(help="Labels for retraining, golden tasks, reviewers and their quality, queues.", no_args_is_help=True)

Since = Annotated[str | None, typer.Option("--since", metavar="DATE", help="From this day or time on (UTC); from the beginning otherwise.")]
Until = Annotated[str | None, typer.Option("--until", metavar="DATE", help="Up to this day or time (UTC), and without it.")]


@app.command("export")
def export_command(
    out: Annotated[Path, typer.Option("--out", help="Folder to write; must not exist.")], since: Since = None, until: Until = None
) -> None:
    """Write the ads decided in a period, with all that people have said of them since, as a pack to train on."""
    from adverdict.cli.console import Bars

    with door() as settings, ledger_of(settings) as ledger:
        from adverdict.cli.moments import moment
        from adverdict.cli.review import tables
        from adverdict.review.labels.export import export

        with Bars() as bars:
            bars.stage("exporting ads", 0)
            done = export(ledger, out, since=moment("--since", since), until=moment("--until", until), progress=bars)
        tables.show_exported(done)


@app.command("golden")
def golden_command(
    data: Annotated[Path | None, typer.Option("--data", help="Folder with ads.* and labels.* of ads whose verdict is certain.")] = None,
    advertiser: Annotated[
        str | None, typer.Option("--remove-advertiser", metavar="ID", help="Delete the items that show ads of this advertiser_id instead.")
    ] = None,
    compact: Annotated[
        bool, typer.Option(help="Then write the tables anew, so that no piece of an item stays in a file. Nobody writes meanwhile.")
    ] = True,
) -> None:
    """Take labelled ads as golden tasks: shown to reviewers like any other, to learn how often each of them is right. Or remove some."""
    from adverdict.cli.console import out
    from adverdict.domain.formats import counted

    with door() as settings, ledger_of(settings) as ledger:
        from adverdict.cli.review import tables
        from adverdict.domain.errors import InvalidSettings, Mistake
        from adverdict.ledger.store import now
        from adverdict.review.tasks.golden import load, remove

        if (data is None) == (advertiser is None):
            given = "neither" if data is None else "both"
            raise InvalidSettings("nothing was done:", [Mistake("--data, --remove-advertiser", given, "one of them")])
        if data is not None:
            taken = counted(load(ledger, data), "golden item")
            out.print(f"{taken} from {data}; an ad whose raters disagree evenly is none", highlight=False, markup=False)
        if advertiser is not None:
            tables.show_removed(remove(ledger, advertiser, now(), rewrite=compact), compact)


@app.command("reviewers")
def reviewers_command(
    name: Annotated[str | None, typer.Option("--set", metavar="NAME", help="Register or change this reviewer: an API key's name.")] = None,
    markets: Annotated[str | None, typer.Option("--markets", metavar="SE,DE", help='Only these; "" for all.')] = None,
    languages: Annotated[str | None, typer.Option("--languages", metavar="sv,de", help='Only these; "" for all.')] = None,
    policies: Annotated[str | None, typer.Option("--policies", metavar="P,Q", help='Only these; "" for all.')] = None,
    senior: Annotated[bool | None, typer.Option("--senior/--no-senior", help="Whether what others could not settle comes to them.")] = None,
    active: Annotated[bool | None, typer.Option("--active/--no-active", help="Whether they are given tasks.")] = None,
) -> None:
    """List reviewers and what they may read, or register one."""
    with door() as settings, ledger_of(settings) as ledger:
        from dataclasses import replace

        from adverdict.cli.review import tables
        from adverdict.domain.errors import InvalidSettings, Mistake
        from adverdict.review.tasks.routing import register, reviewer, reviewers

        given = {"markets": markets, "languages": languages, "policies": policies, "senior": senior, "active": active}
        changes = {key: _list(value) if isinstance(value, str) else value for key, value in given.items() if value is not None}
        if changes and name is None:
            raise InvalidSettings("nobody was changed:", [Mistake("--set", "(none)", "the name of whom to change")])
        if name is not None:
            with ledger.change() as connection:
                register(connection, replace(reviewer(connection, name), **changes))  # type: ignore[arg-type]  # keys are its fields
        with ledger.look() as connection:
            registered = reviewers(connection)
        tables.show_reviewers(registered)


@app.command("quality")
def quality_command(
    since: Since = None,
    until: Until = None,
    by_market: Annotated[bool, typer.Option("--by-market", help="Also tell each market apart.")] = False,
    json: Json = None,
) -> None:
    """Say how often automatic decisions are wrong, by what audits found, and how good each reviewer is; with intervals."""
    with door() as settings, ledger_of(settings) as ledger:
        from adverdict.cli.console import write_json
        from adverdict.cli.moments import moment
        from adverdict.cli.review import tables
        from adverdict.review.quality.quality import quality

        report = quality(ledger, moment("--since", since), moment("--until", until), by_market=by_market)
        tables.show_quality(report)
        if json:
            write_json(json, report.to_json())


@app.command("queues")
def queues_command(policy_files: PolicyFiles = None) -> None:
    """Show what waits for people: how much, for how long, what is overdue, and what no declared reviewer may take, and why."""
    with door(policies=policy_files) as settings, ledger_of(settings) as ledger:
        from adverdict.cli.review import tables
        from adverdict.review.queue import Queue
        from adverdict.review.tasks.routing import reviewers
        from adverdict.scoring.bootstrap import bootstrap

        installation = bootstrap(settings)
        depths = Queue(ledger, installation.in_force(), installation.review).depths()
        with ledger.look() as connection:
            declared = reviewers(connection)
        tables.show_queues(depths)
        tables.show_untaken(depths, declared)


def _list(value: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in value.split(",") if part.strip())
