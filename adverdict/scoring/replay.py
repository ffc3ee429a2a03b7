"""Deciding again what is on record, by the versions it was decided by, and telling every difference.

The same bundle, policies, thresholds and history, the clock at the moment of the decision: what comes out must be what is on record.
If it is not, the record, the code or the machine has changed since, and the difference says what it changed.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np

from adverdict.clusters.names import CopyFacts
from adverdict.decisions.arms import Choice, InForce, choose
from adverdict.decisions.audit import KEYED
from adverdict.decisions.exits import ExitRule
from adverdict.decisions.policy import PolicyBook
from adverdict.decisions.steering import Steering
from adverdict.decisions.thresholds import SolvedThresholds
from adverdict.domain.ad import Ad
from adverdict.domain.decision import Decision
from adverdict.domain.degraded import Cause, degradations
from adverdict.domain.errors import ContractMismatch, NotFound
from adverdict.domain.progress import SILENT, Progress
from adverdict.ledger.audit_secret import audit_secret
from adverdict.ledger.entries import DecisionMade, Entry, Erased
from adverdict.ledger.history import LedgerHistory, foundation
from adverdict.ledger.in_force.rollouts import in_force_at
from adverdict.ledger.in_force.steering import steering_at
from adverdict.ledger.in_force.strikes import StrikesAt
from adverdict.ledger.steps import refuse_lost_history
from adverdict.ledger.store import Ledger
from adverdict.scoring.known import HistorySnapshot
from adverdict.scoring.model import Model, Risks
from adverdict.scoring.scorer import EVERYBODY, NOBODY, Depth, Explained, Scorer

if TYPE_CHECKING:
    from adverdict.features.history.known import History

MAX_SHOWN = 100
CLOSE = 1e-6
"""Numbers nearer than this are the same: matrix libraries sum a batch in another order than a single ad."""
PAGE = 500
NOT_MADE_AGAIN: Any = {"record": True, "arm": {"took_ms"}}
"""What a replay cannot tell: which software wrote the record, and how long it took."""
NOT_ALWAYS_TOLD = frozenset({"unused_risks", "standing", "design", "familiarity", "arm", "cluster", "steered_seq"})
"""Fields that came with record 2, null where it was made by software that did not know of them yet."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One field that came out otherwise."""

    decision_id: str
    seq: int
    field: str
    recorded: Any
    replayed: Any


@dataclass
class Replayed:
    """What replaying found. Every decision asked for is in exactly one of ``same``, ``different`` and ``skipped``."""

    same: int = 0
    different: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    """Decisions that could not be replayed, by cause."""
    differences: list[Difference] = field(default_factory=list)
    """The first ``MAX_SHOWN``."""
    after_erasure: int = 0
    """Those of ``different`` whose history has had something erased from it since."""


def replay(
    ledger: Ledger,
    model_of: Callable[[str], Model],
    *,
    after: int = 0,
    until: int | None = None,
    decision_id: str | None = None,
    progress: Progress = SILENT,
) -> Replayed:
    """Replay one decision, or those of entries ``after`` to ``until``. ``model_of``: bundle version -> model; raises NotFound.

    Reads the chain once, from its beginning to the last history that a decision knew. Raises Unavailable, or NotFound for an unknown id.
    """
    result, replayer = Replayed(), _Replayer(ledger, model_of)
    last_erasure = max((entry.seq for entry in ledger.read(kinds=[Erased.kind])), default=0)
    for entry in _by_history(ledger, after, until, decision_id):
        progress.advance()
        if not isinstance(entry.body, DecisionMade):
            result.skipped["erased"] += 1
            continue
        try:
            again = replayer.decide(entry.body)
        except NotFound as error:
            result.skipped[str(error)] += 1
            continue
        differences = compare(entry.body.decision, again, entry.seq)
        result.same += not differences
        result.different += bool(differences)
        result.after_erasure += bool(differences) and (entry.body.decision.history_seq or entry.seq) < last_erasure
        result.differences += differences[: MAX_SHOWN - len(result.differences)]
    return result


def decided_again(ledger: Ledger, model_of: Callable[[str], Model], decision_id: str) -> tuple[Decision, Decision]:
    """A decision on record, and the same made again with its reasons. Raises as ``replay``, and NotFound where it cannot be made again."""
    body = ledger.find(decision_id).body
    if not isinstance(body, DecisionMade):
        raise NotFound(f"{decision_id} is no decision on record, or has been erased")
    return body.decision, _Replayer(ledger, model_of).decide(body, "all")


def compare(recorded: Decision, again: Decision, seq: int) -> list[Difference]:
    """Every field that differs, by its path, of what the record says: what it cannot say, because it is older, is no difference."""
    pairs = _unequal("", *(one.model_dump(mode="json", exclude=NOT_MADE_AGAIN) for one in (recorded, again)))
    return [Difference(recorded.decision_id, seq, path, before, after) for path, before, after in pairs]


class _CopiesOnRecord:
    """What a decision was told of copies: the clusters of then are there no more, as later ads have joined them."""

    def __init__(self, recorded: Decision, steering: Steering) -> None:
        about = [one.about for one in degradations(recorded.degraded) if one.cause is Cause.COPY_REJECTED and one.about]
        parts = [text.partition(":") for text in about]
        stopped = {one.about for one in degradations(recorded.degraded) if one.cause is Cause.BRAKE}
        among = tuple(one.cluster for one in steering.brakes if one.cluster is not None and one.brake_id in stopped)
        self._facts = CopyFacts(recorded.cluster, tuple((policy, decision_id) for policy, _, decision_id in parts), among=among)

    def of(self, ads: Sequence[Ad], among: Collection[str] = ()) -> list[CopyFacts]:
        return [self._facts for _ in ads]


class _Replayer:
    def __init__(self, ledger: Ledger, model_of: Callable[[str], Model]) -> None:
        self._ledger = ledger
        self._model_of = model_of
        with ledger.look() as connection:
            self._founded = foundation(connection) is not None
        self._secret = audit_secret(ledger)
        self._histories: dict[str | None, LedgerHistory] = {}
        self._models: dict[str, Model] = {}
        self._books: dict[str, PolicyBook] = {}
        self._thresholds: dict[str, SolvedThresholds] = {}

    def decide(self, made: DecisionMade, explain: Explained | None = None) -> Decision:
        """Raises NotFound for a version, or a history, that is nowhere any more. ``explain`` None: with reasons if it has some."""
        refuse_lost_history(self._ledger, made)
        recorded = made.decision
        model = self._model(recorded.bundle_version)
        known = None
        if model is not None:
            known = self._known(model, recorded)
        # What should have decided is asked, not what the record says; unless that could not be had, or the decision is no worker's.
        missed = recorded.as_of is not None or any(one.cause is Cause.ARM_MISSING for one in degradations(recorded.degraded))
        choice = Choice() if known is None else choose(known.in_force, recorded.market, recorded.advertiser_id, recorded.decided_at)
        policies = recorded.policy_hash if missed else choice.policies or recorded.policy_hash
        if not missed and choice.bundle is not None:
            model = self._model(choice.bundle)
        if model is not None and any(one.cause is Cause.ARM_FAILED for one in degradations(recorded.degraded)):
            model = _Failing(model.version, model.policies, model.solved, model.snapshot)
        scorer = Scorer(
            model,
            self._book(policies),
            solved=self._solved(made.thresholds),
            exits=_exit_taken(recorded),
            audit_secret=self._audit_secret(recorded),
            clock=lambda: recorded.decided_at,
            ids=lambda: recorded.decision_id,
        )
        if recorded.as_of is not None and known is not None:
            known = replace(known, in_force=InForce())
        causes = tuple(degradation for degradation in degradations(recorded.degraded) if degradation.cause.still_decides)
        explain = explain or ("all" if recorded.reasons else "none")  # whether it was to have any is not on record
        depth: Depth = "early" if _missed_its_deadline(recorded) else "cascade"
        return scorer.score([made.ad], degraded=causes, known=known, as_of=recorded.as_of, explain=explain, depth=depth)[0]

    def _audit_secret(self, recorded: Decision) -> bytes | None:
        """Raises NotFound where it was drawn by a secret that this ledger does not have."""
        if recorded.audit is None or recorded.audit.design != KEYED:
            return None
        if self._secret is None:
            raise NotFound("the ledger does not keep the secret by which it was drawn for the audit")
        return self._secret

    def _known(self, model: Model, recorded: Decision) -> HistorySnapshot:
        state, seq, steering, in_force = None, recorded.history_seq, Steering(), InForce()
        steered = seq if recorded.steered_seq is None else recorded.steered_seq
        if seq is not None:
            history = self._history(model)
            state, steering, in_force = history.catch_up(seq), history.steering, history.in_force
        if recorded.steered_seq is not None:
            with self._ledger.look() as connection:
                steering, in_force = steering_at(connection, recorded.steered_seq), in_force_at(connection, recorded.steered_seq)
        copies = _CopiesOnRecord(recorded, steering) if recorded.cluster else None
        strikes = None if steered is None else StrikesAt(self._ledger, steered)
        return HistorySnapshot(state, seq, steering, recorded.steered_seq, in_force, copies, strikes)

    def _history(self, model: Model) -> LedgerHistory:
        """One for all models, unless each brings what was known before the first entry because the ledger does not say it."""
        version = None if self._founded else model.version
        if version not in self._histories:
            self._histories[version] = LedgerHistory(self._ledger, model.snapshot)
        return self._histories[version]

    def _model(self, version: str | None) -> Model | None:
        if version is None:
            return None
        if version not in self._models:
            self._models[version] = self._model_of(version)
        return self._models[version]

    def _book(self, digest: str) -> PolicyBook:
        if digest not in self._books:
            self._books[digest] = PolicyBook.from_json(self._ledger.recall("policies", digest))
        return self._books[digest]

    def _solved(self, digest: str | None) -> SolvedThresholds:
        if digest is None:
            return SolvedThresholds()
        if digest not in self._thresholds:
            self._thresholds[digest] = SolvedThresholds.from_json(self._ledger.recall("thresholds", digest).decode())
        return self._thresholds[digest]


@dataclass(frozen=True)
class _Failing:
    """A model that failed on an ad, which nobody knows to happen again: implements ``scoring.model.Model``."""

    version: str
    policies: tuple[str, ...]
    solved: SolvedThresholds
    snapshot: bytes | None

    def score(self, ads: Sequence[Ad], history: History | None = None) -> Risks:
        raise ContractMismatch("it failed when this was decided")


def _exit_taken(recorded: Decision) -> ExitRule | None:
    """A rule that sends the ad the way it went. Which way that was is on record; whether the rule in force then said so is not asked."""
    if recorded.exit is None:
        return None
    everybody = recorded.exit == "early" and not _missed_its_deadline(recorded)
    return ExitRule(EVERYBODY if everybody else NOBODY, recorded.exit_certificate)


def _missed_its_deadline(recorded: Decision) -> bool:
    return any(degradation.cause is Cause.DEADLINE for degradation in degradations(recorded.degraded))


def _by_history(ledger: Ledger, after: int, until: int | None, decision_id: str | None) -> Iterator[Entry]:
    """The decisions in the order of the history they knew, which workers that record at once may have written down in another."""
    if decision_id is not None:
        yield ledger.find(decision_id)
        return
    seqs, known = array("q"), array("q")
    for entry in ledger.read(after, until, kinds=[DecisionMade.kind]):
        seqs.append(entry.seq)
        known.append((entry.body.decision.history_seq or 0) if isinstance(entry.body, DecisionMade) else 0)
    order = np.frombuffer(seqs, dtype=np.int64)[np.lexsort((seqs, known))] if seqs else np.empty(0, np.int64)
    for start in range(0, len(order), PAGE):
        page = order[start : start + PAGE].tolist()
        entries = {entry.seq: entry for run in _runs(sorted(page)) for entry in ledger.read(run[0] - 1, run[-1])}
        yield from (entries[seq] for seq in page)


def _runs(seqs: Sequence[int]) -> Iterator[list[int]]:
    """Consecutive numbers together."""
    for _, run in groupby(enumerate(seqs), key=lambda pair: pair[1] - pair[0]):
        yield [seq for _, seq in run]


def _unequal(path: str, before: Any, after: Any) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(before, dict) and isinstance(after, dict):
        for name in {**before, **after}:
            if name in NOT_ALWAYS_TOLD and before.get(name) is None:
                continue
            yield from _unequal(f"{path}.{name}" if path else name, before.get(name), after.get(name))
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for position, (one, other) in enumerate(zip(before, after, strict=True)):
            yield from _unequal(f"{path}[{position}]", one, other)
    elif isinstance(before, float) and isinstance(after, float):
        if abs(before - after) > CLOSE:
            yield path, before, after
    elif before != after:
        yield path, before, after
