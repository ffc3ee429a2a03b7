"""Putting a rescoring on record: each decision at most once, judged by what stands at that moment, as one step that can be undone.

A batch of decisions is one transaction: in it, what stands is looked up, decisions are appended, the tasks they ask for are opened and
those of the decisions they supersede are withdrawn. A decision's id is the run's, and the chain holds an id once: whoever is killed
between two batches, or runs beside another, starts again and goes on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import Connection, select

from adverdict.clusters.braking import among
from adverdict.decisions.steering import Steering
from adverdict.decisions.strikes import strikes_reached
from adverdict.domain.ad import Ad
from adverdict.domain.decision import Decision
from adverdict.domain.errors import Conflict, Unavailable
from adverdict.domain.progress import SILENT, Progress
from adverdict.domain.verdict import Verdict
from adverdict.ledger import steps
from adverdict.ledger.effective import EffectiveDecision, effective_decisions
from adverdict.ledger.entries import DecisionMade, KnownHistory, Rescored
from adverdict.ledger.in_force.steering import steering_at
from adverdict.ledger.in_force.strikes import strikes_at
from adverdict.ledger.schema import entries
from adverdict.ledger.schema import tasks as table
from adverdict.ledger.store import Ledger, Writing, now
from adverdict.rescoring.applying.candidates import Candidate, Originals, candidates
from adverdict.rescoring.applying.judging import EffectiveVerdict, SkipReason, skip_reason
from adverdict.rescoring.folder.workbench import USUAL, workbench
from adverdict.review.tasks.opening import open_tasks
from adverdict.review.tasks.superseding import withdraw_superseded
from adverdict.review.tasks.tasks import UNFINISHED

if TYPE_CHECKING:
    from adverdict.rescoring.folder.manifest import RunFolder
    from adverdict.review.tasks.settings import ReviewSettings

BATCH = 500
"""Decisions of one transaction: whoever else decides ads waits for its end."""
WINDOW = 16_384
"""Decisions read together with their ads, about 4 kB each: a shard is read again in each window that needs it."""


@dataclass(frozen=True)
class Choice:
    """What of a run is applied. ``most`` is no part of the step: raised later, the same step goes on."""

    markets: tuple[str, ...] = ()
    """Empty: all."""
    only: Verdict | None = None
    most: int | None = None
    """Decisions of the step in all, whenever they were applied."""
    by: str = ""


class Change(NamedTuple):
    market: str
    before: Verdict | None
    """None: the version was not on record."""
    after: Verdict


@dataclass
class Applied:
    """What one call did, and what it left alone."""

    step: str
    changes: Counter[Change] = field(default_factory=Counter)
    left: Counter[SkipReason] = field(default_factory=Counter)
    opened: int = 0
    """Tasks."""
    closed: int = 0
    refused: dict[str, str] = field(default_factory=dict)
    """Shards whose ads are not those that were decided, and why: nothing of them was written from then on."""
    refused_decisions: int = 0
    in_step: int = 0
    """Decisions that the step has on record, from earlier calls too."""
    unfinished: int = 0
    """Shards of the run without decisions so far: of their ads, what stands stands."""

    @property
    def applied(self) -> int:
        return self.changes.total()


class _Batch(NamedTuple):
    """What a transaction did; counted only once it is over."""

    changes: Counter[Change]
    left: Counter[SkipReason]
    opened: int
    closed: int
    in_step: int


class _Whole(NamedTuple):
    candidate: Candidate
    ad: Ad
    decision: Decision


def apply(
    ledger: Ledger,
    folder: RunFolder,
    choice: Choice,
    review: ReviewSettings,
    *,
    clock: Callable[[], datetime] = now,
    progress: Progress = SILENT,
    memory: int = USUAL,
) -> Applied:
    """Put the decisions that change what stands on record, the ads that most people will see first.

    Raises Conflict when the step was withdrawn, InvalidInput, and Unavailable: then what is told to be applied is, and doing the same
    again goes on.
    """
    applying = _Applying(ledger, folder, choice, review, clock)
    try:
        with workbench(memory) as bench:
            applying.all_of(candidates(bench, ledger, folder, choice.markets, choice.only), progress)
    except Unavailable as error:
        done = f"{applying.done.applied:,} decisions of step {applying.done.step} were applied"
        raise Unavailable(f"{error}\n{done}; run the same again to go on: nothing is applied twice") from error
    return applying.done


class _Applying:
    def __init__(self, ledger: Ledger, folder: RunFolder, choice: Choice, review: ReviewSettings, clock: Callable[[], datetime]) -> None:
        self._ledger, self._choice, self._review, self._clock = ledger, choice, review, clock
        self._originals = Originals(folder)
        self._book, solved = folder.book(), folder.thresholds()
        step = steps.step_id(folder.run.run_id, choice.markets, choice.only)
        self._entry = _entry(folder, choice)
        self.done = Applied(step, unfinished=len(folder.run.plan.shards) - self._originals.shards_done)
        with ledger.look() as connection:
            _refuse_withdrawn(connection, step)
            self.done.in_step = steps.size(connection, step)
        at = clock()
        ledger.keep("policies", self._book.hash, self._book.to_json, at)
        ledger.keep("thresholds", solved.digest, lambda: solved.to_json().encode(), at)

    def all_of(self, found: Iterable[Candidate], progress: Progress) -> None:
        flips = (one for one in found if self._may_change(one))
        progress.stage("applying", self._choice.most or 0)
        while window := self._window(flips):
            wholes = self._wholes(window)
            while batch := list(islice(wholes, BATCH)):
                self._count(self._write(batch))
                progress.advance(len(batch))
        self.done.refused = dict(self._originals.refused)

    def _may_change(self, one: Candidate) -> bool:
        """By what stood when the record was read; within the transaction it is judged again."""
        why = skip_reason(one.new, one.now) if one.latest else SkipReason.OLDER
        if why is None and self._room() == 0:
            why = SkipReason.MORE
        if why is not None:
            self.done.left[why] += 1
        return why is None

    def _window(self, flips: Iterator[Candidate]) -> list[Candidate]:
        room = self._room()
        return list(islice(flips, WINDOW if room is None else min(WINDOW, max(room, 1))))

    def _room(self) -> int | None:
        """Decisions that the step may still get; None: any number."""
        return None if self._choice.most is None else max(self._choice.most - self.done.in_step, 0)

    def _wholes(self, window: Sequence[Candidate]) -> Iterator[_Whole]:
        found = self._originals.read(window)
        self.done.refused_decisions += len(window) - len(found)
        return (_Whole(one, *found[one.new.decision_id].read()) for one in window if one.new.decision_id in found)

    def _write(self, batch: Sequence[_Whole]) -> _Batch:
        """One transaction. ``write`` holds the end of the chain, so nothing that stands can change until it is over."""
        at, step = self._clock(), self.done.step
        with self._ledger.write() as writing:
            connection = writing.connection
            _refuse_withdrawn(connection, step)
            stands = effective_decisions(connection, [one.ad.ad_id for one in batch])
            known = _on_record(connection, [one.decision.decision_id for one in batch])
            appealed = _appealed(connection, [one.decision_id for one in stands.values()])
            steering, struck = steering_at(connection), self._struck(writing, batch, at)
            size, room = steps.size(connection, step), self._choice.most
            chosen: list[_Whole] = []
            reasons = Counter[SkipReason]()
            for one in batch:
                why = _why(one.candidate, stands.get(one.ad.ad_id), known, appealed)
                if why is None and (
                    steering.stops(one.decision) or one.decision.decision_id in struck or _copied(connection, one, steering)
                ):
                    why = SkipReason.STEERED
                if why is None and room is not None and size + len(chosen) >= room:
                    why = SkipReason.MORE
                if why is None:
                    chosen.append(one)
                else:
                    reasons[why] += 1
            opened, closed = self._append(writing, chosen, stands, at) if chosen else (0, 0)
        changes = Counter(Change(one.ad.market, _before(one, stands), one.decision.verdict) for one in chosen)
        return _Batch(changes, reasons, opened, closed, size + len(chosen))

    def _struck(self, writing: Writing, batch: Sequence[_Whole], at: datetime) -> set[str]:
        """Automatic decisions for advertisers who have too many strikes by now."""
        if not self._book.counts_strikes:
            return set()
        made = [one.decision for one in batch if one.decision.verdict is not Verdict.REVIEW]
        strikes = strikes_at(writing.connection, {one.advertiser_id for one in made}, writing.seq)
        return {
            one.decision_id
            for one in made
            if strikes_reached(self._book.in_force(one.market, one.surface), strikes.get(one.advertiser_id, ()), at)
        }

    def _append(self, writing: Writing, chosen: Sequence[_Whole], stands: dict[str, EffectiveDecision], at: datetime) -> tuple[int, int]:
        """Tasks opened and closed."""
        if not _on_record(writing.connection, [self.done.step]):
            writing.append(self.done.step, self._entry, at)
        firsts = writing.first_seen([one.ad for one in chosen])
        made = [
            DecisionMade(ad=one.ad, decision=one.decision, thresholds=self._entry.thresholds, first=first, step=self.done.step)
            for one, first in zip(chosen, firsts, strict=True)
        ]
        for each in made:
            writing.append(each.decision.decision_id, each, at)
        opened = open_tasks(writing, made, self._book, self._review, at)
        superseded = {stands[one.ad.ad_id].decision_id: stands[one.ad.ad_id].verdict for one in chosen if _before(one, stands) is not None}
        return len(opened), withdraw_superseded(writing.connection, superseded, at)

    def _count(self, batch: _Batch) -> None:
        self.done.changes += batch.changes
        self.done.left += batch.left
        self.done.opened += batch.opened
        self.done.closed += batch.closed
        self.done.in_step = batch.in_step


def _copied(connection: Connection, one: _Whole, steering: Steering) -> bool:
    """Whether a brake is on for copies of the ad: whoever rescores knows of none, so what is on record of them is asked."""
    if not steering.clusters or one.decision.verdict is Verdict.REVIEW:
        return False
    its = among(connection, one.candidate.now.decision_id, steering.clusters) if one.candidate.now else ()
    told = [each for each in one.decision.policies if each.verdict is not Verdict.REVIEW]
    return any(
        brake.side.stops(each.verdict) and brake.holds(each.policy, one.ad.market, one.ad.surface, its)
        for brake in steering.brakes
        for each in told
    )


def _why(one: Candidate, stands: EffectiveDecision | None, known: set[str], appealed: set[str]) -> SkipReason | None:
    now = None if stands is None else EffectiveVerdict(stands.decision_id, stands.verdict, stands.by, stands.submitted_at)
    why = skip_reason(one.new, now)
    if why is None and one.new.decision_id in known:
        return SkipReason.NO_LONGER
    if why is None and now is not None and now.decision_id in appealed and now.submitted_at == one.new.submitted_at:
        return SkipReason.APPEAL
    return why


def _before(one: _Whole, stands: dict[str, EffectiveDecision]) -> Verdict | None:
    """What stood of this version of the ad."""
    was = stands.get(one.ad.ad_id)
    return was.verdict if was is not None and was.submitted_at == one.candidate.new.submitted_at else None


def _on_record(connection: Connection, ids: Sequence[str]) -> set[str]:
    """Those of the ids that entries have, erased ones too: the chain never forgets an id."""
    return set(connection.scalars(select(entries.c.entry_id).where(entries.c.entry_id.in_(ids))))


def _appealed(connection: Connection, decisions: Sequence[str]) -> set[str]:
    """Those with an appeal that nobody has ruled on."""
    waiting = (table.c.kind == "appeal") & table.c.state.in_(UNFINISHED)
    return set(connection.scalars(select(table.c.about).where(table.c.about.in_(decisions), waiting)))


def _refuse_withdrawn(connection: Connection, step: str) -> None:
    undone = steps.withdrawal(connection, step)
    if undone is not None:
        instead = "rescore as of a later moment, and apply that"
        raise Conflict(f"step {step} was undone by {undone.by} ({undone.why}), and is not applied again: {instead}")


def _entry(folder: RunFolder, choice: Choice) -> Rescored:
    run = folder.run
    return Rescored(
        run_id=run.run_id,
        bundle_version=run.model.version,
        policy_hash=run.policy_hash,
        thresholds=run.thresholds,
        as_of=run.as_of,
        history=KnownHistory(kind=run.history.kind, digest=run.history.digest, seq=run.history.seq),
        markets=tuple(sorted(set(choice.markets))),
        only=choice.only,
        by=choice.by,
    )
