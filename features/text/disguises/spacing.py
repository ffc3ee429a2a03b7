"""Words written letter by letter, with any sign between: ``f r e e``, ``b-u-y``, ``c✨a✨s✨i✨n✨o``, ``f.r.e.e b.o.n.u.s``.

Honest texts have single letters in a row, too: initials (U.S.S.R.), abbreviations (u. v. a. m.), lists (A B C D, S M L X). So letters are
joined only where a word worth hiding comes out, or one that is said or too long and too well spoken to be any of these, or where most of
the text is written so.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable
from functools import lru_cache
from itertools import pairwise

from adverdict.features.text.characters import to_latin
from adverdict.features.text.disguises.vocabulary import COMMON, EVERYDAY, Vocabulary, vocabulary
from adverdict.features.text.lexicon import WORTH_HIDING

LETTER = "A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u0370-\u03ff\u0400-\u052f"
"""Letters of the alphabets written letter by letter: Latin, Greek, Cyrillic. A single letter is a word in other scripts."""
LETTERS = re.compile(rf"(?<![^\W_])(?<!['’])[{LETTER}](?:(?:(?!['’\n])[\W_]){{1,4}}[{LETTER}]){{2,}}(?![^\W_])(?!['’])")
SEMITIC = "\u05d0-\u05ea\u0620-\u064a"
EAST_ASIAN = r"\u3041-\u30fa\u30fc\u3400-\u9fff\uac00-\ud7a3"
ELSEWHERE = rf"{SEMITIC}\u0e01-\u0e30{EAST_ASIAN}"
LETTERS_ELSEWHERE = re.compile(
    rf"(?<!\w)[{ELSEWHERE}](?P<sign>[^\w\s'’、。・，,،\u060c])[{ELSEWHERE}](?:(?P=sign)[{ELSEWHERE}])+(?!\w)"
    rf"|(?<!\w)[{SEMITIC}](?: [{SEMITIC}]){{3,}}(?!\w)"
)
"""The same in scripts of which a letter may be a word: one sign throughout; blanks where words have several letters."""
ALL_EAST_ASIAN = re.compile(rf"[{EAST_ASIAN}](?P<sign>[^·•‧/|\\~+&→>:])[{EAST_ASIAN}](?:(?P=sign)[{EAST_ASIAN}]){{2,}}")
"""At least four letters with a sign that parts no list; Arabic, Hebrew and Thai abbreviate with full stops."""
LISTS = tuple(
    map(
        frozenset,
        (
            "月火水木金土日祝",
            "월화수목금토일",
            "一二三四五六七八九十日",
            "春夏秋冬",
            "東西南北",
            "东西南北",
            "동서남북",
            "춘하추동",
            "가나다라마바사아자차카타파하",
        ),
    )
)
"""Letters that are honestly written one by one: days, numbers, seasons, directions, the alphabet."""
TRAILING = re.compile(r"([^\W\d_])[\u2600-\u27bf\U0001f300-\U0001faff•·*_|~]+(?=[\s,.!?]|\Z)")
"""The sign after the last letter of a word that had it after each."""
VOWELS = frozenset("aeiouаеиоуыэюяіαεηιουω")
LEAST = 3
LISTED = 4
"""Letters in a row that may be a list or a name (S M L X, M*A*S*H) and not a word."""
INITIALS = 6
"""The same with full stops between them: U.N.I.C.E.F."""
SOME_INITIALS = 6
"""Strewn words that are most of a text, whatever they say."""
OFTEN = 3
"""Words strewn with a sign in one text: nobody plays M*A*S*H three times over."""
WEEK = 7
"""Letters of the longest list of single letters elsewhere: the days of the week in Korean and Japanese."""
COMPOUNDED = frozenset(["da", "de", "et", "fi", "hu", "is", "nl", "no", "sv"])
"""Languages that write words together: what nobody kept apart is one there."""
LONGEST_SPLIT = 64
"""Letters of the longest run that is cut into words nobody kept apart."""


def undo_spacing(text: str, counts: Counter[str]) -> str:
    """Letters strewn with signs to words, kept apart where a wider gap or another sign parts them; counts ``spaced`` words."""
    if not text.isascii():
        text = _undo_elsewhere(text, counts)
    runs = LETTERS.findall(text)
    if not runs:
        return text
    reader = vocabulary(LETTERS.sub(lambda match: " ".join(_parts(match[0])), text))
    signs = {run: _strewn(run) for run in set(runs)}
    full = _is_full(text, runs, reader)
    often = full or sum(signs[run] for run in runs) >= OFTEN

    def join(match: re.Match[str]) -> str:
        run = match[0]
        join_all = often and _strewn(run, full) > 0
        joined, words = _kept(run, join_all, reader) if len(run) <= LONGEST_SPLIT else _joined(run, join_all, reader)
        counts["spaced"] += words
        return joined

    joined = LETTERS.sub(join, text)
    return joined if joined == text else TRAILING.sub(r"\1", joined)


def _undo_elsewhere(text: str, counts: Counter[str]) -> str:
    """Where most of the text's letters stand by themselves, and more than a list has; a word of Chinese, Japanese, Korean also alone."""
    runs = [match[0] for match in LETTERS_ELSEWHERE.finditer(text)]
    strewn = sum(1 + len(run) // 2 for run in runs)
    full = strewn > WEEK and 2 * strewn >= sum(map(str.isalpha, text))

    def join(match: re.Match[str]) -> str:
        if not full and not _is_east_asian_word(match[0]):
            return match[0]
        counts["spaced"] += 1
        return match[0][::2]

    return LETTERS_ELSEWHERE.sub(join, text)


def _is_east_asian_word(run: str) -> bool:
    """Whether four letters or more, with one sign between all, are no list."""
    letters = run[::2]
    if ALL_EAST_ASIAN.fullmatch(run) is None or any(letters_of_a_list.issuperset(letters) for letters_of_a_list in LISTS):
        return False
    return len({ord(other) - ord(one) for one, other in pairwise(letters)}) > 1  # neither あ.い.う.え nor four times the same


def _parts(run: str) -> list[str]:
    letters, gaps = _apart(run)
    return _words(letters, gaps, _between_letters(gaps))


def _is_full(text: str, runs: list[str], reader: Vocabulary) -> bool:
    """Whether most letters of the text stand in strewn words: more than anybody has initials, or at least two of which half are said."""
    words = [word.lower() for run in runs if _strewn(run, True) for word in _parts(run) if len(word) >= LISTED]
    known = sum(len(word) > INITIALS or reader.per_million(word) >= EVERYDAY for word in words)
    if len(words) < SOME_INITIALS and (len(words) < 2 or 2 * known < len(words)):
        return False
    return 2 * sum(map(len, words)) >= sum(map(str.isalpha, text))


def _strewn(run: str, with_any: bool = False) -> int:
    """How many words that can be said, longer than an abbreviation, have one sign between all their letters. ``with_any``: be it a blank
    or a full stop."""
    letters, gaps = _apart(run)
    between = _between_letters(gaps)
    if not with_any and (len(between) > 1 or any("." in gap or any(map(str.isspace, gap)) for gap in between)):
        return 0
    return sum(len(word) >= LISTED and _spoken(word) for word in _words(letters, gaps, between))


def _words(letters: list[str], gaps: list[str], between: set[str]) -> list[str]:
    ends = [place for place, gap in enumerate(gaps, start=1) if gap not in between]
    return ["".join(letters[start:end]) for start, end in pairwise([0, *ends, len(letters)])]


def _joined(run: str, join_all: bool, reader: Vocabulary) -> tuple[str, int]:
    """What a run of single letters says, and how many words of it were joined. ``join_all``: whatever it says."""
    letters, gaps = _apart(run)
    between = _between_letters(gaps)
    ends = [place for place, gap in enumerate(gaps, start=1) if gap not in between]
    words = _words(letters, gaps, between)
    dotted, spaced = any("." in gap for gap in between), any(any(map(str.isspace, gap)) for gap in between)
    whole = [] if dotted else ["".join(words)]  # of initials one after the other, nothing is made
    if not join_all and not any(_hides(word, dotted, spaced, reader) for word in (*words, *whole)):
        return run, 0
    joined = sum(len(word) > 1 for word in words)
    if len(words) == 1:
        return " ".join(_split(words[0], reader)), joined
    signs = {sign for gap in between for sign in gap if not sign.isspace()}
    if len({signs.isdisjoint(gaps[end - 1]) for end in ends}) > 1:
        signs = set()  # where only some words end in the sign, it ends a sentence
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


def _hides(word: str, dotted: bool, spaced: bool, reader: Vocabulary) -> bool:
    """Whether the letters are one word. Capitals say nothing: the same text in small letters must read alike."""
    table = to_latin()
    plain = "".join([table.get(letter, letter) for letter in word]).lower()
    if len(plain) < LEAST:
        return False
    if plain in WORTH_HIDING or len(_split(plain, reader)) > 1:
        return True
    if len(plain) > (INITIALS if dotted else LISTED):
        return not (dotted and spaced) and _spoken(plain)
    return len(plain) == LISTED and not dotted and reader.per_million(plain) >= (EVERYDAY if spaced else COMMON)


def _spoken(word: str) -> bool:
    """Neither a stretch of the alphabet nor letters that no mouth puts together."""
    base = unicodedata.normalize("NFD", word)
    letters = [letter for letter in base if letter.isalpha()]
    steps = {ord(other) - ord(one) for one, other in pairwise(letters)}
    share = sum(letter in VOWELS for letter in letters) / len(letters)
    return len(steps) > 1 and 0.2 <= share <= 0.75


@lru_cache(maxsize=4096)
def _split(word: str, reader: Vocabulary) -> tuple[str, ...]:
    """``onlinecasino`` -> ``online casino``: cut so that as many letters as can be lie in words worth hiding, or all of them in words that
    are said; whole where none do."""
    if not LISTED < len(word) <= LONGEST_SPLIT:
        return (word,)
    covered, parts = _cut(word, WORTH_HIDING.__contains__)
    strange = [len(part) for part in parts if part.lower() not in WORTH_HIDING]
    if 2 * covered >= len(word) and all(length > LISTED for length in strange):
        return parts
    if reader.language in COMPOUNDED or reader.per_million(word.lower()) > 0:
        return (word,)
    covered, parts = _cut(word, lambda part: _stands_alone(part, reader))
    return parts if covered == len(word) else (word,)


def _stands_alone(part: str, reader: Vocabulary) -> bool:
    return part in WORTH_HIDING or (len(part) >= LISTED and reader.per_million(part) >= EVERYDAY)


def _cut(word: str, known: Callable[[str], bool]) -> tuple[int, tuple[str, ...]]:
    """How many letters can lie in known words, and the fewest parts that have them."""
    plain = word.lower()
    best: list[tuple[int, int, tuple[str, ...]]] = [(0, 0, ())]
    for end in range(1, len(plain) + 1):
        options = []
        for start in range(max(0, end - 24), end):
            covered, pieces, parts = best[start]
            options.append((covered + (end - start) * known(plain[start:end]), pieces - 1, (*parts, word[start:end])))
        best.append(max(options, key=lambda option: option[:2]))
    return best[-1][0], best[-1][2]
