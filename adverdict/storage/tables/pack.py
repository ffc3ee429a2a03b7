"""The data contract on disk: ``ads`` and ``labels`` as Parquet, CSV or JSONL, read strictly and written back exactly.

A table is one file (``ads.csv``) or a folder of Parquet shards (``ads/*.parquet``, read in the order of their names). Every row is
checked by the models of ``domain.ad``; all mistakes of a table are reported at once, each with its row, column, value and expectation.
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError

from adverdict.domain.ad import Ad, Label
from adverdict.domain.errors import InvalidTable, Mistake, NotFound
from adverdict.domain.mistakes import EXPECTED, MOMENT, mistake, probably
from adverdict.domain.votes import last_words
from adverdict.domain.written import DECIMAL_COMMA, present
from adverdict.storage.tables.finding import digest, files_of, labels_located, located
from adverdict.storage.tables.joined import find_twice, misplaced
from adverdict.storage.tables.reading import AS_IS, Place, Query, Reading, opened
from adverdict.storage.tables.reading import Table as Where
from adverdict.storage.tables.rows import SUFFIXES, Columns, Rows, read_rows
from adverdict.storage.tables.told import DataWarning, Told
from adverdict.storage.tables.writers import FLAGS, LISTS, MOMENTS, write_ads, write_labels

__all__ = ["Pack", "iter_ads", "iter_labels", "read_ads", "read_labels", "read_pack", "write_ads", "write_labels"]

TRUTH = "truth"
"""Folder that only a simulation has."""
REPEATED = (
    *("ad_id", "advertiser_id", "market", "surface", "language", "landing_domain", "call_to_action"),
    *("creative_id", "creative_phash", "creative_format", "creative_category", "policy", "rater_id"),
)
"""Fields whose texts come in many rows: kept once, labels and ads take a third less memory."""
MAX_MISTAKES = 1000
"""After so many mistakes reading stops: the table is of another kind altogether."""

Row = TypeVar("Row", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Pack:
    """Ads and their labels, as read from one folder."""

    ads: list[Ad]
    labels: list[Label]
    """Those that count: each rater's last word on an ad under a policy."""
    digest: str
    """sha256 over the tables' names and bytes: the same files give the same digest wherever the folder lies."""
    name: str
    warnings: list[str]
    simulated: bool = False
    """Whether the truth lies beside the tables, as ``adverdict simulate`` leaves it."""


@dataclass(frozen=True, slots=True)
class Part(Generic[Row]):
    """Some consecutive rows of a table, checked."""

    file: str
    numbers: list[int]
    stated: list[dict[str, Any]]
    """As they stand there, by field; missing values have no key."""
    valid: list[tuple[int, Row]]
    """Those that keep the contract, by index in the part."""
    mistakes: list[Mistake]
    """Of the others, and of what could not be read as a row at all."""
    dropped: set[str]
    wrong: bool

    def where(self, index: int) -> str:
        return f"{self.file} row {self.numbers[index]}"


@dataclass(slots=True)
class Table(Generic[Row]):
    """One kind of table, and what reading it has come across so far."""

    title: str
    model: type[Row]
    columns: Columns
    reading: Reading = AS_IS
    found: list[Mistake] = field(default_factory=list)
    told: dict[str, Told] = field(default_factory=dict)
    """By file."""
    names: dict[frozenset[str], set[str]] = field(default_factory=dict)
    """Of the fields that rows state."""
    texts: dict[str, str] = field(default_factory=dict)
    """Of fields in ``REPEATED``, each once."""

    def iterate(self, path: Where, rows: int) -> Iterator[list[tuple[str, Row]]]:
        """Checked rows with where each stands. Raises ``InvalidTable`` at the end of the table, or after ``MAX_MISTAKES``."""
        empty = True
        for part in self.parts(path, rows):
            empty = empty and not (part.stated or part.mistakes)
            self.found += part.mistakes
            yield [] if part.wrong else [(part.where(index), row) for index, row in part.valid]
            if len(self.found) >= MAX_MISTAKES:
                raise self._refused(path)
        if self.found:
            raise self._refused(path)
        if empty:
            raise NotFound(f"{path} holds no rows; looked for at least one row of {self.title}")

    def parts(self, path: Where, rows: int) -> Iterator[Part[Row]]:
        """The table to its end, whatever is wrong with its rows. Raises ``InvalidTable`` where no row can be made out."""
        adapter = TypeAdapter(list[self.model])  # type: ignore[name-defined]  # a class held in a field is no type to mypy
        files = files_of(path, self.title)
        for file in files:
            for piece in read_rows(file, self.columns, rows, self.reading):
                yield self._part(piece, adapter, f"{Path(piece.file).stem}-" if len(files) > 1 else "")

    def warnings(self, *, ids: bool = True) -> list[str]:
        """``ids``: whether ids that come twice are told; where they are refused, that says more."""
        return [sentence for file, told in sorted(self.told.items()) for sentence in told.sentences(file, ids=ids)]

    def _part(self, piece: Rows, adapter: TypeAdapter[list[Row]], shard: str) -> Part[Row]:
        if piece.file not in self.told:
            self.told[piece.file] = Told(self.model, self.reading)
        told = self.told[piece.file]
        told.left_out(piece.dropped)
        told.aside(piece.aside)
        if self.reading.label and self.title == "labels":
            _leave_out_unlabelled(piece)
        told.read(piece.values)
        stated = piece.values
        if self.reading:
            rows = zip(piece.values, piece.numbers, strict=True)
            piece.values = [self.reading.row(values, f"{shard}row-{number}", self.title) for values, number in rows]
        valid, wrong = _divided(piece, adapter)
        repeated = [name for name in REPEATED if name in self.model.model_fields]
        for _, row in valid:
            # pydantic keeps with each row a set of what it states, half of what a label weighs: the same names, the same set.
            stating = row.model_fields_set
            object.__setattr__(row, "__pydantic_fields_set__", self.names.setdefault(frozenset(stating), stating))
            values = row.__dict__
            for name in repeated:
                if type(text := values[name]) is str:
                    values[name] = self.texts.setdefault(text, text)
        mistakes = piece.mistakes + [_with_cure(one, piece.dropped) for row in sorted(wrong) for one in wrong[row]]
        return Part(piece.file, piece.numbers, stated, valid, mistakes, piece.dropped, wrong=bool(wrong))

    def _refused(self, path: Where) -> InvalidTable:
        stopped = f"; reading stopped after {len(self.found)}" if len(self.found) >= MAX_MISTAKES else ""
        count = "1 mistake" if len(self.found) == 1 else f"{len(self.found)} mistakes"
        return InvalidTable(f"{path.name}: {count} in the table of {self.title}{stopped}", self.found)


def divided(piece: Rows) -> tuple[list[tuple[int, Ad]], dict[int, list[Mistake]]]:
    """The rows of a piece that are ads, and every mistake of each that is none, both by index in the piece."""
    return _divided(piece, TypeAdapter(list[Ad]))


def _leave_out_unlabelled(piece: Rows) -> None:
    """Rows of ads of which nobody said anything: they are unknown, which is no label."""
    kept = [index for index, values in enumerate(piece.values) if present(values.get("violates")) is not None]
    piece.values = [piece.values[index] for index in kept]
    piece.numbers = [piece.numbers[index] for index in kept]


def _divided(piece: Rows, adapter: TypeAdapter[list[Row]]) -> tuple[list[tuple[int, Row]], dict[int, list[Mistake]]]:
    try:
        return list(enumerate(adapter.validate_python(piece.values))), {}
    except ValidationError as error:
        wrong: dict[int, list[Mistake]] = {}
        for detail in error.errors(include_url=False):
            row = detail["loc"][0]
            assert isinstance(row, int)
            wrong.setdefault(row, []).append(mistake(detail, where=piece.where(row), skip=1))
    kept = [index for index in range(len(piece.values)) if index not in wrong]
    return list(zip(kept, adapter.validate_python([piece.values[index] for index in kept]), strict=True)), wrong


def ads_columns() -> Columns:
    """The columns of the table of ads."""
    return _columns(Ad, lists=LISTS)


def _with_cure(mistake: Mistake, left_out: Collection[str]) -> Mistake:
    """The options that read another form of time, or another column; a request, which takes none, is not told of them."""
    if MOMENT in mistake.expected:
        return replace(mistake, expected=f"{mistake.expected}; --timezone and --date-format read others")
    if near := probably(mistake, left_out):
        return replace(mistake, expected=f"{mistake.expected}; is it {near!r}? (--map {mistake.field}={near})")
    if mistake.expected == EXPECTED["float_parsing"] and DECIMAL_COMMA.fullmatch(str(mistake.value).strip()):
        return replace(mistake, expected=f"{mistake.expected} with a decimal point; a comma is read where semicolons separate columns")
    return mistake


def ads_table_of(reading: Reading) -> Table[Ad]:
    """A table of ads that is yet to be read."""
    return Table("ads", Ad, ads_columns(), reading)


def labels_table_of(reading: Reading) -> Table[Label]:
    """A table of labels that is yet to be read."""
    columns = _columns(Label)
    if reading.label:  # they stand among the ads, and are no older than these
        columns = replace(columns, known=columns.known | {"submitted_at"}, moments=columns.moments | {"submitted_at"})
    return Table("labels", Label, columns, reading)


def _columns(model: type[BaseModel], lists: Collection[str] = ()) -> Columns:
    required = tuple(name for name, info in model.model_fields.items() if info.is_required())
    numbers = frozenset(name for name, info in model.model_fields.items() if "float" in repr(info.annotation))
    known = frozenset(model.model_fields)
    return Columns(known, required, frozenset(lists), numbers, known & FLAGS, known & MOMENTS)


def read_pack(source: Place, *, unlabelled: bool = False) -> Pack:
    """Ads and labels of one folder, or of one file of ads that holds their labels; whoever reads it is warned (``DataWarning``).

    ``unlabelled``: whether ads without a table of labels are a pack too. Raises ``InvalidTable`` with the mistakes of both tables,
    ``NotFound`` where one is missing.
    """
    folder, reading = opened(source)
    if (
        isinstance(folder, Path)
        and not folder.is_dir()
        and not (folder.is_file() and (reading.label or unlabelled or folder.suffix == ".xlsx"))
    ):
        raise NotFound(f"no such folder: {folder}; looked for a folder holding ads.* and labels.* ({', '.join(SUFFIXES)})")
    ads_path = located(folder, "ads")
    labels_path = labels_located(folder, ads_path, reading, unlabelled=unlabelled)
    ads_table, labels_table = ads_table_of(reading), labels_table_of(reading)
    labels_table.texts = ads_table.texts  # a label names its ad
    ads, found = _collect(ads_table, ads_path)
    labels, more = _collect(labels_table, labels_path) if labels_path else ([], [])
    found += more
    if not found:
        find_twice(ads, found)
        found += misplaced(ads, labels)
    if found:
        count = "1 mistake" if len(found) == 1 else f"{len(found)} mistakes"
        raise InvalidTable(f"{folder}: {count}", found)
    apart = labels_path is not None and not reading.label
    noticed = ads_table.warnings(ids=False) + (labels_table.warnings() if apart else [])
    _warn(noticed)
    read = [ad for _, ad in ads], [label for _, label in labels]
    name = folder.name if isinstance(folder, Query) else folder.resolve().name
    simulated = isinstance(folder, Path) and (folder / TRUTH).is_dir()
    return Pack(read[0], last_words(read[1]), _digest(ads_path, labels_path, read), name, noticed, simulated)


def _warn(sentences: Iterable[str]) -> None:
    for sentence in sentences:
        warnings.warn(sentence, DataWarning, stacklevel=3)


def read_ads(path: Place) -> list[Ad]:
    """All ads of a file, or of a folder holding ``ads.*``; ids must be unique."""
    where, reading = opened(path)
    table = ads_table_of(reading)
    rows, found = _collect(table, located(where, "ads"))
    if not found:
        find_twice(rows, found)
    if found:
        raise InvalidTable(f"{path}: not a table of ads", found)
    _warn(table.warnings(ids=False))
    return [ad for _, ad in rows]


def read_labels(path: Place) -> list[Label]:
    """The labels of a file, or of a folder holding ``labels.*``, that count: each rater's last word."""
    return last_words(label for piece in iter_labels(path) for label in piece)


def iter_ads(path: Place, rows: int = 8192) -> Iterator[list[Ad]]:
    """Ads in pieces of up to ``rows``; an id may come twice. At the table's end mistakes are raised, and warnings given."""
    where, reading = opened(path)
    table = ads_table_of(reading)
    for piece in table.iterate(located(where, "ads"), rows):
        if piece:
            yield [ad for _, ad in piece]
    _warn(table.warnings())


def iter_labels(path: Place, rows: int = 8192) -> Iterator[list[Label]]:
    """Labels in pieces of up to ``rows``, as ``iter_ads``: every one, also those that do not count any more."""
    where, reading = opened(path)
    table = labels_table_of(reading)
    for piece in table.iterate(_labels(where, reading), rows):
        if piece:
            yield [label for _, label in piece]
    _warn(table.warnings())


def _labels(path: Where, reading: Reading) -> Where:
    """The table of labels of a folder; a file is one itself."""
    if isinstance(path, Query) or not path.is_dir():
        return path
    found = labels_located(path, path, reading, unlabelled=False)
    return found if found and found != path else located(path, "ads")  # a column of the ads is the label


def _collect(table: Table[Row], path: Where) -> tuple[list[tuple[str, Row]], list[Mistake]]:
    """Every row, and every mistake instead of an error, so that a second table's mistakes can be told with the first's."""
    rows: list[tuple[str, Row]] = []
    try:
        for piece in table.iterate(path, 8192):
            rows += piece
    except InvalidTable as error:
        return rows, list(error.mistakes)
    return rows, []


def _digest(ads: Where, labels: Where | None, pack: tuple[list[Ad], list[Label]]) -> str:
    """Of the files; of a query, which has none, of what it gave."""
    if isinstance(ads, Path) and not isinstance(labels, Query):
        return digest({"ads": ads, **({"labels": labels} if labels else {})})
    total = hashlib.sha256()
    for rows in pack:
        for row in rows:
            total.update(row.model_dump_json().encode() + b"\n")
    return total.hexdigest()
