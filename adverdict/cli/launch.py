"""``adverdict launch``: whether something may open, what it costs, and what became of it."""

from __future__ import annotations

import getpass
from typing import TYPE_CHECKING, Annotated

import typer

from adverdict.cli.door import door, ledger_of
from adverdict.cli.options import Json, Model, PolicyFiles
from adverdict.cli.workforce.shared import OperationsFolder

if TYPE_CHECKING:
    from collections.abc import Sequence

    from adverdict.domain.settings import Settings
    from adverdict.ledger.bodies.launch import LaunchChecked
    from adverdict.ledger.store import Ledger
    from adverdict.monitoring.launch.facts import Installed
    from adverdict.monitoring.launch.record import LaunchOnRecord

app = typer.Typer(help="Whether a market, a surface or a product may open: go, go with people deciding, or no go.", no_args_is_help=True)

By = Annotated[str | None, typer.Option("--by", help="Who does it; the name of the user otherwise.")]


@app.command("check")
def check_command(
    ads_per_day: Annotated[str, typer.Option("--ads-per-day", metavar="N", help="Once it has grown up.")],
    opens: Annotated[str, typer.Option("--date", help="The day on which it opens, such as 2027-03-01.")],
    languages: Annotated[str, typer.Option("--languages", metavar="L1,L2", help="Of most of its ads, such as ja.")],
    market: Annotated[str | None, typer.Option("--market", help="A market that is to open.")] = None,
    surface: Annotated[str | None, typer.Option("--surface", help="A surface that is to open.")] = None,
    product: Annotated[str | None, typer.Option("--product", help="A product whose ads are to be taken.")] = None,
    where: Annotated[str, typer.Option("--in", metavar="M1,M2", help="Of a surface or a product, the markets; all otherwise.")] = "",
    like: Annotated[str, typer.Option("--like", metavar="M1,M2", help="Of a market, those that it will be like; all otherwise.")] = "",
    model: Model = None,
    policy_files: PolicyFiles = None,
    operations: OperationsFolder = None,
    keep: Annotated[bool, typer.Option(help="Put it on record, to be scored when its first weeks are over.")] = True,
    by: By = None,
    json: Json = None,
) -> None:
    """What has to be there before it opens, what is missing and by when, and what it costs. Ends with 1 for *no go*."""
    from adverdict.cli.console import Bars, out, write_json

    with door(model=model, policies=policy_files, operations=operations) as settings, ledger_of(settings) as ledger:
        from adverdict.ledger.bodies.launch import LaunchVerdict
        from adverdict.ledger.store import now
        from adverdict.monitoring.launch import record
        from adverdict.monitoring.launch.facts import facts

        with Bars() as bars:
            installed = installed_of(settings, ledger)
            launch = record.launch_of(
                market=market,
                surface=surface,
                product=product,
                where=_listed(where),
                languages=_listed(languages),
                like=_listed(like),
                ads_per_day=ads_per_day,
                opens=opens,
                known=installed.known.history.markets,
                today=now().date(),
            )
            found = facts(ledger, installed, launch, now().date(), progress=bars)
        told = record.checked(launch, found, ledger.end()[0], by or getpass.getuser())
        show_launch(told)
        launch_id = record.keep(ledger, told, now()) if keep else None
        if launch_id:
            out.print(f"on record as {launch_id}", highlight=False)
        if json:
            write_json(json, {"launch_id": launch_id, **told.model_dump(mode="json")})
        if told.outcome is LaunchVerdict.NO_GO:
            raise typer.Exit(1)


@app.command("list")
def list_command(
    every: Annotated[bool, typer.Option("--all", help="Every check; the last of each launch otherwise.")] = False, json: Json = None
) -> None:
    """What is to open, by the day, and what became of what has."""
    from adverdict.cli.console import out, write_json
    from adverdict.cli.tables import columns

    with door() as settings, ledger_of(settings) as ledger:
        from adverdict.monitoring.launch.record import latest, launches, missing

        found = launches(ledger)
        found = found if every else latest(found)
        if not found:
            out.print("nothing is to open: adverdict launch check")
        else:
            names = ("opens", "what", "verdict", "missing", "score", "id")
            table = columns(names, left=names)
            for one in found:
                what = f"{one.told.what} {one.told.name} in {', '.join(one.told.markets)}"
                gaps = ", ".join(gate.name for gate in missing(one.told.gates)) or "nothing"
                table.add_row(str(one.told.opens), what, str(one.told.outcome), gaps, _score(one), one.launch_id)
            out.print(table)
        if json:
            write_json(json, {"launches": [_told(one) for one in found]})


@app.command("score")
def score_command(
    launch: Annotated[
        str | None, typer.Argument(metavar="LAUNCH", help="As 'adverdict launch list' shows it; all that are due otherwise.")
    ] = None,
    by: By = None,
    json: Json = None,
) -> None:
    """Put beside what was claimed what happened in the first four weeks, and keep it on record."""
    from adverdict.cli.console import out, printable, write_json

    with door() as settings, ledger_of(settings) as ledger:
        from datetime import timedelta

        from adverdict.ledger.store import now
        from adverdict.monitoring.launch.record import find, latest, launches
        from adverdict.monitoring.launch.score import keep, score
        from adverdict.monitoring.launch.words import WEEKS

        today = now().date()
        due = [
            one
            for one in latest(launches(ledger))
            if one.score is None and one.told.claims and today >= one.told.opens + timedelta(weeks=WEEKS)
        ]
        found = [find(ledger, launch)] if launch else due
        scored = []
        for one in found:
            told = score(ledger, one, today, by or getpass.getuser())
            keep(ledger, told, now())
            scored.append(told)
            held = f"{len(told.broke)} claims did not hold" if told.broke else "no claim is known to have been broken"
            out.print(f"{one.told.what} {one.told.name}, {one.told.outcome}: {held}", highlight=False)
            for line in (*told.broke, *(f"not known: {line}" for line in told.unknown)):
                out.print(printable(f"  {line}"), highlight=False, markup=False)
        if not found:
            out.print("no launch is due to be scored")
        if json:
            write_json(json, {"scores": [one.model_dump(mode="json") for one in scored]})


def installed_of(settings: Settings, ledger: Ledger) -> Installed:
    """What is installed and declared."""
    from adverdict.domain.errors import NotFound
    from adverdict.ledger.store import now
    from adverdict.monitoring.launch.facts import Installed
    from adverdict.rollout.stages.freezes import read_freezes
    from adverdict.scoring.bootstrap import bootstrap
    from adverdict.workforce.known import known
    from adverdict.workforce.operations.read import read_operations

    installation = bootstrap(settings)
    try:
        found = installation.find()
        issued = found.issued(installation.book.hash)
        familiar = found.load().familiarity
    except NotFound:
        issued, familiar = None, None
    freezes = tuple((one.name, one.since.date(), one.until.date(), one.markets) for one in read_freezes(settings.freezes))
    work = known(ledger, read_operations(settings.operations), installation.book, installation.review, now())
    languages = frozenset(familiar.known.languages) if familiar else None
    certificates = issued.certificates if issued else ()
    return Installed(installation.book, installation.in_force(), certificates, languages, work, freezes)


def show_launch(told: LaunchChecked) -> None:
    """The gates, then the verdict and what is missing."""
    from adverdict.cli.console import out, printable
    from adverdict.cli.tables import columns
    from adverdict.ledger.bodies.launch import GateStatus
    from adverdict.monitoring.launch.record import missing

    names = ("gate", "stands", "what is there", "cost")
    table = columns(names, left=names, title=f"{told.what} {told.name}, {told.ads_per_day:,.0f} ads a day from {told.opens} on")
    words = {GateStatus.OK: "there", GateStatus.PEOPLE: "people decide", GateStatus.TODO: "to do", GateStatus.MISSING: "missing"}
    for gate in told.gates:
        table.add_row(gate.name, words[gate.status], printable(gate.says), gate.cost or "")
    out.print(table)
    out.print(f"[bold]{told.outcome}[/]", highlight=False)
    for gate in missing(told.gates):
        until = f" by {gate.until}" if gate.until else ""
        out.print(printable(f"  {gate.name} ({gate.owner}{until}): {gate.needs or gate.says}"), highlight=False, markup=False)


def _score(one: LaunchOnRecord) -> str:
    if one.score is None:
        return "not yet"
    return f"{len(one.score.broke)} claims broken" if one.score.broke else "held, as far as is known"


def _told(one: LaunchOnRecord) -> dict[str, object]:
    score = one.score.model_dump(mode="json") if one.score else None
    return {"launch_id": one.launch_id, "checked_at": one.checked_at.isoformat(), **one.told.model_dump(mode="json"), "score": score}


def _listed(text: str) -> Sequence[str]:
    return [one.strip() for one in text.split(",") if one.strip()]
