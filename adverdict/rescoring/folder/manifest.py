"""The folder of a run: what is being done, which shards are done, and their decisions. Only a shard's marker makes it count.

OUT/market=DE/part-00003-00001.parquet           decisions, one row each
OUT/_adverdict/run.json                         what is being done
OUT/_adverdict/policies.json, thresholds.json   what decides
OUT/_adverdict/done/part-00003-00001.json       the marker: which files of the shard count
OUT/_adverdict/quarantine/part-….jsonl          rows, or a whole shard, without a decision, and why

A run that version 0.1 began keeps its own under OUT/_adjudicate/, and is read and gone on with there.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from adverdict.decisions.policy import PolicyBook
from adverdict.decisions.thresholds import SolvedThresholds
from adverdict.domain.errors import Conflict, InvalidInput, Mistake, NotFound, UntrustedBundle, shorten
from adverdict.domain.formats import moment
from adverdict.rescoring.folder.columns import COLUMNS, completed, parquet_of
from adverdict.rescoring.folder.identity import HistoryUsed, ModelUsed, Run
from adverdict.rescoring.input.plan import Shard
from adverdict.rescoring.input.reading import QuarantinedRow
from adverdict.storage.places import Place

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["HistoryUsed", "ModelUsed", "Run", "RunFolder", "ShardReport"]

OWN, OWN_BEFORE = "_adverdict", "_adjudicate"
"""The folder in OUT that holds all but the decisions: as new runs name it, and as version 0.1 did."""
RUN, POLICIES, THRESHOLDS = "run.json", "policies.json", "thresholds.json"
DONE, QUARANTINE = "done", "quarantine"
SHARD = re.compile(r"part-(\d{5,})-(\d{5,})")
DATA = re.compile(r"market=([A-Z]{2})/(part-\d{5,}-\d{5,})\.parquet")
READERS = 16
VALUE_SHOWN = 200
"""Characters of a quarantined value that are kept. Such values stand in the quarantine and nowhere else."""

Parsed = TypeVar("Parsed")


class ShardReport(BaseModel):
    """A shard's marker, and the report on it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    shard: str
    rows: int = Field(default=0, description="decided")
    files: dict[str, int] = Field(default={}, description="rows by file, relative to the run's folder")
    verdicts: dict[str, int] = {}
    quarantined_rows: int = 0
    reason: str | None = Field(default=None, description="why the whole shard is quarantined")
    skipped: int = Field(default=0, description="rows left out because they were submitted before the run's ``since``")
    dropped: tuple[str, ...] = Field(default=(), description="columns that are not in the data contract, which were left out")
    missing: dict[str, tuple[str, ...]] = Field(default={}, description="words for no value by column, which were read so")
    texts: int = 0
    encoded: int = 0
    tokens: int = 0
    seconds: float = 0.0
    peak_mib: float = 0.0
    worker: str = ""


class RunFolder:
    """A run's folder, to write to or to read from. Nothing is open between calls, so any number of workers may share a place."""

    def __init__(self, place: Place | str | Path) -> None:
        self.place = place if isinstance(place, Place) else Place.at(place)
        self.own = own_folder(self.place)
        """Of ``OWN`` and ``OWN_BEFORE``, the one that this run uses."""
        self._run: Run | None = None

    @classmethod
    def open(cls, out: Place | str | Path) -> RunFolder:
        """The folder of a run that was begun. Raises NotFound where there is none, InvalidInput for a broken ``run.json``."""
        folder = cls(out)
        try:
            folder._run = folder._stored()
        except NotFound as error:
            raise NotFound(f"no rescoring in {folder.place.url}: {folder._name(RUN)} is missing") from error
        return folder

    @property
    def run(self) -> Run:
        if self._run is None:
            raise ValueError("neither begun nor opened")
        return self._run

    def begin(self, run: Run, book: bytes, thresholds: bytes, resume: bool) -> Run:
        """Begin the run in an empty folder, or go on with the one that is there; the run on record.

        Raises Conflict where something else is there, InvalidInput with every difference from the run that is to be resumed.
        """
        if self.place.exists(self._name(RUN)):
            run = self._resumed(run, resume)
        elif not self.place.empty():
            raise Conflict(f"{self.place.url} is not empty and holds no rescoring; give an empty folder, or one that is not there")
        else:
            self.place.create(self._name(RUN), run.to_json())
        self.place.sweep()
        for name, content in ((self._name(POLICIES), book), (self._name(THRESHOLDS), thresholds)):
            if not self.place.exists(name):
                self.place.write(name, content)
        self._run = run
        return run

    def book(self) -> PolicyBook:
        """The policies that decide. Raises InvalidInput when they are not those of the run."""
        name = self._name(POLICIES)
        book = self._parsed(name, PolicyBook.from_json)
        self._refuse_others(name, book.hash, self.run.policy_hash)
        return book

    def thresholds(self) -> SolvedThresholds:
        """The thresholds that decide, certified or not. Raises InvalidInput when they are not those of the run."""
        name = self._name(THRESHOLDS)
        solved = self._parsed(name, lambda content: SolvedThresholds.from_json(content.decode()))
        self._refuse_others(name, solved.digest, self.run.thresholds)
        return solved

    def done(self) -> dict[str, ShardReport]:
        """The markers by shard, in the order of files and rows."""
        named = (SHARD.fullmatch(Path(name).stem) for name in self.place.names(self._name(DONE), deep=False) if name.endswith(".json"))
        shards = sorted((match[0] for match in named if match), key=_order)
        with ThreadPoolExecutor(1 if self.place.is_local else READERS) as readers:
            return dict(zip(shards, readers.map(self._marker, shards), strict=True))

    def publish(self, shard: Shard, table: pa.Table, report: ShardReport, quarantined: Sequence[QuarantinedRow]) -> ShardReport:
        """Files, then quarantine, then the marker, which is returned. A shard that has its rows already stays as it is: they are the same.

        ``report`` is completed with what is counted here: rows, files, verdicts and quarantined rows. Raises Unavailable.
        """
        if report.reason is not None and (table.num_rows or quarantined):
            raise ValueError(f"{shard.name} is quarantined as a whole, and yet has rows")
        if self.place.exists(self._name(DONE, f"{shard.name}.json")):
            before = self._marker(shard.name)
            if before.reason is None:
                return before
        files = {name: self._written(name, rows) for name, rows in _by_market(shard.name, table)}
        self._set_aside(shard, report.reason, quarantined)
        self._remove_leftovers(shard.name, files)
        counts = {item["values"]: item["counts"] for item in table.column("verdict").value_counts().to_pylist()}
        told = {"shard": shard.name, "rows": table.num_rows, "quarantined_rows": len(quarantined)}
        done = report.model_copy(update={**told, "files": files, "verdicts": dict(sorted(counts.items()))})
        self.place.write(self._name(DONE, f"{shard.name}.json"), json.dumps(done.model_dump(mode="json"), sort_keys=True).encode() + b"\n")
        return done

    def decisions(self, columns: Sequence[str] | None = None, market: str | None = None) -> Iterator[pa.Table]:
        """The published decisions, one table a shard in the order of the input's rows. ``columns``: of ``COLUMNS``, all unless given."""
        wanted = list(COLUMNS if columns is None else columns)
        for done in self.done().values():
            names = [name for name in done.files if market in (None, _market(name))]
            if names:
                yield self._shard_table(done, names, wanted)

    def files(self, market: str | None = None) -> list[str]:
        """Paths or addresses of the published files, in the order of shards."""
        return [self.place.where(name) for done in self.done().values() for name in done.files if market in (None, _market(name))]

    def _name(self, *pieces: str) -> str:
        """Of something in the run's own folder, as the place knows it."""
        return "/".join((self.own, *pieces))

    def _stored(self) -> Run:
        return self._parsed(self._name(RUN), Run.model_validate_json)

    def _resumed(self, run: Run, resume: bool) -> Run:
        try:
            stored = self._stored()
        except NotFound as error:
            raise Conflict(
                f"{self.place.url} is not empty and holds no rescoring; give an empty folder, or one that is not there"
            ) from error
        if not resume:
            begun = moment(stored.started_at)
            raise Conflict(f"{self.place.url} holds {stored.run_id}, begun {begun}; go on with it by --resume, or give an empty folder")
        differences = stored.differences(run)
        if differences:
            what = f"{self.place.url} holds {stored.run_id}, which is another run; give an empty folder, or what is on record"
            raise InvalidInput(what, differences)
        return stored.model_copy(update={"ads": run.ads, "root": run.root})  # the same files, wherever they lie now

    def _marker(self, shard: str) -> ShardReport:
        name = self._name(DONE, f"{shard}.json")
        done = self._parsed(name, ShardReport.model_validate_json)
        foreign = [file for file in done.files if (match := DATA.fullmatch(file)) is None or match[2] != shard]
        if foreign or done.shard != shard:
            raise self._broken(name, f"it tells of {', '.join(foreign) or done.shard}")
        return done

    def _written(self, name: str, table: pa.Table) -> int:
        self.place.write(name, parquet_of(table.drop_columns(["market"])))
        return int(table.num_rows)

    def _set_aside(self, shard: Shard, reason: str | None, quarantined: Sequence[QuarantinedRow]) -> None:
        name = self._name(QUARANTINE, f"{shard.name}.jsonl")
        if reason is not None:
            self.place.write(name, _shard_set_aside(shard, reason))
        elif quarantined:
            self.place.write(name, _rows_set_aside(shard, quarantined))
        else:
            self.place.remove(name)

    def _remove_leftovers(self, shard: str, files: dict[str, int]) -> None:
        """What an attempt that died may have left in other markets: no marker names it, but whoever reads the folder by a pattern does."""
        candidates = (f"{folder}/{shard}.parquet" for folder in self.place.folders() if folder.startswith("market="))
        self.place.remove(*(name for name in candidates if name not in files))

    def _shard_table(self, done: ShardReport, names: Sequence[str], columns: list[str]) -> pa.Table:
        import pyarrow as pa

        pieces = [self._file_table(name, done.files[name], [*columns, "row"]) for name in names]
        return pa.concat_tables(pieces).sort_by("row").select(columns)

    def _file_table(self, name: str, rows: int, columns: Sequence[str]) -> pa.Table:
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            inside = [column for column in COLUMNS if column in columns and column != "market"]
            table = completed(pq.ParquetFile(pa.BufferReader(self.place.read(name))).read(columns=inside))
            table = table.select([column for column in inside if column in table.column_names])
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError) as error:
            raise self._broken(name, str(error)) from error
        if table.num_rows != rows or set(table.column_names) != set(inside):
            raise self._broken(name, f"{table.num_rows} rows of {', '.join(table.column_names)}; its marker says {rows} rows")
        return table.append_column("market", pa.array([_market(name)] * rows, pa.string()))

    def _parsed(self, name: str, parse: Callable[[bytes], Parsed]) -> Parsed:
        content = self.place.read(name)
        try:
            return parse(content)
        except (ValidationError, UntrustedBundle, UnicodeDecodeError, InvalidInput) as error:
            raise self._broken(name, str(error)) from error

    def _refuse_others(self, name: str, found: str, expected: str) -> None:
        if found != expected:
            raise self._broken(name, f"its digest is {found}, and the run's {expected}")

    def _broken(self, name: str, why: str) -> InvalidInput:
        return InvalidInput(f"{self.place.url} is not as it was written", [Mistake(name, why, "the file as this software wrote it")])


def own_folder(place: Place) -> str:
    """Name of the folder in which a run at ``place`` keeps what is its own: the former one where a run began under it."""
    return OWN_BEFORE if place.exists(f"{OWN_BEFORE}/{RUN}") else OWN


def _by_market(shard: str, table: pa.Table) -> Iterator[tuple[str, pa.Table]]:
    """File names with their rows, by market."""
    import pyarrow.compute as pc

    for market in sorted(table.column("market").unique().to_pylist()):
        yield f"market={market}/{shard}.parquet", table.filter(pc.equal(table.column("market"), market))


def _market(name: str) -> str:
    match: Any = DATA.fullmatch(name)
    return str(match[1])


def _order(shard: str) -> tuple[int, int]:
    match: Any = SHARD.fullmatch(shard)
    return int(match[1]), int(match[2])


def _rows_set_aside(shard: Shard, rows: Sequence[QuarantinedRow]) -> bytes:
    """One line a row: its file, its number there from 1, and each mistake with what came and what was expected."""
    return b"".join(_line({"file": shard.input, "row": one.row, "mistakes": _mistakes(one)}) for one in rows)


def _shard_set_aside(shard: Shard, reason: str) -> bytes:
    """One line for all rows of a shard: from the first, counted from 1, to the last."""
    return _line({"file": shard.input, "from_row": shard.start + 1, "to_row": shard.stop, "reason": reason})


def _mistakes(row: QuarantinedRow) -> list[dict[str, str]]:
    return [{"field": one.field, "value": shorten(one.value, VALUE_SHOWN), "expected": one.expected} for one in row.mistakes]


def _line(content: dict[str, Any]) -> bytes:
    # Escaped to ASCII: values may hold lone surrogates, which no UTF-8 file can.
    return json.dumps(content, ensure_ascii=True).encode() + b"\n"
