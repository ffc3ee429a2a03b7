"""The page of a comparison stands alone, says what is counted and what is not, and no ad can rewrite it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from adverdict.domain.verdict import Verdict
from adverdict.rescoring.diff.difference import Baseline, Difference, Unrecorded, flips
from adverdict.rescoring.diff.page import BODY, apply_command, page, write_page
from tests.golden import Golden
from tests.pages import Page
from tests.rescoring.differences import HOSTILE, LONG, counted, difference, empty, example, unchanged, versions

APPROVE, REVIEW, REJECT = Verdict.APPROVE, Verdict.REVIEW, Verdict.REJECT
SHOWN = HOSTILE.replace("\u202e", "U+202E").replace("\x1b", "U+001B")
"""What could not be seen, as a sign."""


def words(found: Difference) -> str:
    return re.sub(r"\s+", " ", Page(page(found).partition("</style>")[2]).words)


def lines(found: Difference) -> str:
    """The page's words as lines, cells apart, for a golden file."""
    body = re.sub(r"</t[dh]>|</dt>|</li>|<small>", lambda end: f" |{end[0]}", page(found).partition("</style>")[2])
    said = (re.sub(r"\s+", " ", line).strip(" |") for line in Page(body).words.splitlines())
    return "\n".join(line for line in said if line)


@pytest.mark.parametrize(
    ("name", "made"), [("diff_page.txt", difference), ("diff_page_same.txt", unchanged), ("diff_page_empty.txt", empty)]
)
def test_what_the_page_says(name: str, made: Callable[[], Difference], golden: Golden) -> None:
    golden.check(name, lines(made()))


@pytest.mark.parametrize("made", [difference, unchanged, empty])
def test_it_fetches_nothing_and_runs_nothing(made: Callable[[], Difference]) -> None:
    text = page(made())
    found = Page(text)
    assert found.fetched == []
    assert not {"script", "link", "img", "iframe", "object", "form"} & {name for name, times in found.tags.items() if times}
    assert not re.search(r"@import|url\(|https?://| on[a-z]+=", text)


def test_an_ads_words_are_shown_as_written_and_what_they_hide_as_signs() -> None:
    text = page(difference())
    assert words(difference()).count(SHOWN) >= 4, "ad id, title, body, reason"
    assert not re.search("[\u202a-\u202e\u2066-\u2069\x1b]", text)
    assert "<script" not in text
    assert text.count('dir="auto"') >= 2 * 3


def test_a_word_without_end_may_break_anywhere_and_a_long_text_is_cut_with_its_length() -> None:
    [shown] = [one for one in difference().examples if one.body and LONG in one.body]
    assert f"({len(shown.body or ''):,} characters)" in words(difference())
    assert words(difference()).count("W") < BODY + 100
    assert re.search(r"\.words \{[^}]*overflow-wrap: anywhere", page(difference()))


def test_every_link_leads_somewhere_and_no_id_is_used_twice() -> None:
    text = page(difference())
    ids = Page(text).ids
    assert set(re.findall(r'<a href="#([^"]+)"', text)) <= set(ids)
    assert [name for name, times in ids.items() if times > 1] == []


def test_it_has_a_palette_for_light_and_for_dark() -> None:
    text = page(unchanged())
    assert "prefers-color-scheme: dark" in text
    used = set(re.findall(r"var\(--([a-z-]+)\)", text))
    light, dark = text.partition("prefers-color-scheme: dark")[::2]
    assert used <= set(re.findall(r"--([a-z-]+):", light))
    assert used - {"sans", "mono"} <= set(re.findall(r"--([a-z-]+):", dark))


def test_it_is_written_whole_into_a_folder_that_is_made(tmp_path: Path) -> None:
    target = tmp_path / "pages" / "diff.html"
    write_page(target, difference())
    assert target.read_text("utf-8") == page(difference())
    assert [path.name for path in target.parent.iterdir()] == ["diff.html"]


@pytest.mark.parametrize(
    ("flipped", "out", "expected"),
    [
        ([("DE", APPROVE, REJECT, 2), ("SE", APPROVE, REJECT, 5)], "/o", "--out /o --market SE --only reject --max 100"),
        ([("DE", REVIEW, APPROVE, 2)], "s3://b/o", "--out s3://b/o --market DE --max 100"),
        ([("DE", APPROVE, REVIEW, 2)], "a b'; rm -rf x", "--out 'a b'\"'\"'; rm -rf x' --market DE --max 100"),
    ],
)
def test_the_next_command_is_cautious_and_safe_to_paste(flipped: list[tuple[str, Verdict, Verdict, int]], out: str, expected: str) -> None:
    compared = tuple(counted(*one) for one in flipped)
    found = empty(run=versions(out=out), compared=compared, flips=flips(compared, "model"))
    assert apply_command(found) == f"adverdict rescore apply {expected}"
    assert f"adverdict rescore apply {expected}" in words(found)


def test_the_next_command_names_the_market_with_most_ads_not_on_record_where_nothing_flips() -> None:
    new = tuple(Unrecorded(market=market, verdict=REVIEW, ads=ads) for market, ads in (("BR", 3), ("SE", 5), ("US", 5)))
    assert "--market SE --max 100" in apply_command(empty(unrecorded=new))
    with_flips = flips((counted("BR", APPROVE, REVIEW, 1),), "model")
    assert "--market BR --max 100" in apply_command(empty(unrecorded=new, flips=with_flips))


def test_beside_another_rescoring_nothing_is_said_of_the_record() -> None:
    other = Baseline(kind="rescoring", words="rescoring run-1", versions=versions())
    found = difference().model_copy(update={"against": other})
    assert "Ads not in the other, by their new verdict" in words(found)
    assert not re.search("not on record", words(found), re.I)
    assert re.search("not on record", words(difference()), re.I)


def test_an_ad_without_texts_differs_from_one_that_the_input_does_not_hold_any_more() -> None:
    there = empty(examples=(example(1, APPROVE, REJECT, title=None, body=None),))
    gone = empty(examples=(example(1, APPROVE, REJECT, title=None, body=None, readable=False),))
    assert "no title" in words(there)
    assert "does not hold this ad any more" in words(gone)
