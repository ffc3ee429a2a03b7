"""DuckDB over files: it groups and sorts in the memory it is given and puts the rest on the disk."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from adverdict.domain.errors import InvalidInput, Mistake, Unavailable

THREAD = 128 * 2**20
"""Bytes of memory that DuckDB wants for each of its threads."""
GROUP = 2**14
"""Rows that DuckDB gathers before it writes them: with DuckDB's own 122,880, rows of counts would fill a small memory."""


class Database:
    """Queries over files, whose results are files too. A context manager."""

    def __init__(self, scratch: Path, memory: int) -> None:
        import duckdb

        self._scratch, self._memory = scratch, memory
        threads = max(1, min(os.cpu_count() or 1, memory // THREAD))
        told: dict[str, str | bool | int | float | list[str]] = {
            "memory_limit": f"{memory}B",
            "threads": str(threads),
            "temp_directory": str(scratch / "spill"),
            "preserve_insertion_order": "false",
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
        }
        with self._translated():
            self._database = duckdb.connect(config=told)
            self._database.execute("set enable_progress_bar = false")  # where it takes long it would write into our output

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._database.close()

    def _keep(self, name: str, query: str) -> None:
        """A result under a name, on the disk."""
        self._copy(query, self._scratch / name)
        self._view(name, self._scratch / name)

    def _copy(self, query: str, to: Path) -> None:
        self._run(f"copy ({query}) to {text(to)} (format parquet, row_group_size {GROUP})")

    def _view(self, name: str, *of: Path) -> None:
        files = ", ".join(map(_file, of))
        self._run(f"create view {name} as select * from read_parquet([{files}], hive_partitioning = false)")

    def _run(self, query: str) -> list[tuple[Any, ...]]:
        with self._translated():
            return self._database.execute(query).fetchall()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        import duckdb

        try:
            yield
        except duckdb.OutOfMemoryException as error:
            expected = f"more, or more room on the disk of {self._scratch}: {str(error).partition(chr(10))[0]}"
            raise InvalidInput("the history cannot be counted:", [Mistake("memory", f"{self._memory} bytes", expected)]) from error
        except duckdb.IOException as error:
            raise Unavailable(f"{self._scratch}: {str(error).partition(chr(10))[0]}") from error


def text(value: str | Path) -> str:
    """As SQL writes a text."""
    return "'" + str(value).replace("'", "''") + "'"


def _file(path: Path) -> str:
    """As ``text``, with nothing in the path taken for a pattern."""
    return text("".join(f"[{char}]" if char in "*?[" else char for char in str(path)))
