"""Small letters, one form for capital and small in every script. Full folding would also rewrite honest words (ß to ss): that is not done.

Turkish has two letters i. Where a text reads as Turkish or Azerbaijani, I is the capital of ı; elsewhere an ı stands in for an i.
"""

from __future__ import annotations

import re
from collections import Counter

from adverdict.features.text.characters import far_away
from adverdict.features.text.language import language_of
from adverdict.features.text.lexicon import WORTH_HIDING

TWO_LETTERS_I = re.compile("[ıİğĞ]")
READ_SO = frozenset(["tr", "az"])
READ_FOR_CERTAIN = frozenset(["ca", "da", "de", "en", "es", "fi", "fr", "it", "nl", "no", "pl", "pt", "ro", "sv"])
"""Languages whose every letter is known: a hooked or barred one of Africa's stands in for another there."""
WORD = re.compile(r"[^\W\d_]+")
SIGMA_INSIDE = re.compile(r"ς(?=\w)")
SIGMA_AT_THE_END = re.compile(r"(?<=\w)σ(?!\w)")


def fold(text: str, counts: Counter[str]) -> str:
    """Small letters; a dotless i outside of Turkish, or a letter of far away for the plain one it looks like, counts as ``confusables``.
    Greek sigma as its place has it."""
    if text.isascii():
        return text.lower()
    if TWO_LETTERS_I.search(text):
        text = _turkish(text)
    text = text.lower()
    odd = set(text) & far_away().keys()
    if odd:
        text = _plain(text, odd, counts)
    if "σ" in text or "ς" in text:
        text = SIGMA_AT_THE_END.sub("ς", SIGMA_INSIDE.sub("σ", text))
    return text


def _turkish(text: str) -> str:
    """With the small letters i that the text means; its other capitals as they are."""
    small = text.replace("İ", "i").replace("I", "ı").lower()
    return small if _is_turkish(small) else text.replace("İ", "i")


def _is_turkish(small: str) -> bool:
    if "ğ" in small or ("ş" in small and "ı" in small):
        return True
    if any(word.replace("ı", "i") in WORTH_HIDING for word in WORD.findall(small) if "ı" in word and word.isascii() is False):
        return False
    return language_of(small)[0] in READ_SO or language_of(small.replace("ı", "i"))[0] in READ_SO


def _plain(text: str, odd: set[str], counts: Counter[str]) -> str:
    """``text`` in small letters -> the same with its words of odd letters in plain ones, where that is what they are."""
    table = str.maketrans({letter: far_away()[letter] for letter in odd})
    words = {word for word in WORD.findall(text) if odd & set(word)}
    hides = any(word.translate(table) in WORTH_HIDING for word in words)
    if "ı" in odd and not hides and _is_turkish(text):
        return text
    certain = hides or language_of(text.translate(table))[0] in READ_FOR_CERTAIN

    def plain(match: re.Match[str]) -> str:
        word = match[0]
        if word not in words or not certain:
            return word
        counts["confusables"] += sum(letter in odd for letter in word)
        return word.translate(table)

    return WORD.sub(plain, text)
