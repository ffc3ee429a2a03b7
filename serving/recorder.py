"""A decision is written down, with the tasks it opens, before its answer leaves; what cannot be written down is not answered."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from domain.ad import Ad
from domain.decision import Decision
from domain.errors import NotFound
from ledger import idempotency
from ledger.entries import DecisionMade
from ledger.idempotency import Request
from ledger.store import Ledger, now
from review.opening import open_tasks
from serving.scorer import Known, Scorer

if TYPE_CHECKING:
    from ledger.history import LedgerHistory
    from review.settings import ReviewSettings


@dataclass(frozen=True, slots=True)
class Decided:
    """The ads of one request and what was decided about them, not yet on record."""

    ads: Sequence[Ad]
    decisions: Sequence[Decision | None]
    """One an ad; None where scoring it failed."""
    request: Request | None = None
    """Under which the same answer is given again; None: every request is a new one."""


class Recorder:
    """One worker's hand in the ledger. Used by one thread."""

    def __init__(self, ledger: Ledger, review: ReviewSettings, clock: Callable[[], datetime] = now) -> None:
        self.ledger = ledger
        self._review = review
        self._clock = clock
        self._history: LedgerHistory | None = None
        self._founded = False
        self._kept: set[tuple[str, str]] = set()

    def known(self, scorer: Scorer) -> Known | None:
        """The history as of now, whoever wrote it; None without a model, which would not read it. Raises Unavailable."""
        if scorer.model is None:
            return None
        from ledger.history import LedgerHistory, found

        if not self._founded:
            found(self.ledger, scorer.model.snapshot, scorer.model.version, self._clock())
            self._founded = True
        if self._history is None:
            self._history = LedgerHistory(self.ledger)
        return Known(self._history.catch_up(), self._history.seq)

    def answered(self, request: Request) -> list[Decision | None] | None:
        """What was answered to the same request before; None: it is new. Raises Conflict, Unavailable, or NotFound when erased since."""
        with self.ledger.look() as connection:
            ids = idempotency.answered(connection, request)
        return None if ids is None else self._recall(ids)

    def record(self, groups: Sequence[Decided], scorer: Scorer) -> list[list[Decision | None]]:
        """All of them in one transaction; what is on record for each: a request answered meanwhile gets the answer it got.

        Raises Conflict or Unavailable; then nothing is on record.
        """
        self._keep(scorer)
        at = self._clock()
        with self.ledger.write() as writing:
            before = [idempotency.answered(writing.connection, group.request) if group.request else None for group in groups]
            new = [group for group, ids in zip(groups, before, strict=True) if ids is None]
            pairs = [pair for group in new for pair in _decided(group)]
            fresh = writing.first_seen([ad for ad, _ in pairs])
            made = [_entry(pair, first, scorer) for pair, first in zip(pairs, fresh, strict=True)]
            begin = writing.seq + 1
            for one in made:
                writing.append(one.decision.decision_id, one, at)
            for group in new:
                if group.request:
                    ids = [decision.decision_id if decision else None for decision in group.decisions]
                    idempotency.answer(writing.connection, group.request, ids, at)
            open_tasks(writing, made, scorer.book, self._review, at)
        if self._history is not None:
            self._history.observe_own(begin, made)
        return [list(group.decisions) if ids is None else self._recall(ids) for group, ids in zip(groups, before, strict=True)]

    def _keep(self, scorer: Scorer) -> None:
        """What the decisions name, kept for replaying them; once."""
        for kind, digest, body in (
            ("policies", scorer.book.hash, scorer.book.to_json),
            ("thresholds", scorer.solved.digest, lambda: scorer.solved.to_json().encode()),
        ):
            if (kind, digest) not in self._kept:
                self.ledger.keep(kind, digest, body, self._clock())
                self._kept.add((kind, digest))

    def _recall(self, ids: Sequence[str | None]) -> list[Decision | None]:
        return [None if one is None else self._decision(one) for one in ids]

    def _decision(self, decision_id: str) -> Decision:
        body = self.ledger.find(decision_id).body
        if not isinstance(body, DecisionMade):
            raise NotFound(f"decision {decision_id}, which answered this request, has been erased")
        return body.decision


def _decided(group: Decided) -> list[tuple[Ad, Decision]]:
    return [(ad, decision) for ad, decision in zip(group.ads, group.decisions, strict=True) if decision is not None]


def _entry(pair: tuple[Ad, Decision], first: bool, scorer: Scorer) -> DecisionMade:
    ad, decision = pair
    return DecisionMade(ad=ad, decision=decision, thresholds=scorer.solved.digest, first=first)
