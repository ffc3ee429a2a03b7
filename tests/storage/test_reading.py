"""Tables as people have them: what is said of them is what is read, and what is not said is not guessed."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from adverdict.domain.errors import AdverdictError, InvalidInput, InvalidTable, NotFound
from adverdict.storage.tables.pack import iter_ads, read_ads, read_pack
from adverdict.storage.tables.reading import NO_MARKET, NO_TIME, Reading, Source
from adverdict.storage.tables.told import DataWarning

HEADER = "ad_id,advertiser_id,market,submitted_at,title"
MOMENT = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)


def ads_of(path: Path, content: str | bytes, **said: Any) -> list[Any]:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_ads(Source(path, Reading.of(said)) if said else path)


@pytest.mark.parametrize(
    "written",
    ["2026-03-01 09:30:00 UTC", "2026-03-01 09:30:00+00", "2026-03-01 09:30:00.000 +0000", "20260301T093000Z", "2026-03-01T10:30:00+01:00"],
)
def test_times_as_warehouses_write_them_are_read(tmp_path: Path, written: str) -> None:
    assert ads_of(tmp_path / "ads.csv", f"{HEADER}\na,v,SE,{written},Hi\n")[0].submitted_at == MOMENT


def test_words_for_missing_are_missing_in_every_column_and_told_once_a_column(tmp_path: Path) -> None:
    rows = f"{HEADER},language,keywords,creative_width\na,v,NA,{MOMENT.isoformat()},Hi,NULL,\\N,n/a\n"
    rows += f"b,v,NA,{MOMENT.isoformat()},Ho,nan,NULL,\n"
    with pytest.warns(DataWarning) as told:
        one, other = ads_of(tmp_path / "ads.csv", rows)
    assert (one.market, one.language, one.keywords, one.creative_width) == ("NA", None, None, None)
    assert other.language is None
    assert [str(warning.message) for warning in told] == [
        "ads.csv: column 'creative_width' says n/a in 1 row: read as missing",
        "ads.csv: column 'keywords' says NULL or \\N in 2 rows: read as missing",
        "ads.csv: column 'language' says NULL or nan in 2 rows: read as missing",
    ]


def test_a_column_outside_the_contract_is_told_with_the_one_that_was_meant(tmp_path: Path) -> None:
    with pytest.warns(DataWarning, match="column 'headline' is not in the data contract and was left out; is it 'title'"):
        ads_of(tmp_path / "ads.csv", f"{HEADER},headline\na,v,SE,{MOMENT.isoformat()},Hi,Ho\n")


def test_an_id_that_comes_twice_is_told_where_it_is_not_refused(tmp_path: Path) -> None:
    (tmp_path / "ads.csv").write_text(f"{HEADER}\n" + f"1,v,SE,{MOMENT.isoformat()},Hi\n" * 2)
    with pytest.warns(DataWarning, match="1 ad has an id that came before, such as '1'"):
        assert [len(piece) for piece in iter_ads(tmp_path)] == [2]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param(f"{HEADER}\na,v,SE,2026-03-01 09:30,Hi\n", {"timezone": "UTC"}, id="a time without a zone"),
        pytest.param(
            f"{HEADER}\na,v,SE,01.03.2026 10:30,Hi\n", {"date_format": "%d.%m.%Y %H:%M", "timezone": "Europe/Berlin"}, id="a date"
        ),
        pytest.param(f"{HEADER}\na,v,SE,{MOMENT.isoformat()},Hi\n".replace(",", ";"), {"separator": "semicolon"}, id="semicolons"),
        pytest.param(f"sep=;\n{HEADER}\na,v,SE,{MOMENT.isoformat()},Hi\n".replace(",", ";"), {}, id="Excel's line about semicolons"),
        pytest.param(f"{HEADER}\na,v,SE,{MOMENT.isoformat()},Hi\n".encode("utf-16"), {"encoding": "utf-16"}, id="UTF-16"),
        pytest.param(f"{HEADER}\na,v,Sverige,{MOMENT.isoformat()},Hi\n", {"markets": {"Sverige": "SE"}}, id="another code"),
        pytest.param(
            f"{HEADER}\na,v,SE,{MOMENT.isoformat()},Hi\n".replace("title", "headline"), {"map": {"title": "headline"}}, id="a name"
        ),
    ],
)
def test_what_is_said_of_a_table_is_read(tmp_path: Path, content: str | bytes, said: dict[str, Any]) -> None:
    [ad] = ads_of(tmp_path / "ads.csv", content, **said)
    assert (ad.ad_id, ad.market, ad.submitted_at, ad.title) == ("a", "SE", MOMENT, "Hi")


@pytest.mark.parametrize(
    ("content", "cure"),
    [
        (f"{HEADER}\na,v,SE,{MOMENT.isoformat()},Hi\n".replace(",", "\t"), "--separator tab"),
        (f"{HEADER}\na,v,SE,{MOMENT.isoformat()},Hi\n".encode("utf-16"), "--encoding utf-16"),
        (f"{HEADER}\na,v,SE,{MOMENT.isoformat()},Müller\n".encode("cp1252"), "--encoding cp1252"),
        (f"{HEADER}\na,v,SE,2026-03-01,Hi\n", "--timezone and --date-format"),
        (f"{HEADER}\na,v,UK,{MOMENT.isoformat()},Hi\n", "--market UK=GB"),
        (f"{HEADER}\na,v,SE,{MOMENT.isoformat()},Hi\n".replace("submitted_at", "created_at"), "--map submitted_at=created_at"),
    ],
)
def test_a_refusal_names_the_option_that_cures(tmp_path: Path, content: str | bytes, cure: str) -> None:
    with pytest.raises(InvalidTable, match=cure):
        ads_of(tmp_path / "ads.csv", content)


def test_decimal_commas_are_read_where_semicolons_separate(tmp_path: Path) -> None:
    rows = f"{HEADER};creative_duration_s\na;v;SE;{MOMENT.isoformat()};Hi;12,5\n".replace(HEADER, HEADER.replace(",", ";"))
    assert ads_of(tmp_path / "ads.csv", rows, separator=";")[0].creative_duration_s == 12.5


def test_sparks_int96_is_an_instant_and_another_time_without_a_zone_is_not(tmp_path: Path) -> None:
    naive = pa.array([MOMENT.replace(tzinfo=None)], pa.timestamp("ns"))
    table = pa.table({"ad_id": ["a"], "advertiser_id": ["v"], "market": ["SE"], "submitted_at": naive, "title": ["t"]})
    pq.write_table(table, tmp_path / "spark.parquet", use_deprecated_int96_timestamps=True)
    pq.write_table(table, tmp_path / "ads.parquet")
    assert read_ads(tmp_path / "spark.parquet")[0].submitted_at == MOMENT
    with pytest.raises(InvalidTable, match="--timezone UTC"):
        read_ads(tmp_path / "ads.parquet")
    assert read_ads(Source(tmp_path / "ads.parquet", Reading(timezone="UTC")))[0].submitted_at == MOMENT


def test_texts_and_a_yes_or_no_are_a_pack_and_what_that_costs_is_told(tmp_path: Path) -> None:
    (tmp_path / "ads.csv").write_text("text,spam\nWin money,yes\nWarm socks,no\n")
    said = Reading.of({"map": {"body": "text"}, "label": "spam", "policy": "spam", "market": "US"})
    with pytest.warns(DataWarning) as told:
        pack = read_pack(Source(tmp_path, said))
    assert [(ad.ad_id, ad.body, ad.market, ad.submitted_at) for ad in pack.ads] == [
        ("row-2", "Win money", "US", NO_TIME),
        ("row-3", "Warm socks", "US", NO_TIME),
    ]
    assert [(label.ad_id, label.policy, label.violates) for label in pack.labels] == [("row-2", "spam", True), ("row-3", "spam", False)]
    assert len({ad.advertiser_id for ad in pack.ads}) == 2
    assert [str(one.message).partition("(")[0] for one in told] == [
        "ads.csv: all ads state no advertiser ",
        "ads.csv: all ads state no time ",
    ]
    assert pack.warnings == [str(one.message) for one in told]


def test_a_label_among_the_ads_is_known_from_when_its_ad_was_submitted(tmp_path: Path) -> None:
    (tmp_path / "ads.csv").write_text(f"{HEADER},spam\na,v,SE,{MOMENT.isoformat()},Hi,yes\n")
    pack = read_pack(Source(tmp_path, Reading.of({"label": "spam", "policy": "spam"})))
    assert [label.labelled_at for label in pack.labels] == [MOMENT]


def test_ads_without_ids_have_one_each_in_every_shard(tmp_path: Path) -> None:
    for name in ("a", "b"):
        pq.write_table(pa.table({"body": [name]}), tmp_path / f"{name}.parquet")
    assert [ad.ad_id for ad in read_ads(Source(tmp_path, Reading(market="US")))] == ["a-row-1", "b-row-1"]


def test_data_yaml_beside_the_tables_says_the_same_and_options_win(tmp_path: Path) -> None:
    (tmp_path / "data.yaml").write_text("map: {body: text}\nmarket: US\n")
    (tmp_path / "ads.csv").write_text("text\nWin money\n")
    assert read_ads(tmp_path)[0].market == "US"
    assert read_ads(Source(tmp_path, Reading(market="SE")))[0].market == "SE"
    (tmp_path / "data.yaml").write_text("map: {body: text}\n")
    assert read_ads(tmp_path / "ads.csv")[0].market == NO_MARKET


@pytest.mark.parametrize(
    ("said", "match"),
    [
        ({"map": {"headline": "h"}}, "a field of the data contract; is it 'title'"),
        ({"timezone": "Mars"}, "a name of the time zone database"),
        ({"encoding": "klingon"}, "the name of an encoding"),
        ({"separator": "--"}, "one character, or comma"),
        ({"colour": "red"}, "one of map, label"),
        ({"market": 5}, "text"),
    ],
)
def test_what_cannot_be_meant_is_refused(said: dict[str, Any], match: str) -> None:
    with pytest.raises(InvalidInput, match=match):
        Reading.of(said)


def test_a_column_that_is_not_there_is_refused_by_its_name(tmp_path: Path) -> None:
    with pytest.raises(InvalidTable, match="title = 'column headlin'; expected one of the columns text"):
        ads_of(tmp_path / "ads.csv", "text\nWin\n", map={"title": "headlin"})


def test_a_folder_of_ads_alone_is_no_table_of_labels(tmp_path: Path) -> None:
    pq.write_table(pa.table({"ad_id": ["a"]}), tmp_path / "ads.parquet")
    with pytest.raises(NotFound, match=r"no labels in .*--label COLUMN"):
        read_pack(tmp_path)


def test_labels_older_than_their_ad_are_refused(tmp_path: Path) -> None:
    (tmp_path / "ads.csv").write_text(f"{HEADER}\na,v,SE,{MOMENT.isoformat()},Hi\n")
    (tmp_path / "labels.csv").write_text("ad_id,policy,violates,labelled_at\na,gambling,1.0,2026-02-28T00:00:00Z\n")
    with pytest.raises(InvalidTable, match=r"labelled_at = '2026-02-28.*not before the ad was submitted"):
        read_pack(tmp_path)


def test_a_field_twice_in_a_row_is_refused(tmp_path: Path) -> None:
    row = f'{{"ad_id":"a","advertiser_id":"v","market":"SE","submitted_at":"{MOMENT.isoformat()}","title":"x","title":"y"}}\n'
    with pytest.raises(AdverdictError, match=r"ads\.jsonl row 1: title = 'twice'; expected each field once"):
        ads_of(tmp_path / "ads.jsonl", row)
