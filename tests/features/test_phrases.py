"""Every feature can be told in words."""

from __future__ import annotations

import pytest

from adverdict.features.contract import CATEGORIES, learn_contract
from adverdict.features.phrases import PHRASES, phrase

NAMES = learn_contract([]).names


def test_every_feature_has_a_phrase_and_every_phrase_a_feature() -> None:
    assert set(PHRASES) == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_phrase_reads_well_for_any_value(name: str) -> None:
    values: list[float | str | None] = ["feed", ""] if name in CATEGORIES else [0.0, 1.0, 0.4, 12345.678, 1e-7]
    for value in [*values, None, float("nan")]:
        words = phrase(name, value)
        assert words == words.strip()
        assert not any(bad in words for bad in ("nan", "None", "{", "_", "e-07", "  "))


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("capitals_share", 0.72, "written almost wholly in capitals (72 %)"),
        ("currency_amounts", 3.0, "names an amount of money 3 times"),
        ("currency_amounts", 1.0, "names an amount of money 1 time"),
        ("advertiser_violation_rate", 0.38, "about 38 % of the advertiser's earlier labels under this policy were violations"),
        ("creative_duration_s", 12345.6, "runs for 12,346 seconds"),
        ("mean_word_length", 5.2481, "words are 5.25 letters long on average"),
        ("advertiser_categories", 2.0, "the advertiser's ads had 2 categories before"),
        ("surface", "feed", "is for surface feed"),
        ("surface", None, "states no surface"),
        ("landing_suffix", "co.uk", "leads to a domain under .co.uk"),
        ("advertiser_days_since_first_seen", float("nan"), "the advertiser was never seen before"),
        ("creative_width", None, "creative width is not known"),
        ("advertiser_verified", 0.0, "the advertiser is not verified"),
    ],
)
def test_phrases_read_as_written_here(name: str, value: float | str | None, words: str) -> None:
    assert phrase(name, value) == words
