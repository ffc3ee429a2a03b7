"""A DuckDB of its own, in a folder that is gone afterwards: joins of ten million decisions within a limit of memory."""

from __future__ import annotations

import glob
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from adverdict.domain.errors import InvalidInput, InvalidSettings, Mistake, Unavailable
from adverdict.rescoring import memory as amounts

if TYPE_CHECKING:
    from adverdict.rescoring.folder.manifest import RunFolder

LEAST = 256 * amounts.MIB
"""With less, DuckDB cannot sort a few million rows."""
USUAL = 2048 * amounts.MIB

PUBLISHED = {
    "decision_id": "VARCHAR",
    "ad_id": "VARCHAR",
    "market": "VARCHAR",
    "verdict": "VARCHAR",
    "uncertified": "BOOLEAN",
    "degraded": "VARCHAR[]",
    "impressions": "DOUBLE",
    "submitted_at": "TIMESTAMPTZ",
    "policies": "STRUCT(policy VARCHAR, verdict VARCHAR, p DOUBLE, approve_below DOUBLE, reject_at DOUBLE, because VARCHAR)[]",
    "reasons": "STRUCT(policy VARCHAR, kind VARCHAR, signal VARCHAR, text VARCHAR, effect DOUBLE)[]",
    "shard": "VARCHAR",
    "row": "BIGINT",
}
"""Of ``rescoring.folder.columns``, what is read here; for a run that published nothing."""
MARKET = r"/market=([A-Z]{2})/part-\d+-\d+\.parquet$"
"""Of the path of a published file."""


@dataclass(frozen=True)
class Workbench:
    """A connection, and a folder for what does not fit into it."""

    connection: Any
    scratch: Path

    def run(self, sql: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """All rows of the result."""
        rows: list[tuple[Any, ...]] = self.connection.execute(sql, list(values)).fetchall()
        return rows

    def stream(self, sql: str, size: int) -> Iterator[list[tuple[Any, ...]]]:
        """Rows of the result, ``size`` at a time; other statements may run meanwhile."""
        cursor = self.connection.cursor()
        cursor.execute(sql)
        while rows := cursor.fetchmany(size):
            yield rows
        cursor.close()

    def files(self, name: str, paths: Sequence[Path]) -> None:
        """A view ``name`` of published files."""
        market = f"regexp_extract(filename, {quoted(MARKET)}, 1)"
        self.connection.execute(f"CREATE VIEW {name} AS SELECT * EXCLUDE (filename), {market} AS market FROM {parquet(*paths)}")

    def published(self, name: str, folder: RunFolder) -> None:
        """A view ``name`` of all decisions that a run has published."""
        paths = [_local(folder, relative, self.scratch / name) for done in folder.done().values() for relative in done.files]
        if paths:
            self.files(name, paths)
        else:
            nothing = ", ".join(f'NULL::{kind} AS "{column}"' for column, kind in PUBLISHED.items())
            self.connection.execute(f"CREATE VIEW {name} AS SELECT {nothing} WHERE false")

    def latest(self, name: str) -> None:
        """A table ``NAME_latest`` of what ``published`` made: of each ad, the decision on its latest version."""
        columns = 'ad_id, decision_id, market, verdict, len(degraded) > 0 AS degraded, impressions, submitted_at, shard, "row"'
        order = 'ORDER BY submitted_at DESC, shard DESC, "row" DESC'
        self.connection.execute(
            f"CREATE TABLE {name}_latest AS SELECT {columns} FROM {name} QUALIFY row_number() OVER (PARTITION BY ad_id {order}) = 1"
        )


@contextmanager
def workbench(memory: int = USUAL) -> Iterator[Workbench]:
    """``memory``: bytes for DuckDB.

    Raises InvalidSettings where that is too little, Unavailable where files cannot be read or the disk is full, and InvalidInput where they
    are not Parquet.
    """
    import duckdb

    if memory < LEAST:
        raise InvalidSettings(
            "too little memory to compare with:",
            [Mistake("--limit-memory", amounts.shown(memory), f"at least {amounts.shown(LEAST)}")],
        )
    with TemporaryDirectory(prefix="adverdict-diff-") as folder:
        scratch = Path(folder)
        try:
            with duckdb.connect(str(scratch / "diff.duckdb"), config=_config(memory, scratch)) as connection:
                yield Workbench(connection, scratch)
        except duckdb.OutOfMemoryException as error:
            expected = f"more: the comparison does not fit, or {scratch.parent} is full"
            raise InvalidSettings("the comparison stopped:", [Mistake("--limit-memory", amounts.shown(memory), expected)]) from error
        except duckdb.InvalidInputException as error:
            raise InvalidInput("a file of decisions is not as it was written", [Mistake("file", _first_line(error), "Parquet")]) from error
        except duckdb.IOException as error:
            raise Unavailable(f"files of decisions cannot be read or joined: {_first_line(error)}") from error


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]


def quoted(text: str) -> str:
    """As a literal of SQL."""
    return "'" + text.replace("'", "''") + "'"


def parquet(*paths: Path) -> str:
    """The rows of files, as SQL, with the path of each in ``filename``. Nothing in a path is a pattern, and no folder is a column.

    Where folders may be columns, any folder above, such as ``verdict=approve/``, speaks for the column that the files have themselves.
    """
    listed = ", ".join(quoted(glob.escape(str(path))) for path in paths)
    return f"read_parquet([{listed}], hive_partitioning = false, filename = true)"


def _config(memory: int, scratch: Path) -> dict[str, str | bool | int | float | list[str]]:
    return {
        "memory_limit": f"{memory // 1024}KiB",
        "temp_directory": str(scratch / "spilled"),
        "preserve_insertion_order": False,
        "autoinstall_known_extensions": False,  # nothing is fetched
        "autoload_known_extensions": False,
    }


def _local(folder: RunFolder, relative: str, aside: Path) -> Path:
    """A published file; what lies elsewhere is copied, its market's folder included."""
    there = folder.place.local(relative)
    if there is not None:
        return there
    copy = aside / relative
    copy.parent.mkdir(parents=True, exist_ok=True)
    copy.write_bytes(folder.place.read(relative))
    return copy
