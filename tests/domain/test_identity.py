"""A thing has one name, however it was written; what an ad shows nobody cannot be judged."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adverdict.domain.identity import domain_key, language_key, same_language, surface_key, word_key
from tests.effort import examples

SHOP = [
    "trick.example",
    "TRICK.example.",
    " www.trick.example ",
    "http://trick.example",
    "HTTPS://WWW.Trick.Example:8443/a/b?utm_source=x#top",
    "//trick.example/",
    "trick.example:443",
    "trick.example?id=1",
    "user:secret@trick.example",
    "hxxps://trick.example",
    "ｔｒｉｃｋ.example",
    "trick。example",
    "tri\u200bck.exa\u00admple",
]


@pytest.mark.parametrize("written", SHOP)
def test_a_domain_has_one_name_however_it_is_written(written: str) -> None:
    assert domain_key(written) == "trick.example"


@pytest.mark.parametrize(
    ("one", "other"),
    [("bäckerei.example", "XN--BCKEREI-5WA.example"), ("пример.рф", "xn--e1afmkfd.xn--p1ai"), ("💩.example", "xn--ls8h.example")],
)
def test_letters_beyond_ascii_and_their_encoding_are_one_domain(one: str, other: str) -> None:
    assert domain_key(one) == domain_key(other)


@pytest.mark.parametrize(
    ("written", "key"),
    [("192.0.2.7:8080", "192.0.2.7"), ("[2001:DB8::1]:80", "2001:db8::1"), ("www.com", "www.com"), ("https://", None), ("", None)],
)
def test_an_address_is_its_own_name_and_no_host_is_none(written: str, key: str | None) -> None:
    assert domain_key(written) == key


@given(st.text(max_size=40))
@examples(200)
def test_the_normal_form_of_a_normal_form_is_itself(written: str) -> None:
    for key in (domain_key, word_key, surface_key, language_key):
        once = key(written)
        assert once is None or key(once) == once


@pytest.mark.parametrize("written", ["casual_games", "Casual Games", "CASUAL-GAMES", " casual  games ", "ｃａｓｕａｌ games"])
def test_a_category_is_one_however_it_is_spelt(written: str) -> None:
    assert word_key(written) == surface_key(written) == "casual_games"


@pytest.mark.parametrize(
    ("tag", "key"),
    [("zh-Hant-TW", "zh"), ("pt_BR", "pt"), ("iw", "he"), ("in", "id"), ("nb-NO", "no"), ("nn", "no"), ("cmn", "zh"), ("tl", "fil")],
)
def test_a_language_is_told_by_the_tag_that_is_in_use_for_it(tag: str, key: str) -> None:
    assert language_key(tag) == key


def test_languages_read_as_each_other_are_one_and_others_are_not() -> None:
    assert same_language("nb", "no")
    assert same_language("hr", "bs")
    assert same_language("no", "da")
    assert not same_language("de", "nl")
    assert not same_language("uk", "ru")
    assert not same_language("Deutsch bitte", "de")
