"""What a rescoring is compared with: what stands in the ledger, or what another rescoring decided."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from adverdict.rescoring.diff.difference import Baseline, Versions
from adverdict.rescoring.folder.workbench import Workbench, parquet

if TYPE_CHECKING:
    from adverdict.ledger.store import Ledger
    from adverdict.rescoring.folder.identity import HistoryUsed
    from adverdict.rescoring.folder.manifest import RunFolder

CHUNK = 500
"""Decisions looked up in one statement: databases limit how many."""
WRITTEN = 50_000
"""Verdicts by policy that are written at a time."""


class Record(Protocol):
    """Old verdicts, brought to a workbench where they can be joined."""

    def told(self) -> Baseline: ...

    def standing(self, bench: Workbench) -> None:
        """Make ``standing``: (ad_id, submitted_at, decision_id, verdict, who) with one row an ad; ``who`` is model or person."""
        ...

    def verdicts(self, bench: Workbench) -> None:
        """Make ``before``: (decision_id, policy, verdict, p) of the decisions that ``flips.before`` names.

        Besides, a row without a policy for every decision that was found: what has been erased has none.
        """
        ...


@dataclass(frozen=True)
class LedgerRecord:
    """What stands: the last decision on each ad, or what a person made of it."""

    ledger: Ledger
    until: int
    """Last entry that counts."""

    @classmethod
    def now(cls, ledger: Ledger) -> LedgerRecord:
        return cls(ledger, ledger.end()[0])

    def told(self) -> Baseline:
        return Baseline(kind="ledger", words=f"what stands in the ledger, up to entry {self.until:,}", seq=self.until)

    def standing(self, bench: Workbench) -> None:
        from adverdict.ledger.effective import export

        target = bench.scratch / "standing.parquet"
        export(self.ledger, target, until=self.until)
        columns = 'ad_id, submitted_at, decision_id, verdict, "by" AS who'
        bench.run(f"CREATE VIEW standing AS SELECT {columns} FROM {parquet(target)}")

    def verdicts(self, bench: Workbench) -> None:
        """Reads the bodies of flipped ads' decisions alone, some at a time."""
        target = bench.scratch / "before.parquet"
        with _Written(target) as written:
            for rows in bench.stream("SELECT DISTINCT before FROM flips", CHUNK):
                written.add(self._bodies([before for (before,) in rows]))
        bench.run(f"CREATE VIEW before AS SELECT * EXCLUDE (filename) FROM {parquet(target)}")

    def _bodies(self, ids: list[str]) -> Iterable[tuple[str, str | None, str | None, float | None]]:
        from adverdict.ledger import chain
        from adverdict.ledger.schema import entries
        from adverdict.ledger.store import entry_query

        with self.ledger.look() as connection:
            for row in connection.execute(entry_query().where(entries.c.entry_id.in_(ids))):
                if row.body is None or row.kind != "decision":
                    continue
                decision: dict[str, Any] = chain.plain_json(row.body)["decision"]  # type: ignore[index]  # plain values, made from its class
                yield row.entry_id, None, None, None
                for one in decision["policies"]:
                    yield row.entry_id, one["policy"], one["verdict"], one["risk"] and one["risk"]["p"]


@dataclass(frozen=True)
class RunRecord:
    """What another rescoring decided; nobody's verdicts but the model's."""

    folder: RunFolder

    def told(self) -> Baseline:
        versions = versions_of(self.folder)
        return Baseline(kind="rescoring", words=f"rescoring {versions.run_id}", versions=versions)

    def standing(self, bench: Workbench) -> None:
        bench.published("old", self.folder)
        bench.latest("old")
        bench.run("CREATE VIEW standing AS SELECT ad_id, submitted_at, decision_id, verdict, 'model' AS who FROM old_latest")

    def verdicts(self, bench: Workbench) -> None:
        bench.run("CREATE VIEW flipped AS SELECT decision_id, policies FROM old WHERE decision_id IN (SELECT before FROM flips)")
        told = "SELECT decision_id, unnest(policies) AS one FROM flipped"
        bench.run(
            f"CREATE TABLE before AS SELECT decision_id, one.policy AS policy, one.verdict AS verdict, one.p AS p FROM ({told}) "
            "UNION ALL SELECT decision_id, NULL, NULL, NULL FROM flipped"
        )


def versions_of(folder: RunFolder) -> Versions:
    """What decided a run, as it is told to people."""
    run = folder.run
    return Versions(
        out=folder.place.url,
        run_id=run.run_id,
        model=run.model.resolved,
        bundle_version=run.model.version,
        policy_hash=run.policy_hash,
        as_of=run.as_of,
        history=_told(run.history),
    )


def _told(history: HistoryUsed) -> str:
    if history.kind == "ledger":
        return "the ledger" if history.seq is None else f"the ledger, up to entry {history.seq:,}"
    return "the model's own" if history.kind == "bundle" else f"folder {history.source or ''}".rstrip()


class _Written:
    """Verdicts by policy, written to Parquet as they come."""

    def __init__(self, path: Any) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        text = pa.string()
        self._schema = pa.schema([("decision_id", text), ("policy", text), ("verdict", text), ("p", pa.float64())])
        self._writer = pq.ParquetWriter(path, self._schema)
        self._rows: list[tuple[str, str | None, str | None, float | None]] = []

    def __enter__(self) -> _Written:
        return self

    def __exit__(self, *_: object) -> None:
        self._flush()
        self._writer.close()

    def add(self, rows: Iterable[tuple[str, str | None, str | None, float | None]]) -> None:
        self._rows += rows
        if len(self._rows) >= WRITTEN:
            self._flush()

    def _flush(self) -> None:
        import pyarrow as pa

        if self._rows:
            columns = dict(zip(self._schema.names, zip(*self._rows, strict=True), strict=True))
            self._writer.write_table(pa.table({name: list(values) for name, values in columns.items()}, schema=self._schema))
        self._rows = []
