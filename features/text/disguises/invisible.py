"""Characters nobody sees: removed where they hide something, kept where a script or an emoji needs them."""

from __future__ import annotations

import re
from collections import Counter
from functools import cache

import regex

from adverdict.features.text.characters import BLANK_PATTERN, CONTROL, DIRECTION, JOINER, LONE_SURROGATE, OVERRIDE, SOFT, TAG, takes_joiner
from adverdict.features.text.scripts import RTL

SMUGGLED = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]{3,}")
"""Variation selectors in a row are how bytes are hidden in text."""
FLAG = re.compile("\U0001f3f4[\U000e0061-\U000e007a\U000e0030-\U000e0039]{2,7}\U000e007f")
SOFT_HYPHEN = "\u00ad"
HYPHENATED = re.compile("[^\\W\\d_]+(?:\u00ad+[^\\W\\d_]+)+")
LEAST_HYPHENATED = 8
"""Letters of the shortest word that a typesetter would break."""
TURNED = re.compile("\u202e([^\u202a-\u202e\u2066-\u2069\n]+)\u202c?")
GRAPHEME = regex.compile(r"\X")
JOINERS = re.compile("([\u200c\u200d])[\u200c\u200d]+")


def remove_invisible(text: str, counts: Counter[str]) -> str:
    """The text without what hides in it; counts ``zero_width`` and ``bidi``. Lone surrogates become U+FFFD."""
    text, removed = CONTROL.subn("", text)
    counts["zero_width"] += removed
    if text.isascii():
        return text
    counts["zero_width"] += sum(map(len, SMUGGLED.findall(text)))
    text = text.replace(BLANK_PATTERN, " ")
    if SOFT_HYPHEN in text:
        counts["zero_width"] += sum(_breaks_a_short_word(match[0]) for match in HYPHENATED.finditer(text))
    text = SOFT.sub("", LONE_SURROGATE.sub("\ufffd", text))
    return _joiners(_tags(_direction(text, counts), counts), counts)


def _breaks_a_short_word(hyphenated: str) -> bool:
    """Typesetters break words that are long; a filter is kept from words of any length."""
    return SOFT_HYPHEN in hyphenated and len(hyphenated.replace(SOFT_HYPHEN, "")) < LEAST_HYPHENATED


def _direction(text: str, counts: Counter[str]) -> str:
    """Marks of direction serve mixed Arabic or Hebrew text; an override serves nobody's reader."""
    text, turned = TURNED.subn(_turned, text)
    text, overrides = OVERRIDE.subn("", text)
    overrides += turned
    text, marks = DIRECTION.subn("", text)
    counts["bidi"] += overrides + (0 if marks and RTL.search(text) else marks)
    return text


def _turned(match: re.Match[str]) -> str:
    """What is written backwards between an override and its end is read forwards; Arabic and Hebrew run that way by themselves."""
    inside = match[1]
    # Two letters hide no word: a stray control then changes nothing.
    return inside if RTL.search(inside) or sum(map(str.isalnum, inside)) < 3 else "".join(reversed(GRAPHEME.findall(inside)))


def _tags(text: str, counts: Counter[str]) -> str:
    """Tag characters spell the flags of England, Scotland and Wales; anywhere else they are hidden letters."""
    if TAG.search(text) is None:
        return text
    clean = []
    for part in FLAG.split(text):
        part, removed = TAG.subn("", part)
        counts["zero_width"] += removed
        clean.append(part)
    flags = [*FLAG.findall(text), ""]
    return "".join(part + flag for part, flag in zip(clean, flags, strict=True))


def _joiners(text: str, counts: Counter[str]) -> str:
    """One joiner stays after a letter or sign of a script that uses them, or after an emoji; others go and count."""
    if JOINER.search(text) is None:
        return text
    length = len(text)
    stray, dangling = _stray()
    text = stray.sub("", JOINERS.sub(r"\1", text))
    counts["zero_width"] += length - len(text)
    return dangling.sub("", text)


@cache
def _stray() -> tuple[re.Pattern[str], re.Pattern[str]]:
    return re.compile(rf"[\u200c\u200d](?<![{takes_joiner()}].)"), re.compile(r"[\u200c\u200d](?=\s|\Z)")
