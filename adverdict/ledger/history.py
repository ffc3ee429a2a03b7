"""The advertisers' history as the ledger tells it: the state that scoring reads, kept up entry by entry.

What was known before the first entry is the snapshot that the foundation names, once and for all: a later model's own snapshot holds
what reviewers have said since, which the ledger tells too. A decision on a version of an ad not seen before is a submission; labels
count from when they were given, for the version they were given on, until their rater says otherwise or a ruling retracts them. So the
state depends on the entries alone: whoever reads them to the same end, after a restart or in another process, has the same one.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from sqlalchemy import Connection, Row, Select, select

from adverdict.decisions.arms import InForce
from adverdict.decisions.steering import Steering
from adverdict.domain.ad import Ad
from adverdict.features.history.counting import EventCounter
from adverdict.features.history.state import HistoryState
from adverdict.ledger.bodies.rollout import ROLLOUT_KINDS, RolloutBody
from adverdict.ledger.columns import USED
from adverdict.ledger.entries import DecisionMade, Entry, Erased, Founded
from adverdict.ledger.in_force.rollouts import Rollouts, followed, in_force, rollouts_at
from adverdict.ledger.in_force.steering import STEERING, steered, steering_at
from adverdict.ledger.moments import moment
from adverdict.ledger.said import SAID, Said, said_between
from adverdict.ledger.schema import contents, entries
from adverdict.ledger.store import Ledger, entry_of, entry_query, keep, recall

HISTORY = "history"
"""Kind under which snapshots are kept."""
FOUNDATION = "fnd-1"
TELLING = (*SAID, *STEERING, *ROLLOUT_KINDS)
"""Kinds of entries that change the state, or what steers decisions, beside decisions."""
PAGE = 2000
_END = select(entries.c.seq).order_by(entries.c.seq.desc()).limit(1)


class Shortcut(Protocol):
    """Something that knows what a part of the chain tells, so that nobody needs to read it."""

    def begin(self, connection: Connection, until: int) -> tuple[EventCounter, int] | None:
        """What the entries up to one tell that is not after ``until``, and that one; without anything that was erased by now.

        None: it does not know, or knows another chain.
        """
        ...


class LedgerHistory:
    """One worker's state. Not for several threads at once.

    ``own``: a model's snapshot, known before the first entry as long as the ledger does not say what was. ``shortcut``: what to begin
    with instead of reading the chain from its first entry; the state is the same.
    """

    def __init__(self, ledger: Ledger, own: bytes | None = None, shortcut: Shortcut | None = None) -> None:
        self._ledger = ledger
        self._own = own
        self._shortcut = shortcut
        self._began = False
        self._whole = 0
        """End of the chain when this state was begun: what was erased by then is not in it."""
        self.state: EventCounter = HistoryState()
        self.steering = Steering()
        """Which brakes are on, and which certificates are revoked."""
        self.in_force = InForce()
        """Which policies decide, and which roll-outs have arms."""
        self._rollouts = Rollouts()
        self.seq = 0
        """The last entry it knows."""

    def catch_up(self, until: int | None = None) -> EventCounter:
        """Read what is new, up to and including the entry ``until``; the end of the chain when None. Raises Unavailable.

        Begins anew where something that was observed has been erased since, which takes about a minute for a million decisions.
        """
        with self._ledger.look() as connection:
            end = end_of(connection) if until is None else until
            if not self._began or self._settled(connection, end) < end:
                self._begin(connection, end)
            self._follow(connection, end)
        return self.state

    def catch_up_settled(self) -> bool:
        """As ``catch_up``, but stops before an erasure instead of beginning anew; whether there was none. Raises Unavailable."""
        if self._began and self._ledger.stands_at(self.seq):
            return True
        with self._ledger.look() as connection:
            end = end_of(connection)
            if not self._began or end < self.seq:  # a chain gets shorter only by a backup put back, or a standby that lagged behind
                self._begin(connection, end)
            settled = self._settled(connection, end)
            self._follow(connection, settled)
            return settled == end

    def observe_own(self, first: int, decisions: Sequence[DecisionMade]) -> None:
        """Decisions this worker has just appended, ``first`` the seq of the first: saves reading them, if nothing came between."""
        if self._began and self.seq + 1 == first:
            self.state.observe_ads(made.ad for made in decisions if made.first)
            self.seq += len(decisions)

    def _begin(self, connection: Connection, until: int) -> None:
        known = self._known(connection, until)
        self.state, self.seq = (self._before(connection), 0) if known is None else known
        self.steering = Steering() if known is None else steering_at(connection, self.seq)
        self._rollouts = Rollouts() if known is None else rollouts_at(connection, self.seq)
        self.in_force = InForce() if known is None else in_force(connection, self._rollouts)
        self._began, self._whole = True, end_of(connection)

    def _known(self, connection: Connection, until: int) -> tuple[EventCounter, int] | None:
        """By the shortcut. What a model's own snapshot knows is in none."""
        if self._shortcut is None or (self._own is not None and foundation(connection) is None):
            return None
        return self._shortcut.begin(connection, until)

    def _before(self, connection: Connection) -> EventCounter:
        """What was known before the first entry."""
        digest = base(connection)
        snapshot = recall(connection, HISTORY, digest) if digest else None
        if digest is None and foundation(connection) is None:
            snapshot = self._own
        return HistoryState() if snapshot is None else read(snapshot)

    def _settled(self, connection: Connection, end: int) -> int:
        """The last entry up to ``end`` that this state can follow to: after it something was erased, or founded only then."""
        since = max(self.seq, self._whole)
        if end <= since:  # nothing is new, which is so before most rounds
            return end
        kinds = (Erased.kind, Founded.kind)
        query = select(entries.c.seq).where(entries.c.kind.in_(kinds), entries.c.seq > since, entries.c.seq <= end)
        unsettling = connection.execute(query.order_by(entries.c.seq).limit(1)).scalar()
        return end if unsettling is None else unsettling - 1

    def _follow(self, connection: Connection, end: int) -> None:
        while self.seq < end:
            until = min(self.seq + PAGE, end)
            told = changes_between(connection, self.seq, until)
            rollouts = followed(self._rollouts, told.rollouts)
            now_in_force = in_force(connection, rollouts) if told.rollouts else self.in_force
            # From here on nothing is read: a connection that breaks leaves a page observed whole or not at all.
            self.state.observe_ads(told.submissions)
            for ad, one in told.said:
                self.state.retract_labels(one.taken, {ad.ad_id: ad})
                self.state.observe_labels(one.given, {ad.ad_id: ad})
            self.steering = steered(self.steering, told.steering)
            self._rollouts, self.in_force = rollouts, now_in_force
            self.seq = until


class HistoryChanges(NamedTuple):
    """What some consecutive entries tell of the advertisers' past, without what was erased. Ads hold what a history needs of them."""

    submissions: list[Ad]
    said: list[tuple[Ad, Said]]
    """With the ad that was decided, in the version it is about."""
    steering: list[Entry]
    """Brakes, releases, and what audits say of certificates."""
    rollouts: list[Entry]
    """What comes into force, and how."""


def changes_between(connection: Connection, after: int, until: int) -> HistoryChanges:
    """What the entries after one seq, up to and including another, tell."""
    submissions = _submissions(connection, after, until)
    page = page_of(connection, after, until)
    said = said_between(connection, page, after, until)
    ads = ads_of(connection, {one.decision_id for one in said})
    return HistoryChanges(
        submissions,
        [(ads[one.decision_id], one) for one in said if one.decision_id in ads],
        [entry for entry in page if entry.body is not None and entry.body.kind in STEERING],
        [entry for entry in page if isinstance(entry.body, RolloutBody)],
    )


def found(ledger: Ledger, snapshot: bytes | None, bundle_version: str | None, at: datetime) -> None:
    """Say what was known before the first entry. The first to say so is right; later ones change nothing."""
    with ledger.look() as connection:
        if foundation(connection) is not None:
            return
    with ledger.write() as writing:
        if foundation(writing.connection) is not None:
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
    founded = foundation(connection)
    return founded.history if founded else None


def read(snapshot: bytes) -> HistoryState:
    """Raises UntrustedBundle."""
    import pyarrow.parquet as pq

    from adverdict.features.history.snapshot import from_table

    return from_table(pq.ParquetFile(io.BytesIO(snapshot)).read())


def forget(snapshot: bytes, advertiser: str) -> bytes:
    """The snapshot without an advertiser."""
    import pyarrow.parquet as pq

    from adverdict.features.history.snapshot import to_table

    state = read(snapshot)
    state.forget(advertiser)
    out = io.BytesIO()
    pq.write_table(to_table(state), out, compression="zstd", use_dictionary=["kind", "policy"])
    return out.getvalue()


def foundation(connection: Connection) -> Founded | None:
    """The entry that says what was known before the first one; None where nobody has said so yet."""
    row = connection.execute(entry_query().where(entries.c.entry_id == FOUNDATION)).one_or_none()
    body = entry_of(row).body if row else None
    return body if isinstance(body, Founded) else None


def end_of(connection: Connection) -> int:
    """Seq of the last entry; 0 when there is none."""
    return connection.execute(_END).scalar() or 0


def page_of(connection: Connection, after: int, until: int) -> list[Entry]:
    """The entries of ``TELLING`` after one, up to and including another."""
    query = entry_query().where(entries.c.seq > after, entries.c.seq <= until, entries.c.kind.in_(TELLING)).order_by(entries.c.seq)
    return [entry_of(row) for row in connection.execute(query)]


def _submissions(connection: Connection, after: int, until: int) -> list[Ad]:
    """Read from the columns alone: unpacking every content would take ten times as long, and nothing else of an ad is history."""
    query: Select[Any] = select(*_WHOSE, contents.c.submission.label("at")).where(contents.c.seq > after, contents.c.seq <= until)
    rows = connection.execute(query.where(contents.c.submission.is_not(None)).order_by(contents.c.seq))
    return [_ad(row) for row in rows]


def ads_of(connection: Connection, decisions: Iterable[str]) -> dict[str, Ad]:
    """The ads of earlier decisions; those erased are left out."""
    wanted = sorted(decisions)
    found: dict[str, Ad] = {}
    for start in range(0, len(wanted), 500):
        query: Select[Any] = select(contents.c.about, *_WHOSE, contents.c.submitted_at.label("at"))
        query = query.where(contents.c.about.in_(wanted[start : start + 500]), contents.c.submitted_at.is_not(None))
        found.update((row.about, _ad(row)) for row in connection.execute(query))
    return found


_TOLD = ("ad_id", "advertiser_id", "creative_id", "landing_domain", "market", *USED)
_WHOSE = tuple(contents.c[name] for name in _TOLD)


def _ad(row: Row[Any]) -> Ad:
    """As much of an ad as its history needs. It was checked before it was recorded."""
    told = {name: getattr(row, name) for name in _TOLD}
    return Ad.model_construct(**told, submitted_at=moment(row.at))
