"""What the measurement of dressed-up texts counts, and what its families do to a text."""

from __future__ import annotations

import unicodedata
from random import Random

import numpy as np
import pytest

from adverdict.benchmarks.attacks import honest
from adverdict.benchmarks.attacks.families import FAMILIES
from adverdict.benchmarks.attacks.run import AttackBenchmark, _Attacked, _figures, run
from adverdict.domain.progress import Silent
from adverdict.features.text.normalise import normalise

TEXT = "Win free money at our online casino now"
UNDONE = ("zero_width", "written_backwards", "cyrillic_letters", "other_latin_letters", "full_width", "struck_through", "entities_twice")


@pytest.mark.parametrize("name", FAMILIES)
def test_every_family_changes_a_text_and_the_same_draw_does_it_alike(name: str) -> None:
    dress = FAMILIES[name].dress
    text = f"{TEXT}, see https://lucky.example.com"
    assert dress(text, Random(1)) == dress(text, Random(1)) != text


@pytest.mark.parametrize("name", UNDONE)
def test_letters_dressed_up_read_as_they_were(name: str) -> None:
    assert normalise(FAMILIES[name].dress(TEXT, Random(1))).text == TEXT.lower()


def test_kept_is_of_the_ads_that_were_stopped_before_and_its_interval_is_by_advertiser() -> None:
    before, after = np.array([True, True, True, False, True]), np.array([True, False, True, True, True])
    found = _figures([_Attacked(["a", "a", "b", "b", "c"], before, after, True)], seed=0)
    assert (found["ads"], found["advertisers"], found["stopped_before"], found["stopped_after"], found["kept"]) == (5, 3, 0.8, 0.8, 0.75)
    low, high = found["kept_interval"]
    assert low == pytest.approx(0.5)
    assert high == 1.0


def test_where_all_is_kept_the_interval_is_exact_over_advertisers() -> None:
    all_of_it = np.ones(40, dtype=bool)
    low, high = _figures([_Attacked(["a", "b"] * 20, all_of_it, all_of_it, True)], seed=0)["kept_interval"]
    assert (low, high) == (pytest.approx(0.158, abs=0.001), 1.0)


def test_names_in_fifty_languages_and_of_products_are_honest() -> None:
    texts = [text for names in honest.texts().values() for text in names[::5]] + honest.products()[::2]
    assert sum(normalise(text).undone.total > 0 for text in texts) <= 0.002 * len(texts)
    assert len({unicodedata.name(text[0]).split()[0] for text in texts if text[0].isalpha()}) >= 15, "scripts"


@pytest.mark.slow
def test_all_of_it_small() -> None:
    figures = run(AttackBenchmark(quick=True), Silent())
    assert {name for name, one in figures["families"].items() if one["read_the_same"]} <= FAMILIES.keys()
    assert 0.5 < figures["kept_min"] <= 1
    assert figures["families"]["entities"]["kept"] > 0.9
