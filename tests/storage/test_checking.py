"""Checking tables: everything is read, what is assumed is told, and what is written makes every command read the same."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from adverdict.domain.errors import NotFound
from adverdict.storage.checking.looked import Checked, check, plain
from adverdict.storage.tables.pack import iter_ads, read_pack
from adverdict.storage.tables.reading import Reading, Source
from tests.storage.test_foreign import HEADER, MOMENT, NAIVE, ROW, Sheets, database, queried, workbook

ROWS = f"{','.join(HEADER)}\n{','.join(ROW)}\n"


def read_again(checked: Checked, place: Path) -> list[str]:
    """The titles that a command reads once ``data.yaml`` lies beside the table."""
    assert checked.beside is not None
    (checked.beside / "data.yaml").write_text(checked.reading.yaml(), encoding="utf-8")
    return [ad.title or ad.body or "" for piece in iter_ads(place) for ad in piece]


@pytest.mark.parametrize(
    ("content", "read"),
    [
        pytest.param(ROWS.encode(), {}, id="as the contract has it"),
        pytest.param(ROWS.replace(",", ";").encode(), {"separator": ";"}, id="semicolons"),
        pytest.param(ROWS.replace("Hi", "Grüße").encode("cp1252"), {"encoding": "cp1252"}, id="cp1252"),
        pytest.param(ROWS.replace(",", "\t").encode("utf-16"), {"separator": "\t", "encoding": "utf-16"}, id="UTF-16 with tabs"),
        pytest.param(b"Export of May\n\n" + ROWS.encode(), {"header_row": 3}, id="lines above the header"),
        pytest.param(
            ROWS.replace(ROW[3], "31.03.2026 09:30").encode(), {"timezone": "UTC", "date_format": "%d.%m.%Y %H:%M"}, id="a date format"
        ),
        pytest.param(ROWS.replace("SE", "UK").encode(), {"markets": {"UK": "GB"}}, id="a code of no standard"),
        pytest.param(ROWS.replace("SE", "Germany").encode(), {"markets": {"Germany": "DE"}}, id="a name of a country"),
        pytest.param(ROWS.replace("title", "headline").encode(), {"map": {"title": "headline"}}, id="another name"),
    ],
)
def test_what_is_assumed_is_told_and_reads_the_table_when_it_is_written(tmp_path: Path, content: bytes, read: dict[str, object]) -> None:
    (tmp_path / "ads.csv").write_bytes(content)
    checked = check(tmp_path)
    assert (checked.reading.plain(), checked.good, checked.ads.rows, checked.ads.read) == (read, True, 1, 1)
    assert bool(checked.assumed) == bool(read)
    assert len(read_again(checked, tmp_path)) == 1


FOREIGN = "Nr;Kunde;Land;Verstoß\nA1;K1;DE;ja\n"


@pytest.mark.parametrize("above", ["", "Bestand im Mai\n\n"])
def test_a_table_in_which_no_name_is_known_says_how_to_name_its_columns(tmp_path: Path, above: str) -> None:
    (tmp_path / "ads.csv").write_text(above + FOREIGN, encoding="utf-8")
    checked = check(tmp_path)
    assert checked.ads.left_out == ["Kunde", "Land", "Nr", "Verstoß"]
    assert checked.reading.header_row == (3 if above else None)
    assert checked.assumed["separator"] == "with it there are the most columns"
    assert any("--map ad_id=COLUMN" in said for said in checked.suggestions)


def test_labels_that_cannot_be_read_are_not_said_to_be_missing_and_their_columns_can_be_named(tmp_path: Path) -> None:
    (tmp_path / "ads.csv").write_text(ROWS, encoding="utf-8")
    (tmp_path / "labels.csv").write_text(f"ad_id,Richtlinie,Verstoß,labelled_at\na,spam,ja,{MOMENT.isoformat()}\n", encoding="utf-8")
    checked = check(tmp_path)
    assert not any("no labels" in said for said in checked.suggestions)
    assert checked.labels is not None
    assert "--map policy=COLUMN" in next(one.first.expected for one in checked.labels.groups if one.first.field == "policy")
    named = check(Source(tmp_path, Reading(map={"policy": "Richtlinie", "violates": "Verstoß"})))
    assert named.policies == {"spam": (1, 1)}


def test_policies_in_words_of_their_own_are_assumed_told_and_kept(tmp_path: Path) -> None:
    (tmp_path / "ads.csv").write_text(ROWS, encoding="utf-8")
    rows = "".join(f"a,{name},ja,{MOMENT.isoformat()}\n" for name in ("Adult Content", "Glücksspiel", "spam"))
    (tmp_path / "labels.csv").write_text(f"ad_id,policy,violates,labelled_at\n{rows}", encoding="utf-8")
    checked = check(tmp_path)
    assert checked.good
    assert checked.policies == {"adult_content": (1, 1), "glucksspiel": (1, 1), "spam": (1, 1)}
    assert {told for told in checked.assumed if told.startswith("policy ")} == {
        "policy Adult Content=adult_content", "policy Glücksspiel=glucksspiel",
    }  # fmt: skip
    (tmp_path / "data.yaml").write_text("policies: {Adult Content: adult, Glücksspiel: gambling}\n", encoding="utf-8")
    assert {label.policy for label in read_pack(tmp_path).labels} == {"adult", "gambling", "spam"}


def test_a_policy_without_letters_of_the_alphabet_is_refused_as_it_stands(tmp_path: Path) -> None:
    (tmp_path / "ads.csv").write_text(ROWS, encoding="utf-8")
    (tmp_path / "labels.csv").write_text(f"ad_id,policy,violates,labelled_at\na,賭博,ja,{MOMENT.isoformat()}\n", encoding="utf-8")
    checked = check(tmp_path)
    assert (checked.good, checked.assumed, checked.policies) == (False, {}, {})


@pytest.mark.parametrize(
    ("sheets", "read"),
    [
        ({"S": [HEADER, [17, 4, "SE", NAIVE, 50]]}, {"timezone": "UTC"}),
        ({"Notes": [["mine"]], "May": [["Export"], [], HEADER, ROW]}, {"sheet": "May", "header_row": 3}),
    ],
)
def test_workbooks_are_understood(tmp_path: Path, sheets: Sheets, read: dict[str, object]) -> None:
    workbook(tmp_path / "export.xlsx", sheets)
    checked = check(tmp_path)
    assert (checked.reading.plain(), checked.good) == (read, True)
    assert "name the file: --data" in checked.suggestions[0]
    assert len(read_again(checked, tmp_path / "export.xlsx")) == 1


def test_texts_and_a_yes_or_no_are_understood_as_a_label_and_a_bare_label_is_not(tmp_path: Path) -> None:
    (tmp_path / "sms.csv").write_text("text,is_spam\nWin money,yes\nWarm socks,no\nWarm socks,no\n")
    checked = check(tmp_path)
    assert checked.policies == {"spam": (3, 1)}
    assert checked.ads.alike == 1
    assert checked.times is None, "no time was stated, so none is shown"
    (tmp_path / "data.yaml").write_text(checked.reading.yaml())
    assert len(read_pack(tmp_path / "sms.csv").labels) == 3
    (tmp_path / "data.yaml").unlink()
    (tmp_path / "sms.csv").write_text("text,label\nWin money,1\nWarm socks,0\n")
    assert check(tmp_path).policies == {}
    assert "column 'label' (0, 1) looks like a label; say what it is about" in check(tmp_path).suggestions[1]
    assert check(Source(tmp_path, Reading(policy="spam"))).policies == {"spam": (2, 1)}


def test_a_column_named_as_a_policy_is_its_label(tmp_path: Path) -> None:
    (tmp_path / "ads.csv").write_text("text,gambling\nFree spins,1\nWarm socks,0\n")
    assert check(tmp_path, ["gambling"]).policies == {"gambling": (2, 1)}
    assert check(tmp_path).policies == {}


def test_mistakes_are_counted_by_kind_and_column_and_rows_go_on_being_read(tmp_path: Path) -> None:
    wrong = ",".join(["c", "v", "se", "1700000000", ""])
    (tmp_path / "ads.csv").write_text(ROWS + f"{wrong}\n{wrong}\n" + ",".join(ROW) + "\n")
    checked = check(Source(tmp_path, Reading(surface="feed")))
    assert not checked.good
    assert (checked.ads.rows, checked.ads.read, checked.ads.ids_twice) == (4, 2, 1)
    counted = {column.field: (column.present, column.missing, column.distinct, column.out_of_contract) for column in checked.ads.columns}
    assert counted["submitted_at"] == (4, 0, 2, 2)
    assert counted["title"] == (2, 2, 1, 0)
    assert {(group.first.where, group.count) for group in checked.ads.groups} == {("ads.csv row 3", 2)}


def test_labels_of_no_ad_are_counted(tmp_path: Path) -> None:
    (tmp_path / "ads.csv").write_text(ROWS)
    (tmp_path / "labels.csv").write_text("ad_id,policy,label,labelled_at\na,spam,1,2026-04-01\nb,spam,0,2026-04-01\n")
    checked = check(tmp_path)
    assert checked.reading.plain() == {"map": {"violates": "label"}, "timezone": "UTC"}
    assert checked.labels is not None
    assert [(str(group.first), group.count) for group in checked.labels.groups] == [
        ("ad_id = 'b'; expected the id of an ad in the table of ads", 1)
    ]


def test_a_field_that_two_tables_call_differently_is_told_and_not_assumed(tmp_path: Path) -> None:
    (tmp_path / "ads.csv").write_text(ROWS)
    (tmp_path / "labels.csv").write_text("ad,policy,violates,labelled_at\na,spam,1,2026-04-01T00:00:00Z\n")
    checked = check(tmp_path)
    assert (checked.good, checked.reading.map, checked.assumed) == (False, {}, {})
    assert "rename column 'ad'" in checked.suggestions[-1]


def test_sparks_instants_need_no_zone_and_a_query_no_file(tmp_path: Path) -> None:
    columns = dict(zip(HEADER, ([value] for value in ROW), strict=True)) | {"submitted_at": pa.array([NAIVE], pa.timestamp("ns"))}
    pq.write_table(pa.table(columns), tmp_path / "ads.parquet", use_deprecated_int96_timestamps=True)
    assert check(tmp_path).assumed == {}
    assert check(tmp_path).times == (MOMENT, MOMENT)
    found = check(queried(database(tmp_path / "x.db", ["id", "country", "headline"], [[1, "Sweden", "Hi"]])))
    assert found.reading.plain() == {"map": {"ad_id": "id", "market": "country", "title": "headline"}, "markets": {"Sweden": "SE"}}
    assert found.beside is None


def test_a_folder_of_several_tables_none_of_ads_names_them(tmp_path: Path) -> None:
    for name in ("one.csv", "two.csv"):
        (tmp_path / name).write_text(ROWS)
    with pytest.raises(NotFound, match=r"tables there: one\.csv, two\.csv"):
        check(tmp_path)


def test_a_day_that_could_be_a_month_is_told(tmp_path: Path) -> None:
    (tmp_path / "ads.csv").write_text(ROWS.replace(ROW[3], "03/04/2026"))
    checked = check(tmp_path)
    assert "%m/%d/%Y fits them as well" in checked.assumed["date_format"]
    assert checked.times is not None
    assert checked.times[0] == datetime(2026, 4, 3, tzinfo=UTC)


def test_all_of_it_is_json(tmp_path: Path) -> None:
    (tmp_path / "ads.csv").write_text(ROWS)
    assert json.loads(json.dumps(plain(check(tmp_path))))["ads"]["in_contract"] == 1
