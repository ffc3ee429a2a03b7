"""Which script a letter belongs to, and what a word is in any script."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import cache, lru_cache

RTL = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff]")
"""Letters written from right to left: Hebrew, Arabic, Syriac, Thaana and their neighbours' blocks."""
ASCII_WORD = re.compile(r"[A-Za-z0-9]+(?:'[A-Za-z0-9]+)*")
BARE_WORD = re.compile(r"[^\W_]+")
LATIN_BY_ANOTHER_NAME = frozenset(["FULLWIDTH", "MODIFIER", "FEMININE", "MASCULINE"])

MARKS_BETWEEN = (range(0x300, 0x20000), range(0xE0100, 0xE01F0))
"""Code points among which the combining marks are."""
WITHOUT_SPACES = frozenset(["CJK", "HIRAGANA", "KATAKANA", "HANGUL", "THAI", "LAO", "KHMER", "MYANMAR"])
"""Scripts that set Latin names into running text without a space: a mixed word is nothing odd there."""


@lru_cache(maxsize=65536)
def script(character: str) -> str:
    """The script of one letter in capitals (LATIN, CYRILLIC, DEVANAGARI, CJK…), by its Unicode name; empty for anything else."""
    if not character.isalpha():
        return ""
    first = unicodedata.name(character, "UNKNOWN").split(" ", 1)[0].split("-", 1)[0]
    return "LATIN" if first in LATIN_BY_ANOTHER_NAME else first


def words(text: str) -> list[str]:
    """The words of a text, in order; apostrophes inside a word belong to it."""
    if text.isascii():
        return ASCII_WORD.findall(text)
    return (_word() if _within_words().search(text) else BARE_WORD).findall(text)


@cache
def _word() -> re.Pattern[str]:
    """Runs of letters, digits and marks; joiners and apostrophes inside a word belong to it."""
    return re.compile(rf"[^\W_](?:[^\W_]+|[{marks()}]+|[\u200c\u200d'’](?=[^\W_]))*")


@cache
def _within_words() -> re.Pattern[str]:
    """What belongs to words without being a letter or digit; where there is none of it, words are found in a third of the time."""
    return re.compile(rf"[{marks()}\u200c\u200d'’]")


@cache
def marks() -> str:
    """The inside of a character class of all combining marks (categories Mn, Mc, Me).

    ``\\w`` leaves marks out, and would cut Hindi, Bengali or Thai words at every vowel sign.
    """
    points = (point for between in MARKS_BETWEEN for point in between)
    return ranges(point for point in points if unicodedata.category(chr(point))[0] == "M")


def ranges(points: Iterable[int]) -> str:
    """Ascending code points as the inside of a character class. None of them may be special there."""
    found: list[list[int]] = []
    for point in points:
        if found and point == found[-1][1] + 1:
            found[-1][1] = point
        else:
            found.append([point, point])
    return "".join(f"{chr(low)}-{chr(high)}" for low, high in found)
