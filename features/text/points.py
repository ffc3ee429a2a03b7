"""What each code point is to whoever reads texts one by one, in tables that the native core fills page by page as texts have them.

All of it follows from Python's own Unicode, by the same functions and patterns that Python reads by.
"""

from __future__ import annotations

import unicodedata
from functools import cache, lru_cache
from typing import Any

import numpy as np

from adverdict.features.native import core
from adverdict.features.text.characters import EMOJI, ONE_FORM_MORE, classes
from adverdict.features.text.disguises.accents import HAS_ACCENT
from adverdict.features.text.disguises.marks import ALL_MARKED
from adverdict.features.text.lexicon import CURRENCIES, MESSENGERS, MONEY, PLACEHOLDERS, SUPERLATIVE, URGENT
from adverdict.features.text.money import CURRENCY_SIGN
from adverdict.features.text.scripts import MARKS_BETWEEN, script

PAGE = 256
KINDS = " lcxkd!"
"""Classes of characters, as the core numbers them."""
POINT = np.dtype([("lower", "<u4"), ("flags", "<u2"), ("script", "<u2")])
FLAGS = {
    "alnum": 3,
    "upper": 4,
    "small_or_title": 5,
    "mark": 6,
    "emoji": 7,
    "currency": 8,
    "plain": 9,
    "accented": 10,
    "strewn": 11,
    "decimal": 13,
    "alpha": 14,
    "space": 15,
}
"""Bit of each flag; the lowest three hold the class."""
LISTS = (URGENT, SUPERLATIVE, MONEY, MESSENGERS, CURRENCIES, PLACEHOLDERS)
"""Lists of words that are counted, as ``counted.Counted`` names them."""
JAMO = range(0x1100, 0x1200)
"""Letters that NFKC may join to syllables."""

_SCRIPTS = ["", "LATIN"]
"""Scripts by number, in the order they were met."""


@cache
def reader() -> Any:
    """The core's. To be called only where there is one."""
    native = core()
    assert native is not None, "asked for only where it is"
    lexicon: dict[str, int] = {}
    for number, words in enumerate(LISTS):
        for word in words:
            lexicon[word] = lexicon.get(word, 0) | 1 << number
    return native.Reader(_page, lexicon)


@lru_cache(maxsize=4096)
def script_names(numbers: tuple[int, ...]) -> frozenset[str]:
    return frozenset(_SCRIPTS[number] for number in numbers)


def _page(number: int) -> bytes:
    page = np.zeros(PAGE, dtype=POINT)
    for place in range(PAGE):
        character = chr(number * PAGE + place)
        page[place] = (ord(_small(character) or character), _flags(character), _script(character))
    return page.tobytes()


def _flags(character: str) -> int:
    small, kind = _small(character), classes(character)
    told = {
        "alnum": character.isalnum(),
        "upper": character.isupper(),
        "small_or_title": character.islower() or (character.istitle() and not character.isupper()),
        "mark": unicodedata.category(character)[0] == "M" and any(ord(character) in points for points in MARKS_BETWEEN),
        "emoji": EMOJI.match(character) is not None,
        "currency": CURRENCY_SIGN.match(character) is not None,
        "plain": small is not None and _is_plain(character, small),
        "accented": any(ALL_MARKED.match(form * 3) for form in (character, small) if form),
        "strewn": small is not None and HAS_ACCENT.match(small) is not None,
        "decimal": character.isdecimal(),
        "alpha": character.isalpha(),
        "space": character.isspace(),
    }
    return KINDS.index(kind) + sum(1 << FLAGS[name] for name, holds in told.items() if holds)


def _small(character: str) -> str | None:
    """In small letters; None where that takes several."""
    small = character.lower()
    return small if len(small) == 1 else None


def _is_plain(character: str, small: str) -> bool:
    """Whether the normaliser makes nothing of it but its small letter, whatever stands beside it."""
    return (
        not {"!", "k"} & {*classes(character + small)}
        and small.lower() == small
        and unicodedata.combining(small) == 0
        and unicodedata.normalize("NFKC", small) == small
        and ord(small) not in JAMO
        and ONE_FORM_MORE.match(character) is None
    )


def _script(character: str) -> int:
    name = script(character)
    if name not in _SCRIPTS:
        _SCRIPTS.append(name)
    return _SCRIPTS.index(name)
