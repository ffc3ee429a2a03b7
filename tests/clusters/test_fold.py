"""What a copier changes and a reader does not see is folded away; what is said stays."""

from __future__ import annotations

import numpy as np
import pytest

from adverdict.clusters.fold import fold
from adverdict.simulation.obfuscate import METHODS, obfuscate


def letters(text: str) -> str:
    return "".join(map(chr, fold([text]).letters))


@pytest.mark.parametrize(
    ("written", "copied"),
    [
        ("Double your savings in 7 days", "Double your savings in 14 days"),
        ("Free entry, only 49,90", "FREE ENTRY!!! only 19.90 🔥"),
        ("Free entry today", "F r e e  e n t r y  today"),
        ("Free entry today", "Fr33 3ntry t0day"),
        ("Free entry today", "Fr\u200bee en\u200dtry to\u2060day"),
        ("Cash prize in Berlin", "Cash prize in Paris"),
        ("Cash prize in Berlin", "Ca$h prize in"),
        ("Instant results", "\U0001d422\U0001d427\U0001d42c\U0001d42d\U0001d41a\U0001d427\U0001d42d results"),
        ("Instant results", "\u202etnatsnI\u202c results"),
        ("Instant results", "<b>Instant</b> results&nbsp;"),
        ("Buy now", "ВUY NOW"),
        ("Купить сейчас", "КУПИТЬ СЕЙЧАС"),
        ("café", "cafe"),
    ],
)
def test_a_copy_edited_for_the_eye_folds_to_the_same_letters(written: str, copied: str) -> None:
    assert letters(written) == letters(copied)


@pytest.mark.parametrize(("one", "other"), [("win a prize", "win a price"), ("भारत", "भारती"), ("東京", "京都"), ("free", "three")])
def test_other_words_fold_to_other_letters(one: str, other: str) -> None:
    assert letters(one) != letters(other)


@pytest.mark.parametrize("draw", range(5))
def test_every_disguise_of_simulated_evaders_leaves_most_letters_in_place(draw: int) -> None:
    text = "Guaranteed profit without any work, ask for instant results this week"
    hidden, method = obfuscate(text, "en", draw)
    assert method == METHODS[draw]
    assert letters(hidden) == letters(text)


def test_texts_folded_together_are_folded_as_each_alone() -> None:
    texts = ["First ad 5", "", "!!!", "अच्छा", "5G network", "ad"]
    together = fold(texts)
    alone = [fold([text]).letters for text in texts]
    assert together.counts.tolist() == [one.size for one in alone]
    assert np.array_equal(together.letters, np.concatenate(alone))
