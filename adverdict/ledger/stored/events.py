"""Entries of the ledger as events for a store: names as hashes, each event with the entry that told it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa
from sqlalchemy import Connection, Select, select

from adverdict.domain.ad import Ad, Label
from adverdict.domain.identity import domain_key, word_key
from adverdict.features.history.entities import entities, microseconds
from adverdict.features.history.store.events import LABELS, SAID, SUBMISSIONS, EventPart, hashed
from adverdict.ledger.columns import USED
from adverdict.ledger.history import ads_of, page_of
from adverdict.ledger.said import SAID as SPEAKING
from adverdict.ledger.said import said_between
from adverdict.ledger.schema import contents

_WHOSE = ("advertiser_id", "creative_id", "landing_domain", "market", *USED)
_KEYS = {"landing_domain": domain_key, **dict.fromkeys(USED, word_key)}
"""What else than the name itself an entity is known by."""


def add_page(part: EventPart, connection: Connection, after: int, until: int) -> None:
    """What the entries after one, up to and including another, tell."""
    part.add("submissions", _submissions(connection, after, until))
    page = [entry for entry in page_of(connection, after, until) if entry.body is not None and entry.body.kind in SPEAKING]
    if not page:
        return
    about = [(entry.seq, str(getattr(entry.body, "decision_id", ""))) for entry in page]
    said = said_between(connection, page, after, until)
    ads = ads_of(connection, {decision for _, decision in about} | {one.decision_id for one in said})
    known = [(seq, version_of(ads[decision])) for seq, decision in about if decision in ads]
    part.add("said", _batch([[version for _, version in known], [seq for seq, _ in known]], SAID))
    changes = [(ads[one.decision_id], label, 1) for one in said if one.decision_id in ads for label in one.given]
    changes += [(ads[one.decision_id], label, -1) for one in said if one.decision_id in ads for label in one.taken]
    part.add("labels", _labels(changes))


def version_of(ad: Ad) -> bytes:
    """What stands for a version of an ad: 16 bytes of a hash."""
    told = f"{microseconds(ad.submitted_at)} {ad.ad_id}"
    return hashlib.sha256(told.encode(), usedforsecurity=False).digest()[:16]


def write_snapshot(part: EventPart, snapshot: bytes, scratch: Path) -> None:
    """What was known before the first entry. Raises UntrustedBundle."""
    path = scratch / "snapshot.parquet"
    path.write_bytes(snapshot)
    try:
        part.add_snapshot(path)
    finally:
        path.unlink()


def _submissions(connection: Connection, after: int, until: int) -> pa.RecordBatch:
    columns = [contents.c[name] for name in _WHOSE]
    query: Select[Any] = select(contents.c.seq, contents.c.submission, *columns).where(contents.c.seq > after, contents.c.seq <= until)
    rows = connection.execute(query.where(contents.c.submission.is_not(None)).order_by(contents.c.seq)).all()
    seqs, at, *told = zip(*rows, strict=True) if rows else [()] * len(SUBMISSIONS)
    return pa.RecordBatch.from_arrays(
        [pa.array(seqs, pa.int64()), pa.array(at, pa.int64()), *map(_hashes, _WHOSE, told)], schema=SUBMISSIONS
    )


def _hashes(name: str, stated: Iterable[str | None]) -> pa.Array:
    key = _KEYS.get(name)
    names = list(stated)
    if key is not None:
        keys = {one: key(one) for one in set(names)}
        names = [keys[one] for one in names]
    return hashed(pa.array(names, pa.string()))


def _labels(changes: list[tuple[Ad, Label, int]]) -> pa.RecordBatch:
    whose = zip(*(entities(ad) for ad, _, _ in changes), strict=True) if changes else [()] * 4
    labels = [label for _, label, _ in changes]
    return pa.RecordBatch.from_arrays(
        [
            pa.array([version_of(ad) for ad, _, _ in changes], LABELS.field("version").type),
            *(hashed(pa.array(keys, pa.string())) for keys in whose),
            pa.array([label.policy for label in labels], pa.string()),
            pa.array([label.violates for label in labels], pa.bool_()),
            pa.array([microseconds(label.labelled_at) for label in labels], pa.int64()),
            pa.array([weight for _, _, weight in changes], pa.int32()),
        ],
        schema=LABELS,
    )


def _batch(columns: list[list[Any]], schema: pa.Schema) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays([pa.array(values, field.type) for values, field in zip(columns, schema, strict=True)], schema=schema)
