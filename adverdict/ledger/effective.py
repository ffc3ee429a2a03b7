"""What stands on record about an ad: the last thing said of its current version by a decision that was not withdrawn, or by people.

People speak by a resolution, or by a ruling on an appeal, which stands also where it upholds an automatic rejection and so settles nothing
anew. A version is what was submitted at one moment; the current one is the latest that anything stands for. An answer that settles
nothing, such as one reading of an audit, is no verdict. What people said before it was unwound no longer stands.
"""

from __future__ import annotations

import glob
import shutil
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import ColumnElement, Connection, Row, Select, case, func, select

from adverdict.domain.verdict import Verdict
from adverdict.ledger.bodies.copies import Unwound
from adverdict.ledger.chain import plain_json
from adverdict.ledger.entries import DecisionMade, Resolved, Ruled, Withdrawn
from adverdict.ledger.moments import moment
from adverdict.ledger.schema import contents, entries
from adverdict.ledger.store import CHUNK, Ledger, withdrawn

if TYPE_CHECKING:
    import pyarrow as pa

PAGE = 20_000
"""Rows exported at a time."""
EXPORT_MEMORY = "512MB"
"""What ordering an export may take; beyond it, the disk."""
SPEAKING = (DecisionMade.kind, Resolved.kind, Ruled.kind, Unwound.kind)
"""Kinds of entries that say what stands about an ad, or that it no longer does."""
_BY = {DecisionMade.kind: "model", Unwound.kind: "unwound"}
_RULINGS = {"upheld": Verdict.REJECT, "overturned": Verdict.APPROVE}


@dataclass(frozen=True, slots=True)
class EffectiveDecision:
    """What stands about one ad."""

    ad_id: str
    decision_id: str
    """The decision it is, or that people spoke of."""
    verdict: Verdict
    by: Literal["model", "person"]
    seq: int
    """Of the entry that says so: the decision, the resolution or the ruling."""
    at: datetime
    """When that was recorded."""
    step: str | None
    """The rescoring step that recorded the decision."""
    submitted_at: int
    """Of the ad, in microseconds since 1970 UTC: which version it is about."""


@dataclass(frozen=True)
class DecisionHistory:
    """Everything that was ever decided about one ad, in order, and when steps were withdrawn."""

    said: Sequence[EffectiveDecision]
    ended: Mapping[str, int]
    """Step -> seq of its withdrawal."""
    unwound: Mapping[str, Sequence[int]] = field(default_factory=dict)
    """Decision -> seqs of the entries that took back what people had made of it."""

    def at(self, seq: int | None = None, submitted_at: int | None = None) -> EffectiveDecision | None:
        """What stood once the entry ``seq`` was written, of one version or of the current one; None: nothing. By default, now."""
        effective_decisions = [
            one
            for one in self.said
            if (seq is None or one.seq <= seq) and (submitted_at is None or one.submitted_at == submitted_at) and self.stands(one, seq)
        ]
        return max(effective_decisions, key=lambda one: (one.submitted_at, one.seq), default=None)

    def stands(self, one: EffectiveDecision, seq: int | None = None) -> bool:
        """Whether it had not been withdrawn or taken back once the entry ``seq`` was written; now when None."""
        if one.by == "person":
            end = min((at for at in self.unwound.get(one.decision_id, ()) if at > one.seq), default=None)
        else:
            end = None if one.step is None else self.ended.get(one.step)
        return end is None or (seq is not None and end > seq)


def effective_decisions(connection: Connection, ad_ids: Iterable[str]) -> dict[str, EffectiveDecision]:
    """What stands now about those of the ads that are on record."""
    found = {ad_id: history.at() for ad_id, history in decision_histories(connection, ad_ids).items()}
    return {ad_id: one for ad_id, one in found.items() if one is not None}


def not_withdrawn() -> ColumnElement[bool]:
    """Whether a row of ``contents`` is of a decision that was not withdrawn, or of no step at all; for queries over ``contents``."""
    ending, ended = entries.alias("ending"), contents.alias("ended")
    steps = select(ended.c.step).join(ending, ending.c.seq == ended.c.seq).where(ending.c.kind == Withdrawn.kind, ended.c.step.is_not(None))
    return contents.c.step.is_(None) | contents.c.step.not_in(steps)


def decision_histories(connection: Connection, ad_ids: Iterable[str]) -> dict[str, DecisionHistory]:
    """What was decided about each of the ads; those never decided, or erased, have none."""
    wanted, ended = sorted(set(ad_ids)), withdrawn(connection)
    decisions: dict[str, tuple[int, str | None]] = {}
    said: defaultdict[str, list[EffectiveDecision]] = defaultdict(list)
    unwound: defaultdict[str, list[int]] = defaultdict(list)
    for start in range(0, len(wanted), CHUNK):
        query = _told().where(contents.c.ad_id.in_(wanted[start : start + CHUNK])).order_by(contents.c.seq)
        for row in connection.execute(query):
            if row.kind not in SPEAKING:
                continue
            if row.kind == DecisionMade.kind:
                decisions[row.about] = row.submitted_at, row.step
            if row.kind == Unwound.kind:
                unwound[row.about].append(row.seq)
            elif row.about in decisions:
                version, step = decisions[row.about]
                by: Literal["model", "person"] = "model" if row.kind == DecisionMade.kind else "person"
                verdict = Verdict(_verdict(row))
                said[row.ad_id].append(EffectiveDecision(row.ad_id, row.about, verdict, by, row.seq, moment(row.at), step, version))
    return {ad_id: DecisionHistory(some, ended, unwound) for ad_id, some in said.items()}


def export(ledger: Ledger, path: Path, *, until: int | None = None) -> int:
    """Write what stands about every ad, once the entry ``until`` was written, as a Parquet file; the number of ads.

    Columns: ``ad_id``, ``decision_id``, ``seq`` (int64), ``verdict``, ``by`` (model | person), ``at`` (UTC microseconds), ``step`` (null:
    none), ``submitted_at`` (UTC microseconds: the version). Rows in the order of ``ad_id``. Memory does not grow with the ledger; beside
    ``path``, room is needed for about 100 bytes an entry meanwhile. Raises Unavailable.
    """
    import duckdb
    import pyarrow.parquet as pq

    told, scratch = path.with_name(f".{path.name}.told"), path.with_name(f".{path.name}.scratch")
    try:
        with ledger.look() as connection:
            _spool(connection, told, until)
            gone = sorted(withdrawn(connection, until))
        with duckdb.connect(config={"memory_limit": EXPORT_MEMORY, "temp_directory": str(scratch), "threads": 2}) as database:
            database.execute("CREATE TABLE gone (step VARCHAR)")
            if gone:
                database.executemany("INSERT INTO gone VALUES (?)", [(step,) for step in gone])
            database.execute("SET preserve_insertion_order = false")
            database.execute(_LATEST.format(told=_quoted(glob.escape(str(told))), path=_quoted(str(path))))
    finally:
        told.unlink(missing_ok=True)
        shutil.rmtree(scratch, ignore_errors=True)
    return int(pq.ParquetFile(path).metadata.num_rows)


# Of many ads most have one decision, so what people said is joined to the decisions of the same file.
_LATEST = """
COPY (
    WITH told AS (SELECT * FROM read_parquet({told}, hive_partitioning = false)),
    decisions AS (SELECT ad_id, about AS decision_id, submitted_at, step, seq, verdict, "at" FROM told WHERE "by" = 'model'),
    said AS (
        SELECT ad_id, decision_id, seq, verdict, 'model' AS "by", "at", step, submitted_at FROM decisions
        WHERE step IS NULL OR step NOT IN (SELECT step FROM gone)
        UNION ALL
        SELECT d.ad_id, d.decision_id, t.seq, t.verdict, 'person', t."at", d.step, d.submitted_at
        FROM told t JOIN decisions d ON d.decision_id = t.about WHERE t."by" = 'person'
        AND NOT EXISTS (SELECT 1 FROM told u WHERE u."by" = 'unwound' AND u.about = t.about AND u.seq > t.seq)
    ),
    latest AS (SELECT * FROM said QUALIFY row_number() OVER (PARTITION BY ad_id ORDER BY submitted_at DESC, seq DESC) = 1)
    SELECT ad_id, decision_id, seq, verdict, "by", make_timestamptz("at") AS "at", step, make_timestamptz(submitted_at) AS submitted_at
    FROM latest ORDER BY ad_id
) TO {path} (FORMAT parquet, COMPRESSION zstd)
"""


def _spool(connection: Connection, path: Path, until: int | None) -> None:
    """The columns that tell what stands, of all decisions, resolutions and rulings, as a Parquet file."""
    import pyarrow.parquet as pq

    with pq.ParquetWriter(path, _schema(), compression="zstd") as writer:
        for page in _told_in_pages(connection, until):
            writer.write_table(_table([row for row in page if row.kind in SPEAKING]))


def _told_in_pages(connection: Connection, until: int | None) -> Iterator[Sequence[Row[Any]]]:
    """In the order of the chain, as one consistent view sees it; by ranges of seq, which nothing has to be sorted for."""
    end = connection.execute(select(func.max(entries.c.seq))).scalar() or 0
    for after in range(0, end if until is None else min(until, end), PAGE):
        last = min(after + PAGE, end if until is None else until)
        yield connection.execute(_told().where(contents.c.seq > after, contents.c.seq <= last).order_by(contents.c.seq)).all()


def _told() -> Select[Any]:
    """Whatever entries say of verdicts, and more, which callers leave out: by its kind a database would look up every decision there is.

    Bodies of rulings only: those of decisions are large, and their columns say it all.
    """
    ruling = case((entries.c.kind == Ruled.kind, contents.c.body), else_=None).label("ruling")
    columns = (contents.c.about, contents.c.ad_id, contents.c.verdict, contents.c.submitted_at, contents.c.step)
    query = select(entries.c.kind, entries.c.at, contents.c.seq, *columns, ruling)
    return query.join(entries, entries.c.seq == contents.c.seq)


def _verdict(row: Row[Any]) -> str:
    if row.kind != Ruled.kind:
        return str(row.verdict)  # of an unwinding, which says none, nobody asks
    told: Any = plain_json(row.ruling)
    return _RULINGS[told["outcome"]].value


def _schema() -> pa.Schema:
    import pyarrow as pa

    text, number = pa.string(), pa.int64()
    told = {"about": text, "ad_id": text, "seq": number, "verdict": text, "by": text, "at": number, "step": text, "submitted_at": number}
    return pa.schema(list(told.items()))


def _table(page: Sequence[Row[Any]]) -> pa.Table:
    import pyarrow as pa

    columns = {
        "about": [row.about for row in page],
        "ad_id": [row.ad_id for row in page],
        "seq": [row.seq for row in page],
        "verdict": [_verdict(row) for row in page],
        "by": [_BY.get(row.kind, "person") for row in page],
        "at": [row.at for row in page],
        "step": [row.step for row in page],
        "submitted_at": [row.submitted_at for row in page],
    }
    return pa.table(columns, schema=_schema())


def _quoted(path: str) -> str:
    return "'" + path.replace("'", "''") + "'"
