"""Spreadsheets, databases and data sets of other libraries are tables like any other: the same rows, the same words."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pytest

from adverdict.domain.errors import InvalidInput, InvalidTable, NotFound, Unavailable
from adverdict.storage.tables.pack import iter_labels, read_ads, read_pack
from adverdict.storage.tables.reading import Query, Reading, Source
from adverdict.storage.tables.told import DataWarning

HEADER = ["ad_id", "advertiser_id", "market", "submitted_at", "title"]
NAIVE = datetime(2026, 3, 1, 9, 30)
MOMENT = NAIVE.replace(tzinfo=UTC)
ROW = ["a", "v", "SE", MOMENT.isoformat(), "Hi"]

Sheets = dict[str, list[list[Any]]]


def workbook(path: Path, sheets: Sheets) -> Path:
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    book.save(path)
    return path


def database(path: Path, header: list[str], rows: list[list[Any]]) -> str:
    with sqlite3.connect(path) as connection:
        connection.execute(f"CREATE TABLE ads ({', '.join(header)})")
        connection.executemany(f"INSERT INTO ads VALUES ({', '.join('?' * len(header))})", rows)
    connection.close()
    return f"sqlite:///{path}"


def queried(url: str, text: str = "SELECT * FROM ads", **said: Any) -> Source:
    return Source(Query(url, text), Reading.of(said))


def data_set(folder: Path, columns: dict[str, list[Any]]) -> Path:
    """As ``datasets.Dataset.save_to_disk`` leaves it: two shards, and what lists them."""
    folder.mkdir(parents=True)
    table = pa.table(columns)
    names = [f"data-{place:05d}-of-00002.arrow" for place in range(2)]
    for name, part in zip(names, (table.slice(0, 1), table.slice(1)), strict=True):
        with pa.ipc.new_stream(folder / name, table.schema) as stream:
            stream.write_table(part)
    (folder / "state.json").write_text(json.dumps({"_data_files": [{"filename": name} for name in names]}))
    (folder / "dataset_info.json").write_text("{}")
    return folder


def test_a_sheet_is_read_with_excels_own_types(tmp_path: Path) -> None:
    header = [*HEADER, "impressions", "advertiser_verified", "keywords"]
    path = workbook(tmp_path / "ads.xlsx", {"Sheet1": [header, [17, 4.0, "SE", NAIVE, 50, 1000, True, "one|two"]]})
    [ad] = read_ads(Source(path, Reading(timezone="UTC")))
    assert (ad.ad_id, ad.advertiser_id, ad.submitted_at, ad.title, ad.impressions) == ("17", "4", MOMENT, "50", 1000)
    assert (ad.advertiser_verified, ad.keywords) == (True, ["one", "two"])
    assert read_ads(Source(tmp_path, Reading(timezone="UTC"))) == [ad]


@pytest.mark.parametrize(
    ("sheets", "match"),
    [
        ({"S": [HEADER, ["a", "v", "SE", NAIVE, "Hi"]]}, r"row 2: submitted_at = .*--timezone"),
        ({"S": [HEADER, [1.2345678901234567e17, *ROW[1:]]]}, "row 2: ad_id = '1.23457E\\+17'; expected the whole id"),
        ({"2025": [HEADER, ROW], "2026": [HEADER, ROW]}, "here are 2025, 2026: --sheet '2025' chooses one"),
        ({"S": [["Export of May"], [], HEADER, ROW]}, "the columns found: Export of May"),
        ({"S": [HEADER, [*ROW, "beside"]]}, "row 2: row = 'beside'; expected a name in the header above each cell; it has 5 columns"),
        ({"S": [HEADER, [*ROW[:4], '="Hi " & A2']]}, "sheet S row 2: formula = .*open the workbook in a spreadsheet program and save it"),
    ],
)
def test_what_a_sheet_does_not_say_is_refused_with_its_row(tmp_path: Path, sheets: Sheets, match: str) -> None:
    with pytest.raises(InvalidTable, match=match):
        read_ads(workbook(tmp_path / "ads.xlsx", sheets))


def test_the_sheet_and_the_row_of_the_header_can_be_said(tmp_path: Path) -> None:
    path = workbook(tmp_path / "x.xlsx", {"Notes": [["mine"]], "May": [["Export of May"], [], HEADER, ROW]})
    with pytest.warns(DataWarning, match="sheet 'Notes' was not read"):
        [ad] = read_ads(Source(path, Reading.of({"sheet": "May", "header_row": "3"})))
    assert ad.title == "Hi"
    with pytest.raises(InvalidTable, match="sheet = 'June'; expected one of the sheets Notes, May"):
        read_ads(Source(path, Reading(sheet="June")))


def test_the_row_of_a_header_can_be_said_of_csv_too(tmp_path: Path) -> None:
    (tmp_path / "ads.csv").write_text(f"Export of May\n\n{','.join(HEADER)}\n{','.join(ROW)}\nb,v\n")
    with pytest.raises(InvalidTable, match=r"ads\.csv row 5: row"):
        read_ads(Source(tmp_path, Reading(header_row=3)))
    with pytest.raises(InvalidInput, match="the number of a line"):
        Reading.of({"header_row": "zero"})


def test_a_workbook_with_sheets_of_ads_and_of_labels_is_a_pack(tmp_path: Path) -> None:
    labels = [["ad_id", "policy", "violates", "labelled_at"], ["a", "gambling", False, MOMENT.isoformat()]]
    pack = read_pack(workbook(tmp_path / "pack.xlsx", {"ads": [HEADER, ROW], "labels": labels}))
    assert [(label.ad_id, label.violates) for label in pack.labels] == [("a", False)]
    with pytest.raises(NotFound, match="no sheet labels"):
        read_pack(workbook(tmp_path / "ads_alone.xlsx", {"ads": [HEADER, ROW]}))


def test_what_is_no_workbook_is_refused(tmp_path: Path) -> None:
    (tmp_path / "ads.xlsx").write_bytes(b"\xd0\xcf\x11\xe0 behind a password")
    with pytest.raises(InvalidTable, match="a workbook that can be read, without a password"):
        read_ads(tmp_path)


def test_the_answer_to_a_query_is_a_table(tmp_path: Path) -> None:
    header, row = [*HEADER, "spam", "other"], [17, 4, *ROW[2:], 1, None]
    url = database(tmp_path / "x.db", header, [row])
    with pytest.warns(DataWarning, match="query: column 'other' is not in the data contract"):
        pack = read_pack(queried(url, "SELECT * FROM ads WHERE title LIKE '%i' AND ':x' = ':x'", label="spam", policy="spam"))
    assert [(ad.ad_id, ad.advertiser_id) for ad in pack.ads] == [("17", "4")]
    assert [(label.policy, label.violates) for label in pack.labels] == [("spam", True)]
    assert pack.digest == read_pack(queried(url, label="spam", policy="spam")).digest


@pytest.mark.parametrize(
    ("url", "text", "error", "match"),
    [
        ("sqlite:///{}/none.db", "SELECT 1", NotFound, r"no such file: .*none\.db"),
        ("sqlite:///{}/x.db", "SELECT * FROM adz", InvalidInput, "no such table: adz"),
        ("sqlite:///{}/x.db", "DELETE FROM ads", InvalidInput, "a query that gives rows"),
        ("postgresql+psycopg://me:hush@127.0.0.1:1/x", "SELECT 1", Unavailable, r"//me:\*\*\*@127.0.0.1:1/x does not answer"),
        ("klingon://me:hush@host/x", "SELECT 1", InvalidInput, "a package is missing"),
        ("me:hush@host", "SELECT 1", InvalidInput, "an address as SQLAlchemy has it"),
    ],
)
def test_a_database_that_does_not_answer_is_told_without_its_password(
    tmp_path: Path, url: str, text: str, error: type[Exception], match: str
) -> None:
    database(tmp_path / "x.db", HEADER, [ROW])
    with pytest.raises(error, match=match) as told:
        read_ads(queried(url.format(tmp_path), text))
    assert "hush" not in str(told.value) + repr(told.value)
    assert len(read_ads(queried(f"sqlite:///{tmp_path / 'x.db'}"))) == 1, "nothing was deleted"
    assert "hush" not in f"{queried(url)} {queried(url)!r}"


def test_a_data_set_of_hugging_face_is_read_shard_by_shard(tmp_path: Path) -> None:
    folder = data_set(tmp_path / "train", {"text": ["Win money", "Warm socks"], "label": [1, 0]})
    pack = read_pack(Source(folder, Reading.of({"map": {"body": "text"}, "label": "label", "policy": "spam"})))
    assert [(ad.body, label.violates) for ad, label in zip(pack.ads, pack.labels, strict=True)] == [
        ("Win money", True),
        ("Warm socks", False),
    ]


def test_a_data_set_of_several_splits_names_them(tmp_path: Path) -> None:
    for split in ("train", "test"):
        data_set(tmp_path / split, {"text": ["x", "y"]})
    (tmp_path / "dataset_dict.json").write_text('{"splits": ["train", "test"]}')
    with pytest.raises(InvalidTable, match=r"one split, as a folder of its own: .*test, .*train"):
        read_ads(tmp_path)


Writer = Callable[[Path], Path]


def _arrow_file(path: Path) -> Path:
    table = pa.table({name: [value] for name, value in zip(HEADER, ROW, strict=True)})
    with pa.ipc.new_file(path / "ads.arrow", table.schema) as file:
        file.write_table(table)
    return path / "ads.arrow"


def _tabs(path: Path) -> Path:
    (path / "ads.tsv").write_text("\t".join(HEADER) + "\n" + "\t".join(ROW) + "\n")
    return path / "ads.tsv"


def _lines(path: Path) -> Path:
    (path / "x.json").write_text(json.dumps(dict(zip(HEADER, ROW, strict=True))) + "\n")
    return path / "x.json"


@pytest.mark.parametrize("written", [_arrow_file, _tabs, _lines])
def test_other_names_of_the_same_forms_are_read(tmp_path: Path, written: Writer) -> None:
    [ad] = read_ads(written(tmp_path))
    assert ad.submitted_at == MOMENT


def test_a_query_that_is_a_table_of_labels_is_one(tmp_path: Path) -> None:
    url = database(tmp_path / "x.db", ["ad_id", "policy", "violates", "labelled_at"], [["a", "gambling", 0, MOMENT.isoformat()]])
    assert [label.violates for piece in iter_labels(queried(url)) for label in piece] == [False]
