"""Before anything is on record: what a folder of policy files would change, and what it would do. And proposing it."""

from __future__ import annotations

import functools
import getpass
import inspect
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from adverdict.cli.door import door
from adverdict.cli.options import Json, Model
from adverdict.cli.tables import say

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from adverdict.ledger.store import Ledger
    from adverdict.rollout.stages.drafts import Draft
else:
    Ledger = Draft = Any  # which take long to load, and are nothing that the command line asks for

Folder = Annotated[
    Path | None,
    typer.Argument(
        metavar="FOLDER",
        help="Policy files. Otherwise ADVERDICT_POLICIES, or the packaged ones; with --candidate, the policies in force.",
    ),
]
Candidate = Annotated[
    str | None,
    typer.Option("--candidate", help="Another model, too: an alias or a version of the registry, such as models:/adverdict@challenger."),
]
CandidateData = Annotated[
    list[Path] | None, typer.Option("--data", help="Labelled ads to compare the candidate with the champion on, too. Repeat for several.")
]
OwnFiles = Annotated[
    bool, typer.Option("--own-files", help="With --candidate and no FOLDER: the files of ADVERDICT_POLICIES, too, not those in force.")
]
DropPolicies = Annotated[
    bool, typer.Option("--drop-policies", help="Allow a candidate that no longer scores one of the champion's policies.")
]
Markets = Annotated[list[str] | None, typer.Option("--market", help="Only in this market; all that change otherwise. Repeat for several.")]
PlanOption = Annotated[str, typer.Option("--plan", help="standard, immediate, or a YAML file.")]
Unsolved = Annotated[bool, typer.Option("--unsolved", help="Even where nobody solved thresholds: those ads go to people.")]
By = Annotated[str | None, typer.Option("--by", help="Who does it; the name of the user otherwise.")]
OPTIONS: dict[str, tuple[Any, Any]] = {
    "folder": (Folder, None),
    "candidate": (Candidate, None),
    "own_files": (OwnFiles, False),
    "data": (CandidateData, None),
    "drop_policies": (DropPolicies, False),
    "market": (Markets, None),
    "plan": (PlanOption, "standard"),
    "model": (Model, None),
    "unsolved": (Unsolved, False),
}
"""What every command of a draft takes, with what holds where nobody says."""


def _of_draft(command: Callable[..., None]) -> Callable[..., None]:
    """Gives a command the options of drafting; its first two parameters are the ledger and what they come to."""
    signature = inspect.signature(command, eval_str=True)
    own = list(signature.parameters.values())[2:]
    shared = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=kind)
        for name, (kind, default) in OPTIONS.items()
    ]

    @functools.wraps(command)
    def wrapped(**told: Any) -> None:
        with _drafted(**{name: told.pop(name) for name in OPTIONS}) as (ledger, drafted):
            command(ledger, drafted, **told)

    keywords = [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in own]
    wrapped.__signature__ = signature.replace(parameters=[*shared, *keywords])  # type: ignore[attr-defined]
    wrapped.__annotations__ = {one.name: one.annotation for one in (*shared, *keywords)}
    return wrapped


@_of_draft
def draft_command(ledger: Ledger, drafted: Draft, json: Json = None) -> None:
    """Say what policies, another model, or both would change, in words, and what they would do. Puts nothing on record."""
    _say_difference(drafted)
    _say_predicted(drafted)
    _say_guards(drafted)
    _write(json, drafted)


@_of_draft
def check_command(ledger: Ledger, drafted: Draft) -> None:
    """Say whether it can be proposed: readable, different, within its markets, thresholds solved, the model let through by the gates."""
    where = ", ".join(drafted.markets) or "all markets"
    say(f"this can be proposed: {len(drafted.words)} changes in {where}, policies {drafted.candidate.policies[:12]}")


@_of_draft
def backtest_command(ledger: Ledger, drafted: Draft, json: Json = None) -> None:
    """Decide the last four weeks' ads by it, from the risks on record, or some of them scored anew: what would have gone where."""
    _say_predicted(drafted)
    _write(json, drafted)


@_of_draft
def propose_command(
    ledger: Ledger, drafted: Draft, why: Annotated[str, typer.Option("--why", help="Kept on record.")], by: By = None, json: Json = None
) -> None:
    """Put a proposal on record, for others to sign. Nothing is decided by it yet."""
    from adverdict.ledger.store import now
    from adverdict.rollout.stages.drafts import put_on_record

    its_id = put_on_record(ledger, drafted, why, by or getpass.getuser(), now())
    _say_difference(drafted)
    _say_predicted(drafted)
    say(f"proposed as {its_id}")
    needed = [role for stage in drafted.plan.stages for role in stage.needs]
    if needed:
        say(f"{', '.join(needed)} have to sign, and not who proposed it")
        say(f"to sign  adverdict rollout sign {its_id} --as {needed[0]} --note …")
    say(f"to begin  adverdict rollout start {its_id} --why …")
    _write(json, drafted, rollout=its_id)


@contextmanager
def _drafted(
    folder: Path | None,
    candidate: str | None,
    own_files: bool,
    data: list[Path] | None,
    drop_policies: bool,
    market: list[str] | None,
    plan: str,
    model: str | None,
    unsolved: bool,
) -> Iterator[tuple[Ledger, Draft]]:
    with door(policies=folder, model=model) as settings:
        from adverdict.cli.console import Bars
        from adverdict.ledger.store import now
        from adverdict.rollout.stages.drafts import draft
        from adverdict.rollout.stages.models import candidate_model
        from adverdict.rollout.stages.plans import read_plan
        from adverdict.scoring.bootstrap import bootstrap

        installation, stages = bootstrap(settings), read_plan(plan)
        ledger = installation.ledger()
        try:
            tried = None
            if candidate is not None:
                with Bars() as bars:
                    tried = candidate_model(installation, candidate, data or [], drop_policies=drop_policies, progress=bars)
            files = folder if candidate is not None and not own_files else settings.policies
            yield ledger, draft(installation, ledger, files, market or [], stages, now(), unsolved=unsolved, candidate=tried)
        finally:
            ledger.close()


def _say_difference(drafted: Draft) -> None:
    where = ", ".join(drafted.markets) or "all markets"
    say(f"from policies {drafted.base.policies[:12]} to {drafted.candidate.policies[:12]}, in {where}:")
    for line in drafted.words:
        say(f"  {line}")


def _say_predicted(drafted: Draft) -> None:
    from adverdict.domain.formats import percent

    told: dict[str, Any] = drafted.tried.to_json()
    if not told["ads"]:
        left = sum(told["left_out"].values())
        lacking = f" with all its risks ({left:,} lack one)" if left else ""
        say(f"nothing can be predicted: no ad of the last four weeks is on record here{lacking}")
        return
    anew = " scored anew" if told["scored_anew"] else ""
    say(f"of {told['ads']:,} ads{anew} of {told['advertisers']:,} advertisers in the last four weeks:")
    for verdict in ("approve", "review", "reject"):
        say(f"  {verdict:<8} {percent(told['before'][verdict]):>7} -> {percent(told['after'][verdict])}")
    moved, hours = told["to_people"], told["hours_a_day"]
    say(f"  to people {moved['change'] * 100:+.2f} points (95 %: {moved['low'] * 100:+.2f} to {moved['high'] * 100:+.2f})")
    say(f"  reviewers' time {hours['change']:+.2f} hours a day, at {hours['seconds_each']:.0f} s a review")
    for side in ("newly_approved", "newly_rejected"):
        read = told[side]
        if read["read"]:
            interval = f"95 %: {percent(read['low'])} to {percent(read['high'])}"
            say(f"  of {read['read']:,} ads {side.replace('_', ' ')} that people have read, {read['violate']:,} violate ({interval})")
    for why, count in told["left_out"].items():
        say(f"  left out: {count:,} ads, as {why}")


def _say_guards(drafted: Draft) -> None:
    from adverdict.domain.formats import percent

    say(f"plan {drafted.plan.name}: {', '.join(stage.name for stage in drafted.plan.stages)}")
    for guard in drafted.guards:
        limit = "" if guard.limit is None else f" {percent(guard.limit)}" if guard.policy else f" {guard.limit:.2f} times the control's"
        say(f"  guard {guard.name}{limit}: ends a harmless roll-out with a chance of at most {guard.alpha:.2g}")


def _write(json: Path | None, drafted: Draft, rollout: str | None = None) -> None:
    from adverdict.cli.console import write_json

    if json:
        told = {
            "rollout": rollout,
            "base": drafted.base.model_dump(),
            "candidate": drafted.candidate.model_dump(),
            "markets": list(drafted.markets),
            "difference": list(drafted.words),
            "predicted": drafted.tried.to_json(),
            "plan": drafted.plan.model_dump(),
            "guards": [guard.model_dump() for guard in drafted.guards],
        }
        write_json(json, told)
