"""What is to be decided: which files hold the ads, and into which shards their rows are cut."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

from adverdict.domain.errors import InvalidInput, InvalidTable, Mistake, NotFound, Unavailable
from adverdict.rescoring.input.footer import read_footer
from adverdict.storage.places import Place
from adverdict.storage.tables.reading import FILE, reading_beside
from adverdict.storage.tables.rows import SUFFIXES

TITLE = "ads"
OTHERS = tuple(suffix for suffix in SUFFIXES if suffix != ".parquet")
READERS = 16
"""Footers read at once: elsewhere each takes a round trip or two."""
MAX_ROWS = 1_000_000
"""Rows of one shard at most: a shard is held in memory as a whole."""


@dataclass(frozen=True)
class Input:
    """One file of ads."""

    name: str
    """Relative to the plan's ``root``."""
    size: int
    """Bytes."""
    rows: int
    digest: str
    """sha256 of the Parquet footer, which tells where every column of every row lies; empty when unreadable."""
    unreadable: str | None = None
    """Why its footer could not be read; the file is then one shard, which is set aside."""


@dataclass(frozen=True)
class Shard:
    """Consecutive rows of one file, decided as one and published as one."""

    name: str
    file: int
    """Position of the file in the plan."""
    input: str
    start: int
    """First row, from 0."""
    stop: int
    """The row after the last."""


@dataclass(frozen=True)
class ShardPlan:
    """Everything that is to be decided. The same files give the same plan, wherever they lie."""

    ads: str
    """As it was given; a path of this machine made absolute."""
    root: str
    """The folder that the inputs' names are relative to."""
    inputs: tuple[Input, ...]
    rows_per_shard: int

    @cached_property
    def shards(self) -> tuple[Shard, ...]:
        """In the order of files and rows."""
        return tuple(shard for file, one in enumerate(self.inputs) for shard in _cut(file, one, self.rows_per_shard))

    @property
    def rows(self) -> int:
        return sum(one.rows for one in self.inputs)

    @property
    def place(self) -> Place:
        return Place.at(self.root)


def plan(ads: str, rows_per_shard: int) -> ShardPlan:
    """The plan for a Parquet file, a folder of them (or one that holds ``ads.parquet`` or ``ads/*.parquet``), or a pattern.

    Only footers are read. Raises NotFound where there are no rows, Unavailable, and InvalidInput for tables of other formats.
    """
    if not 1 <= rows_per_shard <= MAX_ROWS:
        raise InvalidInput("no such size of a shard", [Mistake("rows_per_shard", rows_per_shard, f"a number from 1 to {MAX_ROWS:,}")])
    root, names = _found(ads)
    _refuse_other_reading(root)
    with ThreadPoolExecutor(1 if root.is_local else READERS) as readers:
        inputs = tuple(readers.map(lambda name: planned(root, name), names))
    if not any(one.rows or one.unreadable for one in inputs):
        raise NotFound(f"{ads} holds no rows; looked for at least one row of ads in {len(inputs)} file{'s' if len(inputs) > 1 else ''}")
    return ShardPlan(Place.at(ads).url, root.url, inputs, rows_per_shard)


def _cut(file: int, one: Input, rows: int) -> Iterator[Shard]:
    if one.unreadable is not None:
        yield Shard(f"part-{file:05d}-00000", file, one.name, 0, 0)
        return
    for number, start in enumerate(range(0, one.rows, rows)):
        yield Shard(f"part-{file:05d}-{number:05d}", file, one.name, start, min(start + rows, one.rows))


def planned(root: Place, name: str) -> Input:
    """One file, by its footer; with the reason when it cannot be read. Raises Unavailable for an outage, NotFound."""
    try:
        footer = read_footer(root, name)
        return Input(name, footer.size, footer.metadata.num_rows, footer.digest)
    except InvalidTable as error:
        return Input(name, root.size(name), 0, "", str(error))
    except Unavailable as error:
        if not isinstance(error.__cause__, PermissionError):
            raise  # an outage passes: better to start again than to set files aside
        return Input(name, 0, 0, "", str(error))


def _found(ads: str) -> tuple[Place, list[str]]:
    """The folder the files are in, and their names in it, sorted."""
    place = Place.at(ads)
    if _is_file(place):
        folder, name = os.path.split(place.url)
        _refuse_other_formats(name, folder, [name])
        return Place.at(folder or "/"), [name]
    if any(mark in place.url for mark in "*?[") and not (place.is_local and os.path.isdir(place.url)):
        return _matching(place)
    return _in_folder(place)


def _in_folder(place: Place) -> tuple[Place, list[str]]:
    """As ``storage.tables.pack``: the table of ads that a folder holds, else the folder's own Parquet files."""
    direct, inside = place.names(deep=False), _parquet(place.names(TITLE, deep=False))
    tables = [name for name in (f"{TITLE}{suffix}" for suffix in (".parquet", *OTHERS)) if name in direct]
    if len(tables) + bool(inside) > 1:
        wrong = Mistake("file", ", ".join([*tables, *(["ads/"] if inside else [])]), "one table of ads", place.url)
        raise InvalidTable(f"{place.url} holds ads more than once", [wrong])
    _refuse_other_formats(place.url, place.url, tables)
    chosen = tables or inside or _parquet(direct)
    if not chosen:
        beside = [name for name in direct if name.endswith(".json")]  # as many a folder has that holds no table
        _refuse_other_formats(place.url, place.url, [name for name in direct if name not in beside])
        deeper = "; for files deeper inside give a pattern such as '**/*.parquet'" if place.folders() else ""
        raise NotFound(f"no ads in {place.url}; looked for ads.parquet, ads/*.parquet and *.parquet{deeper}")
    return place, chosen


def _matching(pattern: Place) -> tuple[Place, list[str]]:
    """Files that match a pattern, relative to the folder above its first ``*``, ``?`` or ``[``."""
    from fsspec.core import url_to_fs

    from adverdict.storage.places import told

    fixed = pattern.url[: min(pattern.url.index(mark) for mark in "*?[" if mark in pattern.url)].rpartition("/")[0]
    root = Place.at(fixed or "/")
    with told("read", pattern.url):
        system, _ = url_to_fs(pattern.url)
        system.invalidate_cache()
        start = str(system._strip_protocol(root.url)).rstrip("/")
        paths = [str(path) for path in system.glob(pattern.url)]
    names = sorted(path.removeprefix(start).strip("/") for path in paths)
    found = _parquet(names)
    if not found:
        _refuse_other_formats(pattern.url, root.url, names)
        raise NotFound(f"nothing matches {pattern.url}; looked for files ending in .parquet")
    return root, found


def _parquet(names: Sequence[str]) -> list[str]:
    """Those that end in .parquet; a piece that begins with a dot or an underscore is hidden, as writers of tables agree."""
    return sorted(name for name in names if name.endswith(".parquet") and not any(p[0] in "._" for p in PurePosixPath(name).parts))


def _is_file(place: Place) -> bool:
    folder, _, name = place.url.rpartition("/")
    return bool(folder or place.is_local) and name != "" and not folder.endswith(":/") and Place.at(folder or "/").exists(name)


def _refuse_other_formats(where: str, folder: str, names: Sequence[str]) -> None:
    found = [name for name in names if name.endswith(OTHERS)]
    if found:
        expected = f"Parquet, of which parts can be read alone; to convert: adverdict data convert {folder}/{found[0]} --out DIR"
        raise InvalidInput(f"{where}: a table to rescore must be Parquet", [Mistake("file", ", ".join(found[:3]), expected)])


def _refuse_other_reading(root: Place) -> None:
    """Raises InvalidInput where a file beside the tables says to read them otherwise than they are: nothing here would do so."""
    said = set(reading_beside(Path(root.url)).plain()) - {"label", "policy"} if root.is_local else set()
    if said:
        expected = f"tables as they are to be read; to write them so: adverdict data convert {root.url} --out DIR"
        raise InvalidInput(f"{root.url}: {FILE} says how to read its tables", [Mistake(FILE, ", ".join(sorted(said)), expected)])
