"""What an aborted candidate approved is decided again by what is in force, as one step that can be undone.

An abort stops the candidate; the ads that it approved still run. Those whose decision still stands, and that nobody has spoken of, are
scored as of now and put on record where the verdict is another. A decision's id is made of the one it replaces, and the chain holds an id
once: run again, it goes on where it stopped.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, select

from adverdict.decisions.arms import InForce
from adverdict.domain.decision import Decision
from adverdict.domain.errors import Conflict, NotFound
from adverdict.domain.verdict import Verdict
from adverdict.ledger import steps
from adverdict.ledger.columns import arm_column
from adverdict.ledger.effective import effective_decisions
from adverdict.ledger.entries import DecisionMade, KnownHistory, Rescored
from adverdict.ledger.history import LedgerHistory
from adverdict.ledger.in_force.rollouts import rollouts_now
from adverdict.ledger.in_force.strikes import StrikesAt
from adverdict.ledger.schema import contents, entries
from adverdict.ledger.store import Ledger, entry_of, entry_query, now
from adverdict.review.period import pages
from adverdict.review.tasks.opening import open_tasks
from adverdict.review.tasks.settings import ReviewSettings
from adverdict.review.tasks.superseding import withdraw_superseded
from adverdict.scoring.known import HistorySnapshot
from adverdict.scoring.scorer import Scorer

BATCH = 200
"""Decisions of one transaction: whoever else decides ads waits for its end."""


@dataclass
class Repaired:
    """What came of it."""

    step: str
    changes: Counter[Verdict] = field(default_factory=Counter)
    """New verdicts, of those that changed."""
    same: int = 0
    """Approved again."""
    left: int = 0
    """That stand no more, or that people have spoken of."""


def repair_id(rollout_id: str) -> str:
    """Of the step: there is one a roll-out."""
    return f"stp-{hashlib.sha256(f'repair {rollout_id}'.encode()).hexdigest()[:32]}"


def repair(
    ledger: Ledger, rollout_id: str, scorer: Scorer, review: ReviewSettings, by: str, *, clock: Callable[[], datetime] = now
) -> Repaired:
    """``scorer`` decides by what is in force. Raises NotFound, Conflict for a roll-out that was not aborted or a repair that was undone,
    Unavailable: then running it again goes on."""
    told = rollouts_now(ledger)[rollout_id]
    if told.state != "aborted":
        raise Conflict(f"{rollout_id} is {told.state}: only what an aborted candidate approved is decided again")
    if scorer.model is None:
        raise NotFound("there is no model to decide by")
    by_set = scorer.by_set(told.proposal.base.policies)
    if by_set is None:
        raise NotFound(f"policies {told.proposal.base.policies[:12]} cannot be had")
    done, at = Repaired(repair_id(rollout_id)), clock()
    history = LedgerHistory(ledger)
    state = history.catch_up()
    known = HistorySnapshot(state, history.seq, history.steering, in_force=InForce(), strikes=StrikesAt(ledger, history.seq))
    ledger.keep("policies", by_set.book.hash, by_set.book.to_json, at)
    ledger.keep("thresholds", by_set.solved.digest, lambda: by_set.solved.to_json().encode(), at)
    for page in pages(_approved(ledger, rollout_id), BATCH):
        decisions = by_set.score([one.ad for one in page], known=known, as_of=at, explain="none")
        _write(ledger, by_set, done, rollout_id, list(zip(page, decisions, strict=True)), review, by, at, known.seq or 0)
    with ledger.write() as writing:
        if not _there(writing.connection, [done.step]):  # that nothing was to be changed is on record, too
            writing.append(done.step, _entry(by_set, rollout_id, by, at, known.seq or 0), at)
    return done


def _write(
    ledger: Ledger,
    scorer: Scorer,
    done: Repaired,
    rollout_id: str,
    pairs: Sequence[tuple[DecisionMade, Decision]],
    review: ReviewSettings,
    by: str,
    at: datetime,
    seq: int,
) -> None:
    with ledger.write() as writing:
        connection = writing.connection
        if steps.withdrawal(connection, done.step) is not None:
            raise Conflict(f"step {done.step} was undone, and is not applied again: rescore as of a later moment")
        stands = effective_decisions(connection, [made.ad.ad_id for made, _ in pairs])
        there = _there(connection, [done.step, *(_new_id(made) for made, _ in pairs)])
        changed: list[DecisionMade] = []
        for made, decision in pairs:
            now_stands = stands.get(made.ad.ad_id)
            if (
                now_stands is None
                or now_stands.decision_id != made.decision.decision_id
                or now_stands.by != "model"
                or _new_id(made) in there
            ):
                done.left += 1
            elif decision.verdict is made.decision.verdict:
                done.same += 1
            else:
                told = decision.model_copy(update={"decision_id": _new_id(made)})
                changed.append(DecisionMade(ad=made.ad, decision=told, thresholds=scorer.solved.digest, first=False, step=done.step))
        if not changed:
            return
        if done.step not in there:
            writing.append(done.step, _entry(scorer, rollout_id, by, at, seq), at)
        for one in changed:
            writing.append(one.decision.decision_id, one, at)
            done.changes[one.decision.verdict] += 1
        open_tasks(writing, changed, scorer.book, review, at)
        withdraw_superseded(connection, {stands[one.ad.ad_id].decision_id: Verdict.APPROVE for one in changed}, at)


def _approved(ledger: Ledger, rollout_id: str) -> Iterator[DecisionMade]:
    """The candidate's approvals, in order."""
    query = entry_query().where(contents.c.arm == arm_column(rollout_id, "candidate"), contents.c.verdict == Verdict.APPROVE.value)
    after = 0
    while True:
        with ledger.look() as connection:
            rows = connection.execute(query.where(entries.c.seq > after).order_by(entries.c.seq).limit(BATCH)).all()
        for row in rows:
            body = entry_of(row).body
            if isinstance(body, DecisionMade):
                yield body
        if len(rows) < BATCH:
            return
        after = rows[-1].seq


def _entry(scorer: Scorer, rollout_id: str, by: str, at: datetime, seq: int) -> Rescored:
    return Rescored(
        run_id=f"repair of {rollout_id}",
        bundle_version=scorer.model.version if scorer.model else None,
        policy_hash=scorer.book.hash,
        thresholds=scorer.solved.digest,
        as_of=at,
        history=KnownHistory(kind="ledger", digest="", seq=seq),
        only=None,
        by=by,
        rollout=rollout_id,
    )


def _new_id(made: DecisionMade) -> str:
    return f"dec-{hashlib.sha256(f'repair {made.decision.decision_id}'.encode()).hexdigest()[:32]}"


def _there(connection: Connection, ids: Sequence[str]) -> set[str]:
    return set(connection.scalars(select(entries.c.entry_id).where(entries.c.entry_id.in_(ids))))
