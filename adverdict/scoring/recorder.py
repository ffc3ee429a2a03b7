"""A decision is written down, with the tasks it opens, before its answer leaves; what cannot be written down is not answered."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from adverdict.domain.ad import Ad
from adverdict.domain.decision import Decision
from adverdict.domain.errors import AdverdictError, Conflict, NotFound
from adverdict.ledger import idempotency
from adverdict.ledger.chain import Sealed, seal
from adverdict.ledger.entries import DecisionMade
from adverdict.ledger.idempotency import Request
from adverdict.ledger.store import Ledger, find, now
from adverdict.review.tasks.opening import open_tasks
from adverdict.scoring.known import HistorySnapshot
from adverdict.scoring.scorer import Scorer

log = logging.getLogger("adverdict.recorder")

if TYPE_CHECKING:
    from adverdict.clusters.names import KnownCopies
    from adverdict.clusters.online import ClustersBegun
    from adverdict.decisions.steering import Steering
    from adverdict.ledger.history import LedgerHistory
    from adverdict.ledger.in_force.strikes import StrikeHistory
    from adverdict.ledger.stored.folder import HistoryFolder
    from adverdict.review.tasks.settings import ReviewSettings


SWEEP_EVERY = timedelta(hours=1)
"""Between looks for idempotency keys that nobody will use again."""
LOOK_EVERY = timedelta(minutes=1)
"""Between looks for a newer history store."""


@dataclass(frozen=True, slots=True)
class DecidedRequest:
    """The ads of one request and what was decided about them, not yet on record."""

    ads: Sequence[Ad]
    decisions: Sequence[Decision | None]
    """One an ad; None where scoring it failed."""
    request: Request | None = None
    """Under which the same answer is given again; None: every request is a new one."""
    caller: str | None = None
    """Name of the API key that asked."""


class Recorder:
    """One worker's hand in the ledger. Used by one thread."""

    def __init__(
        self,
        ledger: Ledger,
        review: ReviewSettings,
        clock: Callable[[], datetime] = now,
        copies: ClustersBegun | None = None,
        stored: HistoryFolder | None = None,
    ) -> None:
        """``copies``: who knows of copies; None: nobody, and decisions name no cluster. ``stored``: what to begin the history with."""
        self.ledger = ledger
        self._review = review
        self._clock = clock
        self._history: LedgerHistory | None = None
        self._strikes: StrikeHistory | None = None
        self._anew: Future[LedgerHistory] | None = None
        """A history being begun anew because something was erased."""
        self._founded = False
        self._kept: set[tuple[str, str]] = set()
        self._swept = clock()
        self._copies = copies
        self._stored = stored
        self._stands_on: str | None = None
        """The store that the history was begun with, or is being begun with."""
        self._looked = clock()

    def known(self, scorer: Scorer) -> HistorySnapshot | None:
        """The history as of now, whoever wrote it; None without a model, which would not read it. Raises Unavailable.

        What is erased is forgotten by beginning anew, in a thread of its own; until that is done, decisions know the entries before it.
        """
        if scorer.model is None:
            return None
        from adverdict.ledger.history import end_of, found
        from adverdict.ledger.in_force.rollouts import in_force_at
        from adverdict.ledger.in_force.steering import steering_at
        from adverdict.ledger.in_force.strikes import StrikeHistory

        if not self._founded:
            found(self.ledger, scorer.model.snapshot, scorer.model.version, self._clock())
            self._founded = True
        if self._history is None:
            self._history = self._new_history()
        if self._strikes is None:
            self._strikes = StrikeHistory(self.ledger)
        if self._anew is not None or self._stored_anew():
            self._begin_anew()
        if self._history.catch_up_settled():
            history = self._history
            copies = self._known_copies(history.steering, history.seq)
            strikes = self._strikes.as_of(history.seq)
            return HistorySnapshot(history.state, history.seq, history.steering, in_force=history.in_force, copies=copies, strikes=strikes)
        self._begin_anew()
        with self.ledger.look() as connection:  # a brake does not wait for a history to be read anew
            end = end_of(connection)
            steering, in_force = steering_at(connection, end), in_force_at(connection, end)
            copies = self._known_copies(steering, end)
            return HistorySnapshot(self._history.state, self._history.seq, steering, end, in_force, copies, self._strikes.as_of(end))

    def _known_copies(self, steering: Steering, end: int) -> KnownCopies | None:
        if self._copies is None:
            return None
        return self._copies.wait(end) if steering.clusters else self._copies.now(end)

    def _new_history(self) -> LedgerHistory:
        from adverdict.ledger.history import LedgerHistory

        self._stands_on = None if self._stored is None else self._stored.current
        return LedgerHistory(self.ledger, shortcut=self._stored)

    def _stored_anew(self) -> bool:
        """Whether a store has been built since: what came before its end need not be held in memory any more."""
        if self._stored is None or self._clock() - self._looked < LOOK_EVERY:
            return False
        self._looked = self._clock()
        return self._stored.current not in (None, self._stands_on)

    def _begin_anew(self) -> None:
        if self._anew is None:
            self._anew = Future()
            threading.Thread(target=_caught_up, args=(self._new_history(), self._anew), name="history", daemon=True).start()
        elif self._anew.done():
            error, begun = self._anew.exception(), self._anew
            self._anew = None
            if error is None:
                self._history = begun.result()
                self._history.catch_up_settled()
            else:
                log.warning("the history could not be read anew, which is tried again: %s", error)

    def answered(self, request: Request) -> list[Decision | None] | None:
        """What was answered to the same request before; None: it is new. Raises Conflict, Unavailable, or NotFound when erased since."""
        with self.ledger.look() as connection:
            return _answered(connection, request)

    def record(self, groups: Sequence[DecidedRequest], scorer: Scorer) -> list[list[Decision | None] | AdverdictError]:
        """All of them in one transaction; what is on record for each: a request answered meanwhile gets the answer it got.

        A Conflict or NotFound is one group's and stands in its place. Raises Unavailable: then nothing is on record, unless the connection
        broke while the database was committing, which nobody can tell; an idempotency key makes asking again safe.
        """
        pairs = [pair for group in groups for pair in _decided(group)]
        by = {key: scorer.by_set(*key) or scorer for key in dict.fromkeys(_by_what(decision) for _, decision in pairs)}
        for used in (scorer, *by.values()):
            self._keep(used)
        arms = self._history.in_force.arms if self._history is not None else ()
        hours = {one.rollout: one.audit_hours for one in arms if one.audit_hours is not None}
        at = self._clock()
        ahead = _sealed_as_new(groups, by)
        with self.ledger.write() as writing:
            before = [_before(writing.connection, group.request) for group in groups]
            new = [group for group, answer in zip(groups, before, strict=True) if answer is None]
            pairs = [pair for group in new for pair in _decided(group)]
            fresh = writing.first_seen([ad for ad, _ in pairs])
            callers = [group.caller for group in new for _ in _decided(group)]
            told = [
                ahead[pair[1].decision_id] if first else (_entry(pair, False, by[_by_what(pair[1])], who), None)
                for pair, first, who in zip(pairs, fresh, callers, strict=True)
            ]
            made, begin = [entry for entry, _ in told], writing.seq + 1
            for entry, sealed in told:
                writing.append(entry.decision.decision_id, entry, at, sealed)
            for group in new:
                ids = [decision.decision_id if decision else None for decision in group.decisions]
                if group.request and any(ids):  # a failure of everything is no answer: the same key may try again
                    idempotency.answer(writing.connection, group.request, ids, at)
            for key, one in by.items():
                theirs = [each for each in made if _by_what(each.decision) == key]
                open_tasks(writing, theirs, one.book, self._review, at, hours)
            if at - self._swept > SWEEP_EVERY:
                idempotency.forget(writing.connection, at - idempotency.KEPT_FOR)
                self._swept = at
        if self._history is not None:
            self._history.observe_own(begin, made)
        if self._copies is not None:
            self._copies.observe_own(begin, made)
        return [list(group.decisions) if answer is None else answer for group, answer in zip(groups, before, strict=True)]

    def _keep(self, scorer: Scorer) -> None:
        """What the decisions name, kept for replaying them; once."""
        for kind, digest, body in (
            ("policies", scorer.book.hash, scorer.book.to_json),
            ("thresholds", scorer.solved.digest, lambda: scorer.solved.to_json().encode()),
        ):
            if (kind, digest) not in self._kept:
                self.ledger.keep(kind, digest, body, self._clock())
                self._kept.add((kind, digest))


def _before(connection: Connection, request: Request | None) -> list[Decision | None] | AdverdictError | None:
    try:
        return _answered(connection, request) if request else None
    except (Conflict, NotFound) as error:
        return error


def _answered(connection: Connection, request: Request) -> list[Decision | None] | None:
    ids = idempotency.answered(connection, request)
    return None if ids is None else [None if decision_id is None else _decision(connection, decision_id) for decision_id in ids]


def _decision(connection: Connection, decision_id: str) -> Decision:
    body = find(connection, decision_id).body
    if not isinstance(body, DecisionMade):
        raise NotFound(f"decision {decision_id}, which answered this request, has been erased")
    return body.decision


def _by_what(decision: Decision) -> tuple[str, str | None]:
    """Which policies and which bundle decided."""
    return decision.policy_hash, decision.bundle_version


def _caught_up(history: LedgerHistory, done: Future[LedgerHistory]) -> None:
    try:
        history.catch_up()
        done.set_result(history)
    except Exception as error:
        done.set_exception(error)


def _decided(group: DecidedRequest) -> list[tuple[Ad, Decision]]:
    return [(ad, decision) for ad, decision in zip(group.ads, group.decisions, strict=True) if decision is not None]


def _sealed_as_new(groups: Sequence[DecidedRequest], by: Mapping[tuple[str, str | None], Scorer]) -> dict[str, tuple[DecisionMade, Sealed]]:
    """Before the chain's end is held, so that nobody waits for it: by decision, as if no version of an ad had been decided before.

    That is so of nearly all; the others are sealed anew.
    """
    made = [_entry(pair, True, by[_by_what(pair[1])], group.caller) for group in groups for pair in _decided(group)]
    return {entry.decision.decision_id: (entry, seal(entry)) for entry in made}


def _entry(pair: tuple[Ad, Decision], first: bool, scorer: Scorer, caller: str | None) -> DecisionMade:
    ad, decision = pair
    return DecisionMade(ad=ad, decision=decision, thresholds=scorer.solved.digest, first=first, caller=caller)
