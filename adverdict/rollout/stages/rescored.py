"""A model tried on what is on record: each ad scored again as of then, by a bundle that decides nothing yet.

What it would have decided is kept beside the chain (``shadowed``), so that nobody scores an ad twice to show a page. It can be made anew
from the chain and the bundle at any time. A part of the ads is scored where there are many: which, is a function of their decisions' ids.
"""

from __future__ import annotations

import heapq
import logging
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from pydantic import JsonValue
from sqlalchemy import Connection, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from adverdict.decisions.policy import PolicyBook
from adverdict.decisions.thresholds import SolvedThresholds
from adverdict.domain.decision import Decision
from adverdict.domain.errors import UntrustedBundle
from adverdict.ledger.bodies.rollout import Proposed, stage_id
from adverdict.ledger.entries import DecisionMade
from adverdict.ledger.history import LedgerHistory, end_of
from adverdict.ledger.in_force.rollouts import Rollout
from adverdict.ledger.schema import projections, shadowed
from adverdict.ledger.store import Ledger, find
from adverdict.review.period import pages
from adverdict.review.tasks.draws import draw
from adverdict.scoring.bootstrap import Installation
from adverdict.scoring.known import HistorySnapshot
from adverdict.scoring.model import Model
from adverdict.scoring.scorer import Scorer

log = logging.getLogger("adverdict.rollout")

AT_ONCE = 64
"""Ads scored in one go."""
A_DAY = 100_000
"""Ads that a shadow scores a day, about: at 20 ms of a processor each, a fiftieth of one."""
A_LOOK = 1000
"""Ads that one look of the watcher scores, so that it soon comes to other roll-outs."""
FAILED = "failed"
"""In place of a verdict."""


class Rescored:
    """Decides ads on record anew, in the order in which they were decided. Not for several threads, and never back in time."""

    def __init__(self, ledger: Ledger, model: Model, book: PolicyBook, solved: SolvedThresholds) -> None:
        self.book = book
        self.model = model
        self._scorer = Scorer(model, book, solved=solved)
        self._history = LedgerHistory(ledger, model.snapshot)

    def decide_all(self, made: Sequence[DecisionMade]) -> list[Decision | None]:
        """One each, as if no brake had been on and nothing were rolled out; None where the model fails on it. Raises Unavailable."""
        found: list[Decision | None] = []
        for seq, group in groupby(made, key=self._as_of()):
            known = HistorySnapshot(self._history.catch_up(seq), seq)
            for some in pages(group, AT_ONCE):
                found += self._scored(some, known)
        return found

    def _as_of(self) -> _Latest:
        return _Latest(self._history.seq)

    def _scored(self, some: Sequence[DecisionMade], known: HistorySnapshot) -> list[Decision | None]:
        try:
            return [*self._scorer.score([one.ad for one in some], known=known, explain="none")]
        except Exception as error:
            if len(some) > 1:
                return [decision for one in some for decision in self._scored([one], known)]
            log.warning("bundle %s fails on ad %s: %s", self.model.version, some[0].ad.ad_id, error)
            return [None]


class _Latest:
    """The entry as of which a decision is scored: that which it knew, or one before it did, as workers record in another order."""

    def __init__(self, seq: int) -> None:
        self._seq = seq

    def __call__(self, made: DecisionMade) -> int:
        self._seq = max(self._seq, made.decision.history_seq or 0)
        return self._seq


class CandidateModels:
    """Of roll-outs that bring a model, opened when their shadow asks for it; one is held at a time."""

    def __init__(self, installation: Installation, ledger: Ledger) -> None:
        self._installation = installation
        self._ledger = ledger
        self._held: tuple[str, Rescored] | None = None

    def __call__(self, rollout: Rollout) -> Rescored:
        """Raises NotFound, Unavailable, UntrustedBundle or ContractMismatch."""
        if self._held is None or self._held[0] != rollout.rollout_id:
            self._held = None  # before the other is loaded: two take twice the memory
            self._held = rollout.rollout_id, self._opened(rollout.proposal)
        return self._held[1]

    def _opened(self, proposal: Proposed) -> Rescored:
        candidate = proposal.candidate
        model = self._installation.open_bundle(self._installation.find(candidate.model).folder)
        if model.version != candidate.bundle_version:
            raise UntrustedBundle(f"{candidate.model} is bundle {model.version} now, and {candidate.bundle_version} was proposed")
        book = PolicyBook.from_json(self._ledger.recall("policies", candidate.policies))
        if candidate.thresholds is None:
            return Rescored(self._ledger, model, book, model.solved)
        kept = self._ledger.recall("thresholds", candidate.thresholds).decode()
        return Rescored(self._ledger, model, book, SolvedThresholds.from_json(kept))


def scored_share(proposal: Proposed) -> float:
    """Of the ads that a shadow by a model scores, in (0, 1]: so many that there are about ``A_DAY`` a day."""
    told: JsonValue = proposal.predicted.get("ads_a_day")
    return min(1.0, A_DAY / told) if isinstance(told, float | int) and told > 0 else 1.0


def is_scored(rollout: Rollout, made: DecisionMade) -> bool:
    """Whether a shadow by a model scores this one."""
    decision = made.decision
    if not made.first or made.step is not None or decision.arm is not None or decision.bundle_version is None:
        return False
    return draw("scored", rollout.rollout_id, decision.decision_id) < scored_share(rollout.proposal)


def shadow_by_model(ledger: Ledger, rollout: Rollout, candidate: Rescored, most: int = A_LOOK) -> int:
    """Score what is new, at most so many ads: how many were. What a killed one had not written down is scored by the next.

    Raises Unavailable.
    """
    scored, name = 0, projection(rollout.rollout_id)
    with ledger.change() as connection:
        _begin(connection, name, find(connection, stage_id(rollout.rollout_id, 0)).seq)
        since, end = shadowed_until(connection, rollout.rollout_id), end_of(connection)
    for page in pages(ledger.read(since, end, kinds=[DecisionMade.kind]), AT_ONCE):
        wanted = [(entry.seq, entry.body) for entry in page if isinstance(entry.body, DecisionMade) and is_scored(rollout, entry.body)]
        decided = candidate.decide_all([made for _, made in wanted])
        rows = [
            {"rollout": rollout.rollout_id, "seq": seq, "verdict": decision.verdict.value if decision else FAILED}
            for (seq, _), decision in zip(wanted, decided, strict=True)
        ]
        if not _write(ledger, name, since, page[-1].seq, rows):
            return scored  # somebody else does it, too: they were first
        since, scored = page[-1].seq, scored + len(rows)
        if scored >= most:
            return scored
    _write(ledger, name, since, end, [])
    return scored


def projection(rollout_id: str) -> str:
    """Under which it is noted how far a shadow by a model has come."""
    return f"shd-{rollout_id.removeprefix('rol-')}"[:40]


def shadowed_until(connection: Connection, rollout_id: str) -> int:
    """The last entry that has been looked at; 0 before the first look."""
    query = select(projections.c.seq).where(projections.c.name == projection(rollout_id))
    return connection.execute(query).scalar_one_or_none() or 0


def shadowed_between(connection: Connection, rollout_id: str, first: int, last: int) -> dict[int, str]:
    """Seq of a decision's entry -> what the candidate would have decided."""
    where = (shadowed.c.rollout == rollout_id, shadowed.c.seq >= first, shadowed.c.seq <= last)
    return {row.seq: row.verdict for row in connection.execute(select(shadowed.c.seq, shadowed.c.verdict).where(*where))}


def sample(made: Iterable[DecisionMade], most: int) -> Iterator[DecisionMade]:
    """So many of them, chosen by their ids, in the order of what they knew."""
    chosen = heapq.nsmallest(most, made, key=lambda one: draw("backtest", one.decision.decision_id))
    yield from sorted(chosen, key=lambda one: (one.decision.history_seq or 0, one.decision.decided_at))


def _begin(connection: Connection, name: str, seq: int) -> None:
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    connection.execute(dialect.insert(projections).values(name=name, seq=seq).on_conflict_do_nothing())


def _write(ledger: Ledger, name: str, since: int, until: int, rows: Sequence[dict[str, object]]) -> bool:
    """False where somebody has come further meanwhile."""
    with ledger.change() as connection:
        moved = update(projections).where(projections.c.name == name, projections.c.seq == since).values(seq=until)
        if connection.execute(moved).rowcount != 1:
            return False
        if rows:
            connection.execute(insert(shadowed), list(rows))
    return True
