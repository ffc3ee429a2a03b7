"""Consecutive rows of a table file, and the columns the data contract gives such a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from adverdict.domain.errors import InvalidTable, Mistake
from adverdict.domain.names import meant
from adverdict.storage.tables.reading import AS_IS, Reading


@dataclass(slots=True)
class Rows:
    """Some consecutive rows of one file."""

    file: str
    numbers: list[int] = field(default_factory=list)
    values: list[dict[str, Any]] = field(default_factory=list)
    """Present values only: a missing one (null, NaN, an empty CSV cell) has no key."""
    mistakes: list[Mistake] = field(default_factory=list)
    dropped: set[str] = field(default_factory=set)
    """Columns that are not in the data contract."""
    aside: list[str] = field(default_factory=list)
    """What else of the file was not read, each as a sentence."""

    def where(self, index: int) -> str:
        return f"{self.file} row {self.numbers[index]}"


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of one table in the data contract."""

    known: frozenset[str]
    required: tuple[str, ...]
    lists: frozenset[str]
    numbers: frozenset[str]
    flags: frozenset[str]
    moments: frozenset[str]
    """What is in none of these four is text."""
    options: bool = True
    """Whether whoever reads takes options that say how a table is written; else it has to be converted."""

    def cure(self, option: str) -> str:
        """What reads the table otherwise, as a command's user says it."""
        return option if self.options else f"adverdict data convert SOURCE --out DIR {option}"


def _missing(name: str, header: Sequence[str], columns: Columns) -> str:
    near = next((column for column in header if meant(column) == name), None)
    cure = f"; is it {near!r}? ({columns.cure(f'--map {name}={near}')})" if near else ""
    if header and not near:
        cure = f"; where one of them holds it: {columns.cure(f'--map {name}=COLUMN')}"
    return f"a column of this name (required); the columns found: {', '.join(header) or 'none'}{cure}"


def check_header(file: str, header: Sequence[str], columns: Columns, reading: Reading = AS_IS) -> None:
    """All mistakes of a header at once; ``header`` with the columns that somebody said hold a field under that field's name."""
    found = [Mistake(name, None, _missing(name, header, columns), where=file) for name in columns.required if name not in header]
    if reading:
        found = [mistake for mistake in found if mistake.field in reading.needed(columns.known)]
        found += [mistake for mistake in reading.unused(header) if mistake.field in columns.known]
    twice = sorted({name for name in header if name in columns.known and list(header).count(name) > 1})
    found += [Mistake(name, "twice in the header", "each column once", where=file) for name in twice]
    if found:
        raise InvalidTable(f"{file} is not in the data contract", found)
