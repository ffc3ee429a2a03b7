"""Clusters that follow the chain: every version of an ad is taken in once, in the order of the entries, and what was erased is forgotten.

The state is a function of what the chain still tells, so it can be made anew at any time and comes out equal. After an erasure it is: the
ads that are left are put together again without the one that is gone.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic_core import from_json
from sqlalchemy import Connection, select

from adverdict.clusters import kept
from adverdict.clusters.fingerprints import Fingerprints, of_parts
from adverdict.clusters.index import ClusterIndex, Keyed
from adverdict.domain.progress import SILENT, Progress
from adverdict.ledger.columns import outline
from adverdict.ledger.entries import DecisionMade, Erased
from adverdict.ledger.schema import cluster_ads, contents, entries
from adverdict.ledger.store import Ledger

PAGE = 5_000
"""Entries looked at in one transaction."""
LOADED = 20_000
"""Rows read at a time."""
ROOM = 1 << 12


@dataclass(frozen=True)
class Checked:
    """What the tables say beside what the chain says."""

    seq: int
    ads: int
    """Compared."""
    differ: tuple[str, ...]
    """In words, the first few."""


class ClusterFollower:
    """One process's clusters, in memory: about 1 KiB an ad. Not for several threads at once.

    ``keeps``: what it finds is written to the tables. Others may do the same at once: who comes second takes what the first has written.
    """

    def __init__(self, ledger: Ledger, *, keeps: bool = True) -> None:
        self._ledger = ledger
        self._keeps = keeps
        self._clear()

    def catch_up(self, progress: Progress = SILENT) -> ClusterFollower:
        """Take in what is new. Raises Unavailable."""
        if self._began and self._ledger.stands_at(self.seq):
            return self
        if not self._began:
            self._load(progress)
        end = self._ledger.end()[0]
        if end < self.seq:  # a chain gets shorter only by a backup put back
            self._clear()
            return self.catch_up(progress)
        progress.stage("following the chain", max(1, end - self.seq))
        return self.follow_to(end, progress)

    def follow_to(self, end: int, progress: Progress = SILENT) -> ClusterFollower:
        """Take in the entries up to ``end``, from where it stands: an empty one from the chain's beginning."""
        self._began = True
        while self.seq < end:
            before = self.seq
            self._page(min(before + PAGE, end))
            progress.advance(max(0, self.seq - before))
        return self

    def take_next(self, seqs: Sequence[int], keyed: Keyed, until: int) -> None:
        """Take in what the entries up to ``until`` say without reading them: ``seqs`` are those of new versions of ads, ``keyed`` these
        ads. For one that keeps nothing, stands right before them, and whose caller wrote them."""
        self._take(seqs, keyed)
        self.seq = until

    def rebuild(self, progress: Progress = SILENT) -> ClusterFollower:
        """Throw the tables away and follow the whole chain."""
        with self._ledger.change() as connection:
            kept.begin(connection)
            kept.forget(connection)
        self._clear()
        return self.catch_up(progress)

    def number_of(self, seq: int) -> int | None:
        """Of the ad that was first decided by this entry, in the index; None: it is not there."""
        at = int(np.searchsorted(self.seqs, seq))
        return at if at < self.index.size and int(self.seqs[at]) == seq else None

    @property
    def seqs(self) -> NDArray[np.int64]:
        """Of each ad of the index: the entry that first decided it; increasing."""
        return self._seqs[: self.index.size]

    def clusters(self) -> NDArray[np.int64]:
        """Of each ad: the entry of the first ad of its cluster."""
        return np.asarray(self.seqs[self.index.roots(np.arange(self.index.size, dtype=np.int32))])

    def _clear(self) -> None:
        self.index = ClusterIndex()
        self._seqs = np.empty(ROOM, dtype=np.int64)
        self.seq = 0
        """The last entry it knows."""
        self._began = False

    def _load(self, progress: Progress) -> None:
        """What the tables have, as of one moment."""
        with self._ledger.look() as connection:
            end, at = kept.position(connection), 0
            progress.stage("reading fingerprints", max(1, end))
            while end:
                query = select(cluster_ads.c.seq, cluster_ads.c.fingerprint).where(cluster_ads.c.seq > at).order_by(cluster_ads.c.seq)
                rows = connection.execute(query.limit(LOADED)).all()
                if not rows:
                    break
                self._take([row.seq for row in rows], kept.unpack([row.fingerprint for row in rows]))
                progress.advance(rows[-1].seq - at)
                at = rows[-1].seq
        self.seq, self._began = end, True

    def _take(self, seqs: Sequence[int], made: Fingerprints | Keyed) -> NDArray[np.int32]:
        first, last = self.index.size, self.index.size + len(seqs)
        while last > self._seqs.size:
            self._seqs = np.concatenate([self._seqs, np.empty_like(self._seqs)])
        self._seqs[first:last] = seqs
        return self.index.add(made)

    def _page(self, until: int) -> None:
        """Entries up to ``until``; fewer where an erasure comes before it."""
        with self._ledger.look() as connection:
            erased = _erasure(connection, self.seq, until)
            until = until if erased is None else erased - 1
            seqs, made = _read(connection, self.seq, until)
            gone = _gone(connection, erased) if erased is not None else None
        was = self.index.size
        firsts = self.index.firsts() if self._keeps else None
        self._take(seqs, made)
        if firsts is not None and not self._write(was, self._moved(firsts), made, until):
            self._clear()
            self._load(SILENT)
            return
        self.seq = until
        if erased is not None and gone is not None:
            self._forget(gone, erased)

    def _moved(self, firsts: NDArray[np.int32]) -> list[tuple[int, int]]:
        """Clusters that became one with an earlier: (from, to), by the entries of their first ads."""
        now = self.index.roots(firsts)
        return [(int(self._seqs[old]), int(self._seqs[new])) for old, new in zip(firsts, now, strict=True) if old != new]

    def _write(self, was: int, moved: list[tuple[int, int]], made: Fingerprints, until: int) -> bool:
        """Whether nobody was faster."""
        with self._ledger.change() as connection:
            kept.begin(connection)
            if kept.position(connection, held=True) != self.seq:
                return False
            kept.move(connection, moved)
            kept.add(connection, self._seqs[was : self.index.size], self.clusters()[was:], kept.pack(made))
            kept.came_to(connection, until)
            return True

    def _forget(self, gone: Sequence[tuple[int, int]], erased: int) -> None:
        """Put the others together again, without those whose entries were erased."""
        seqs, stays = self.seqs.copy(), np.ones(self.index.size, dtype=np.bool_)
        for first, last in gone:
            stays[np.searchsorted(seqs, first) : np.searchsorted(seqs, last, side="right")] = False
        if not stays.all():
            taken, rows = self.index.taken(), np.flatnonzero(stays)
            self.index, self._seqs = ClusterIndex(), np.empty(ROOM, dtype=np.int64)
            for start in range(0, rows.size, LOADED):
                some = rows[start : start + LOADED]
                self._take(seqs[some].tolist(), taken[some])
        if self._keeps:
            with self._ledger.change() as connection:
                if kept.position(connection, held=True) == self.seq:
                    kept.remove(connection, seqs[~stays].tolist())
                    if not stays.all():
                        kept.correct(connection, dict(zip(self.seqs.tolist(), self.clusters().tolist(), strict=True)))
                    kept.came_to(connection, erased)
        self.seq = erased


def verify(ledger: Ledger, progress: Progress = SILENT) -> Checked:
    """Follow the chain from its beginning, in memory, and compare with the tables. Changes nothing. Raises Unavailable."""
    with ledger.look() as connection:
        end = kept.position(connection)
        told = {row.seq: row.cluster for row in connection.execute(select(cluster_ads.c.seq, cluster_ads.c.cluster))}
    again = ClusterFollower(ledger, keeps=False)
    progress.stage("following the chain again", max(1, end))
    again.follow_to(end, progress)
    ours = dict(zip(again.seqs.tolist(), again.clusters().tolist(), strict=True))
    wrong = sorted(seq for seq in told.keys() | ours.keys() if told.get(seq) != ours.get(seq))
    differ = [f"the ad of entry {seq}: cluster of entry {told.get(seq)} kept, of {ours.get(seq)} by the chain" for seq in wrong[:5]]
    return Checked(end, len(told), tuple(differ))


def _erasure(connection: Connection, after: int, until: int) -> int | None:
    query = select(entries.c.seq).where(entries.c.kind == Erased.kind, entries.c.seq > after, entries.c.seq <= until)
    return connection.execute(query.order_by(entries.c.seq).limit(1)).scalar()


def _gone(connection: Connection, seq: int) -> list[tuple[int, int]]:
    body = connection.execute(select(contents.c.body).where(contents.c.seq == seq)).scalar_one()
    told: Any = from_json(zlib.decompress(body))
    return [(first, last) for first, last in told["seqs"]]


def _read(connection: Connection, after: int, until: int) -> tuple[list[int], Fingerprints]:
    """New versions of ads among the entries after one seq, up to and including another."""
    query = select(contents.c.seq, contents.c.body).where(
        contents.c.seq > after, contents.c.seq <= until, contents.c.submission.is_not(None)
    )
    seqs, ads = [], []
    for row in connection.execute(query.order_by(contents.c.seq)):
        seqs.append(int(row.seq))
        ads.append(outline(DecisionMade.kind, zlib.decompress(row.body))["ad"])
    return seqs, prints_of_json(ads)


def prints_of_json(ads: Sequence[dict[str, Any]]) -> Fingerprints:
    """As ``fingerprints`` has them of ads, of the JSON of their entries."""
    texts = ["\n".join(part for part in (ad.get("title"), ad.get("body"), ad.get("creative_ocr_text")) if part) for ad in ads]
    return of_parts(texts, [ad.get("creative_phash") for ad in ads], [ad.get("landing_domain") for ad in ads])
