"""Where a table of ads or labels lies: a file, a folder of shards, a folder that holds one of these, a database."""

from __future__ import annotations

import hashlib
import json
from itertools import islice
from pathlib import Path

from adverdict.domain.errors import InvalidTable, Mistake, NotFound
from adverdict.storage.tables.reading import Query, Reading, Table
from adverdict.storage.tables.rows import SUFFIXES

BY_NAME = tuple(suffix for suffix in SUFFIXES if suffix != ".json")
"""Suffixes of a table that is found in its folder by its name; other things are called ``.json``, too."""


def located(path: Table, title: str) -> Table:
    """The table itself: a file, a folder of shards, or the one of these that a folder holds. Raises NotFound, InvalidTable."""
    if isinstance(path, Query) or path.is_file():
        return path
    wanted = [path / f"{title}{suffix}" for suffix in BY_NAME]
    if not path.is_dir():
        raise NotFound(f"no such file or folder: {path}; looked for {title} as a file ending in {', '.join(SUFFIXES)} or a folder of them")
    _refuse_splits(path)
    present = [candidate for candidate in [*wanted, path / title] if candidate.is_file() or _shards(candidate)]
    if len(present) > 1:
        names = ", ".join(candidate.name for candidate in present)
        raise InvalidTable(f"{path} holds {title} more than once", [Mistake("file", names, f"one table of {title}", str(path))])
    if present:
        return present[0]
    if any(file.stem not in ("ads", "labels") for file in _shards(path)):
        return path
    names = ", ".join(candidate.name for candidate in wanted)
    raise NotFound(f"no {title} in {path}; looked for {names} and {title}/*.parquet")


def labels_located(folder: Table, ads: Table, reading: Reading, *, unlabelled: bool) -> Table | None:
    """The table of labels: that of the folder or workbook, else that of the ads where a column of theirs is the label."""
    try:
        if isinstance(folder, Path) and folder.is_dir():
            return located(folder, "labels")
        if isinstance(folder, Path) and folder.suffix == ".xlsx" and not reading.label:
            return _workbooks_labels(folder)
        if reading.label:
            return ads
        raise NotFound(f"no labels in {folder}")
    except NotFound as error:
        if reading.label:
            return ads
        if unlabelled:
            return None
        raise NotFound(f"{error}; where a column of the ads says yes or no: --label COLUMN --policy POLICY") from None


def files_of(path: Table, title: str) -> list[Table]:
    """The files of a located table, in their order."""
    if isinstance(path, Query) or path.is_file():
        return [path]
    shards = _shards(path)
    if not shards:
        raise NotFound(f"no {title} in {path}; looked for *.parquet")
    return list(shards)


def digest(tables: dict[str, Path]) -> str:
    """sha256 over the tables' names and bytes, wherever they lie."""
    total = hashlib.sha256()
    for title, path in sorted(tables.items()):
        for file in files_of(path, title):
            assert isinstance(file, Path)
            name = file.name if file != path else f"{title}{file.suffix}"
            with file.open("rb") as content:
                total.update(f"{title}/{name} {hashlib.file_digest(content, 'sha256').hexdigest()}\n".encode())
    return total.hexdigest()


def _shards(folder: Path) -> list[Path]:
    """Parquet files; else those of Arrow that Hugging Face's ``datasets`` has listed as the folder's."""
    shards = sorted(islice(folder.glob("*.parquet"), 100_001))
    listed = folder / "state.json"
    if shards or not listed.is_file():
        return shards
    try:
        return [folder / Path(str(one["filename"])).name for one in json.loads(listed.read_bytes())["_data_files"]]
    except (ValueError, KeyError, TypeError) as error:
        expected = "what datasets.Dataset.save_to_disk writes there"
        raise InvalidTable(f"cannot read {folder}", [Mistake("file", str(error), expected, str(listed))]) from error


def _refuse_splits(folder: Path) -> None:
    listed = folder / "dataset_dict.json"
    if listed.is_file():
        splits = sorted(child.name for child in folder.iterdir() if (child / "state.json").is_file())
        expected = f"one split, as a folder of its own: {', '.join(str(folder / name) for name in splits)}"
        raise InvalidTable(f"{folder} holds several splits of a data set", [Mistake("folder", listed.name, expected)])


def _workbooks_labels(book: Path) -> Path:
    from adverdict.storage.tables.excel import sheet_names

    if "labels" not in sheet_names(book):
        raise NotFound(f"no sheet labels in {book}")
    return book
