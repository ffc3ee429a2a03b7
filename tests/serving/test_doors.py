"""One carefulness for all doors: whatever an ad comes in by, the same value is read alike, or refused with the same expectation."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from adverdict.domain.ad import Ad
from adverdict.domain.errors import InvalidInput
from adverdict.serving.http.bodies import read_ad, read_batch
from adverdict.storage.tables.frames import ads_from_frame
from adverdict.storage.tables.pack import divided, iter_ads
from adverdict.storage.tables.pieces import Rows

AD = {"ad_id": "a", "advertiser_id": "v", "market": "SE", "submitted_at": "2026-03-01T09:30:00Z", "title": "Hi", "body": "there"}


class Refused(Exception):
    """With the expectation that the door told."""


def by_csv(ad: dict[str, Any], folder: Path) -> Ad:
    text = io.StringIO()
    csv.writer(text).writerows([list(ad), [json.dumps(value) if isinstance(value, list) else value for value in ad.values()]])
    (folder / "ads.csv").write_text(text.getvalue())
    return next(iter_ads(folder / "ads.csv"))[0]


def by_jsonl(ad: dict[str, Any], folder: Path) -> Ad:
    (folder / "ads.jsonl").write_text(json.dumps(ad) + "\n")
    return next(iter_ads(folder / "ads.jsonl"))[0]


def by_parquet(ad: dict[str, Any], folder: Path) -> Ad:
    pq.write_table(pa.table({name: [value] for name, value in ad.items()}), folder / "ads.parquet")
    return next(iter_ads(folder / "ads.parquet"))[0]


def by_frame(ad: dict[str, Any], folder: Path) -> Ad:
    return ads_from_frame(pd.DataFrame([ad]))[0]


def by_request(ad: dict[str, Any], folder: Path) -> Ad:
    return read_ad(json.dumps(ad).encode())


def by_batch(ad: dict[str, Any], folder: Path) -> Ad:
    batch = read_batch(json.dumps({"ads": [ad]}).encode())
    if batch.refused:
        raise Refused(str(batch.refused[0].error.mistakes))
    return batch.ads[0]


def by_rescoring(ad: dict[str, Any], folder: Path) -> Ad:
    ads, wrong = divided(Rows("ads.parquet", [1], [ad]))
    if wrong:
        raise Refused(str(wrong[0]))
    return ads[0][1]


DOORS = [by_csv, by_jsonl, by_parquet, by_frame, by_request, by_batch, by_rescoring]
READ: list[tuple[str, Any, Any]] = [
    ("advertiser_verified", "1.0", True),
    ("advertiser_verified", "TRUE", True),
    ("advertiser_verified", "yes", True),
    ("advertiser_verified", "FALSCH", False),
    ("keywords", '["a", "NULL", "b"]', ["a", "b"]),
    ("language", "NULL", None),
    ("language", r"\N", None),
    ("creative_width", "n/a", None),
    ("advertiser_created_at", "None", None),
    ("creative_id", "#N/A", None),
    ("market", "NA", "NA"),
]
REFUSED: list[tuple[str, Any, str]] = [
    ("market", "UK", "GB for the United Kingdom"),
    ("market", "se", "is it SE?"),
    ("ad_id", "1.23457E+17", "a spreadsheet has rounded this one"),
    ("ad_id", "NULL", "this word says that there is none"),
    ("advertiser_id", "v\0", "text without NUL characters"),
    ("submitted_at", "1970-01-01T00:00:00Z", "a date and time from 1990 to 2100"),
    ("submitted_at", "9999-12-31T00:00:00Z", "a date and time from 1990 to 2100"),
    ("submitted_at", "2026-03-01", "a date and time with a time zone"),
    ("advertiser_verified", "perhaps", "true or false"),
]


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize(("field", "value", "expected"), READ)
def test_every_door_reads_a_value_alike(
    door: Callable[[dict[str, Any], Path], Ad], field: str, value: Any, expected: Any, tmp_path: Path
) -> None:
    assert getattr(door({**AD, field: value}, tmp_path), field) == expected


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize(("field", "value", "expected"), REFUSED)
def test_every_door_refuses_a_value_with_the_same_expectation(
    door: Callable[[dict[str, Any], Path], Ad], field: str, value: Any, expected: str, tmp_path: Path
) -> None:
    with pytest.raises((InvalidInput, Refused)) as refused:
        door({**AD, field: value}, tmp_path)
    assert expected in str(refused.value).replace('\\"', '"')


@pytest.mark.parametrize("body", [json.dumps(AD), json.dumps({"ads": [AD]})])
def test_a_byte_order_mark_is_read_over(body: str) -> None:
    read = read_batch if body.startswith('{"ads"') else read_ad
    assert read(b"\xef\xbb\xbf" + body.encode())


def test_a_field_twice_is_refused_and_only_that_ad_of_a_batch() -> None:
    twice = json.dumps(AD)[:-1] + ', "title": "Other"}'
    with pytest.raises(InvalidInput, match="title = 'twice'; expected each field once"):
        read_ad(twice.encode())
    batch = read_batch(f'{{"ads": [{json.dumps(AD)}, {twice}]}}'.encode())
    assert (len(batch.ads), list(batch.refused)) == (1, [1])
    with pytest.raises(InvalidInput, match="ads = 'twice'"):
        read_batch(f'{{"ads": [{json.dumps(AD)}], "ads": [{json.dumps(AD)}]}}'.encode())


def test_text_that_looks_like_a_field_is_none() -> None:
    assert read_ad(json.dumps({**AD, "title": 'a "title": b'}).encode()).title == 'a "title": b'
