"""A shard's rows are read alone; what is no ad is set aside with every mistake, and a file that is not the planned one is refused."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adverdict.domain.errors import Unavailable
from adverdict.domain.mistakes import MOMENT as A_MOMENT
from adverdict.rescoring.input.plan import Shard, plan
from adverdict.rescoring.input.reading import BadShard, ShardRows, read_shard
from adverdict.storage.places import Place
from adverdict.storage.tables.pack import ads_columns, read_ads, write_ads
from adverdict.storage.tables.parquet import parquet_range
from tests.effort import examples
from tests.rescoring.tables import MOMENT, an_ad, columns_of, put, with_column
from tests.storage import s3

ADS = [an_ad(i, keywords=["a", "ü"] if i % 2 else None) for i in range(25)]


def read(url: str, table: pa.Table, since: datetime | None = None, rows: int = 1000, group: int = 1000) -> list[ShardRows]:
    put(url, "ads.parquet", table, group)
    found = plan(url, rows)
    return [read_shard(found, shard, since) for shard in found.shards]


def refused(url: str, table: pa.Table) -> str:
    with pytest.raises(BadShard) as error:
        read(url, table)
    return error.value.reason


@pytest.mark.parametrize("group", [1, 4, 1000])
@pytest.mark.parametrize("rows", [1, 7, 25, 1000])
def test_shards_together_hold_every_row_once_with_its_number(anywhere: str, rows: int, group: int) -> None:
    found = read(anywhere, columns_of(ADS), rows=rows, group=group)
    assert [ad for one in found for ad in one.ads] == ADS
    assert [row for one in found for row in one.rows] == list(range(1, 26))
    assert not any(one.quarantined or one.skipped or one.dropped for one in found)


def test_every_table_that_the_software_writes_reads_back_the_same(tmp_path: Path, marketplace: Path) -> None:
    ads = read_ads(marketplace)
    write_ads(tmp_path / "ads.parquet", ads)
    found = plan(str(tmp_path), 1000)
    assert [ad for shard in found.shards for ad in read_shard(found, shard, None).ads] == ads


class Counted:
    """A file that keeps what was read of it."""

    def __init__(self, file: BinaryIO) -> None:
        self.file, self.ranges, self.closed = file, list[tuple[int, int]](), False

    def read(self, size: int = -1) -> bytes:
        start = self.file.tell()
        content = self.file.read(size)
        self.ranges.append((start, start + len(content)))
        return content

    def seek(self, *where: int) -> int:
        return self.file.seek(*where)

    def tell(self) -> int:
        return self.file.tell()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def close(self) -> None:
        self.closed = True


@pytest.mark.parametrize("far", [False, True])
def test_only_row_groups_that_hold_some_of_the_rows_are_read(tmp_path: Path, far: bool) -> None:
    ads = [an_ad(i, title=f"{i} {'long ' * 500}{i}") for i in range(100)]
    put(str(tmp_path), "ads.parquet", columns_of(ads), group=10)
    metadata = pq.read_metadata(tmp_path / "ads.parquet")
    with (tmp_path / "ads.parquet").open("rb") as file:
        counted: Any = Counted(file)
        found = parquet_range(counted, "ads.parquet", ads_columns(), 35, 45, metadata, far=far)
    assert [row["ad_id"] for row in found.values] == [f"ad-{i}" for i in range(35, 45)]
    low, high = _first(metadata, 3), _first(metadata, 5)
    assert counted.ranges
    assert all(low <= start <= end <= high for start, end in counted.ranges)


def _first(metadata: Any, group: int) -> int:
    """Offset of the first byte of a row group."""
    columns = [metadata.row_group(group).column(i) for i in range(metadata.num_columns)]
    return min(int(min(one.data_page_offset, one.dictionary_page_offset or one.data_page_offset)) for one in columns)


def test_each_bad_row_is_set_aside_with_all_its_mistakes_and_the_others_are_kept(anywhere: str) -> None:
    table = columns_of(ADS)
    markets = ["Sweden" if i in (3, 20) else ad.market for i, ad in enumerate(ADS)]
    numbers = [-1.0 if i == 3 else 5.0 for i in range(25)]
    table = with_column(with_column(table, "market", pa.array(markets)), "impressions", pa.array(numbers))
    [found] = read(anywhere, table)
    assert [(one.row, [(m.field, m.value) for m in one.mistakes]) for one in found.quarantined] == [
        (4, [("market", "Sweden"), ("impressions", -1.0)]),
        (21, [("market", "Sweden")]),
    ]
    assert found.quarantined[0].mistakes[0].where == "ads.parquet row 4"
    assert found.rows == [row for row in range(1, 26) if row not in (4, 21)]
    assert [ad.ad_id for ad in found.ads] == [f"ad-{row - 1}" for row in found.rows]


@pytest.mark.parametrize(
    ("column", "values", "field"),
    [
        ("ad_id", pa.array(["", "b"]), "ad_id"),
        ("ad_id", pa.array([None, "b"]), "ad_id"),
        ("title", pa.array([b"sm\xf8r", b"b"], pa.binary()), "title"),
        ("title", pa.array([b"sm\xf8r", b"b"], pa.binary()).cast(pa.string(), safe=False), "title"),
        ("submitted_at", pa.array(["2026-03-01 09:30", "2026-03-01T09:30:00Z"]), "submitted_at"),
        ("submitted_at", pa.array([2**60, 1_772_000_000_000], pa.timestamp("ms", tz="UTC")), "submitted_at"),
        ("submitted_at", pa.array([-(2**62), 1_772_000_000_000_000], pa.timestamp("us", tz="UTC")), "submitted_at"),
        ("impressions", pa.array(["many", "7"]), "impressions"),
        ("impressions", pa.array([float("inf"), 1.0]), "impressions"),
        ("advertiser_verified", pa.array([7, 1]), "advertiser_verified"),
        ("keywords", pa.array([["x"] * 1001, ["x"]]), "keywords"),
    ],
)
def test_a_value_that_cannot_be_leaves_the_row_beside_it_alone(tmp_path: Path, column: str, values: pa.Array, field: str) -> None:
    [found] = read(str(tmp_path), with_column(columns_of(ADS[:2]), column, values))
    assert [[m.field for m in one.mistakes] for one in found.quarantined] == [[field]]
    assert found.rows == [2]


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (pa.large_string(), ["one", "two"]),
        (pa.string_view(), ["one", "two"]),
        (pa.binary(), [b"one", b"two"]),
        (pa.dictionary(pa.int32(), pa.string()), ["one", "two"]),
    ],
)
def test_text_is_text_however_a_writer_stores_it(tmp_path: Path, kind: pa.DataType, values: list[Any]) -> None:
    [found] = read(str(tmp_path), with_column(columns_of(ADS[:2]), "title", pa.array(values).cast(kind)))
    assert [ad.title for ad in found.ads] == ["one", "two"]


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_times_are_the_same_in_every_unit_and_zone(tmp_path: Path, unit: str) -> None:
    times = pa.array([MOMENT, MOMENT - timedelta(days=10_000)], pa.timestamp("us", tz="UTC")).cast(pa.timestamp(unit, tz="Asia/Dhaka"))
    [found] = read(str(tmp_path), with_column(columns_of(ADS[:2]), "submitted_at", times))
    assert [ad.submitted_at for ad in found.ads] == [MOMENT, MOMENT - timedelta(days=10_000)]


@examples(30)
@given(st.lists(st.none() | st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=4), st.sampled_from(["ms", "us", "ns"]))
def test_any_number_for_a_time_is_a_time_or_a_mistake(
    tmp_path_factory: pytest.TempPathFactory, numbers: list[int | None], unit: str
) -> None:
    values = pa.array(numbers, pa.timestamp(unit, tz="UTC"))
    [found] = read(str(tmp_path_factory.mktemp("x")), with_column(columns_of(ADS[: len(numbers)]), "submitted_at", values))
    assert sorted([*found.rows, *(one.row for one in found.quarantined)]) == list(range(1, len(numbers) + 1))
    for row, ad in zip(found.rows, found.ads, strict=True):
        number = numbers[row - 1]
        assert number is not None
        told = number // 1000 if unit == "ns" else number * {"us": 1, "ms": 1000}[unit]
        assert ad.submitted_at == datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=told)


def test_columns_outside_the_contract_are_left_out_and_told(tmp_path: Path) -> None:
    table = with_column(columns_of(ADS), "colour", pa.array(["red"] * 25))
    [found] = read(str(tmp_path), with_column(table, "age", pa.array([{"x": 1}] * 25)))
    assert (found.dropped, found.ads) == (("age", "colour"), ADS)


@pytest.mark.parametrize(
    ("column", "values", "words"),
    [
        ("market", None, "market = None; expected a column of this name (required); the columns found: ad_id, "),
        ("market", [1, 2], "market = 'a column of type int64'; expected a column of text"),
        ("market", pa.nulls(2), "market = 'a column of type null'; expected values: market is required"),
        ("impressions", [{"x": 1}, None], "expected a column of numbers"),
        ("impressions", [MOMENT, None], "expected a column of numbers"),
        ("keywords", [1, 2], "keywords = 'a column of type int64'; expected a list of texts"),
        ("keywords", [[1], [2]], "expected a list of texts"),
        ("advertiser_verified", [[True], None], "expected a column of true and false"),
        ("submitted_at", [1.5, 2.5], f"submitted_at = 'a column of type double'; expected a column of times ({A_MOMENT})"),
        ("submitted_at", [MOMENT.date()] * 2, "expected a column of times"),
        (
            "submitted_at",
            [MOMENT.replace(tzinfo=None)] * 2,
            "'timestamp[us] without a time zone'; expected a date and time with a time zone",
        ),
    ],
)
def test_a_column_that_is_missing_or_of_another_kind_refuses_the_shard(tmp_path: Path, column: str, values: Any, words: str) -> None:
    table = columns_of(ADS[:2]).drop_columns([column]) if values is None else columns_of(ADS[:2])
    if values is not None:
        table = with_column(table, column, pa.array(values))
    assert words in refused(str(tmp_path), table)


def test_all_that_is_wrong_with_the_columns_is_told_at_once(tmp_path: Path) -> None:
    table = with_column(with_column(columns_of(ADS[:1]), "title", pa.array([1])), "language", pa.array([True]))
    reason = refused(str(tmp_path), table)
    assert "title = 'a column of type int64'" in reason
    assert "language = 'a column of type bool'" in reason


@pytest.mark.parametrize("late", [0, 2])
def test_ads_submitted_before_the_moment_are_left_out_and_counted(tmp_path: Path, late: int) -> None:
    times: Sequence[Any] = [MOMENT - timedelta(seconds=1), MOMENT, MOMENT + timedelta(days=1)]
    kept = [times[0], *times[1:]] if late == 0 else ["2026-03-01T09:29:59Z", "2026-03-01T11:30:00+02:00", "soon"]
    table = with_column(columns_of(ADS[:3]), "submitted_at", pa.array(kept))
    [found] = read(str(tmp_path), table, since=MOMENT)
    assert (found.skipped, found.rows, [one.row for one in found.quarantined]) == (
        1,
        [2, 3] if late == 0 else [2],
        [] if late == 0 else [3],
    )


def test_a_folder_that_is_gone_as_a_whole_sets_nothing_aside(tmp_path: Path) -> None:
    put(str(tmp_path / "disk"), "ads.parquet", columns_of(ADS))
    found = plan(str(tmp_path / "disk"), 10)
    (tmp_path / "disk").rename(tmp_path / "unmounted")
    with pytest.raises(Unavailable, match="nothing is left in"):
        read_shard(found, found.shards[0], None)


def changes(tmp_path: Path) -> Iterator[tuple[str, Any]]:
    path = tmp_path / "ads.parquet"
    yield "size = ", lambda: put(str(tmp_path), "ads.parquet", columns_of(ADS[:5]))
    yield "footer = ", lambda: put(str(tmp_path), "ads.parquet", columns_of(ADS), group=3)
    yield "is gone since the run was planned", path.unlink
    yield "do not end as Parquet does", lambda: path.write_bytes(path.read_bytes()[:-1])


@pytest.mark.parametrize("number", range(4))
def test_a_file_that_is_not_the_planned_one_is_refused(tmp_path: Path, number: int) -> None:
    put(str(tmp_path), "ads.parquet", columns_of(ADS))
    put(str(tmp_path), "other.parquet", columns_of(ADS))
    found = plan(str(tmp_path), 10)
    words, change = list(changes(tmp_path))[number]
    change()
    with pytest.raises(BadShard, match=words):
        read_shard(found, found.shards[0], None)


def test_damaged_pages_refuse_the_shards_that_need_them(tmp_path: Path) -> None:
    put(str(tmp_path), "ads.parquet", columns_of([an_ad(i, title=f"{i}" * 300) for i in range(20)]), group=10)
    content = bytearray((tmp_path / "ads.parquet").read_bytes())
    metadata = pq.read_metadata(tmp_path / "ads.parquet")
    content[_first(metadata, 1) : _first(metadata, 1) + 400] = bytes(400)
    found = plan(str(tmp_path), 10)
    (tmp_path / "ads.parquet").write_bytes(content)
    assert len(read_shard(found, found.shards[0], None).ads) == 10
    with pytest.raises(BadShard, match=r"cannot read ads\.parquet"):
        read_shard(found, found.shards[1], None)


def test_a_file_unreadable_when_planned_is_refused_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "ads.parquet").write_bytes(b"no parquet, but long enough")
    found = plan(str(tmp_path), 10)
    with pytest.raises(BadShard, match="do not end as Parquet does"):
        read_shard(found, found.shards[0], None)


def test_an_outage_sets_nothing_aside(monkeypatch: pytest.MonkeyPatch) -> None:
    with s3.server() as endpoint:
        s3.lead_to(endpoint, monkeypatch)
        address = s3.new_bucket()
        put(address, "ads.parquet", columns_of(ADS), group=5)
        found = plan(address, 10)
        file = Place.at(address).open("ads.parquet")
        metadata = pq.read_metadata(file)
    with pytest.raises(Unavailable):
        read_shard(found, found.shards[0], None)
    with pytest.raises(Unavailable):  # the connection goes while the Parquet library is reading
        parquet_range(file, "ads.parquet", ads_columns(), 0, 10, metadata, far=True)


def test_a_name_that_leads_out_of_the_place_reads_nothing(tmp_path: Path) -> None:
    from adverdict.domain.errors import InvalidInput

    put(str(tmp_path), "in/ads.parquet", columns_of(ADS))
    put(str(tmp_path), "secret.parquet", columns_of(ADS))
    found = plan(str(tmp_path / "in"), 10)
    with pytest.raises(InvalidInput, match="a relative name"):
        read_shard(found, Shard("part-00000-00000", 0, "../secret.parquet", 0, 1), None)
