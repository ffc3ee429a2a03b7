"""What people do to a roll-out, and the watcher that goes on by itself."""

from __future__ import annotations

import getpass
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from adverdict.cli.door import door, ledger_of
from adverdict.cli.options import Json
from adverdict.cli.tables import say

if TYPE_CHECKING:
    from pydantic import JsonValue

    from adverdict.decisions.policy import PolicyBook
    from adverdict.domain.settings import Settings
    from adverdict.ledger.store import Ledger, Writing
    from adverdict.rollout.stages.capacity import Capacity
    from adverdict.scoring.bootstrap import Installation

RolloutId = Annotated[str, typer.Argument(metavar="ROLLOUT", help="As 'adverdict rollout list' shows it.")]
Why = Annotated[str, typer.Option("--why", help="Kept on record.")]
By = Annotated[str | None, typer.Option("--by", help="Who does it; the name of the user otherwise.")]

Emergency = Annotated[
    bool,
    typer.Option(
        "--emergency", help="For severe policies: without signatures, and during a freeze. A second person signs within 24 hours."
    ),
]


def sign_command(
    rollout: RolloutId,
    role: Annotated[str, typer.Option("--as", help="policy, operations, legal or data.")],
    note: Annotated[str, typer.Option("--note", help="What was looked at. Kept on record.")],
    refuse: Annotated[bool, typer.Option("--refuse", help="Do not agree.")] = False,
    by: By = None,
) -> None:
    """Agree to a proposal, or refuse it. The signature is on exactly these versions, this plan and these guards."""
    from adverdict.rollout.stages.steps import sign

    _write(lambda writing, who, at: sign(writing, rollout, role, not refuse, note, who, at), by)
    say(f"{rollout} is {'refused' if refuse else 'signed'} for {role}")


def start_command(rollout: RolloutId, why: Why, by: By = None, emergency: Emergency = False) -> None:
    """Enter the first stage of a proposal."""
    _advance(rollout, why, by, expected=0, emergency=emergency)


def advance_command(rollout: RolloutId, why: Why, by: By = None, emergency: Emergency = False) -> None:
    """Enter the next stage although not everything is shown: a person decides. After the last one, the candidate is in force."""
    _advance(rollout, why, by, emergency=emergency)


def pause_command(rollout: RolloutId, why: Why, by: By = None) -> None:
    """Stay in the stage it is in. Its guards go on."""
    from adverdict.rollout.stages.steps import pause

    _write(lambda writing, who, at: pause(writing, rollout, why, who, at), by)
    say(f"{rollout} is paused: its arms stay as they are")


def resume_command(rollout: RolloutId, why: Why, by: By = None) -> None:
    """Let it advance again, or begin a lease anew that has run out."""
    from adverdict.rollout.stages.steps import resume

    _write(lambda writing, who, at: resume(writing, rollout, why, who, at), by)
    say(f"{rollout} goes on")


def abort_command(rollout: RolloutId, why: Why, by: By = None) -> None:
    """End it: the candidate decides nothing from the next round of every worker on."""
    from adverdict.rollout.stages.steps import abort

    def end(writing: Writing, who: str, at: datetime) -> int:
        return abort(writing, rollout, why, who, at)

    seq = _write(end, by)
    say(f"{rollout} is aborted: the candidate decides nothing from entry {seq} on")


def repair_command(rollout: RolloutId, by: By = None, json: Json = None) -> None:
    """Decide again, by what is in force, what an aborted candidate approved: one step, which 'adverdict rescore undo' takes back."""
    with door() as settings:
        from adverdict.cli.console import write_json
        from adverdict.rescoring.applying.repair import repair
        from adverdict.scoring.bootstrap import bootstrap
        from adverdict.scoring.scorer import Scorer

        installation = bootstrap(settings)
        scorer = Scorer.of(installation)
        with ledger_of(settings) as ledger:
            done = repair(ledger, rollout, scorer, installation.review, by or getpass.getuser())
        changed = ", ".join(f"{count:,} {verdict}" for verdict, count in sorted(done.changes.items())) or "none"
        say(f"decided otherwise: {changed}; {done.same:,} approved again, {done.left:,} left alone (they stand no more, or people spoke)")
        if json:
            told = {
                "step": done.step,
                "changes": {str(verdict): n for verdict, n in done.changes.items()},
                "same": done.same,
                "left": done.left,
            }
            write_json(json, told)
        if done.changes:
            say(f"to take it back  adverdict rescore undo {done.step} --why …")


def watch_command(once: Annotated[bool, typer.Option("--once", help="One look, then leave.")] = False) -> None:
    """Watch the roll-outs under way: end what does harm, renew leases, advance what is shown to do none. 'adverdict serve' does, too."""
    import time

    with door() as settings:
        from adverdict.ledger.entropy import hexadecimal
        from adverdict.rollout.stages.freezes import read_freezes
        from adverdict.rollout.stages.rescored import CandidateModels
        from adverdict.rollout.stages.shadow import Shadow
        from adverdict.rollout.stages.watch import EVERY, Models, watch
        from adverdict.scoring.bootstrap import bootstrap
        from adverdict.training.promote import make_champion

        holder, freezes, installation = hexadecimal(), read_freezes(settings.freezes), bootstrap(settings)
        shadows = dict[str, Shadow]()
        with ledger_of(settings) as ledger:
            models = Models(CandidateModels(installation, ledger), lambda model: make_champion(model, settings))
            capacity, review = _capacity(installation, ledger), installation.review
            while True:
                for told in watch(ledger, holder, freezes=freezes, settings=review, shadows=shadows, models=models, capacity=capacity):
                    say(told)
                if once:
                    return
                time.sleep(EVERY.total_seconds())


def _advance(rollout: str, why: str, by: str | None, expected: int | None = None, *, emergency: bool = False) -> None:
    with door() as settings:
        from adverdict.ledger.in_force.rollouts import rollouts_now
        from adverdict.ledger.store import now
        from adverdict.rollout.stages import watch
        from adverdict.rollout.stages.entering import enter
        from adverdict.rollout.stages.freezes import read_freezes
        from adverdict.scoring.bootstrap import bootstrap

        freezes, who, installation = read_freezes(settings.freezes), by or getpass.getuser(), bootstrap(settings)
        with ledger_of(settings) as ledger:

            def evidence() -> dict[str, JsonValue]:
                return watch.look(ledger, rollouts_now(ledger)[rollout], now(), freezes=freezes).told()

            capacity = _capacity(installation, ledger)
            entered = enter(
                ledger, rollout, why, who, now, evidence, capacity=capacity, freezes=freezes, expected=expected, emergency=emergency
            )
            assert entered is not None
            say(str(entered.evidence["capacity"]))
            if entered.emergency:
                say("a second person has to sign within 24 hours: without that its lease ends, and the candidate decides nothing")
            if entered.stage is not None:
                say(f"{rollout} is in stage {entered.name}: {entered.stage.share:.0%} of the advertisers")
                return
            say(f"{rollout} is done: its policies are in force everywhere")
            _champion(settings, ledger, rollout, who)


def _capacity(installation: Installation, ledger: Ledger) -> Capacity:
    from adverdict.ledger.in_force.rollouts import rollouts_now
    from adverdict.ledger.store import now
    from adverdict.rollout.stages.capacity import capacity_of
    from adverdict.rollout.stages.drafts import folder_in_force

    def book() -> PolicyBook:
        return folder_in_force(ledger, rollouts_now(ledger)).book

    return capacity_of(ledger, installation.settings.operations, book, installation.review, now)


def _champion(settings: Settings, ledger: Ledger, rollout: str, by: str) -> None:
    """Make the model of a roll-out that is done the champion, if it brought one."""
    from adverdict.ledger.in_force.rollouts import rollouts_now
    from adverdict.ledger.store import now
    from adverdict.rollout.stages.models import promote
    from adverdict.training.promote import make_champion

    one = rollouts_now(ledger)[rollout]
    if one.promoting:
        say("its model decides for everybody; it becomes the champion now, which takes a few seconds")
        told = promote(ledger, one, lambda model: make_champion(model, settings), by, now)
        say(told or f"{one.proposal.candidate.model} is the champion")


def _write(step: Callable[[Writing, str, datetime], int | None], by: str | None) -> int | None:
    with door() as settings:
        from adverdict.ledger.store import now

        with ledger_of(settings) as ledger, ledger.write() as writing:
            return step(writing, by or getpass.getuser(), now())
