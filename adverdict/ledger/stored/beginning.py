"""A state to begin with from a store: nothing of the chain is read but what came since, and what was erased since is taken back."""

from __future__ import annotations

import io
from collections.abc import Sequence

from sqlalchemy import Connection, select

from adverdict.features.history.store.erasing import Runs, advertisers_before, forget
from adverdict.features.history.store.layered import LayeredHistory
from adverdict.features.history.store.layout import hash_of
from adverdict.features.history.store.reading import HistoryStore
from adverdict.ledger.entries import Erased
from adverdict.ledger.history import HISTORY, ads_of, base, foundation
from adverdict.ledger.said import SAID, counting, told_about
from adverdict.ledger.schema import entries
from adverdict.ledger.store import CHUNK, entry_of, entry_query, recall


def begin(connection: Connection, store: HistoryStore) -> LayeredHistory | None:
    """What the entries up to the store's last one tell, as far as they were not erased by now; None: the store does not fit the chain."""
    stands_on = store.listing.stands_on
    if not stands(connection, store):
        return None
    history = LayeredHistory(store)
    runs = [run for body in erasures(connection, stands_on.seq) for run in body.seqs]
    named = base(connection)
    if named == stands_on.base and not runs:
        return history
    lost = set[int]() if named == stands_on.base else _forgotten(connection, store, named)
    left = forget(history, Runs.of([run for run in runs if run[0] <= stands_on.seq]), lost)
    _say_again(connection, history, [seq for seqs in left.values() for seq in seqs], stands_on.seq)
    return history


def stands(connection: Connection, store: HistoryStore) -> bool:
    """Whether the chain has the entry that the store stands on, and still says that the same was known before its first one."""
    stands_on = store.listing.stands_on
    found = connection.execute(select(entries.c.hash).where(entries.c.seq == stands_on.seq)).scalar()
    same = found is not None and bytes(found).hex() == stands_on.chain
    return same and stands_on.founded == (foundation(connection) is not None)


def erasures(connection: Connection, after: int) -> list[Erased]:
    """Those that the chain tells after an entry."""
    query = entry_query().where(entries.c.kind == Erased.kind, entries.c.seq > after).order_by(entries.c.seq)
    bodies = (entry_of(row).body for row in connection.execute(query))
    return [body for body in bodies if isinstance(body, Erased)]


def _forgotten(connection: Connection, store: HistoryStore, named: str | None) -> set[int]:
    """The advertisers that were known before the first entry and are no more."""
    known = advertisers_before(store)
    if named is None:
        return known
    names = _advertisers(recall(connection, HISTORY, named))
    return known - {store.names["advertiser"].row(*hash_of(name)) for name in names}


def _advertisers(snapshot: bytes) -> set[str]:
    """Every advertiser that a snapshot names, of its own or among those that used something."""
    import pyarrow.parquet as pq

    from adverdict.features.history.known import USES

    found: set[str] = set()
    for batch in pq.ParquetFile(io.BytesIO(snapshot)).iter_batches(2**13, columns=["kind", "key", "things"]):
        for kind, key, things in zip(*(batch[name].to_pylist() for name in ("kind", "key", "things")), strict=True):
            whose, what = USES.get(kind, (kind, None))
            found |= ({key} if whose == "advertiser" else set()) | (set(things) if what == "advertiser" else set())
    return found


def _say_again(connection: Connection, history: LayeredHistory, seqs: Sequence[int], until: int) -> None:
    """The labels that count on the versions of ads that some entries speak of."""
    decisions: set[str] = set()
    for start in range(0, len(seqs), CHUNK):
        query = entry_query().where(entries.c.seq.in_(seqs[start : start + CHUNK]), entries.c.kind.in_(SAID))
        decisions.update(str(getattr(entry_of(row).body, "decision_id", "")) for row in connection.execute(query))
    ads = ads_of(connection, decisions)
    for decision, _, told in told_about(connection, decisions & ads.keys(), until):
        ad = ads[decision]
        history.observe_labels(counting(told, ad.submitted_at).elements(), {ad.ad_id: ad})
