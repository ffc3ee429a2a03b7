"""Words written letter by letter, with any sign between: ``f r e e``, ``b-u-y``, ``c✨a✨s✨i✨n✨o``, ``f.r.e.e b.o.n.u.s``.

Honest texts have single letters in a row, too: initials (U.S.S.R.), abbreviations (u. v. a. m.), lists (A B C D, S M L X). So letters are
joined only where a word worth hiding comes out, or one too long and too well spoken to be any of these.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from functools import lru_cache
from itertools import pairwise

from adverdict.features.text.characters import to_latin
from adverdict.features.text.lexicon import WORTH_HIDING

LETTER = "A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u0370-\u03ff\u0400-\u052f"
"""Letters of the alphabets written letter by letter: Latin, Greek, Cyrillic. A single letter is a word in other scripts."""
LETTERS = re.compile(rf"(?<![^\W_])(?<!['’])[{LETTER}](?:(?:(?!['’\n])[\W_]){{1,4}}[{LETTER}]){{2,}}(?![^\W_])(?!['’])")
TRAILING = re.compile(r"([^\W\d_])[\u2600-\u27bf\U0001f300-\U0001faff•·*_|~]+(?=[\s,.!?]|\Z)")
"""The sign after the last letter of a word that had it after each."""
VOWELS = frozenset("aeiouаеиоуыэюяіαεηιουω")
LEAST = 3
LISTED = 4
"""Letters in a row that may be a list or a name (S M L X, M*A*S*H) and not a word."""
INITIALS = 6
"""The same with full stops between them: U.N.I.C.E.F."""
OFTEN = 3
"""Words strewn with a sign in one text: nobody plays M*A*S*H three times over."""
LONGEST_SPLIT = 64
"""Letters of the longest run that is cut into words nobody kept apart."""


def undo_spacing(text: str, counts: Counter[str]) -> str:
    """Letters strewn with signs to words, kept apart where a wider gap or another sign parts them; counts ``spaced`` words."""
    runs = LETTERS.findall(text)
    if not runs:
        return text
    often = sum(map(_strewn, runs)) >= OFTEN

    def join(match: re.Match[str]) -> str:
        joined, words = _kept(match[0], often) if len(match[0]) <= LONGEST_SPLIT else _joined(match[0], often)
        counts["spaced"] += words
        return joined

    joined = LETTERS.sub(join, text)
    return joined if joined == text else TRAILING.sub(r"\1", joined)


def _strewn(run: str) -> int:
    """How many words that can be said, longer than an abbreviation, have one sign (no blank, no full stop) between all their letters."""
    letters, gaps = _apart(run)
    between = _between_letters(gaps)
    if len(between) > 1 or any("." in gap or any(map(str.isspace, gap)) for gap in between):
        return 0
    return sum(len(word) >= LISTED and _spoken(word) for word in _words(letters, gaps, between))


def _words(letters: list[str], gaps: list[str], between: set[str]) -> list[str]:
    ends = [place for place, gap in enumerate(gaps, start=1) if gap not in between]
    return ["".join(letters[start:end]) for start, end in pairwise([0, *ends, len(letters)])]


def _joined(run: str, often: bool = False) -> tuple[str, int]:
    """What a run of single letters says, and how many words of it were joined. ``often``: the text is full of such runs."""
    letters, gaps = _apart(run)
    between = _between_letters(gaps)
    ends = [place for place, gap in enumerate(gaps, start=1) if gap not in between]
    words = _words(letters, gaps, between)
    dotted, spaced = any("." in gap for gap in between), any(any(map(str.isspace, gap)) for gap in between)
    if not any(_hides(word, dotted, dotted and spaced) for word in words) and not (often and _strewn(run)):
        return run, 0
    joined = sum(len(word) > 1 for word in words)
    if len(words) == 1:
        return " ".join(_split(words[0])), joined
    signs = {sign for gap in between for sign in gap if not sign.isspace()}
    said = "".join([words[0], *(part for end, word in zip(ends, words[1:], strict=True) for part in (_gap(gaps[end - 1], signs), word))])
    return said, joined


_kept = lru_cache(maxsize=4096)(_joined)


def _apart(run: str) -> tuple[list[str], list[str]]:
    """The letters of a run, and what stands between them."""
    places = [place for place, sign in enumerate(run) if sign.isalpha()]
    return [run[place] for place in places], [run[one + 1 : other] for one, other in pairwise(places)]


def _between_letters(gaps: list[str]) -> set[str]:
    """The gaps that part letters: those without a blank where others have one, else the narrowest."""
    tight = {gap for gap in gaps if not any(map(str.isspace, gap))}
    if tight and len(tight) < len(set(gaps)):
        return tight
    narrowest = min(map(len, gaps))
    return {gap for gap in gaps if len(gap) == narrowest}


def _gap(gap: str, signs: set[str]) -> str:
    """A gap between words without the signs that part letters."""
    return "".join(sign for sign in gap if sign not in signs) or " "


def _hides(word: str, dotted: bool, abbreviates: bool) -> bool:
    """Whether the letters are one word. Capitals say nothing: the same text in small letters must read alike."""
    table = to_latin()
    plain = "".join([table.get(letter, letter) for letter in word]).lower()
    if len(plain) < LEAST:
        return False
    if plain in WORTH_HIDING or len(_split(plain)) > 1:
        return True
    return len(plain) > (INITIALS if dotted else LISTED) and not abbreviates and _spoken(plain)


def _spoken(word: str) -> bool:
    """Neither a stretch of the alphabet nor letters that no mouth puts together."""
    base = unicodedata.normalize("NFD", word)
    letters = [letter for letter in base if letter.isalpha()]
    steps = {ord(other) - ord(one) for one, other in pairwise(letters)}
    share = sum(letter in VOWELS for letter in letters) / len(letters)
    return len(steps) > 1 and 0.2 <= share <= 0.75


@lru_cache(maxsize=4096)
def _split(word: str) -> tuple[str, ...]:
    """``onlinecasino`` -> ``online casino``: cut so that as many letters as can be lie in words worth hiding; whole where none do."""
    if not LISTED < len(word) <= LONGEST_SPLIT:
        return (word,)
    plain = word.lower()
    best: list[tuple[int, int, tuple[str, ...]]] = [(0, 0, ())]
    for end in range(1, len(plain) + 1):
        options = []
        for start in range(max(0, end - 24), end):
            covered, pieces, parts = best[start]
            known = plain[start:end] in WORTH_HIDING
            options.append((covered + (end - start) * known, pieces - 1, (*parts, word[start:end])))
        best.append(max(options, key=lambda option: option[:2]))
    covered, _, parts = best[-1]
    strange = [len(part) for part in parts if part.lower() not in WORTH_HIDING]
    return parts if 2 * covered >= len(plain) and all(length > LISTED for length in strange) else (word,)
