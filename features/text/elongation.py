"""Letters said again and again: ``freeeee``, ``moooney``, ``مجـــانا``.

Three of a letter in a row are honest in compounds (Flussschifffahrt, jäääär), numerals (VIII), sizes (XXXL), ratings (AAAA) and grunts
(hmm, brrr). So a word is shortened where one worth hiding comes out, where no spelling has so many, and in
languages that have none.
"""

from __future__ import annotations

import re
from collections import Counter
from itertools import product

from adverdict.features.text.language import UNKNOWN, language_of
from adverdict.features.text.lexicon import WORTH_HIDING

LETTER = "a-z\u00df-\u00f6\u00f8-\u024f\u0370-\u052f"
STRETCHED = re.compile(rf"([{LETTER}\u0620-\u064a])\1\1")
WORD = re.compile(rf"[{LETTER}]{{3,}}")
RUN = re.compile(rf"([{LETTER}])\1{{2,}}")
NEVER_THRICE = frozenset(["ca", "en", "es", "fr", "it", "pl", "pt", "ro"])
"""Languages without a word that has a letter three times in a row."""
NUMERAL = re.compile(r"m*(?:c[md]|d?c{0,4})(?:x[cl]|l?x{0,4})(?:i[xv]|v?i{0,4})")
SIZE = re.compile(r"x{2,6}[sl]")
RARELY_TWICE = frozenset("aiuyhjkqvwx")
"""Letters that hardly any spelling doubles: a run of them stands for one."""
NOBODYS = 5
"""In a row: no language writes so many."""
ALONE = 4
"""Of one letter, as a word: a rating (AAAA) or a brand (XXXX)."""
TATWEEL = re.compile("[\u0621-\u064a\u064b-\u0652]*\u0640[\u0621-\u064a\u064b-\u0652]*")
ARABIC_RUN = re.compile("([\u0621-\u063f\u0641-\u064a])\\1{3,}")


def undo_elongation(text: str, counts: Counter[str]) -> str:
    """``text`` in small letters -> runs of a letter to as many as the word has; counts the letters too many as ``repeated``."""
    if not text.isascii():
        text = _undo_arabic(text, counts)
    if RUN.search(text) is None:
        return text
    read = language_of(RUN.sub(r"\1\1", text))[0] if any(map(_inside, RUN.finditer(text))) else UNKNOWN

    def shorten(match: re.Match[str]) -> str:
        if RUN.search(match[0]) is None:
            return match[0]
        word = _shortened(match[0], read in NEVER_THRICE)
        counts["repeated"] += len(match[0]) - len(word)
        return word

    return WORD.sub(shorten, text)


def _inside(run: re.Match[str]) -> bool:
    return run.string[run.end() : run.end() + 1].isalpha()


def _undo_arabic(text: str, counts: Counter[str]) -> str:
    def straight(match: re.Match[str]) -> str:
        word = match[0].replace("\u0640", "")
        removed = len(match[0]) - len(word)
        counts["repeated"] += removed if removed > 1 else 0
        return word

    def once(match: re.Match[str]) -> str:
        counts["repeated"] += len(match[0]) - 1
        return match[1]

    return ARABIC_RUN.sub(once, TATWEEL.sub(straight, text) if "\u0640" in text else text)


def _means_it(word: str) -> bool:
    return NUMERAL.fullmatch(word) is not None or SIZE.fullmatch(word) is not None or (len(set(word)) == 1 and len(word) <= ALONE)


def _shortened(word: str, never_thrice: bool) -> str:
    runs = [*RUN.finditer(word)]
    if _means_it(word) or word == "www":
        return word
    if len(set(word)) == 1:
        return word[:3]  # a word of one letter only means something at three
    for kept in product((1, 2), repeat=min(len(runs), 3)):
        candidate = _cut(word, runs, [*kept, *[2] * (len(runs) - len(kept))])
        if candidate in WORTH_HIDING:
            return candidate
    return _cut(word, runs, [_kept(run, word, never_thrice) for run in runs])


def _kept(run: re.Match[str], word: str, never_thrice: bool) -> int:
    """How many letters stay of a run in a word nobody knows."""
    length, letter = run.end() - run.start(), run[1]
    likely = 1 if letter in RARELY_TWICE else 2
    if length >= NOBODYS or never_thrice:
        return likely
    return likely if run.end() == len(word) and len(set(word)) > 2 else length


def _cut(word: str, runs: list[re.Match[str]], kept: list[int]) -> str:
    parts, at = [], 0
    for run, n in zip(runs, kept, strict=True):
        parts.append(word[at : run.start() + n])
        at = run.end()
    return "".join([*parts, word[at:]])
