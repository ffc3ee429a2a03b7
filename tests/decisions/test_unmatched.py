"""A policy without a risk, and a risk without a policy, are told in one sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from adverdict.decisions.files.read import read_policies
from adverdict.decisions.files.starting import starting_files
from adverdict.decisions.unmatched import unmatched


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in starting_files(["gambling", "spam"], ["SE", "PL"]).items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("scored", "said"),
    [
        (["spam", "gambling"], None),
        (["spam"], "policies in force but not scored by the model: gambling (people decide every ad that these policies apply to)"),
        (["gambling", "spam", "toxic"], "policies scored but in force nowhere: toxic (nothing is decided by these risks)"),
        (
            ["toxic"],
            "policies in force but not scored by the model: gambling, spam (people decide every ad that these policies apply to); "
            "scored but in force nowhere: toxic (nothing is decided by these risks)",
        ),
    ],
)
def test_what_has_no_counterpart_is_named(folder: Path, scored: list[str], said: str | None) -> None:
    assert unmatched(read_policies(folder), scored) == said


def test_starting_files_are_policies_of_these_names_and_markets(folder: Path) -> None:
    book = read_policies(folder)
    assert (book.names, book.markets) == (("gambling", "spam"), ("PL", "SE"))
    assert {policy.stance.value for _, _, policy in book.every()} == {"prohibited"}
    assert {policy.title for _, _, policy in book.every()} == {"Gambling and betting for money", "Spam"}


def test_starting_files_of_policies_that_no_example_is_shipped_of_are_read(tmp_path: Path) -> None:
    for name, text in starting_files(["ours", "theirs"], ["SE"]).items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    assert [policy.title for _, _, policy in read_policies(tmp_path).every()] == ["Ours", "Theirs"]


@pytest.mark.parametrize(
    ("surfaces", "everywhere"), [((), False), (("kids_video", "feed"), False), (("kids_labelled", "feed"), True), (("",), True)]
)
def test_an_example_for_surfaces_that_no_ad_has_is_in_force_on_all(surfaces: tuple[str, ...], everywhere: bool, tmp_path: Path) -> None:
    for name, text in starting_files(["kids_unsuitable", "gambling"], ["SE"], surfaces).items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    in_force = [policy.name for policy in read_policies(tmp_path).in_force("SE", "feed")]
    assert ("kids_unsuitable" in in_force) == everywhere
    assert "gambling" in in_force
