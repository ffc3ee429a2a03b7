"""What a reader of a text knows: how often a word is said in English, and in the language of the text.

Counts of words in film subtitles, by ``pyspellchecker``: offline, plain JSON inside the package. A language is read when a text in it first
looks disguised (0.1 to 1 s, 10 to 50 MB), and English before the first request; no honest text needs it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from adverdict.features.text.language import language_of

SPOKEN_EVERYWHERE = "en"
READABLE = frozenset(["ar", "de", "en", "es", "eu", "fa", "fr", "it", "lv", "nl", "pt", "ru"])
"""Languages that ``pyspellchecker`` counts the words of."""
EVERYDAY = 2.0
"""Of a million words, from which on even a short one is no accident of letters."""
COMMON = 50.0
"""Of a million words, from which on one is more likely meant than a name or a model that looks like it (M*A*S*H, Kósóvó, m15s)."""


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """``language``: the text's, ``und`` where it is not known."""

    language: str

    def per_million(self, word: str) -> float:
        """How often the word (small letters) is said, in the language that says it most; 0 for one that nobody says."""
        return max([_said(one).get(word, 0.0) for one in {SPOKEN_EVERYWHERE, self.language} & READABLE])

    def most_said(self, candidates: list[str]) -> str | None:
        """The candidate that is said most, the first of several; None where none is said at all."""
        best = max(candidates, key=self.per_million)
        return best if self.per_million(best) > 0 else None


def vocabulary(text: str) -> Vocabulary:
    """Of whoever reads ``text``, tricks undone as far as may be."""
    return Vocabulary(language_of(text)[0])


@cache
def _said(language: str) -> dict[str, float]:
    from spellchecker import SpellChecker

    frequency = SpellChecker(language=language).word_frequency
    million = frequency.total_words / 1e6
    return {word: count / million for word, count in frequency.dictionary.items()}
