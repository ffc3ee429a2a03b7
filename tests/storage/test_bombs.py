"""Files of some kilobytes that would be gigabytes are refused in a sentence, by what they say of themselves, within bounded memory."""

from __future__ import annotations

import resource
import zipfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from typer.testing import CliRunner

from adverdict.cli.main import app
from adverdict.domain.errors import InvalidTable
from adverdict.storage.tables.bombs import refuse_parquet
from adverdict.storage.tables.pack import ads_columns
from adverdict.storage.tables.parquet import parquet_range
from adverdict.storage.yaml_text import read_yaml

ONCE: Any = {"compression": "zstd", "dictionary_pagesize_limit": 2**26}
"""How Parquet is written so that a text is kept once, however long it is."""
SPARE = 600 * 1024
"""KiB that a test may add to the largest memory of its process so far."""


def ads(**columns: pa.Array) -> pa.Table:
    rows = len(next(iter(columns.values())))
    same = {"advertiser_id": "adv", "market": "SE", "submitted_at": "2026-01-01T00:00:00Z"}
    told = {"ad_id": pa.array([f"a{number}" for number in range(rows)])} | {
        name: pa.DictionaryArray.from_arrays(pa.array([0] * rows, pa.int32()), pa.array([value])) for name, value in same.items()
    }
    return pa.table({**told, **columns})


def repeated(text: str, rows: int) -> pa.Array:
    return pa.DictionaryArray.from_arrays(pa.array([0] * rows, pa.int32()), pa.array([text]))


def checked(folder: Path) -> str:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    result = CliRunner().invoke(app, ["data", "check", str(folder)])
    said = " ".join(result.output.split())
    assert result.exit_code != 0, said
    assert "Traceback" not in said
    assert result.exception is None or isinstance(result.exception, SystemExit)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < SPARE
    return said


def test_a_text_kept_once_and_repeated_in_every_row_is_refused(tmp_path: Path) -> None:
    pq.write_table(ads(title=repeated("x" * 4_000_000, 8000)), tmp_path / "ads.parquet", **ONCE)
    assert (tmp_path / "ads.parquet").stat().st_size < 200_000, "it would be 32 GB"
    assert "a text of 4,000,000 bytes, repeated" in checked(tmp_path)


def test_a_shard_of_such_a_file_is_refused_as_the_file_is(tmp_path: Path) -> None:
    pq.write_table(ads(title=repeated("x" * 4_000_000, 8000)), tmp_path / "ads.parquet", **ONCE)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with (tmp_path / "ads.parquet").open("rb") as file, pytest.raises(InvalidTable, match="a text of 4,000,000 bytes, repeated"):
        parquet_range(file, "ads.parquet", ads_columns(), 100, 200)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < SPARE


@pytest.mark.slow
def test_long_texts_that_a_field_may_hold_are_read_few_at_a_time(tmp_path: Path) -> None:
    pq.write_table(ads(title=repeated("x" * 900_000, 600)), tmp_path / "ads.parquet", **ONCE)
    checked(tmp_path)


def test_a_footer_that_claims_more_rows_than_any_table_is_refused() -> None:
    class Footer:
        num_rows, num_row_groups = 2**31, 0

    with pytest.raises(InvalidTable, match="2,147,483,648 rows in 13,000 bytes"):
        refuse_parquet("ads.parquet", Footer(), 13_000)


@pytest.mark.slow
def test_a_file_that_unpacks_to_a_thousand_times_its_size_is_refused(tmp_path: Path) -> None:
    table = pa.table({"ad_id": pa.array(["x" * 3_000_000] * 92)})
    pq.write_table(table, tmp_path / "ads.parquet", compression="zstd", use_dictionary=False)
    with pq.ParquetFile(tmp_path / "ads.parquet") as file, pytest.raises(InvalidTable, match="bytes, unpacked from"):
        refuse_parquet("ads.parquet", file.metadata, (tmp_path / "ads.parquet").stat().st_size)


def test_a_workbook_that_unpacks_to_gigabytes_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "ads.xlsx", "w", zipfile.ZIP_DEFLATED) as parts, parts.open("xl/worksheets/sheet1.xml", "w") as part:
        for _ in range(260):
            part.write(b" " * 2**20)
    assert "bytes, unpacked from" in checked(tmp_path)


@pytest.mark.parametrize("line", ["[" * 100_000, '{"a":' * 50_000, '{"ad_id": ' + "[" * 3000 + "]" * 3000 + "}"])
def test_json_nested_past_bearing_is_refused(tmp_path: Path, line: str) -> None:
    (tmp_path / "ads.jsonl").write_text(line + "\n", encoding="utf-8")
    checked(tmp_path)


LAUGHS = "a: &a [ha, ha, ha, ha, ha, ha, ha, ha, ha]\n" + "".join(
    f"{name}: &{name} [{', '.join(['*' + before] * 9)}]\n" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


def test_a_billion_laughs_are_refused_wherever_yaml_is_read(tmp_path: Path) -> None:
    path = tmp_path / "data.yaml"
    path.write_text(LAUGHS, encoding="utf-8")
    for texts in (True, False):
        with pytest.raises(yaml.YAMLError, match="without anchors and aliases"):
            read_yaml(path, texts=texts)
    pq.write_table(ads(title=repeated("x", 3)), tmp_path / "ads.parquet")
    assert "without anchors and aliases" in checked(tmp_path)
    path.write_text("a: " + "[" * 60 + "]" * 60, encoding="utf-8")
    with pytest.raises(yaml.YAMLError, match="at most 50 levels"):
        read_yaml(path)
