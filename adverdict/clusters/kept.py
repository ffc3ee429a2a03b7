"""Fingerprints and clusters as tables keep them. A cluster is named by its first ad, so its name is the same wherever it was found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, bindparam, delete, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from adverdict.clusters.fingerprints import VERSION, Fingerprints
from adverdict.clusters.minhash import SIZE
from adverdict.clusters.pictures import WIDTH
from adverdict.ledger.schema import cluster_ads, projections
from adverdict.ledger.store import CHUNK

NAME, MADE_BY = "clusters", "clusters-version"
"""Rows of ``projections``: up to which entry, and by which version of fingerprints."""
ROW = np.dtype([("words", "<u2", SIZE), ("letters", "<i4"), ("picture", "u1", WIDTH), ("bits", "<i2"), ("page", "<u8")])
"""One ad's fingerprint, as octets."""


def pack(made: Fingerprints) -> list[bytes]:
    rows = np.zeros(len(made), dtype=ROW)
    for name in ROW.names or ():
        rows[name] = getattr(made, name)
    octets = rows.tobytes()
    return [octets[start : start + ROW.itemsize] for start in range(0, len(octets), ROW.itemsize)]


def unpack(kept: Sequence[bytes]) -> Fingerprints:
    rows = np.frombuffer(b"".join(kept), dtype=ROW)
    return Fingerprints(
        np.ascontiguousarray(rows["words"]),
        rows["letters"].astype(np.int32),
        np.ascontiguousarray(rows["picture"]),
        rows["bits"].astype(np.int16),
        rows["page"].astype(np.uint64),
    )


def position(connection: Connection, *, held: bool = False) -> int:
    """The last entry that the tables know; 0: none. ``held``: nobody else writes them until the transaction ends."""
    query = select(projections.c.name, projections.c.seq).where(projections.c.name.in_((NAME, MADE_BY))).order_by(projections.c.name)
    told = {row.name: int(row.seq) for row in connection.execute(query.with_for_update() if held else query)}
    return told.get(NAME, 0) if told.get(MADE_BY) == VERSION else 0


def begin(connection: Connection) -> None:
    """Have the two rows there are to be, and nothing that fingerprints of another version have left."""
    adding = (postgresql if connection.dialect.name == "postgresql" else sqlite).insert(projections)
    connection.execute(adding.on_conflict_do_nothing(), [{"name": NAME, "seq": 0}, {"name": MADE_BY, "seq": VERSION}])
    made_by = select(projections.c.seq).where(projections.c.name == MADE_BY)
    if connection.execute(made_by).scalar_one() != VERSION:
        forget(connection)
        connection.execute(update(projections).where(projections.c.name == MADE_BY).values(seq=VERSION))


def forget(connection: Connection) -> None:
    """Empty the tables."""
    connection.execute(delete(cluster_ads))
    connection.execute(update(projections).where(projections.c.name == NAME).values(seq=0))


def add(connection: Connection, seqs: NDArray[np.int64], clusters: NDArray[np.int64], made: Sequence[bytes]) -> None:
    rows = zip(seqs.tolist(), clusters.tolist(), made, strict=True)
    told = [{"seq": seq, "cluster": cluster, "fingerprint": octets} for seq, cluster, octets in rows]
    if told:
        connection.execute(insert(cluster_ads), told)


def move(connection: Connection, moved: Sequence[tuple[int, int]]) -> None:
    """Ads of one cluster to another: (from, to)."""
    told = [{"was": was, "becomes": becomes} for was, becomes in moved]
    if told:
        connection.execute(update(cluster_ads).where(cluster_ads.c.cluster == bindparam("was")).values(cluster=bindparam("becomes")), told)


def remove(connection: Connection, seqs: Sequence[int]) -> None:
    for start in range(0, len(seqs), CHUNK):
        connection.execute(delete(cluster_ads).where(cluster_ads.c.seq.in_(seqs[start : start + CHUNK])))


def correct(connection: Connection, clusters: Mapping[int, int]) -> None:
    """Have the rows of these ads say these clusters."""
    rows = connection.execute(select(cluster_ads.c.seq, cluster_ads.c.cluster)).all()
    wrong = [{"of": row.seq, "becomes": clusters[row.seq]} for row in rows if clusters.get(row.seq, row.cluster) != row.cluster]
    if wrong:
        connection.execute(update(cluster_ads).where(cluster_ads.c.seq == bindparam("of")).values(cluster=bindparam("becomes")), wrong)


def came_to(connection: Connection, seq: int) -> None:
    connection.execute(update(projections).where(projections.c.name == NAME).values(seq=seq))
