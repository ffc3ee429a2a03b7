"""Tables are read strictly, with every mistake where a person would look for it, and written back exactly."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adverdict.domain.ad import Ad, Label
from adverdict.domain.errors import InvalidTable, Mistake, NotFound
from adverdict.domain.mistakes import MOMENT
from adverdict.domain.visible import anything_to_see
from adverdict.domain.written import says_nothing
from adverdict.storage.tables.pack import iter_ads, read_ads, read_labels, read_pack, write_ads, write_labels
from tests.effort import examples

HEADER = "ad_id,advertiser_id,market,submitted_at,title\n"
MOMENT_TEXT = "2026-03-01T00:00:00Z"
FORMATS = [".parquet", ".csv", ".jsonl"]


def row(ad_id: str, **cells: str) -> str:
    values = {"ad_id": ad_id, "advertiser_id": "adv", "market": "SE", "submitted_at": MOMENT_TEXT, "title": "Hello", **cells}
    return ",".join(values.values()) + "\n"


def an_ad(ad_id: str = "a1", **fields: Any) -> Ad:
    return Ad.model_validate({"ad_id": ad_id, "advertiser_id": "adv", "market": "SE", "submitted_at": MOMENT_TEXT, "title": "t", **fields})


def a_label(ad_id: str = "a1") -> Label:
    return Label.model_validate({"ad_id": ad_id, "policy": "gambling", "violates": True, "labelled_at": MOMENT_TEXT})


def refused(path: Path, content: str | bytes) -> tuple[Mistake, ...]:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(InvalidTable) as error:
        read_ads(path)
    return error.value.mistakes


texts = st.text(alphabet=st.characters(codec="utf-8"), max_size=30).filter(lambda text: not says_nothing(text))
visible_texts = texts.filter(anything_to_see)
words = st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\0"), max_size=30).filter(lambda text: not says_nothing(text))
present_words = words.filter(lambda text: bool(text.strip()))
moments = st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1)).map(lambda moment: moment.replace(tzinfo=UTC))
numbers = st.floats(0, 1e12)
ads = st.builds(
    Ad,
    ad_id=present_words,
    advertiser_id=present_words,
    market=st.sampled_from(["SE", "BD"]),
    submitted_at=moments,
    title=visible_texts,
    body=st.none() | texts,
    language=st.none() | words,
    keywords=st.none() | st.lists(texts, max_size=3),
    landing_domain=st.none() | words,
    creative_duration_s=st.none() | numbers,
    creative_skippable_share=st.none() | st.floats(0, 1),
    creative_made_for_kids=st.none() | st.booleans(),
    advertiser_created_at=st.none() | moments,
    advertiser_licences=st.none() | st.lists(st.sampled_from(["gambling:SE", "kids_unsuitable:BD"]), max_size=3).map(tuple),
)


@pytest.mark.parametrize("suffix", FORMATS)
@given(st.lists(ads, min_size=1, max_size=5, unique_by=lambda ad: ad.ad_id))
@examples(25)
def test_what_is_written_reads_back_exactly(tmp_path_factory: pytest.TempPathFactory, suffix: str, written: list[Ad]) -> None:
    path = tmp_path_factory.mktemp("ads") / f"ads{suffix}"
    write_ads(path, iter(written))
    assert read_ads(path) == written
    first = path.read_bytes()
    write_ads(path, written)
    assert path.read_bytes() == first, "the same ads give the same bytes"
    assert [file.name for file in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("suffix", FORMATS)
def test_labels_read_back_exactly(tmp_path: Path, suffix: str) -> None:
    full = {
        "rater_id": "r",
        "severity": "mild",
        "reason": 'a "b"\nc',
        "source": "audit",
        "inclusion_probability": 0.1 + 0.2,
        "design": "audit-1",
    }
    written = [a_label(), a_label().model_copy(update=full)]
    write_labels(tmp_path / f"labels{suffix}", written)
    assert read_labels(tmp_path) == written


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ("0", "a number of at least 1e-09"),
        ("1.01", "a number of at most 1"),
        ("9e-10", "a number of at least 1e-09"),
        ("-0.1", "a number of at least 1e-09"),
        ("inf", "a finite number"),
        ("x", "a number"),
    ],
)
def test_a_label_comes_with_a_probability_above_0_and_up_to_1(tmp_path: Path, told: str, expected: str) -> None:
    path = tmp_path / "labels.csv"
    path.write_text(f"ad_id,policy,violates,labelled_at,inclusion_probability\na1,gambling,true,{MOMENT_TEXT},{told}\n")
    with pytest.raises(InvalidTable) as error:
        read_labels(path)
    assert [(one.field, one.expected) for one in error.value.mistakes] == [("inclusion_probability", expected)]


@pytest.mark.parametrize(("told", "read"), [("", None), ("nan", None), ("1", 1.0), ("1e-9", 1e-9)])
def test_a_probability_that_is_not_told_is_not_known(tmp_path: Path, told: str, read: float | None) -> None:
    path = tmp_path / "labels.csv"
    path.write_text(f"ad_id,policy,violates,labelled_at,inclusion_probability\na1,gambling,true,{MOMENT_TEXT},{told}\n")
    assert [label.inclusion_probability for label in read_labels(path)] == [read]


def test_an_interrupted_write_leaves_no_file(tmp_path: Path) -> None:
    def interrupted() -> Iterator[Ad]:
        yield an_ad()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_ads(tmp_path / "ads.csv", interrupted())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("bad", "field", "expected"),
    [
        ("a2,adv,SE,2026-03-01T00:00:00Z\n", "row", "5 columns as in the header, not 4"),
        (row("a2", title="one,two"), "row", "5 columns as in the header, not 6"),
        (row("a2", title='"open" quote'), "row", "cells in double quotation marks"),
        (row("a2", market="Sweden"), "market", "an ISO 3166-1 alpha-2 code such as SE"),
        (row("a2", submitted_at="2026-03-01 00:00"), "submitted_at", MOMENT),
        (row(""), "ad_id", "a value: the field is required"),
        (row("a2", title=""), "(the whole)", "at least one text or creative field"),
        (row("a1"), "ad_id", "an id used once; it is also in ads.csv row 2"),
    ],
)
def test_a_bad_csv_row_in_the_middle_is_named_by_its_line(tmp_path: Path, bad: str, field: str, expected: str) -> None:
    found = refused(tmp_path / "ads.csv", HEADER + row("a1") + bad + row("a3"))
    assert [(one.field, one.where) for one in found] == [(field, "ads.csv row 3")]
    assert found[0].expected.startswith(expected)


def test_rows_after_a_cell_of_several_lines_keep_their_line_numbers(tmp_path: Path) -> None:
    [found] = refused(tmp_path / "ads.csv", HEADER + row("a1", title='"two\nlines"') + row("a2", market="xx"))
    assert found.where == "ads.csv row 4"


def test_a_quotation_mark_never_closed_is_refused_where_it_opens(tmp_path: Path) -> None:
    [found] = refused(tmp_path / "ads.csv", HEADER + row("a1") + row("a2", title='"open') + row("a3"))
    assert found.where == "ads.csv row 3"


def test_bytes_that_are_not_utf8_are_named_by_row_and_column(tmp_path: Path) -> None:
    [found] = refused(tmp_path / "ads.csv", (HEADER + row("a1")).encode() + row("a2", title="sm\xf8r").encode("latin-1"))
    assert (found.field, found.where) == ("title", "ads.csv row 3")
    assert found.expected == "UTF-8 text; the byte 0xf8 is not; --encoding cp1252 reads what older Windows programs write"


def test_all_mistakes_of_both_tables_are_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "ads.csv").write_text(HEADER + row("a1", market="x") + row("a2", submitted_at="x"))
    (tmp_path / "labels.jsonl").write_text('{"ad_id": "a1"}\nnot json\n[1]\n')
    with pytest.raises(InvalidTable) as error:
        read_pack(tmp_path)
    found = [(one.field, one.where) for one in error.value.mistakes]
    labels = [(name, "labels.jsonl row 1") for name in ("policy", "violates", "labelled_at")]
    assert sorted(found) == sorted(
        [
            ("market", "ads.csv row 2"),
            ("submitted_at", "ads.csv row 3"),
            *labels,
            ("row", "labels.jsonl row 2"),
            ("row", "labels.jsonl row 3"),
        ]
    )


@pytest.mark.parametrize(
    ("content", "field", "expected"),
    [
        ("ad_id,market,submitted_at,title\n", "advertiser_id", "a column of this name (required); the columns found: ad_id, market"),
        (
            "ad_id;advertiser_id\n",
            "separator",
            "columns separated by ','; here they are separated by ';': --separator semicolon reads them",
        ),
        (HEADER.replace("title", "title,title"), "title", "each column once"),
        ("\ufeff".encode("utf-16-le") + HEADER.encode("utf-16-le"), "file", "a file encoded as UTF-8"),
        ('"ad_id', "row", "cells in double quotation marks"),
    ],
)
def test_a_header_that_cannot_be_right_is_refused(tmp_path: Path, content: str | bytes, field: str, expected: str) -> None:
    found = refused(tmp_path / "ads.csv", content)
    assert found[0].field == field
    assert found[0].expected.startswith(expected)


def test_csv_cells_are_read_generously_where_nothing_can_be_mistaken(tmp_path: Path) -> None:
    header = HEADER.replace("title", "title,keywords,creative_width,advertiser_verified,colour")
    lines = [row("a1") + "\n", row("a2"), row("a3")]
    cells = [",a|b c,NaN,true,red\n", ',"[""a"", ""b|c""]",1.5,0,\n', ",,,,\n"]
    content = header + "".join(line.rstrip("\n") + cell for line, cell in zip(lines, cells, strict=True)) + "\n"
    path = tmp_path / "ads.csv"
    path.write_text("\ufeff" + content, encoding="utf-8")
    found = read_ads(path)
    assert [ad.keywords for ad in found] == [["a", "b c"], ["a", "b|c"], None]
    assert [ad.creative_width for ad in found] == [None, 1.5, None]
    assert [ad.advertiser_verified for ad in found] == [True, False, None]


def test_licences_are_told_in_every_format_as_a_list_that_may_be_empty(tmp_path: Path) -> None:
    header = HEADER.replace("title", "title,advertiser_licences")
    cells = ["gambling:SE|weapons:US", '"[""gambling:SE""]"', "[]", ""]
    (tmp_path / "ads.csv").write_text(header + "".join(row(f"a{i}", licences=cell) for i, cell in enumerate(cells)))
    told = [("gambling:SE", "weapons:US"), ("gambling:SE",), (), None]
    found = read_ads(tmp_path / "ads.csv")
    assert [ad.advertiser_licences for ad in found] == told
    for suffix in FORMATS:
        write_ads(tmp_path / "again" / f"ads{suffix}", found)
        assert [ad.advertiser_licences for ad in read_ads(tmp_path / "again" / f"ads{suffix}")] == told
    [mistake] = refused(tmp_path / "ads.csv", header + row("a1", licences="gambling:SE|Weapons:US"))
    assert (mistake.field, mistake.value, mistake.where) == ("advertiser_licences[1]", "Weapons:US", "ads.csv row 2")


def test_nan_in_a_table_is_missing_and_infinity_is_refused(tmp_path: Path) -> None:
    columns = {name: [getattr(an_ad(), name)] * 3 for name in ("advertiser_id", "market", "submitted_at", "title")}
    pq.write_table(pa.table({"ad_id": ["a", "b", "c"], **columns, "creative_width": [1.0, float("nan"), None]}), tmp_path / "ads.parquet")
    assert [ad.creative_width for ad in read_ads(tmp_path)] == [1.0, None, None]
    [found] = refused(tmp_path / "ads.jsonl", an_ad().model_dump_json(exclude_none=True)[:-1] + ', "creative_width": Infinity}')
    assert (found.field, found.expected, found.where) == ("creative_width", "a finite number", "ads.jsonl row 1")


def test_times_without_a_zone_are_refused_by_the_column(tmp_path: Path) -> None:
    ad = an_ad()
    naive = pa.array([ad.submitted_at.replace(tzinfo=None)], pa.timestamp("ns"))
    table = pa.table({"ad_id": ["a"], "advertiser_id": ["b"], "market": ["SE"], "submitted_at": naive, "title": ["t"]})
    pq.write_table(table, tmp_path / "ads.parquet")
    with pytest.raises(InvalidTable) as error:
        read_ads(tmp_path)
    assert [(one.field, one.expected) for one in error.value.mistakes] == [
        ("submitted_at", f"{MOMENT}; or say whose clock it is: --timezone UTC, or Europe/Berlin")
    ]


def test_a_wrong_value_in_parquet_is_named_by_its_data_row(tmp_path: Path) -> None:
    write_ads(tmp_path / "ads.parquet", [an_ad("a1"), an_ad("a2")])
    table = pq.read_table(tmp_path / "ads.parquet").set_column(2, "market", pa.array(["SE", "Sweden"]))
    pq.write_table(table, tmp_path / "ads.parquet")
    with pytest.raises(InvalidTable, match=r"ads\.parquet row 2: market = 'Sweden'; expected an ISO"):
        read_ads(tmp_path)


def test_other_bytes_under_the_name_of_a_parquet_file_are_refused(tmp_path: Path) -> None:
    [found] = refused(tmp_path / "ads.parquet", b"not parquet at all")
    assert found.expected == "a Parquet file that can be read"


def test_deeply_nested_json_is_a_mistake_of_its_row(tmp_path: Path) -> None:
    [found] = refused(tmp_path / "ads.jsonl", "[" * 200_000 + "\n")
    assert (found.field, found.where) == ("row", "ads.jsonl row 1")


def test_reading_a_table_of_another_kind_stops_in_time(tmp_path: Path) -> None:
    found = refused(tmp_path / "ads.jsonl", '{"x": 1}\n' * 100_000)
    assert 1000 <= len(found) < 50_000


def test_unknown_columns_are_left_out_with_a_warning_once(tmp_path: Path) -> None:
    ad = json.loads(an_ad().model_dump_json(exclude_none=True))
    (tmp_path / "ads.jsonl").write_text("".join(json.dumps({**ad, "ad_id": f"a{i}", "colour": "red"}) + "\n" for i in range(3)))
    write_labels(tmp_path / "labels.csv", [a_label("a0")])
    pack = read_pack(tmp_path)
    assert pack.warnings == ["ads.jsonl: column 'colour' is not in the data contract and was left out"]
    assert (len(pack.ads), len(pack.labels), pack.name) == (3, 1, tmp_path.name)


@pytest.mark.parametrize("suffix", ["parquet", "csv", "jsonl"])
def test_a_text_that_comes_in_many_rows_is_kept_once_also_in_labels_that_name_an_ad(tmp_path: Path, suffix: str) -> None:
    write_ads(tmp_path / f"ads.{suffix}", [an_ad("first ad"), an_ad("second ad")])
    write_labels(tmp_path / f"labels.{suffix}", [a_label("first ad"), a_label("second ad")])
    pack = read_pack(tmp_path)
    first, second = pack.ads
    assert first.advertiser_id is second.advertiser_id
    assert [label.ad_id is ad.ad_id for label, ad in zip(pack.labels, pack.ads, strict=True)] == [True, True]
    assert pack.labels[0].rater_id is pack.labels[1].rater_id


def test_labels_of_unknown_ads_are_refused(tmp_path: Path) -> None:
    write_ads(tmp_path / "ads.csv", [an_ad("a1")])
    write_labels(tmp_path / "labels.csv", [a_label("a1"), a_label("a2")])
    with pytest.raises(InvalidTable, match=r"labels\.csv row 3: ad_id = 'a2'; expected the id of an ad in the table of ads"):
        read_pack(tmp_path)


def test_a_folder_of_shards_is_one_table_in_the_order_of_their_names(tmp_path: Path) -> None:
    for shard in (2, 1):
        write_ads(tmp_path / "ads" / f"part-{shard}.parquet", [an_ad(f"a{shard}{i}") for i in range(3)])
    write_labels(tmp_path / "labels" / "part-1.parquet", [a_label("a10")])
    pack = read_pack(tmp_path)
    assert [ad.ad_id for ad in pack.ads] == ["a10", "a11", "a12", "a20", "a21", "a22"]
    assert [ad.ad_id for piece in iter_ads(tmp_path, rows=2) for ad in piece] == [ad.ad_id for ad in pack.ads]
    assert [len(piece) for piece in iter_ads(tmp_path / "ads", rows=2)] == [2, 1, 2, 1]


def test_the_digest_is_of_the_bytes_and_not_of_the_place(tmp_path: Path) -> None:
    def digest(folder: str, title: str) -> str:
        write_ads(tmp_path / folder / "ads.csv", [an_ad(title=title)])
        write_labels(tmp_path / folder / "labels.csv", [a_label()])
        return read_pack(tmp_path / folder).digest

    assert digest("here", "x") == digest("there", "x") != digest("other", "y")


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({}, "no ads in .*looked for ads.parquet, ads.csv, ads.jsonl, .* and ads/"),
        ({"ads.csv": HEADER + row("a1")}, "no labels in"),
        ({"ads.csv": "", "labels.csv": ""}, "ads.csv is empty"),
        ({"ads.csv": HEADER, "labels.csv": "ad_id,policy,violates,labelled_at\n"}, "holds no rows"),
        ({"ads.jsonl": "\n", "labels.jsonl": ""}, "holds no rows"),
    ],
)
def test_what_is_not_there_is_said_with_what_was_looked_for(tmp_path: Path, files: dict[str, str], words: str) -> None:
    for name, content in files.items():
        (tmp_path / name).write_text(content)
    with pytest.raises(NotFound, match=words):
        read_pack(tmp_path)


def test_a_missing_folder_another_suffix_and_two_tables_for_one_are_refused(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no such folder"):
        read_pack(tmp_path / "nowhere")
    (tmp_path / "ads.ods").write_text("x")
    with pytest.raises(InvalidTable, match=r"a name ending in \.parquet, \.csv, \.jsonl"):
        read_ads(tmp_path / "ads.ods")
    with pytest.raises(InvalidTable, match="a name ending in"):
        write_ads(tmp_path / "ads.txt", [an_ad()])
    write_ads(tmp_path / "ads.csv", [an_ad()])
    write_ads(tmp_path / "ads.jsonl", [an_ad()])
    with pytest.raises(InvalidTable, match="one table of ads"):
        read_ads(tmp_path)


def test_times_are_told_in_utc_whatever_zone_they_came_in(tmp_path: Path) -> None:
    (tmp_path / "ads.csv").write_text(HEADER + row("a1", submitted_at="2026-03-01T02:00:00+02:00"))
    [ad] = read_ads(tmp_path)
    assert ad.submitted_at == datetime(2026, 3, 1, tzinfo=UTC)
    assert ad.submitted_at.utcoffset() == timedelta(0)
