"""What is left of many texts when everything is folded that a copier changes and a reader does not see: one array of letters for all.

Lossy on purpose, and the same for whoever wrote it: small letters without accents, look-alikes of all scripts as one, digits read as the
letters they stand in for inside a word and left out elsewhere, no spaces, signs, emoji or invisible characters, no letter twice in a row.
So a text spelt o u t, or with another price, folds to the same letters. For comparing only: ``features.text.normalise`` is for reading.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import cache
from html import unescape
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from adverdict.clusters.places import PLACES
from adverdict.domain.visible import MARKUP
from adverdict.features.text.characters import phonetic, small_capitals, to_latin

Letters = NDArray[np.uint32]
Offsets = NDArray[np.int64]

LAST = 0x323B0
"""After the last code point that is a letter."""
STAND_IN = {"0": "o", "1": "i", "3": "e", "4": "a", "5": "s", "7": "t", "@": "a", "$": "s", "€": "e", "!": "i"}
"""Read so inside words; other digits are never letters."""
ALIKE = str.maketrans("lj", "ii")
"""What a 1 or a capital I stands in for either of."""
INSIDE = frozenset("!")
"""Read as a letter only between letters: elsewhere it is punctuation."""
TURNED = re.compile("[\u202d\u202e]([^\u202a-\u202e\u2066-\u2069\n]+)\u202c?")
WORD = re.compile(r"[^\W\d_]+")
END = "\ue000"
"""Between two texts: a private character that stands for nothing."""
MARK = 1 << 24
"""Set in codes of stand-ins, on top of the letter."""
ONLY_INSIDE = 1 << 25
"""Besides, in codes of those that are read only between letters."""


class Folded(NamedTuple):
    """``letters``: those of all texts, one after the other. ``starts``: int64 ``(n + 1,)``, where each text begins, and the end."""

    letters: Letters
    starts: Offsets

    @property
    def counts(self) -> Offsets:
        return np.diff(self.starts)


def fold(texts: Sequence[str]) -> Folded:
    """Any texts; time is linear in their length."""
    if not texts:
        return Folded(np.empty(0, dtype=np.uint32), np.zeros(1, dtype=np.int64))
    raw = np.frombuffer((END.join(map(plain, texts)) + END).encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    codes = letter_table()[np.minimum(raw, LAST)]
    ends = raw == ord(END)
    letters = _stand_ins(codes)
    of = np.cumsum(ends) - ends
    kept = letters != 0
    letters, of = letters[kept], of[kept]
    fresh = np.ones(letters.size, dtype=np.bool_)
    fresh[1:] = (letters[1:] != letters[:-1]) | (of[1:] != of[:-1])
    letters, of = letters[fresh], of[fresh]
    return Folded(letters, np.searchsorted(of, np.arange(len(texts) + 1)))


def plain(text: str) -> str:
    """Without markup, with what is written backwards turned round, and without names of places."""
    if "&" in text:
        text = unescape(text)
    if "<" in text:
        text = MARKUP.sub(" ", text)
    if END in text:
        text = text.replace(END, " ")
    if "\u202e" in text or "\u202d" in text:
        text = TURNED.sub(lambda match: match[1][::-1], text)
    # A name is capital somewhere: texts in other scripts, and most words, need no look-up.
    found = {word for word in WORD.findall(text) if len(word) > 3 and word[0].isupper() and word.lower() in PLACES}
    for word in found:
        text = text.replace(word, " ")
    return text


def _stand_ins(codes: Letters) -> Letters:
    """Digits and signs to letters where their run touches a letter; 0 elsewhere."""
    stands = codes >= MARK
    if not stands.any():
        return codes
    place = np.arange(codes.size)
    before = np.maximum.accumulate(np.where(stands, 0, place))
    after = np.minimum.accumulate(np.where(stands, codes.size - 1, place)[::-1])[::-1]
    left, right = (codes[before] != 0) & (codes[before] < MARK), (codes[after] != 0) & (codes[after] < MARK)
    inside = codes >= ONLY_INSIDE
    reads = np.where(inside, left & right, left | right)
    return np.where(stands, np.where(reads, codes & np.uint32(MARK - 1), 0), codes).astype(np.uint32)


@cache
def letter_table() -> Letters:
    """Code point -> the letter it folds to; 0: none. Index ``LAST`` is for all beyond."""
    table = np.zeros(LAST + 1, dtype=np.uint32)
    table[0x20000:LAST] = np.arange(0x20000, LAST)
    alike = _look_alikes()
    for code in range(0x20000):
        letter = _letter(chr(code), alike)
        table[code] = ord(letter) if letter else 0
    for sign in "0123456789":
        stands = STAND_IN.get(sign)
        table[ord(sign)] = 0 if stands is None else ord(stands) | MARK
    for sign in "@$€!":
        table[ord(sign)] = ord(STAND_IN[sign]) | MARK | (ONLY_INSIDE if sign in INSIDE else 0)
    table[ord(END)] = 0
    return table


def _letter(character: str, alike: dict[str, str]) -> str:
    category = unicodedata.category(character)
    if category[0] == "M":
        name = unicodedata.name(character, "")
        return "" if name.startswith(("COMBINING", "ARABIC", "HEBREW", "VARIATION", "SYRIAC")) else character
    if category[0] != "L" and category not in ("So", "No", "Nl"):
        return ""
    if character in alike:
        return alike[character]
    first = unicodedata.normalize("NFKD", character)[:1].lower()[:1]
    if not first or unicodedata.category(first)[0] != "L":
        return ""
    return alike.get(first, first).translate(ALIKE)


def _look_alikes() -> dict[str, str]:
    """Small or capital letters -> the Latin one that either looks like, so that a word reads the same in capitals."""
    found: dict[str, str] = {}
    for table in (to_latin(), small_capitals(), phonetic()):
        for letter, latin in table.items():
            if len(letter) == 1 and latin:
                plain = latin[0].lower().translate(ALIKE)
                for form in (letter, letter.lower(), letter.upper()):
                    if len(form) == 1 and not form.isascii():
                        found.setdefault(form, plain)
    found["ς"] = found.get("σ", "σ")
    found |= {chr(first + number): chr(ord("a") + number) for first in (0x1F150, 0x1F170, 0x1F130) for number in range(26)}
    return found
