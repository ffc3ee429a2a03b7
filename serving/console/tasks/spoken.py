"""Which of a model's reasons a person is shown: those that are one."""

from __future__ import annotations

from adverdict.domain.decision import Reason

UNSPOKEN = frozenset(
    {"non_latin_share", "scripts", "detected_language", "detected_language_confidence", "language", "market", "text_sentences"}
)
"""Signals that are no reason: which script, language or country an ad has is nobody's guilt."""
FEWEST_LETTERS = 3
"""Of a phrase that says something, where its letters are not signs for whole words or syllables."""
SYLLABLES = "\u2e7f"
"""Letters beyond this one are: Chinese, Japanese, Korean."""
_WORDS = """
the and for you your our are was were has have had not but all any can its his her she who how why with from this that will out
der die das und ist ein eine den dem des mit von für auf nicht och att som det med ett inte har till
para com uma dos das por que não mais seu sua
"""
STOP_WORDS = frozenset(_WORDS.split())
"""Words that say nothing by themselves, of the languages in which they have three letters and more."""


def speaks(reason: Reason) -> bool:
    """Whether a reader can make something of it: no script or language, no missing value, no stop word, no piece of a word."""
    if reason.kind == "fact":
        return reason.signal not in UNSPOKEN and not reason.text.endswith("is not known")
    words = ([letter for letter in word if letter.isalpha()] for word in reason.signal.casefold().split() if word not in STOP_WORDS)
    return any(len(letters) >= FEWEST_LETTERS or any(letter > SYLLABLES for letter in letters) for letters in words)
