"""A folder or file of tables, read to the end: how much of each column is there, what is not in the contract, what comes twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic import BaseModel

from adverdict.domain.ad import Ad, Label
from adverdict.domain.errors import InvalidTable, Mistake, NotFound
from adverdict.domain.names import meant
from adverdict.domain.votes import older_than_its_ad
from adverdict.domain.written import present
from adverdict.storage.checking.assumed import are_flags, assume, assume_labels, at_odds, reading_of
from adverdict.storage.checking.peek import Peek, peek
from adverdict.storage.tables.finding import labels_located, located
from adverdict.storage.tables.pack import Table, ads_table_of, labels_table_of
from adverdict.storage.tables.reading import Place, Query, Reading, opened
from adverdict.storage.tables.reading import Table as Where
from adverdict.storage.tables.rows import SUFFIXES

FIRST = 3
"""Rows that are shown as they were read."""
MOST_DISTINCT = 1_000_000
"""Values of a column that are told apart; from there on the count is a lower bound."""
MOST_WORDS = 4
"""Different values of a column that may be a label in other words."""
ROWS = 8192

Row = TypeVar("Row", bound=BaseModel)


@dataclass
class Column:
    """One column of a table, or a field that no column holds."""

    field: str
    column: str | None
    """None where the table has none."""
    required: bool = False
    present: int = 0
    missing: int = 0
    distinct: int = 0
    out_of_contract: int = 0


@dataclass
class Group:
    """Mistakes of one kind: the first of them, and how many there are."""

    first: Mistake
    count: int


@dataclass
class Looked(Generic[Row]):
    """One table, read to its end."""

    title: str
    path: str
    rows: int = 0
    read: int = 0
    """Rows that keep the contract."""
    columns: list[Column] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    first: list[Row] = field(default_factory=list)
    groups: list[Group] = field(default_factory=list)
    ids_twice: int = 0
    alike: int = 0
    """Ads that show the same as one before, labels that are the same as one before."""
    warnings: list[str] = field(default_factory=list)


@dataclass
class Checked:
    """Everything that is there, and how it was read."""

    ads: Looked[Ad]
    labels: Looked[Label] | None
    reading: Reading
    """How it was read: what was said, and what was assumed."""
    said: Reading
    assumed: dict[str, str]
    """What was assumed, such as ``timezone`` -> why."""
    beside: Path | None = None
    """Folder that ``data.yaml`` belongs in; none of a query."""
    markets: Counter[str] = field(default_factory=Counter)
    policies: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Policy -> labels, and how many of them say that the ad violates it."""
    times: tuple[datetime, datetime] | None = None
    suggestions: list[str] = field(default_factory=list)

    @property
    def good(self) -> bool:
        """Whether every command could read this, in the way it was read here."""
        return self.ads.read > 0 and not self.ads.groups and not (self.labels and self.labels.groups)


def check(place: Place, policies: Collection[str] = ()) -> Checked:
    """``policies``: names of those that a column may be a label of. Raises NotFound, and InvalidInput where it cannot be told which table
    is meant.
    """
    folder, said = opened(place)
    ads_at = _ads_at(folder)
    among = folder if isinstance(ads_at, Query) or ads_at.is_dir() or ads_at.stem == "ads" else ads_at
    try:
        labels_at = labels_located(among, ads_at, said, unlabelled=True)
    except NotFound:
        labels_at = None
    apart = labels_at is not None and (labels_at != ads_at or _is_workbook(ads_at)) and not said.label
    found = assume(peek(ads_at, said), policies, apart=apart)
    other = assume_labels(peek(labels_at, said, "labels")) if apart and labels_at is not None else None
    reading = reading_of(found, other)
    if reading.label and labels_at is None:
        labels_at = ads_at
    assumed = {**(other.assumed if other else {}), **found.assumed}
    beside = None if isinstance(ads_at, Query) else ads_at if ads_at.is_dir() else ads_at.parent
    checked = Checked(Looked("ads", str(ads_at)), None, reading, said, assumed, beside)
    submitted: dict[str, datetime] = {}
    for ad in _look(ads_table_of(reading), ads_at, checked.ads, found):
        checked.markets[ad.market] += 1
        submitted[ad.ad_id] = ad.submitted_at
    stated = next(column.present for column in checked.ads.columns if column.field == "submitted_at")
    if submitted and stated:
        checked.times = min(submitted.values()), max(submitted.values())
    if labels_at is not None:
        _look_at_labels(checked, labels_at, other or found, submitted)
    checked.suggestions = _suggestions(checked, found, folder, ads_at)
    for name, column in at_odds(found, other).items():
        checked.assumed.pop(f"map {name}={column}", None)
        checked.suggestions.append(f"rename column {column!r} of {labels_at} as the ads have it: one name holds in all tables of a folder")
    return checked


def _look_at_labels(checked: Checked, where: Where, peeked: Peek, submitted: dict[str, datetime]) -> None:
    labels = checked.labels = Looked("labels", str(where))
    counted: dict[str, list[int]] = {}
    misplaced: dict[str, Group] = {}
    for label in _look(labels_table_of(checked.reading), where, labels, peeked):
        of = counted.setdefault(label.policy, [0, 0])
        of[0] += 1
        of[1] += label.violates
        at = submitted.get(label.ad_id)
        wrong = older_than_its_ad(label, at) if at else Mistake("ad_id", label.ad_id, "the id of an ad in the table of ads")
        if wrong and checked.ads.read == checked.ads.rows:  # else the ad may be one of those that could not be read
            misplaced.setdefault(wrong.field, Group(wrong, 0)).count += 1
    labels.groups += misplaced.values()
    checked.policies = {policy: (n, yes) for policy, (n, yes) in sorted(counted.items())}
    if checked.reading.label:
        labels.columns, labels.groups, labels.warnings = [], [one for one in labels.groups if one.first.field == "violates"], []


def _look(table: Table[Row], path: Where, looked: Looked[Row], peeked: Peek) -> Iterator[Row]:
    """Every row that keeps the contract, once; what is counted on the way goes to ``looked``."""
    there: Counter[str] = Counter()
    values: dict[str, set[int]] = {}
    ids: set[int] = set()
    contents: set[int] = set()
    groups: dict[tuple[str, str], Group] = {}
    dropped: dict[str, None] = {}
    try:
        for part in table.parts(path, ROWS):
            looked.rows += len(part.stated) + sum(mistake.field == "row" for mistake in part.mistakes)
            looked.read += len(part.valid)
            dropped.update(dict.fromkeys(sorted(part.dropped)))
            for row in part.stated:
                for name, value in row.items():
                    if present(value) is not None:
                        there[name] += 1
                        if len(known := values.setdefault(name, set())) < MOST_DISTINCT:
                            known.add(hash(repr(value)))
            for mistake in part.mistakes:
                groups.setdefault((mistake.field, mistake.expected), Group(mistake, 0)).count += 1
            for _, one in part.valid:
                if len(looked.first) < FIRST:
                    looked.first.append(one)
                looked.ids_twice += _seen(getattr(one, "ad_id"), ids)  # noqa: B009  # a row of either kind has one
                looked.alike += _seen(_content(one), contents)
                yield one
    except (InvalidTable, NotFound) as error:
        for mistake in getattr(error, "mistakes", ()) or [Mistake("file", looked.path, str(error))]:
            groups.setdefault((mistake.field, mistake.expected), Group(mistake, 0)).count += 1
    looked.groups = list(groups.values())
    looked.warnings = table.warnings()
    looked.columns = _columns(table, looked, peeked, there, values)
    looked.left_out = [name for name in dropped if name != table.reading.label]


def _columns(table: Table[Row], looked: Looked[Row], peeked: Peek, there: Counter[str], values: dict[str, set[int]]) -> list[Column]:
    held = {table.reading.named(column, table.columns.known): column for column in peeked.columns}
    wrong: Counter[str] = Counter()
    for group in looked.groups:
        wrong[group.first.field.partition("[")[0].partition(".")[0]] += group.count
    return [
        Column(
            name,
            held.get(name),
            name in table.columns.required,
            there[name],
            looked.rows - there[name],
            len(values.get(name, ())),
            wrong[name],
        )
        for name in table.model.model_fields
    ]


def _suggestions(checked: Checked, found: Peek, folder: Where, ads_at: Where) -> list[str]:
    said = list(_unnamed(checked.ads))
    if isinstance(folder, Path) and isinstance(ads_at, Path) and folder != ads_at and ads_at.is_file() and ads_at.stem != "ads":
        said.append(f"commands look for ads.* in a folder; name the file: --data {ads_at}")
    if not checked.policies and checked.reading.label is None:
        maybe = [column for column, values in found.columns.items() if meant(column) == "violates" and are_flags(values)]
        if maybe:
            shown = ", ".join(sorted({str(value) for value in found.columns[maybe[0]]})[:4])
            said.append(f"column {maybe[0]!r} ({shown}) looks like a label; say what it is about: --label {maybe[0]} --policy POLICY")
        else:
            said += _unreadable_labels(found)
            if checked.labels is None or not (checked.labels.rows or checked.labels.groups):
                said.append(
                    "there are no labels: enough to score, not to train; labels.* beside the ads, or --label COLUMN --policy POLICY"
                )
    if checked.ads.ids_twice:
        said.append("an id must come once where labels are joined to ads: keep one row of each, or write them under ids of their own")
    return said


def _unnamed(ads: Looked[Ad]) -> Iterator[str]:
    """How to say which column is which field, where no column has a name that is known."""
    if ads.left_out and all(one.column is None for one in ads.columns):
        yield (
            "no column of the ads has a name that is known: say which holds which field, each by an option of its own, such as "
            "--map ad_id=COLUMN --map title=COLUMN; --write keeps that in data.yaml"
        )


def _unreadable_labels(found: Peek) -> Iterator[str]:
    """A column named as labels are, of a few values that do not say yes and no."""
    for column, values in found.columns.items():
        words = sorted({str(value) for value in values})
        if meant(column) == "violates" and 1 < len(words) <= MOST_WORDS:
            yield f"column {column!r} ({', '.join(words)}) looks like a label; one says yes or no, true or false, 1 or 0"


def _ads_at(folder: Where) -> Where:
    """The table of ads; in a folder without one of that name, the only table there is."""
    try:
        return located(folder, "ads")
    except NotFound:
        if isinstance(folder, Query) or not folder.is_dir():
            raise
        others = sorted(path for path in folder.iterdir() if path.suffix in SUFFIXES and path.stem != "labels")
        if len(others) == 1:
            return others[0]
        names = ", ".join(path.name for path in others) or "none"
        raise NotFound(f"no table of ads in {folder}: none is named ads.*; tables there: {names}; name the one to check") from None


def _is_workbook(where: Where) -> bool:
    return isinstance(where, Path) and where.suffix == ".xlsx"


def _seen(value: Any, known: set[int]) -> bool:
    before = len(known)
    known.add(hash(value))
    return len(known) == before


def _content(row: BaseModel) -> Any:
    if isinstance(row, Ad):
        return row.title, row.body, row.creative_ocr_text, row.landing_domain, row.creative_phash, row.creative_uri
    return repr(row)


def plain(checked: Checked) -> dict[str, Any]:
    """Everything, for machines: as JSON takes it."""
    return {
        "good": checked.good,
        "read": checked.reading.plain(),
        "said": checked.said.plain(),
        "assumed": checked.assumed,
        "markets": dict(checked.markets.most_common()),
        "policies": {policy: {"labels": n, "violating": yes} for policy, (n, yes) in checked.policies.items()},
        "submitted": [at.isoformat() for at in checked.times] if checked.times else None,
        "suggestions": checked.suggestions,
        **{looked.title: _plain_table(looked) for looked in (checked.ads, checked.labels) if looked},
    }


def _plain_table(looked: Looked[Any]) -> dict[str, Any]:
    return {
        "path": looked.path,
        "rows": looked.rows,
        "in_contract": looked.read,
        "columns": [asdict(column) for column in looked.columns],
        "left_out": looked.left_out,
        "first": [row.model_dump(mode="json", exclude_none=True) for row in looked.first],
        "mistakes": [{"first": str(group.first), "field": group.first.field, "count": group.count} for group in looked.groups],
        "ids_twice": looked.ids_twice,
        "alike": looked.alike,
        "warnings": looked.warnings,
    }
