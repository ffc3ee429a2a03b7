"""Letters said again and again: ``freeeee``, ``moooney``, ``مجـــانا``.

Three of a letter in a row are honest in compounds (Flussschifffahrt, jäääär), numerals (VIII), sizes (XXXL), ratings (AAAA) and grunts
(hmm, brrr). So a word is shortened where one worth hiding comes out, where no spelling has so many, and in
languages that have none; to one letter or two, whichever makes the word that is said more.
"""

from __future__ import annotations

import re
from collections import Counter
from itertools import product

from adverdict.features.text.disguises.vocabulary import Vocabulary, vocabulary
from adverdict.features.text.lexicon import WORTH_HIDING

LETTER = "a-z\u00df-\u00f6\u00f8-\u024f\u0370-\u052f"
STRETCHED = re.compile(rf"([{LETTER}\u0620-\u064a])\1\1")
WORD = re.compile(rf"(?<![{LETTER}])[{LETTER}]*?([{LETTER}])\1\1[{LETTER}]*")
RUN = re.compile(rf"([{LETTER}])\1{{2,}}")
NEVER_THRICE = frozenset(["ca", "en", "es", "fr", "it", "pl", "pt", "ro"])
"""Languages without a word that has a letter three times in a row."""
NUMERAL = re.compile(r"m*(?:c[md]|d?c{0,4})(?:x[cl]|l?x{0,4})(?:i[xv]|v?i{0,4})")
SIZE = re.compile(r"x{2,6}[sl]")
RARELY_TWICE = frozenset("aiuyhjkqvwx")
"""Letters that hardly any spelling doubles."""
NOBODYS = 5
"""In a row: no language writes so many."""
MUCH_MORE = 4
"""Times as often must a word with a double letter be said: few letters are doubled."""
MOST_RUNS = 4
"""Of a word, for which every combination of one letter and two is looked at."""
ALONE = 4
"""Of one letter, as a word: a rating (AAAA) or a brand (XXXX)."""
TATWEEL = re.compile("[\u0621-\u064a\u064b-\u0652]*\u0640[\u0621-\u064a\u064b-\u0652]*")
EAST_ASIAN = "\u3041-\u30fa\u4e00-\u9fff\uac00-\ud7a3"
WITHOUT_SPACES = re.compile(rf"(?<=[{EAST_ASIAN}])([\u304b-\u3093\u30ab-\u30f3\u4e00-\u9fff\uac00-\ud7a3])\1{{4,}}(?=[{EAST_ASIAN}])")
"""Five of a letter inside a word of East Asia; cries and laughter stand at its ends, in vowels or in letters of their own."""
ARABIC_RUN = re.compile("([\u0621-\u063f\u0641-\u064a])\\1{3,}")


def undo_elongation(text: str, counts: Counter[str]) -> str:
    """``text`` in small letters -> runs of a letter to as many as the word has; counts the letters too many as ``repeated``."""
    if not text.isascii():
        text = _once(WITHOUT_SPACES, _undo_arabic(text, counts), counts)
    if RUN.search(text) is None:
        return text
    reader: Vocabulary | None = None

    def shorten(match: re.Match[str]) -> str:
        nonlocal reader
        if RUN.search(match[0]) is None or _means_it(match[0]):
            return match[0]
        reader = reader or vocabulary(RUN.sub(r"\1", text))
        word = _shortened(match[0], reader)
        counts["repeated"] += len(match[0]) - len(word)
        return word

    return WORD.sub(shorten, text)


def _undo_arabic(text: str, counts: Counter[str]) -> str:
    def straight(match: re.Match[str]) -> str:
        word = match[0].replace("\u0640", "")
        removed = len(match[0]) - len(word)
        counts["repeated"] += removed if removed > 1 else 0
        return word

    return _once(ARABIC_RUN, TATWEEL.sub(straight, text) if "\u0640" in text else text, counts)


def _once(runs: re.Pattern[str], text: str, counts: Counter[str]) -> str:
    def once(match: re.Match[str]) -> str:
        counts["repeated"] += len(match[0]) - 1
        return match[1]

    return runs.sub(once, text)


def _means_it(word: str) -> bool:
    if word == "www":
        return True
    return NUMERAL.fullmatch(word) is not None or SIZE.fullmatch(word) is not None or (len(set(word)) == 1 and len(word) <= ALONE)


def _shortened(word: str, reader: Vocabulary) -> str:
    runs = [*RUN.finditer(word)]
    if len(set(word)) == 1:
        return word[:3]  # a word of one letter only means something at three
    once_or_twice = product((1, 2), repeat=min(len(runs), MOST_RUNS))
    candidates = [_cut(word, runs, [*kept, *[1] * (len(runs) - len(kept))]) for kept in once_or_twice]
    hidden = [candidate for candidate in candidates if candidate in WORTH_HIDING]
    if hidden:
        return _likeliest(hidden, reader)
    if not all(_said_on(run, word, reader) for run in runs):
        return _cut(word, runs, [_usual(run) if _said_on(run, word, reader) else run.end() - run.start() for run in runs])
    if any(map(reader.per_million, candidates)):
        return _likeliest(candidates, reader)
    return _cut(word, runs, [*map(_usual, runs)])


def _said_on(run: re.Match[str], word: str, reader: Vocabulary) -> bool:
    """Whether a run is no spelling: longer than any, in a language that has none, or at the end of a word, where a voice is drawn out."""
    if run.end() - run.start() >= NOBODYS:
        return True
    return len(set(word)) > 2 if run.end() == len(word) else reader.language in NEVER_THRICE


def _usual(run: re.Match[str]) -> int:
    """How many letters stay of a run in a word nobody knows. Three may be words written together (#businesssaturday)."""
    return 2 if run.end() - run.start() == 3 and run[1] not in RARELY_TWICE else 1


def _likeliest(candidates: list[str], reader: Vocabulary) -> str:
    """Of words with ever more letters doubled: the first, unless another is said much more, or as seldom."""
    best = candidates[0]
    for candidate in candidates[1:]:
        said, so_far = reader.per_million(candidate), reader.per_million(best)
        if said > 0 and (said == so_far or said > MUCH_MORE * so_far):
            best = candidate
    return best


def _cut(word: str, runs: list[re.Match[str]], kept: list[int]) -> str:
    parts, at = [], 0
    for run, n in zip(runs, kept, strict=True):
        parts.append(word[at : run.start() + n])
        at = run.end()
    return "".join([*parts, word[at:]])
