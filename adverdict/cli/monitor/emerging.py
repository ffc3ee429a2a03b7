"""``adverdict monitor emerging``: new kinds of ads, as cases that people see to."""

from __future__ import annotations

import getpass
from typing import TYPE_CHECKING, Annotated

import typer

from adverdict.cli.door import door, ledger_of
from adverdict.cli.monitor.options import By, Why
from adverdict.cli.options import Json, PolicyFiles

if TYPE_CHECKING:
    from collections.abc import Sequence

    from adverdict.ledger.bodies.emerging import CaseOpened
    from adverdict.ledger.in_force.cases import Case
    from adverdict.monitoring.case_labels import CaseLabels

app = typer.Typer(help="New kinds of ads: what suddenly many say, and what reviewers marked though no policy fits.", no_args_is_help=True)

CaseId = Annotated[str, typer.Argument(metavar="CASE", help="As 'adverdict monitor emerging list' shows it.")]


@app.command("look")
def look_command(
    days: Annotated[
        int, typer.Option("--days", min=1, max=28, help="Whole days that are looked at, and today so far, beside the four weeks before.")
    ] = 1,
    keep: Annotated[bool, typer.Option(help="Make a case of each that is new.")] = True,
    json: Json = None,
) -> None:
    """Look for kinds that were new in the last days. 'adverdict monitor run', and a service that runs, do it every six hours."""
    from adverdict.cli.console import Bars, out, write_json

    with door() as settings:
        from adverdict.monitoring.kinds import look_for_kinds

        with ledger_of(settings) as ledger, Bars() as bars:
            found = look_for_kinds(ledger, days, progress=bars, keep=keep)
        part = "" if found.share >= 1 else f", of {found.share:.0%} of the advertisers"
        out.print(
            f"{found.ads:,} ads were read{part}; {len(found.kinds)} kinds are new, {len(found.opened)} of them no case yet", highlight=False
        )
        for one in found.kinds:
            _show(one)
        if json:
            kinds = [one.model_dump(mode="json") for one in found.kinds]
            write_json(json, {"kinds": kinds, "ads": found.ads, "share": found.share, "opened": list(found.opened)})


@app.command("list")
def list_command(every: Annotated[bool, typer.Option("--all", help="Explained and closed ones too.")] = False, json: Json = None) -> None:
    """The cases that people have still to see to."""
    from adverdict.cli.console import out, write_json

    with door() as settings:
        from adverdict.ledger.in_force.cases import cases

        with ledger_of(settings) as ledger, ledger.look() as connection:
            found = [one for one in cases(connection) if every or not one.ended]
        if not found:
            out.print("no case is open")
        for one in found:
            out.print(f"{one.case_id}  {one.opened_at:%Y-%m-%d}: {one.state}", highlight=False, markup=False, soft_wrap=True)
            _show(one.told)
        if json:
            write_json(json, {"cases": [_told(one) for one in found]})


@app.command("show")
def show_command(case: CaseId, json: Json = None) -> None:
    """All that is known of one case: examples, a draft of a policy, and what became of it."""
    from adverdict.cli.console import out, printable, write_json

    with door() as settings:
        from adverdict.domain.formats import moment
        from adverdict.monitoring.case_labels import case_labels, find_case

        with ledger_of(settings) as ledger:
            one, labels = find_case(ledger, case), case_labels(ledger, case)
        out.print(f"{one.case_id}  {one.opened_at:%Y-%m-%d}: {one.state}", highlight=False, markup=False, soft_wrap=True)
        _show(one.told)
        for name in one.told.examples:
            out.print(f"  an example: decision {name} (/console/decisions/{name})", highlight=False, markup=False, soft_wrap=True)
        out.print("  a draft, for default.yaml, once labels say what these ads are:", highlight=False)
        out.print(printable(one.told.draft), highlight=False, markup=False)
        for line in _labels(labels):
            out.print(printable(f"  {line}"), highlight=False, markup=False)
        for at, move in one.moves:
            link = f" ({move.link})" if move.link else ""
            out.print(printable(f"  {move.state} {moment(at)}, by {move.by}: {move.why}{link}"), highlight=False, markup=False)
        if json:
            interval = list(labels.interval) if labels.interval else None
            write_json(json, {**_told(one), "labelled": {**vars(labels), "violating": dict(labels.violating), "interval": interval}})


@app.command("label")
def label_command(
    case: CaseId,
    ads: Annotated[int | None, typer.Option("--ads", help="How many; what is left of the case's budget otherwise.")] = None,
    policy_files: PolicyFiles = None,
    by: By = None,
    json: Json = None,
) -> None:
    """Put some of a case's ads into the queue, drawn by chance and one an advertiser: read blind, due in a week, certifying nothing."""
    from adverdict.cli.console import Bars, out, write_json

    with door(policies=policy_files) as settings:
        from dataclasses import asdict

        from adverdict.domain.formats import counted
        from adverdict.ledger.store import now
        from adverdict.monitoring.case_labels import label_case
        from adverdict.scoring.bootstrap import bootstrap

        installation = bootstrap(settings)
        with ledger_of(settings) as ledger, Bars() as bars:
            who = by or getpass.getuser()
            done = label_case(ledger, case, ads, installation.in_force(), installation.review, who, now(), bars)
        before = f"; {counted(done.before, 'task')} of it had been opened before" if done.before else ""
        of = f"{counted(done.ads, 'ad')} of {counted(done.advertisers, 'advertiser')} on record"
        out.print(f"{counted(done.opened, 'task')} opened, of {of}{before}", highlight=False)
        out.print("what was said of them: adverdict monitor emerging show", highlight=False)
        if json:
            write_json(json, asdict(done))


@app.command("move")
def move_command(
    case: CaseId,
    state: Annotated[str, typer.Option("--to", help="labelling, braked, policy, explained or closed.")],
    why: Why,
    link: Annotated[str | None, typer.Option("--link", help="What was done, or what explains it.")] = None,
    by: By = None,
) -> None:
    """Say what became of a case."""
    from adverdict.cli.console import out

    with door() as settings:
        from adverdict.domain.errors import InvalidInput, Mistake
        from adverdict.ledger.bodies.emerging import CaseMoved, CaseState
        from adverdict.ledger.in_force.cases import move_case
        from adverdict.ledger.store import now

        known = [str(one) for one in CaseState if one is not CaseState.OPEN]
        if state not in known:
            raise InvalidInput("the case stays as it is:", [Mistake("--to", state, f"one of {', '.join(known)}")])
        told = CaseMoved(case=case, state=CaseState(state), why=why, link=link, by=by or getpass.getuser())
        with ledger_of(settings) as ledger, ledger.write() as writing:
            seq = move_case(writing, told, now())
        out.print(f"{case} is {state} from entry {seq} on", highlight=False, markup=False)


def _show(one: CaseOpened) -> None:
    from adverdict.cli.console import out, printable

    where = ", ".join(one.markets)
    marked = f", {one.marked} of them marked by reviewers" if one.marked else ""
    lines: Sequence[str] = (one.says, f"{one.ads} ads in {one.language}, in {where}{marked}", one.proposal)
    for line in lines:
        out.print(printable(f"  {line}"), highlight=False, markup=False)


def _labels(told: CaseLabels) -> list[str]:
    """What people said of its ads, in words."""
    from adverdict.domain.formats import counted

    if not told.read and not told.waiting and not told.unfit:
        return ["none of its ads was put into the queue: adverdict monitor emerging label"]
    rest = f"; {counted(told.waiting, 'ad')} still to be read" if told.waiting else ""
    doubted = f"; of {told.unfit} more nobody could say" if told.unfit else ""
    if told.interval is None:
        return [f"none of its ads was read yet{rest}{doubted}"]
    low, high = told.interval
    by_policy = "".join(f", {policy} {count}" for policy, count in told.violating.items())
    share = f"{told.any_of_them} violate a policy ({low:.0%} to {high:.0%} of such advertisers)"
    return [f"of {told.read} ads read, {share}{by_policy}{rest}{doubted}"]


def _told(one: Case) -> dict[str, object]:
    return {
        "case_id": one.case_id,
        "opened_at": one.opened_at.isoformat(),
        "state": str(one.state),
        **one.told.model_dump(mode="json"),
        "moves": [{"at": at.isoformat(), **move.model_dump(mode="json")} for at, move in one.moves],
    }
