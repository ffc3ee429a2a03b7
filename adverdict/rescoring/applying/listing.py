"""What a step changed, ad by ad: the list that an ad platform acts on."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO, Any, NamedTuple

from sqlalchemy import Connection, select

from adverdict.domain.errors import InvalidInput, Mistake
from adverdict.ledger.effective import DecisionHistory, decision_histories
from adverdict.ledger.schema import contents
from adverdict.ledger.store import Ledger, withdrawn
from adverdict.review.period import pages
from adverdict.storage.whole import replacing

FORMATS = (".parquet", ".csv", ".jsonl")
PAGE = 500
"""Ads looked up together."""


class ListedAd(NamedTuple):
    """One ad. Verdicts are those of what stands: a person's, where a person decided last."""

    ad_id: str
    decision_id: str | None
    """What stands now; None: nothing does."""
    before: str | None
    """The verdict before the change; None: there was none."""
    now: str | None
    market: str


class _StepDecision(NamedTuple):
    """A decision of the step."""

    seq: int
    decision_id: str
    ad_id: str
    market: str
    submitted_at: int


def check(path: Path | None) -> None:
    """Raises InvalidInput for a file of no known format, before anything is done."""
    if path is not None and path.suffix.lower() not in FORMATS:
        raise InvalidInput("the list cannot be written:", [Mistake("--list", str(path), "a file that ends in " + ", ".join(FORMATS))])


def applied(ledger: Ledger, step: str) -> Iterator[ListedAd]:
    """The step's decisions that stand now, in the order in which they were applied, each with what stood just before it."""
    for own, history in _histories(ledger, step):
        now = history.at()
        if now is not None and (now.decision_id, now.by) == (own.decision_id, "model"):
            yield ListedAd(own.ad_id, own.decision_id, _verdict(history, own, own.seq - 1), now.verdict.value, own.market)


def undone(ledger: Ledger, step: str) -> Iterator[ListedAd]:
    """The ads of which a decision of the step stood until it was withdrawn, with what stands now."""
    with ledger.look() as connection:
        end = withdrawn(connection).get(step)
    if end is None:
        return
    for own, history in _histories(ledger, step):
        before, now = history.at(end - 1), history.at()
        if before is not None and (before.decision_id, before.by) == (own.decision_id, "model"):
            told = (now.decision_id, now.verdict.value) if now else (None, None)
            yield ListedAd(own.ad_id, told[0], before.verdict.value, told[1], own.market)


def write(path: Path, lines: Iterable[ListedAd]) -> int:
    """Write them by the file's ending, whole or not at all; how many. Raises InvalidInput for another ending."""
    check(path)
    with replacing(path) as work:
        return _WRITERS[path.suffix.lower()](work, lines)


def _histories(ledger: Ledger, step: str) -> Iterator[tuple[_StepDecision, DecisionHistory]]:
    """A view for each page: a list of a large step does not hold up what the database keeps for old views."""
    after = 0
    while True:
        with ledger.look() as connection:
            page = _page(connection, step, after)
            known = decision_histories(connection, [one.ad_id for one in page])
        yield from ((one, known[one.ad_id]) for one in page)
        if len(page) < PAGE:
            return
        after = page[-1].seq


def _page(connection: Connection, step: str, after: int) -> list[_StepDecision]:
    columns = (contents.c.seq, contents.c.about, contents.c.ad_id, contents.c.market, contents.c.submitted_at)
    query = select(*columns).where(contents.c.step == step, contents.c.submitted_at.is_not(None), contents.c.seq > after)
    return [_StepDecision(*row) for row in connection.execute(query.order_by(contents.c.seq).limit(PAGE))]


def _verdict(history: DecisionHistory, own: _StepDecision, seq: int) -> str | None:
    before = history.at(seq)
    return None if before is None or before.submitted_at != own.submitted_at else before.verdict.value


def _csv(path: Path, lines: Iterable[ListedAd]) -> int:
    with path.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, lineterminator="\r\n")
        writer.writerow(ListedAd._fields)
        return _counted(lines, writer.writerow)


def _jsonl(path: Path, lines: Iterable[ListedAd]) -> int:
    out: IO[str]
    with path.open("w", encoding="utf-8") as out:
        return _counted(lines, lambda line: out.write(json.dumps(line._asdict(), ensure_ascii=False) + "\n"))


def _parquet(path: Path, lines: Iterable[ListedAd]) -> int:
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema, count = pa.schema([(name, pa.string()) for name in ListedAd._fields]), 0
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for some in pages(lines, 10_000):
            writer.write_table(pa.Table.from_pylist([line._asdict() for line in some], schema=schema))
            count += len(some)
    return count


def _counted(lines: Iterable[ListedAd], write: Callable[[ListedAd], Any]) -> int:
    count = 0
    for line in lines:
        write(line)
        count += 1
    return count


_WRITERS = {".csv": _csv, ".jsonl": _jsonl, ".parquet": _parquet}
