"""What is counted of a text character by character and word by word, once, for all signals.

``count`` is the reference; where the native core is installed it counts the same in one pass.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import NamedTuple

from adverdict.features.native import core
from adverdict.features.text.characters import EMOJI, classes
from adverdict.features.text.lexicon import CURRENCIES, MESSENGERS, MONEY, PLACEHOLDERS, SUPERLATIVE, URGENT
from adverdict.features.text.money import CURRENCY_SIGN
from adverdict.features.text.points import reader, script_names
from adverdict.features.text.scripts import script, words

SENTENCE_END = re.compile(r"[.!?।。！？؟]+(?=\s|\Z)|\n")
PERCENT = "%٪％﹪"
EXCLAMATION, QUESTION = "!！", "?？؟"
HASHTAG = re.compile(r"#\w")
MENTION = re.compile(r"(?<!\w)@\w")
MASK = re.compile(r"[\[<(]")
MAYBE_A_LINK = re.compile(r"://|www\.|\.(?!\s|\Z)|dot")
"""Found wherever there is a link, or one written around."""
MAYBE_AN_EMAIL = re.compile(r"[@\[<({]|mail|outlook|yahoo")
"""Found wherever there is an address, or one written around."""


class Counted(NamedTuple):
    """Of a text as it came, and from ``tokens`` on of the same normalised."""

    letters: int
    non_latin: int
    capitals: int
    digits: int
    percent_signs: int
    exclamation_marks: int
    question_marks: int
    emoji: int
    hashtags: int
    mentions: int
    maybe_masked: int
    """1 where a bracket opens, as before what was masked."""
    words: int
    words_in_capitals: int
    """Of two letters or more."""
    tokens: int
    """Words, small letters and tricks undone."""
    sentences: int
    currency_signs: int
    maybe_a_link: int
    """0: there is none for certain."""
    maybe_an_email: int
    urgent: int
    """Words of a list, here and in the next ones."""
    superlative: int
    money: int
    messengers: int
    currencies: int
    placeholders: int
    distinct_tokens: int
    token_characters: int
    repeated_pairs: int
    """Pairs of neighbouring words that came before."""
    scripts: frozenset[str]
    """That letters of the text as it came are of."""


def count(raw: str, text: str) -> Counted:
    """Of a text as it came and normalised."""
    if core() is None:
        return count_by_reference(raw, text)
    *numbers, scripts = reader().count(raw, text)
    return Counted._make([*numbers, script_names(scripts)])


def count_by_reference(raw: str, text: str) -> Counted:
    """The same in Python."""
    kinds, written, tokens = classes(raw), words(raw), words(text)
    latin, other = kinds.count("l"), kinds.count("c") + kinds.count("x")
    pairs = [*pairwise(tokens)]
    return Counted(
        letters=latin + other,
        non_latin=other,
        capitals=_capitals(raw),
        digits=kinds.count("d"),
        percent_signs=_any_of(PERCENT, raw),
        exclamation_marks=_any_of(EXCLAMATION, raw),
        question_marks=_any_of(QUESTION, raw),
        emoji=0 if raw.isascii() else len(EMOJI.findall(raw)),
        hashtags=len(HASHTAG.findall(raw)) if "#" in raw else 0,
        mentions=len(MENTION.findall(raw)) if "@" in raw else 0,
        maybe_masked=MASK.search(raw) is not None,
        words=len(written),
        words_in_capitals=sum(word.isupper() and len(word) > 1 for word in written),
        tokens=len(tokens),
        sentences=len(SENTENCE_END.findall(text)) + 1 if tokens else 0,
        currency_signs=len(CURRENCY_SIGN.findall(text)),
        maybe_a_link=MAYBE_A_LINK.search(text) is not None,
        maybe_an_email=MAYBE_AN_EMAIL.search(text) is not None,
        urgent=_of(URGENT, tokens),
        superlative=_of(SUPERLATIVE, tokens),
        money=_of(MONEY, tokens),
        messengers=_of(MESSENGERS, tokens),
        currencies=_of(CURRENCIES, tokens),
        placeholders=_of(PLACEHOLDERS, tokens),
        distinct_tokens=len(set(tokens)),
        token_characters=sum(map(len, tokens)),
        repeated_pairs=len(pairs) - len(set(pairs)),
        scripts=_scripts(raw, latin, other),
    )


def _of(lexicon: frozenset[str], tokens: list[str]) -> int:
    return sum(map(lexicon.__contains__, tokens))


def _any_of(signs: str, raw: str) -> int:
    return sum(map(raw.count, signs))


def _capitals(raw: str) -> int:
    if raw.isascii():
        return len(raw) - len(raw.encode().translate(None, b"ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
    return sum(map(str.isupper, raw))


def _scripts(raw: str, latin: int, other: int) -> frozenset[str]:
    found = {script(character) for character in set(raw) if not character.isascii()} - {""} if other else set()
    return frozenset(["LATIN"] if latin else []) | found
