"""Marks laid over letters to break words for machines: struck-out, circled, piled up, or an accent on every letter.

Accents of honest words stay, whatever the language: they combine with their letter, and never sit on all letters of a longer word. Marks of
scripts that are written with them (Arabic, Hebrew, Indic, Thai) are left alone.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter

from adverdict.features.text.disguises.accents import as_spelt
from adverdict.features.text.disguises.vocabulary import vocabulary
from adverdict.features.text.lexicon import WORTH_HIDING
from adverdict.features.text.scripts import script

OVERLAY = re.compile("[\u0334-\u0338\u0488\u0489\u20d0-\u20dc\u20dd-\u20e0\u20e2-\u20f0]+")
"""Through, around or all over a letter; no spelling has them."""
KEYCAP = re.compile("(?<=[0-9#*])\u20e3")
UNMARKED = "\u3041-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af"
"""Kana, Han, Hangul: no accent is written over any."""
OVER_UNMARKED = re.compile(f"(?<=[{UNMARKED}])[\u0300-\u036f]+")
MARKED = re.compile(
    f"[A-Za-z\u00aa-\u024f\u0370-\u052f\u1e00-\u1fff{UNMARKED}][\u0300-\u036f\u0488\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20f0]"
)
ALL_MARKED = re.compile("[\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u1e00-\u1eff]{3}")
"""Three letters with accents in a row: hardly any honest word."""
WORD = re.compile("(?:[A-Za-z\u00aa-\u024f\u0370-\u052f\u1e00-\u1fff][\u0300-\u036f]*){2,}")
ALPHABETS = ("LATIN", "CYRILLIC", "GREEK")
YORUBA = re.compile("(?:[aeiou](?:\u0323?[\u0300\u0301\u0304]|\u0323)|s\u0323|[mn][\u0300\u0301]|[a-z])+", re.IGNORECASE)
"""In NFD. A language with an accent on nearly every letter: tones over vowels and nasals, dots under e, o and s."""
LEAST_MARKED = 4
"""Letters of the shortest word whose accents are judged together: shorter ones are honest with one on each (été, ở, çà)."""


def undo_marks(text: str, counts: Counter[str]) -> str:
    """``text`` in NFKC, without marks that hide its letters; counts the letters as ``marked``."""
    text = KEYCAP.sub("", text)
    if MARKED.search(text):
        text, removed = OVERLAY.subn(_uncovered, text)
        text, more = OVER_UNMARKED.subn("", text)
        counts["marked"] += removed + more
    elif ALL_MARKED.search(text) is None:
        return text

    hidden = {word: bare for word in set(WORD.findall(text)) if (bare := _bare(word)) != word}
    if not hidden:
        return text
    reader = vocabulary(WORD.sub(lambda match: hidden.get(match[0], match[0]), text))

    def uncovered(match: re.Match[str]) -> str:
        if match[0] not in hidden:
            return match[0]
        bare = hidden[match[0]]
        counts["marked"] += len(bare)
        spelt = as_spelt(bare.lower(), reader)  # accents of its own went with those that hid it
        return bare if spelt == bare.lower() else spelt.upper() if bare.isupper() else spelt

    return WORD.sub(uncovered, text)


def _uncovered(match: re.Match[str]) -> str:
    before = match.string[match.start() - 1 : match.start()]
    return match[0] if before.isalpha() and script(before) not in ALPHABETS else ""


def _bare(word: str) -> str:
    """The word without its accents, where they cannot be its spelling: on all letters but one, or left over on half of them."""
    apart = unicodedata.normalize("NFD", word)
    letters = [place for place, sign in enumerate(apart) if sign.isalpha()]
    marked = sum(apart[place + 1 : place + 2] != "" and unicodedata.combining(apart[place + 1]) > 0 for place in letters)
    uncombined = len(re.findall("[\u0300-\u036f]+", unicodedata.normalize("NFC", word)))
    everywhere = len(letters) >= LEAST_MARKED and marked >= len(letters) - 1
    if not everywhere and not (uncombined > 1 and 2 * uncombined >= len(letters)):
        return word
    bare = unicodedata.normalize("NFC", re.sub("[\u0300-\u036f]+", "", apart))
    return word if YORUBA.fullmatch(apart) and bare.lower() not in WORTH_HIDING else bare
