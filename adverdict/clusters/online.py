"""Copies as a worker knows them while it scores: clusters in memory, and what people made of the ads in them."""

from __future__ import annotations

import logging
import threading
from collections.abc import Collection, Mapping, Sequence
from concurrent import futures
from concurrent.futures import Future
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from adverdict.clusters.asked import LastAsked
from adverdict.clusters.fingerprints import Fingerprints, fingerprints
from adverdict.clusters.follower import ClusterFollower
from adverdict.clusters.index import ALIKE, ClusterIndex, Keyed, Near
from adverdict.clusters.names import CopyFacts, cluster_name
from adverdict.clusters.read import firsts, name_of
from adverdict.clusters.spoken import SpokenOf
from adverdict.domain.ad import Ad
from adverdict.domain.errors import Unavailable
from adverdict.domain.verdict import Verdict
from adverdict.ledger.bodies.copies import Unwound
from adverdict.ledger.entries import DecisionMade, Resolved, Ruled
from adverdict.ledger.schema import entries
from adverdict.ledger.store import Ledger, entry_of, entry_query

log = logging.getLogger("adverdict.clusters")


NAMES = 50_000
"""Of clusters that are remembered; beyond, they are read again."""
_NO_COPY = CopyFacts()


class PeopleSaid(NamedTuple):
    """The last thing that people made of an ad."""

    rejected: bool
    violated: tuple[str, ...]
    decision_id: str


class OnlineClusters:
    """Follows the chain and writes nothing. Not for several threads at once."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._follower = ClusterFollower(ledger, keeps=False)
        self._people: dict[int, PeopleSaid] = {}
        """By the entry that first decided the ad."""
        self._spoken = SpokenOf(self._follower)
        self._heard = 0
        self._named: dict[str, int] = {}
        """Name of a cluster -> the entry that first decided the ad it is named by."""
        self._names: dict[int, str] = {}
        """The other way round."""
        self._asked = LastAsked()

    def catch_up(self, seen: int | None = None) -> OnlineClusters:
        """Raises Unavailable. ``seen``: the last entry of the chain, by who has just looked."""
        if seen is not None and self._follower.seq == self._heard == seen:
            return self
        self._follower.catch_up()
        if self._follower.seq < self._heard:  # the chain is a shorter one
            self._people, self._heard, self._named, self._names = {}, 0, {}, {}
            self._spoken.forget()
        if self._follower.seq > self._heard:
            self._listen(self._follower.seq)
        return self

    def observe_own(self, first: int, decisions: Sequence[DecisionMade]) -> None:
        """Decisions this process has just appended, ``first`` the seq of the first: saves reading them, if nothing came between."""
        if not decisions or not self._follower.seq == self._heard == first - 1:
            return
        new = [(seq, one.ad) for seq, one in enumerate(decisions, first) if one.first]
        self._heard = first + len(decisions) - 1
        self._remember({seq: cluster_name(one.decision.decision_id) for seq, one in enumerate(decisions, first) if one.first})
        self._follower.take_next([seq for seq, _ in new], self._asked.take([ad for _, ad in new]), self._heard)

    def of(self, ads: Sequence[Ad], among: Collection[str] = ()) -> list[CopyFacts]:
        keyed = Keyed.of(fingerprints(ads))
        self._asked.remember(ads, keyed)
        near = self._follower.index.near(keyed)
        roots = self._roots_of(among) if among and any(near) else {}
        made = keyed.made
        told = [self._facts(made[row : row + 1], found, roots) if found else _NO_COPY for row, found in enumerate(near)]
        return _together(keyed, told)

    def _roots_of(self, names: Collection[str]) -> dict[str, int]:
        """Name -> the first ad of what that cluster has become, where its first ad is still there."""
        unknown = {name: f"dec-{name.removeprefix('clu-')}" for name in names if name not in self._named}
        if unknown:
            with self._ledger.look() as connection:
                seqs = firsts(connection, unknown.values())
            self._named |= {name: seqs[decision] for name, decision in unknown.items() if decision in seqs}
        numbers = {name: self._follower.number_of(self._named[name]) for name in names if name in self._named}
        return {name: self._root(number) for name, number in numbers.items() if number is not None}

    def _root(self, number: int) -> int:
        return self._follower.index.root(number)

    def _facts(self, made: Fingerprints, near: list[Near], roots: Mapping[str, int]) -> CopyFacts:
        root = self._root(near[0].other)
        its = {root} if len(near) == 1 or not roots else {self._root(one.other) for one in near}  # near two, it will make them one
        among = tuple(name for name, other in roots.items() if other in its)
        rejected = self._rejected(made, self._spoken.of(root))
        return CopyFacts(self._name(int(self._follower.seqs[root])), rejected, among=among)

    def _rejected(self, made: Fingerprints, heard: NDArray[np.int32]) -> tuple[tuple[str, str], ...]:
        """Of the copies that people have spoken of, the nearest counts; a rejection before an approval that is as near."""
        told = [one for one in self._follower.index.near_among(made, heard) if one.words >= ALIKE] if heard.size else []
        if not told:
            return ()
        said = [(one.distance, self._people[int(self._follower.seqs[one.other])]) for one in told]
        _, nearest = min(said, key=lambda pair: (pair[0], not pair[1].rejected))
        return tuple((policy, nearest.decision_id) for policy in nearest.violated) if nearest.rejected else ()

    def _listen(self, until: int) -> None:
        query = entry_query().where(
            entries.c.kind.in_((Resolved.kind, Ruled.kind, Unwound.kind)), entries.c.seq > self._heard, entries.c.seq <= until
        )
        with self._ledger.look() as connection:
            told = [entry_of(row) for row in connection.execute(query.order_by(entries.c.seq))]
            bodies = [entry.body for entry in told if isinstance(entry.body, Resolved | Ruled | Unwound)]
            where = firsts(connection, {body.decision_id for body in bodies})
        taken_back = set()
        for body in bodies:
            seq = where.get(body.decision_id)
            if seq is None:
                continue
            if isinstance(body, Unwound):
                self._people.pop(seq, None)
                taken_back.add(seq)
            elif isinstance(body, Resolved):
                self._people[seq] = PeopleSaid(body.verdict is Verdict.REJECT, body.violated, body.decision_id)
            elif body.outcome == "overturned":
                self._people[seq] = PeopleSaid(False, (), body.decision_id)
        spoken = {where[body.decision_id] for body in bodies if body.decision_id in where} & self._people.keys()
        self._spoken.change(spoken, taken_back - spoken)
        self._heard = until

    def _name(self, seq: int) -> str:
        name = self._names.get(seq)
        if name is None:
            with self._ledger.look() as connection:
                name = name_of(connection, seq)
            self._remember({seq: name})
        return name

    def _remember(self, names: Mapping[int, str]) -> None:
        if len(self._names) > NAMES:
            self._names = {}
        self._names |= names


def _together(keyed: Keyed, told: list[CopyFacts]) -> list[CopyFacts]:
    """Ads that are asked about at once are copies of each other, too: whoever comes first names them, as if they had come one by one."""
    if len(told) < 2 or all(one.cluster is not None for one in told) or not keyed.meet:
        return told
    first = ClusterIndex(room=len(told)).add(keyed).tolist()
    for row, one in enumerate(told):
        if one.cluster is None and first[row] != row:
            kin = told[first[row]]
            told[row] = replace(one, cluster=kin.cluster, same_as=first[row] if kin.cluster is None else None)
    return told


class CopiesOfUrl:
    """Who knows of copies where no service follows them: read when it is first asked, and as of then."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._known: tuple[Ledger, OnlineClusters] | None = None

    def of(self, ads: Sequence[Ad], among: Collection[str] = ()) -> list[CopyFacts]:
        """Raises Unavailable, or NotFound where the ledger is gone."""
        if self._known is None:
            ledger = Ledger.open(self._url, create=False)
            self._known = ledger, OnlineClusters(ledger)
            self._known[1].catch_up()
        ledger, known = self._known
        try:
            return known.of(ads, among)
        finally:
            ledger.close()  # its connections: it may be asked again, and nobody says when for the last time


class ClustersBegun:
    """Clusters that a thread of its own reads, so that nobody waits at the start; then followed by whoever asks."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._begun: Future[OnlineClusters] | None = None

    def wait(self, seen: int | None = None) -> OnlineClusters:
        """As of now, once they are read: while a brake is on for copies nobody decides without knowing them. ``seen``: as that of
        ``OnlineClusters.catch_up``. Raises Unavailable."""
        known = self.now(seen)
        if known is None and self._begun is not None:
            futures.wait([self._begun])
            known = self.now(seen)
        if known is None:
            raise Unavailable("a brake is on for copies of an ad, and clusters of copies cannot be read: nothing is decided")
        return known

    def now(self, seen: int | None = None) -> OnlineClusters | None:
        """As of now; None: they are still being read, or cannot be. ``seen`` as above."""
        if self._begun is None:
            self._begun = Future()
            threading.Thread(target=_begin, args=(OnlineClusters(self._ledger), self._begun), name="clusters", daemon=True).start()
        if not self._begun.done():
            return None
        error = self._begun.exception()
        if error is not None:
            log.warning("clusters of copies could not be read, which is tried again: %s", error)
            self._begun = None
            return None
        try:
            return self._begun.result().catch_up(seen)
        except Unavailable as gone:
            log.warning("%s", gone)
            return None

    def observe_own(self, first: int, decisions: Sequence[DecisionMade]) -> None:
        """As that of the clusters, once they are read."""
        if self._begun is not None and self._begun.done() and self._begun.exception() is None:
            self._begun.result().observe_own(first, decisions)


def _begin(clusters: OnlineClusters, done: Future[OnlineClusters]) -> None:
    try:
        done.set_result(clusters.catch_up())
    except Exception as error:
        done.set_exception(error)
