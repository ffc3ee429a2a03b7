"""What is to be decided: the files that hold ads, cut into shards the same way every time."""

from __future__ import annotations

import io
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adverdict.domain.errors import InvalidInput, NotFound, Unavailable
from adverdict.rescoring.input.footer import TAIL, footer_of
from adverdict.rescoring.input.plan import Input, ShardPlan, plan, planned
from adverdict.storage.places import Place
from tests.rescoring.tables import an_ad, columns_of, put
from tests.storage import s3
from tests.storage.users import readable_folder, without_rights


def some(rows: int) -> pa.Table:
    return columns_of([an_ad(i) for i in range(rows)])


def test_files_are_cut_into_shards_that_never_cross_them(anywhere: str) -> None:
    for name, rows in (("b.parquet", 5), ("a.parquet", 4), ("c.parquet", 0)):
        put(anywhere, name, some(rows))
    found = plan(anywhere, 2)
    assert [(one.name, one.rows) for one in found.inputs] == [("a.parquet", 4), ("b.parquet", 5), ("c.parquet", 0)]
    assert [(one.name, one.file, one.input, one.start, one.stop) for one in found.shards] == [
        ("part-00000-00000", 0, "a.parquet", 0, 2),
        ("part-00000-00001", 0, "a.parquet", 2, 4),
        ("part-00001-00000", 1, "b.parquet", 0, 2),
        ("part-00001-00001", 1, "b.parquet", 2, 4),
        ("part-00001-00002", 1, "b.parquet", 4, 5),
    ]
    assert (found.rows, found.ads) == (9, Place.at(anywhere).url)


@given(st.lists(st.integers(0, 50), max_size=5), st.integers(1, 20))
def test_every_row_is_in_exactly_one_shard(rows: list[int], size: int) -> None:
    inputs = tuple(Input(f"{i}.parquet", 1, count, "x") for i, count in enumerate(rows))
    shards = ShardPlan("/ads", "/ads", inputs, size).shards
    covered = [(shard.file, row) for shard in shards for row in range(shard.start, shard.stop)]
    assert covered == [(file, row) for file, count in enumerate(rows) for row in range(count)]
    assert len({shard.name for shard in shards}) == len(shards)


@pytest.mark.parametrize(
    ("files", "ask", "found"),
    [
        (["ads.parquet", "labels.parquet"], "", ["ads.parquet"]),
        (["ads/1.parquet", "ads/2.parquet", "labels/1.parquet"], "", ["ads/1.parquet", "ads/2.parquet"]),
        (["x.parquet", "_temporary.parquet", ".x.parquet", "_old/y.parquet"], "", ["x.parquet"]),
        (["x.parquet", "y.parquet"], "/y.parquet", ["y.parquet"]),
        (["a/x.parquet", "a/y.txt", "b/c/x.parquet"], "/**/*.parquet", ["a/x.parquet", "b/c/x.parquet"]),
        (["a/x1.parquet", "a/x2.parquet", "b/x1.parquet"], "/a/x?.parquet", ["x1.parquet", "x2.parquet"]),
    ],
)
def test_ads_are_found_as_a_file_a_folder_a_pack_or_a_pattern(anywhere: str, files: list[str], ask: str, found: list[str]) -> None:
    for name in files:
        put(anywhere, name, some(1))
    told = plan(anywhere + ask, 10)
    assert [one.name for one in told.inputs] == found
    assert all(told.place.exists(name) for name in found)


def test_a_folder_whose_name_looks_like_a_pattern_is_a_folder(tmp_path: Path) -> None:
    put(str(tmp_path / "ads[1]"), "x.parquet", some(1))
    assert [one.name for one in plan(str(tmp_path / "ads[1]"), 10).inputs] == ["x.parquet"]


def test_the_same_files_give_the_same_inputs_wherever_they_lie(tmp_path: Path, bucket: str) -> None:
    for where in (str(tmp_path), bucket):
        put(where, "ads.parquet", some(3))
    assert plan(str(tmp_path), 10).inputs == plan(bucket, 10).inputs


def test_a_file_with_other_rows_or_columns_has_another_digest(tmp_path: Path) -> None:
    tables = [some(3), some(4), some(3).drop_columns(["keywords"])]
    digests = set()
    for table in tables:
        put(str(tmp_path), "ads.parquet", table)
        digests.add(plan(str(tmp_path), 10).inputs[0].digest)
    assert len(digests) == len(tables)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "0 bytes that do not end as Parquet does"),
        (b"no parquet at all, but long enough", "that do not end as Parquet does"),
        (b"x" * 20 + (999).to_bytes(4, "little") + b"PAR1", "28 bytes, less than its own footer says"),
        (b"x" * 20 + (12).to_bytes(4, "little") + b"PAR1", "a Parquet file that can be read"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_shard_with_the_reason(tmp_path: Path, content: bytes, reason: str) -> None:
    put(str(tmp_path), "a.parquet", some(3))
    (tmp_path / "b.parquet").write_bytes(content)
    found = plan(str(tmp_path), 2)
    assert found.inputs[1].unreadable is not None
    assert reason in found.inputs[1].unreadable
    assert [(one.name, one.start, one.stop) for one in found.shards[2:]] == [("part-00001-00000", 0, 0)]


def test_a_file_that_may_not_be_read_is_one_shard_with_the_reason() -> None:
    with readable_folder() as folder:
        for name in ("a.parquet", "b.parquet"):
            put(str(folder), name, some(3))
        (folder / "a.parquet").chmod(0)
        (folder / "b.parquet").chmod(0o644)
        with without_rights():
            inputs = plan(str(folder), 2).inputs
    assert [(one.rows, "Permission denied" in str(one.unreadable)) for one in inputs] == [(0, True), (3, False)]


def test_a_footer_larger_than_the_first_read_is_read_whole() -> None:
    sink = io.BytesIO()
    pq.write_table(pa.table({f"a_rather_long_name_of_a_column_{i}": [1] for i in range(2000)}), sink)
    footer = footer_of(io.BytesIO(sink.getvalue()), "wide")
    assert footer.metadata.serialized_size > TAIL
    assert (footer.metadata.num_columns, footer.size) == (2000, len(sink.getvalue()))


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ([], "no ads in .*looked for ads.parquet, ads/\\*.parquet and \\*.parquet"),
        (["deeper/in/x.parquet"], "give a pattern such as '\\*\\*/\\*.parquet'"),
        (["empty.parquet"], "holds no rows; looked for at least one row of ads in 1 file"),
    ],
)
def test_no_rows_are_told_with_what_was_looked_for(anywhere: str, files: list[str], words: str) -> None:
    for name in files:
        put(anywhere, name, some(0))
    with pytest.raises(NotFound, match=words):
        plan(anywhere, 10)
    with pytest.raises(NotFound, match="nothing matches"):
        plan(f"{anywhere}/*.parq", 10)


@pytest.mark.parametrize("ask", ["", "/ads.csv", "/*.csv"])
def test_a_table_of_another_format_is_refused_with_the_way_to_convert_it(tmp_path: Path, ask: str) -> None:
    (tmp_path / "ads.csv").write_text("ad_id\n")
    with pytest.raises(InvalidInput, match=rf"must be Parquet\n.*adverdict data convert {tmp_path}/ads\.csv --out DIR"):
        plan(f"{tmp_path}{ask}", 10)


def test_tables_that_are_to_be_read_otherwise_are_refused_with_the_way_to_convert_them(tmp_path: Path) -> None:
    put(str(tmp_path), "ads/x.parquet", some(1))
    (tmp_path / "data.yaml").write_text("label: spam\npolicy: spam\n")
    assert plan(str(tmp_path), 10).rows == 1, "of labels nothing is read here"
    (tmp_path / "data.yaml").write_text("map: {title: headline}\n")
    with pytest.raises(InvalidInput, match=rf"data\.yaml = 'map'; expected .* adverdict data convert {tmp_path} --out DIR"):
        plan(str(tmp_path), 10)


def test_two_tables_of_ads_for_one_and_a_shard_of_no_rows_are_refused(tmp_path: Path) -> None:
    put(str(tmp_path), "ads.parquet", some(1))
    for rows in (0, -1, 10_000_000):
        with pytest.raises(InvalidInput, match=f"rows_per_shard = {rows}; expected a number from 1"):
            plan(str(tmp_path), rows)
    put(str(tmp_path), "ads/x.parquet", some(1))
    with pytest.raises(InvalidInput, match="holds ads more than once"):
        plan(str(tmp_path), 10)


def test_an_outage_while_planning_sets_no_file_aside(monkeypatch: pytest.MonkeyPatch) -> None:
    with s3.server() as endpoint:
        s3.lead_to(endpoint, monkeypatch)
        address = s3.new_bucket()
        put(address, "ads.parquet", some(1))
        assert plan(address, 10).rows == 1
    with pytest.raises(Unavailable):
        plan(address, 10)
    with pytest.raises(Unavailable):  # the same after the files were listed
        planned(Place.at(address), "ads.parquet")
