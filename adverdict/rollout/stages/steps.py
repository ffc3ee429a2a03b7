"""What people and the watcher do to a roll-out. Each step is one transaction that first asks the chain whether it may be done now.

Signatures are on the proposal's id, which is a digest of the exact versions, the plan and the guards: whatever changes is another proposal,
without a signature. They are asked for where a stage is entered, and nowhere else.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import get_args

from pydantic import JsonValue
from sqlalchemy import Connection

from adverdict.decisions.rollout import MOST_ON_TRIAL, Role, Stage
from adverdict.domain.errors import Conflict, InvalidInput, Mistake
from adverdict.domain.formats import moment
from adverdict.ledger.bodies.rollout import (
    Aborted,
    Paused,
    Promotion,
    Proposed,
    Renewed,
    Signed,
    StageEntered,
    abort_id,
    promotion_id,
    stage_id,
)
from adverdict.ledger.entropy import draw, hexadecimal
from adverdict.ledger.in_force.policy_sets import put
from adverdict.ledger.in_force.rollouts import SALT, Rollout, Rollouts, digest_of_salt, rollouts_at
from adverdict.ledger.readiness import unready
from adverdict.ledger.store import Writing, keep
from adverdict.rollout.stages.freezes import Freeze, frozen

LEASE = timedelta(hours=3)
"""How long a candidate on trial decides without a watcher that renews it."""
SALT_BYTES = 32


def new_salt() -> bytes:
    """Secret, and drawn anew for each roll-out."""
    return draw() + draw()


def rollout_id(proposal: Proposed) -> str:
    return f"rol-{hashlib.sha256(proposal.model_dump_json().encode()).hexdigest()[:32]}"


def propose(writing: Writing, proposal: Proposed, salt: bytes, at: datetime) -> str:
    """Put it on record: its id. The candidate's set has been kept. Raises Conflict where the base is not in force any more."""
    _refuse_other_base(rollouts_at(writing.connection).policies, proposal)
    keep(writing.connection, SALT, digest_of_salt(salt), salt, at)
    its_id = rollout_id(proposal)
    writing.append(its_id, proposal, at)
    return its_id


def sign(writing: Writing, its_id: str, role: str, agrees: bool, note: str, by: str, at: datetime) -> None:
    """Raises NotFound, InvalidInput for a role that is none or a note that says nothing, Conflict where it is the proposer's or over."""
    wrong = [] if role in get_args(Role) else [Mistake("as", role, f"one of {', '.join(get_args(Role))}")]
    if not note.strip():
        wrong.append(Mistake("note", note, "what was looked at: it stays on record"))
    if wrong:
        raise InvalidInput("nothing was signed:", wrong)
    told = rollouts_at(writing.connection)[its_id]
    if told.state not in ("proposed", "refused", "under way"):
        raise Conflict(f"{its_id} is {told.state}: there is nothing to sign any more")
    if by == told.proposal.by:
        raise Conflict(f"{by} proposed {its_id}: somebody else has to sign")
    signed = Signed(rollout=its_id, role=role, agrees=agrees, note=note.strip(), by=by)  # type: ignore[arg-type]  # checked above
    writing.append(f"sgn-{hexadecimal()}", signed, at)


def advance(
    writing: Writing,
    its_id: str,
    why: str,
    by: str,
    at: datetime,
    *,
    freezes: Sequence[Freeze] = (),
    evidence: Mapping[str, JsonValue] | None = None,
    expected: int | None = None,
    emergency: bool = False,
) -> StageEntered:
    """Enter the next stage; after the last, the candidate is in force. The entry's id is the stage's, so it happens once.

    ``expected``: the number of the stage that is to be entered; None: whichever is next. ``emergency``: without signatures and during a
    freeze, for severe policies; a second person has to sign within a day, or its lease ends then.

    Raises NotFound, InvalidInput without a reason, or Conflict with what is in the way.
    """
    rollouts, told, number, stage = refused(writing.connection, its_id, why, at, freezes=freezes, expected=expected, emergency=emergency)
    stages = told.proposal.plan.stages
    immediate = stage is not None and stage.share == 1 and not stage.holdout and number == len(stages) - 1 and not emergency
    until = at + LEASE if stage is not None and stage.share > 0 and not immediate else None
    entered = StageEntered(
        rollout=its_id,
        number=number,
        stage=None if immediate else stage,
        until=until,
        evidence=dict(evidence or {}),
        emergency=emergency,
        why=why.strip(),
        by=by,
    )
    writing.append(stage_id(its_id, number), entered, at)
    if entered.stage is None and told.proposal.candidate.policies != rollouts.policies:
        put(writing, told.proposal.candidate.policies, told.proposal.files, why.strip(), by, at, rollout=its_id)
    return entered


def refused(
    connection: Connection,
    its_id: str,
    why: str,
    at: datetime,
    *,
    freezes: Sequence[Freeze] = (),
    expected: int | None = None,
    emergency: bool = False,
) -> tuple[Rollouts, Rollout, int, Stage | None]:
    """Raises as ``advance`` does where it may not go on; else all roll-outs, this one, and the number of its next stage and what that is,
    None where it is done then."""
    _reason(why)
    rollouts = rollouts_at(connection)
    told = rollouts[its_id]
    number = 0 if told.stage is None else told.stage.number + 1
    if expected is not None and number != expected:
        raise Conflict(f"{its_id} is in stage {number - 1} already")
    if told.state not in ("proposed", "refused", "under way"):
        raise Conflict(f"{its_id} is {told.state}: it does not go on")
    stages = told.proposal.plan.stages
    stage = stages[number] if number < len(stages) else None
    if emergency:
        _refuse_emergency(told, stage)
    _refuse_unsigned(told, None if emergency else stage)
    _refuse_other_base(rollouts.policies, told.proposal)
    if told.second_name_until is not None:
        raise Conflict(f"{its_id} was begun in an emergency, and a second person has not signed: 'adverdict rollout sign' first")
    if told.paused:
        raise Conflict(f"{its_id} is paused by {told.paused.by} ({told.paused.why}): 'adverdict rollout resume' first")
    if (hold := frozen(freezes, at, told.proposal.markets)) and not emergency:
        raise Conflict(f"nothing advances during {hold.name}, until {moment(hold.until)}")
    _refuse_unready(connection, told, stage, at)
    others = [
        one
        for one in (*rollouts.on, *rollouts.promoting)
        if one.rollout_id != its_id and _meet(one.proposal.markets, told.proposal.markets)
    ]
    if others:
        raise Conflict(f"{others[0].rollout_id} is under way in a market of this one: one at a time")
    if told.stage is not None and told.until is not None and at >= told.until:
        raise Conflict(f"the lease of stage {told.stage.name} ended at {moment(told.until)}: 'adverdict rollout resume' or 'abort' it")
    return rollouts, told, number, stage


def promoted(writing: Writing, its_id: str, before: str | None, by: str, at: datetime) -> None:
    """Say that the model of a roll-out that is done is the champion now, so that the alias says who decides. Raises NotFound, or Conflict
    where that was said before, or it brings no model."""
    told = rollouts_at(writing.connection)[its_id]
    if not told.promoting:
        raise Conflict(f"{its_id} is {told.state} and no model of it is to become the champion")
    model = told.proposal.candidate.model
    assert model is not None
    writing.append(promotion_id(its_id), Promotion(rollout=its_id, model=model, before=before, by=by), at)


def renew(writing: Writing, its_id: str, by: str, at: datetime) -> datetime | None:
    """Let the lease go on: until when, or None where there is none to renew. Raises Conflict once it has ended: then a person decides."""
    told = rollouts_at(writing.connection)[its_id]
    if not told.on or told.stage is None or told.until is None:
        return None
    if at >= told.until:
        raise Conflict(f"the lease of {its_id} ended at {moment(told.until)}")
    until = _leased(told, at)
    if until > told.until:
        writing.append(f"rnw-{hexadecimal()}", Renewed(rollout=its_id, number=told.stage.number, until=until, by=by), at)
    return until


def _leased(told: Rollout, at: datetime) -> datetime:
    """Until when the candidate decides: no longer than a second name may be missing."""
    until = at + LEASE
    return until if told.second_name_until is None else min(until, told.second_name_until)


def pause(writing: Writing, its_id: str, why: str, by: str, at: datetime) -> None:
    """Nothing advances it from now on; its arms stay as they are, and its guards go on."""
    _reason(why)
    told = rollouts_at(writing.connection)[its_id]
    if not told.on or told.paused:
        raise Conflict(f"{its_id} is {'paused already' if told.paused else told.state}")
    writing.append(f"pse-{hexadecimal()}", Paused(rollout=its_id, paused=True, why=why.strip(), by=by), at)


def resume(writing: Writing, its_id: str, why: str, by: str, at: datetime) -> None:
    """It may advance again, and a lease that has ended begins anew."""
    _reason(why)
    told = rollouts_at(writing.connection)[its_id]
    over = told.until is not None and at >= told.until
    if not told.on or not (told.paused or over):
        raise Conflict(f"{its_id} is {told.state}, and not paused")
    assert told.stage is not None
    if over and _leased(told, at) <= at:
        raise Conflict(f"{its_id} was begun in an emergency, and a second person has not signed: 'adverdict rollout sign' first")
    if told.paused:
        writing.append(f"pse-{hexadecimal()}", Paused(rollout=its_id, paused=False, why=why.strip(), by=by), at)
    if over:
        writing.append(f"rnw-{hexadecimal()}", Renewed(rollout=its_id, number=told.stage.number, until=_leased(told, at), by=by), at)


def abort(
    writing: Writing,
    its_id: str,
    why: str,
    by: str,
    at: datetime,
    *,
    guard: str | None = None,
    evidence: Mapping[str, JsonValue] | None = None,
) -> int:
    """From the next round of every worker on the candidate decides nothing: the seq of the entry. Raises Conflict where it is over."""
    _reason(why)
    told = rollouts_at(writing.connection)[its_id]
    if told.state in ("aborted", "done"):
        raise Conflict(f"{its_id} is {told.state}" + (": 'adverdict rollback --policies' goes back" if told.state == "done" else ""))
    return writing.append(abort_id(its_id), Aborted(rollout=its_id, guard=guard, evidence=dict(evidence or {}), why=why.strip(), by=by), at)


def missing_signatures(told: Rollout, stage: Stage | None) -> tuple[str, ...]:
    """Roles that have not agreed and have to before ``stage`` is entered."""
    agreed = told.agreed()
    return tuple(role for role in (stage.needs if stage else ()) if role not in agreed)


def on_trial(stage: Stage | None) -> bool:
    """Whether a candidate has a control of its size beside it in this stage."""
    return stage is not None and 0 < stage.share <= MOST_ON_TRIAL


def _refuse_unsigned(told: Rollout, stage: Stage | None) -> None:
    refused = told.refusals
    if refused:
        raise Conflict(f"{refused[-1].by} refused {told.rollout_id} for {refused[-1].role}: {refused[-1].note}")
    if missing := missing_signatures(told, stage):
        assert stage is not None
        raise Conflict(f"stage {stage.name} of {told.rollout_id} has to be signed for {', '.join(missing)} first: 'adverdict rollout sign'")


def _refuse_emergency(told: Rollout, stage: Stage | None) -> None:
    if not told.proposal.severe:
        raise Conflict(f"{told.rollout_id} changes no severe policy: that is no emergency, and whoever has to sign signs first")
    if stage is None:
        raise Conflict(f"{told.rollout_id} is done with its next step: a second person signs before that, emergency or not")


def _refuse_unready(connection: Connection, told: Rollout, stage: Stage | None, at: datetime) -> None:
    """Before a model decides for anybody, every worker has it loaded."""
    bundle = told.proposal.candidate.bundle_version
    if not told.brings_model or bundle is None or (stage is not None and stage.share == 0):
        return
    heard, lacking = unready(connection, bundle, at)
    if not heard:
        raise Conflict(f"no worker says that it has bundle {bundle[:12]} loaded: is 'adverdict serve' running on this ledger?")
    if lacking:
        raise Conflict(f"{len(lacking)} of {heard} workers do not have bundle {bundle[:12]} loaded: {lacking[0]}")


def _refuse_other_base(in_force: str | None, proposal: Proposed) -> None:
    if in_force != proposal.base.policies:
        known = "the ledger does not say yet what is in force" if in_force is None else f"policies {in_force[:12]} are in force"
        raise Conflict(f"{known}, and this was proposed in place of {proposal.base.policies[:12]}: propose it anew")


def _meet(one: Sequence[str], other: Sequence[str]) -> bool:
    return not one or not other or bool(set(one) & set(other))


def _reason(why: str) -> None:
    if not why.strip():
        raise InvalidInput("nothing was done:", [Mistake("why", why, "a reason: it stays on record")])
