"""What tells kinds of text apart."""

from __future__ import annotations

import pytest

from adverdict.domain.ad import Ad
from adverdict.features.text.traits import GRAM_BITS, NONE, Traits, traits
from adverdict.features.text.view import view
from tests.training.data import ad


def of(**fields: object) -> Traits:
    one: Ad = ad(1, **{"title": None, **fields})  # type: ignore[arg-type]
    return traits(view(one))


def grams(**fields: object) -> set[int]:
    return set(of(**fields).grams.tolist())


@pytest.mark.parametrize(
    ("text", "language", "script"),
    [
        ("Fresh bread from the oven every morning", "en", "LATIN"),
        ("Свежий хлеб из печи каждое утро", "ru", "CYRILLIC"),
        ("新鲜面包每天早上出炉欢迎光临", "zh", "CJK"),
        ("ขนมปังสดใหม่จากเตาทุกเช้า", "th", "THAI"),
        ("50 %", "und", NONE),
        ("Ok", "und", "LATIN"),
    ],
)
def test_language_and_script_are_those_of_most_of_the_text(text: str, language: str, script: str) -> None:
    assert of(title=text)[1:] == (language, script)


def test_an_ad_without_a_word_has_no_language_no_script_and_no_n_grams() -> None:
    found = of(title="!!!")
    assert (len(found.grams), found.language, found.script) == (0, NONE, NONE)


def test_columns_lie_where_they_are_looked_up() -> None:
    found = of(title="Fresh bread", body="x" * 100 + " ünïcödé 新鲜面包")
    assert found.grams.min() >= 0
    assert found.grams.max() < 2**GRAM_BITS


def test_the_name_of_the_landing_domain_and_the_digits_of_numbers_are_nothing_new() -> None:
    plain = grams(title="Bread at 5 euros")
    assert grams(title="Bread at 7 euros") == plain
    assert grams(title="Zorbax bread at 5 euros", landing_domain="www.zorbax.example") == plain
    assert grams(title="Zorbax bread at 5 euros", landing_domain="www.other.example") > plain


def test_a_word_said_again_counts_once() -> None:
    assert len(of(title="bread bread bread").grams) == len(of(title="bread").grams)
