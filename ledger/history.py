"""The advertisers' history as the ledger tells it: the state that scoring reads, kept up entry by entry.

What was known before the first entry is the snapshot that the foundation names, once and for all: a later model's own snapshot holds
what reviewers have said since, which the ledger tells too. A decision on a version of an ad not seen before is a submission; labels
count from when they were given, for the version they were given on, until a ruling retracts them. So the state depends on the entries
alone: whoever reads them to the same end, after a restart or in another process, has the same one.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, select

from domain.ad import Ad, Label
from features.history.state import HistoryState
from ledger.entries import Answered, DecisionMade, Entry, Erased, Founded, Labelled, Ruled
from ledger.moments import moment
from ledger.schema import contents, entries
from ledger.store import Ledger, entry_of, entry_query, keep

HISTORY = "history"
"""Kind under which snapshots are kept."""
FOUNDATION = "fnd-1"
TELLING = tuple(one.kind for one in (Labelled, Answered, Ruled))
"""Kinds of entries that change the state, beside decisions."""
PAGE = 2000


class LedgerHistory:
    """One worker's state. Not for several threads at once."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._began = False
        self.state = HistoryState()
        self.seq = 0
        """The last entry it knows."""
        self._retracted: set[tuple[str, str]] = set()
        """Entry and policy of labels that no longer count: retracting one twice takes nothing more away."""

    def catch_up(self, until: int | None = None) -> HistoryState:
        """Read what is new, up to and including the entry ``until``; the end of the chain when None. Raises Unavailable."""
        with self._ledger.look() as connection:
            end = _end(connection) if until is None else until
            if not self._began:
                self._begin(connection)
            elif self.seq < end and _unsettled(connection, self.seq, end):
                self._begin(connection)  # what was observed has been erased, or was founded only now
            while self.seq < end:
                until = min(self.seq + PAGE, end)
                self.state.observe_ads(_submissions(connection, self.seq, until))
                self._observe(connection, _page(connection, self.seq, until))
                self.seq = until
        return self.state

    @property
    def founded(self) -> bool:
        """Whether the ledger says what was known before its first entry; until then a model's own snapshot knows more."""
        with self._ledger.look() as connection:
            return _founded(connection) is not None

    def observe_own(self, first: int, decisions: Sequence[DecisionMade]) -> None:
        """Decisions this worker has just appended, ``first`` the seq of the first: saves reading them, if nothing came between."""
        if self._began and self.seq + 1 == first:
            self.state.observe_ads(made.ad for made in decisions if made.first)
            self.seq += len(decisions)

    def _begin(self, connection: Connection) -> None:
        digest = base(connection)
        self.state = HistoryState() if digest is None else read(self._ledger.recall(HISTORY, digest))
        self.seq, self._began, self._retracted = 0, True, set()

    def _observe(self, connection: Connection, page: Sequence[Entry]) -> None:
        told = [(entry.body.decision_id, labels_of(entry)) for entry in page if isinstance(entry.body, Labelled | Answered)]
        rulings = [entry.body for entry in page if isinstance(entry.body, Ruled)]
        retracted = [pair for ruling in rulings for pair in self._no_longer_counting(connection, ruling)]
        ads = _ads(connection, {decision for decision, _ in (*told, *retracted)})
        for decision, labels in told:
            if labels and decision in ads:
                self.state.observe_labels(labels, {ads[decision].ad_id: ads[decision]})
        for decision, labels in retracted:
            if decision in ads:
                self.state.retract_labels(labels, {ads[decision].ad_id: ads[decision]})

    def _no_longer_counting(self, connection: Connection, ruled: Ruled) -> Iterator[tuple[str, tuple[Label, ...]]]:
        """Labels that a ruling retracts, with the decision they were about."""
        if ruled.outcome != "overturned":
            return
        for row in connection.execute(entry_query().where(entries.c.entry_id.in_(sorted(ruled.retracted)))):
            entry = entry_of(row)
            policies = {policy for policy in ruled.policies if (entry.entry_id, policy) not in self._retracted}
            self._retracted |= {(entry.entry_id, policy) for policy in policies}
            if isinstance(entry.body, Labelled | Answered):
                yield entry.body.decision_id, tuple(label for label in labels_of(entry) if label.policy in policies)


def labels_of(entry: Entry) -> tuple[Label, ...]:
    """The labels an entry brings about its ad; none for a golden answer, which is about the reviewer."""
    body = entry.body
    if isinstance(body, Labelled):
        return body.labels
    return body.labels if isinstance(body, Answered) and body.task_kind != "golden" else ()


def found(ledger: Ledger, snapshot: bytes | None, bundle_version: str | None, at: datetime) -> None:
    """Say what was known before the first entry. The first to say so is right; later ones change nothing."""
    with ledger.look() as connection:
        if _founded(connection) is not None:
            return
    with ledger.write() as writing:
        if _founded(writing.connection) is not None:
            return
        digest = None if snapshot is None else hashlib.sha256(snapshot).hexdigest()
        if snapshot is not None and digest is not None:
            keep(writing.connection, HISTORY, digest, snapshot, at)
        writing.append(FOUNDATION, Founded(history=digest, bundle_version=bundle_version), at)


def base(connection: Connection) -> str | None:
    """Digest of the snapshot the history begins with: the foundation's, or what an erasure has left of it."""
    query = entry_query().where(entries.c.kind == Erased.kind).order_by(entries.c.seq.desc())
    for row in connection.execute(query):
        body = entry_of(row).body
        if isinstance(body, Erased) and body.history is not None:
            return body.history
    founded = _founded(connection)
    return founded.history if founded else None


def read(snapshot: bytes) -> HistoryState:
    """Raises UntrustedBundle."""
    import pyarrow.parquet as pq

    return HistoryState.from_table(pq.ParquetFile(io.BytesIO(snapshot)).read())


def forget(snapshot: bytes, advertiser: str) -> bytes:
    """The snapshot without an advertiser."""
    import pyarrow.parquet as pq

    state = read(snapshot)
    state.forget(advertiser)
    out = io.BytesIO()
    pq.write_table(state.to_table(), out, compression="zstd", use_dictionary=["kind", "policy"])
    return out.getvalue()


def _unsettled(connection: Connection, after: int, until: int) -> bool:
    """Whether the state so far no longer follows from the entries."""
    kinds = (Erased.kind, Founded.kind)
    query = select(entries.c.seq).where(entries.c.kind.in_(kinds), entries.c.seq > after, entries.c.seq <= until).limit(1)
    return connection.execute(query).one_or_none() is not None


def _founded(connection: Connection) -> Founded | None:
    row = connection.execute(entry_query().where(entries.c.entry_id == FOUNDATION)).one_or_none()
    body = entry_of(row).body if row else None
    return body if isinstance(body, Founded) else None


def _end(connection: Connection) -> int:
    return connection.execute(select(entries.c.seq).order_by(entries.c.seq.desc()).limit(1)).scalar() or 0


def _page(connection: Connection, after: int, until: int) -> list[Entry]:
    query = entry_query().where(entries.c.seq > after, entries.c.seq <= until, entries.c.kind.in_(TELLING)).order_by(entries.c.seq)
    return [entry_of(row) for row in connection.execute(query)]


def _submissions(connection: Connection, after: int, until: int) -> list[Ad]:
    """Read from the columns alone: unpacking every content would take ten times as long, and nothing else of an ad is history."""
    query: Select[Any] = select(*_WHOSE, contents.c.submission.label("at")).where(contents.c.seq > after, contents.c.seq <= until)
    rows = connection.execute(query.where(contents.c.submission.is_not(None)).order_by(contents.c.seq))
    return [_ad(row) for row in rows]


def _ads(connection: Connection, decisions: Iterable[str]) -> dict[str, Ad]:
    """The ads of earlier decisions; those erased are left out."""
    wanted = sorted(decisions)
    found: dict[str, Ad] = {}
    for start in range(0, len(wanted), 500):
        query: Select[Any] = select(contents.c.about, *_WHOSE, contents.c.submitted_at.label("at"))
        query = query.where(contents.c.about.in_(wanted[start : start + 500]), contents.c.submitted_at.is_not(None))
        found.update((row.about, _ad(row)) for row in connection.execute(query))
    return found


_WHOSE = (contents.c.ad_id, contents.c.advertiser_id, contents.c.creative_id, contents.c.landing_domain, contents.c.market)


def _ad(row: Row[Any]) -> Ad:
    """As much of an ad as its history needs. It was checked before it was recorded."""
    told = {name: getattr(row, name) for name in ("ad_id", "advertiser_id", "creative_id", "landing_domain", "market")}
    return Ad.model_construct(**told, submitted_at=moment(row.at))
