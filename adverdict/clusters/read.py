"""Clusters as the tables have them: which ads are copies of one, how near, and what stands about each."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from sqlalchemy import Connection, bindparam, func, select

from adverdict.clusters import kept
from adverdict.clusters.index import ClusterIndex, Near
from adverdict.clusters.names import cluster_name
from adverdict.domain.errors import NotFound
from adverdict.ledger.effective import EffectiveDecision, effective_decisions
from adverdict.ledger.history import end_of
from adverdict.ledger.moments import moment
from adverdict.ledger.schema import cluster_ads, contents, entries

MOST = 2_000
"""Ads of a cluster that are looked at."""
LOOKED_AT = 400
"""Ids in one statement."""
_ENTRY_ID = select(entries.c.entry_id).where(entries.c.seq == bindparam("cluster"))


@dataclass(frozen=True)
class Member:
    """One version of an ad in a cluster."""

    seq: int
    """Of the entry that first decided it."""
    decision_id: str
    ad_id: str
    advertiser_id: str
    market: str
    submitted_at: datetime
    near: Near | None = None
    """How near it is to the ad that was asked about; None: it is that one."""


@dataclass(frozen=True)
class ClusterSummary:
    """A cluster in figures. Copies are versions of ads."""

    name: str
    ads: int
    advertisers: int
    first: datetime
    last: datetime


def followed_to(connection: Connection) -> tuple[int, int]:
    """The last entry whose ads are in clusters, 0: none, and the last there is."""
    return kept.position(connection), end_of(connection)


def largest(connection: Connection, most: int = 20) -> list[ClusterSummary]:
    """Clusters of two ads and more, the largest first."""
    ads = func.count().label("ads")
    query = select(cluster_ads.c.cluster, ads).group_by(cluster_ads.c.cluster).having(ads > 1)
    rows = connection.execute(query.order_by(ads.desc(), cluster_ads.c.cluster).limit(most)).all()
    return [summary(connection, row.cluster) for row in rows]


def summary(connection: Connection, cluster: int) -> ClusterSummary:
    """Raises NotFound where its first ad is gone."""
    counts = (func.count(), func.count(contents.c.advertiser_id.distinct()), func.min(entries.c.at), func.max(entries.c.at))
    joined = cluster_ads.join(contents, contents.c.seq == cluster_ads.c.seq).join(entries, entries.c.seq == cluster_ads.c.seq)
    row = connection.execute(select(*counts).select_from(joined).where(cluster_ads.c.cluster == cluster)).one()
    if not row[0]:
        raise NotFound(f"no cluster begins with entry {cluster}")
    return ClusterSummary(name_of(connection, cluster), int(row[0]), int(row[1]), moment(row[2]), moment(row[3]))


def name_of(connection: Connection, cluster: int) -> str:
    return cluster_name(str(connection.execute(_ENTRY_ID, {"cluster": cluster}).scalar_one()))


def found(connection: Connection, told: str) -> int:
    """The entry that first decided the version which a decision, an ad or a cluster names. Raises NotFound, in words."""
    about = f"dec-{told.removeprefix('clu-')}" if told.startswith("clu-") else told
    columns = select(contents.c.ad_id, contents.c.submitted_at)
    row = connection.execute(columns.where(contents.c.about == about, contents.c.submitted_at.is_not(None)).limit(1)).first()
    if row is None:
        row = connection.execute(
            columns.where(contents.c.ad_id == told, contents.c.submission.is_not(None)).order_by(contents.c.seq.desc())
        ).first()
    if row is None:
        raise NotFound(f"no decision, ad or cluster {told} on record")
    same = select(contents.c.seq).where(contents.c.ad_id == row.ad_id, contents.c.submission == row.submitted_at)
    seq = connection.execute(same).scalar()
    if seq is None or cluster_of(connection, int(seq)) is None:
        raise NotFound(f"{told} is in no cluster yet: adverdict clusters build follows the ledger to its end")
    return int(seq)


def firsts(connection: Connection, decisions: Collection[str]) -> dict[str, int]:
    """Of each decision: the entry that first decided the version of the ad that it is about. Those erased are left out."""
    wanted, told = sorted(decisions), dict[str, int]()
    own, first = contents.alias("own"), contents.alias("first")
    same = (first.c.ad_id == own.c.ad_id) & (first.c.submission == own.c.submitted_at)
    for start in range(0, len(wanted), LOOKED_AT):
        query = select(own.c.about, first.c.seq).select_from(own.join(first, same)).where(own.c.submitted_at.is_not(None))
        rows = connection.execute(query.where(own.c.about.in_(wanted[start : start + LOOKED_AT])))
        told |= {row.about: int(row.seq) for row in rows}
    return told


def cluster_of(connection: Connection, seq: int) -> int | None:
    """None: the ad of that entry is not taken in yet, or was erased."""
    row = connection.execute(select(cluster_ads.c.cluster).where(cluster_ads.c.seq == seq)).scalar()
    return None if row is None else int(row)


def copies(connection: Connection, seq: int, most: int = MOST) -> list[Member]:
    """All of the cluster of one ad, itself included, first come first; how near each is to it. At most ``most``, the latest ones."""
    cluster = cluster_of(connection, seq)
    if cluster is None:
        return []
    columns = (contents.c.about, contents.c.ad_id, contents.c.advertiser_id, contents.c.market, contents.c.submitted_at)
    query = select(cluster_ads.c.seq, cluster_ads.c.fingerprint, *columns).join(contents, contents.c.seq == cluster_ads.c.seq)
    latest = query.where(cluster_ads.c.cluster == cluster).order_by(cluster_ads.c.seq.desc()).limit(most)
    rows = sorted(connection.execute(latest).all(), key=lambda row: int(row.seq))
    if all(row.seq != seq for row in rows):
        rows.insert(0, connection.execute(query.where(cluster_ads.c.seq == seq)).one())
    near = _near([row.fingerprint for row in rows], next(at for at, row in enumerate(rows) if row.seq == seq))
    return [
        Member(
            int(row.seq), row.about, row.ad_id, row.advertiser_id, row.market, moment(row.submitted_at), None if row.seq == seq else told
        )
        for row, told in zip(rows, near, strict=True)
    ]


def standing(connection: Connection, members: Sequence[Member]) -> dict[str, EffectiveDecision]:
    """What stands about each ad now, by its id; of an ad with several versions, about the current one."""
    told: dict[str, EffectiveDecision] = {}
    ids = sorted({member.ad_id for member in members})
    for start in range(0, len(ids), LOOKED_AT):
        told |= effective_decisions(connection, ids[start : start + LOOKED_AT])
    return told


def _near(prints: Sequence[bytes], of: int) -> list[Near]:
    index = ClusterIndex()
    index.add(kept.unpack(prints))
    return index.compare_with(np.arange(index.size, dtype=np.int32), of)
