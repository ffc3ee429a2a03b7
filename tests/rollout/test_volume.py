"""Volumes and capacities as people write them: read exactly, or refused with the line."""

from __future__ import annotations

from pathlib import Path

import pytest

from adverdict.domain.errors import InvalidInput, NotFound
from adverdict.rollout.volume import read_capacity, read_volume, refuse_unseen


def written(folder: Path, content: str | bytes) -> Path:
    path = folder / "volume.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("market,ads_per_day\nSE,1200\nDE,0\n", {"SE": 1200.0, "DE": 0.0}),
        ("ads_per_day,market\n0.5,SE", {"SE": 0.5}),
        ("\ufeffmarket,ads_per_day\r\nSE,1e3\r\n", {"SE": 1000.0}),
        ('market,ads_per_day\n"SE"," 12 "\n', {"SE": 12.0}),
        ("market,ads_per_day\n SE ,12\n", {"SE": 12.0}),
    ],
)
def test_ads_a_day_are_read(tmp_path: Path, content: str, expected: dict[str, float]) -> None:
    assert read_volume(written(tmp_path, content)) == expected


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "header = ''; expected market, ads_per_day"),
        ("market,ads\nSE,1\n", "volume.csv:1: header = 'market, ads'; expected market, ads_per_day"),
        ("market,ads_per_day,note\nSE,1,x\n", "header = 'market, ads_per_day, note'"),
        ("market,ads_per_day\n", "volume.csv: rows = 0; expected at least one market"),
        ("market,ads_per_day\nXX,1\n", "volume.csv:2: market = 'XX'; expected an ISO 3166-1 country code, once"),
        ("market,ads_per_day\nse,1\n", "volume.csv:2: market = 'se'"),
        ("market,ads_per_day\nSE,1\nSE,2\n", "volume.csv:3: market = 'SE'; expected an ISO 3166-1 country code, once"),
        ("market,ads_per_day\nSE\n", "volume.csv:2: ads_per_day = ''; expected a number, 0 or more"),
        ("market,ads_per_day\nSE,many\n", "ads_per_day = 'many'"),
        ("market,ads_per_day\nSE,-1\n", "ads_per_day = '-1'"),
        ("market,ads_per_day\nSE,nan\n", "ads_per_day = 'nan'"),
        ("market,ads_per_day\nSE,inf\n", "ads_per_day = 'inf'"),
        (b"market,ads_per_day\nS\xff,1\n", "expected text in UTF-8"),
    ],
)
def test_a_file_that_cannot_be_right_is_refused(tmp_path: Path, content: str | bytes, said: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_volume(written(tmp_path, content))
    assert said in str(refused.value)


def test_every_mistake_of_a_file_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_volume(written(tmp_path, "market,ads_per_day\nXX,many\nSE,1\nSE,-1\n"))
    assert [(one.where, one.field) for one in refused.value.mistakes] == [
        ("volume.csv:2", "market"),
        ("volume.csv:2", "ads_per_day"),
        ("volume.csv:4", "market"),
        ("volume.csv:4", "ads_per_day"),
    ]


def test_no_file_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no file of volumes at"):
        read_volume(tmp_path / "volume.csv")


@pytest.mark.parametrize(("text", "expected"), [("400/day", 400.0), ("400", 400.0), ("0", 0.0), ("12.5/day", 12.5)])
def test_a_capacity_is_reviews_a_day(text: str, expected: float) -> None:
    assert read_capacity(text) == expected


@pytest.mark.parametrize("text", ["", "/day", "400/hour", "-1", "nan", "inf/day", "400/day/day", "four"])
def test_what_is_no_capacity_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="expected reviews a day, such as 400/day"):
        read_capacity(text)


def test_a_market_without_scored_ads_cannot_be_planned_for_unless_it_has_none_to_plan() -> None:
    refuse_unseen({"SE": 100.0, "JP": 0.0}, {"SE", "DE"})
    with pytest.raises(InvalidInput) as refused:
        refuse_unseen({"SE": 100.0, "JP": 1.0, "BR": 2.0}, {"SE", "DE"})
    assert [one.value for one in refused.value.mistakes] == ["JP", "BR"]
    assert "expected a market with ads in the data: DE, SE" in str(refused.value)
