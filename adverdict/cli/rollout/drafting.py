"""Before anything is on record: what a folder of policy files would change, and what it would do. And proposing it."""

from __future__ import annotations

import getpass
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from adverdict.cli.door import door
from adverdict.cli.options import Json, Model
from adverdict.cli.tables import say

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from adverdict.ledger.store import Ledger
    from adverdict.rollout.stages.drafts import Draft

Folder = Annotated[Path | None, typer.Argument(metavar="FOLDER", help="Policy files; ADVERDICT_POLICIES, or the packaged ones, otherwise.")]
Markets = Annotated[list[str] | None, typer.Option("--market", help="Only in this market; all that change otherwise. Repeat for several.")]
PlanOption = Annotated[str, typer.Option("--plan", help="standard, immediate, or a YAML file.")]
Unsolved = Annotated[bool, typer.Option("--unsolved", help="Even where nobody solved thresholds: those ads go to people.")]
By = Annotated[str | None, typer.Option("--by", help="Who does it; the name of the user otherwise.")]


def draft_command(
    folder: Folder = None,
    market: Markets = None,
    plan: PlanOption = "standard",
    model: Model = None,
    unsolved: Unsolved = False,
    json: Json = None,
) -> None:
    """Say what a folder would change, in words, and what it would do. Puts nothing on record."""
    with _drafted(folder, market or [], plan, model, unsolved) as (_, drafted):
        _say_difference(drafted)
        _say_predicted(drafted)
        _say_guards(drafted)
        _write(json, drafted)


def check_command(
    folder: Folder = None, market: Markets = None, plan: PlanOption = "standard", model: Model = None, unsolved: Unsolved = False
) -> None:
    """Say whether a folder can be proposed: readable, different, within its markets, its thresholds solved."""
    with _drafted(folder, market or [], plan, model, unsolved) as (_, drafted):
        where = ", ".join(drafted.markets) or "all markets"
        say(f"this can be proposed: {len(drafted.words)} changes in {where}, policies {drafted.candidate.policies[:12]}")


def backtest_command(
    folder: Folder = None,
    market: Markets = None,
    plan: PlanOption = "standard",
    model: Model = None,
    unsolved: Unsolved = False,
    json: Json = None,
) -> None:
    """Decide the last four weeks' ads by a folder, from the risks on record: what would have gone where."""
    with _drafted(folder, market or [], plan, model, unsolved) as (_, drafted):
        _say_predicted(drafted)
        _write(json, drafted)


def propose_command(
    why: Annotated[str, typer.Option("--why", help="Kept on record.")],
    folder: Folder = None,
    market: Markets = None,
    plan: PlanOption = "standard",
    model: Model = None,
    unsolved: Unsolved = False,
    by: By = None,
    json: Json = None,
) -> None:
    """Put a proposal on record, for others to sign. Nothing is decided by it yet."""
    with _drafted(folder, market or [], plan, model, unsolved) as (ledger, drafted):
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
def _drafted(folder: Path | None, markets: Sequence[str], plan: str, model: str | None, unsolved: bool) -> Iterator[tuple[Ledger, Draft]]:
    with door(policies=folder, model=model) as settings:
        from adverdict.ledger.store import now
        from adverdict.rollout.stages.drafts import draft
        from adverdict.rollout.stages.plans import read_plan
        from adverdict.scoring.bootstrap import bootstrap

        installation = bootstrap(settings)
        ledger = installation.ledger()
        try:
            yield ledger, draft(installation, ledger, settings.policies, markets, read_plan(plan), now(), unsolved=unsolved)
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
    say(f"of {told['ads']:,} ads of {told['advertisers']:,} advertisers in the last four weeks:")
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
