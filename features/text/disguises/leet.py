"""Digits and signs standing in for letters: ``fr33``, ``v14gr4``, ``ca$h``, ``p@rc3l``.

Most words with digits are honest (3d, 24h, 4k, h2o, covid19, mp3, a50s, model5, prices), so a word is changed only where a word worth
hiding comes out, or a word that is said and had the sign inside, or one that had several inside and can be spoken. In a text full of such
words the others are read so, too.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from itertools import groupby

from adverdict.features.text.disguises.vocabulary import COMMON, EVERYDAY, Vocabulary, vocabulary
from adverdict.features.text.language import READ
from adverdict.features.text.lexicon import HIDDEN

PLAIN = {"0": "o", "1": "i", "3": "e", "4": "a", "5": "s", "7": "t", "@": "a", "$": "s", "€": "e", "!": "i"}
RARE = {"2": "z", "6": "g", "8": "b", "9": "g"}
"""Digits that look like their letters to few: only words that are said are read so."""
AS_I = str.maketrans(PLAIN | RARE)
READ_AS = (AS_I, str.maketrans(PLAIN | RARE | {"1": "l", "6": "b"}))
LONGEST = 24
"""Characters of the longest word looked at."""
SHORT = 4
"""Letters of a word that a code hits upon by accident, unless it is an everyday one."""
OFTEN = 3
"""Disguised words in one text: nobody means a code each time."""

LETTER = "a-z\u00df-\u00f6\u00f8-\u024f"
HINT = re.compile(rf"[0-9@$€!](?:[{LETTER}]|(?<=[{LETTER}].))")
TOKEN = re.compile(rf"(?<![^\W_])(?<![@$€!])(?=[{LETTER}]*[0-9@$€])[{LETTER}0-9@$€!]++(?![^\W_])")
ADDRESS = re.compile(r"\.\w")
"""What follows the first part of an e-mail address."""
CONSONANTS = re.compile(r"[^aeiouy\u00df-\u024f]{5}")
MANY_CONSONANTS = re.compile(r"[^aeiouy\u00df-\u024f]{4}")
VOWEL = re.compile(r"[aeiouy\u00e0-\u00e6\u00e8-\u00f6\u00f8-\u00fd]")
NUMERONYM = re.compile(r"[a-z](?!33|00)\d\d[a-z]")
"""Letters left out, by their number (l10n), or a model (a50s); words double e and o."""
PRICE = re.compile(r"[a-z]{1,3}[$€]\d+")
REPEATED = re.compile(r"(.)\1{2,}")


def undo_leet(text: str, counts: Counter[str]) -> str:
    """``text`` in small letters -> the same with its disguised words in letters; counts them as ``leet``."""
    if HINT.search(text) is None:
        return text
    tokens = {core: token for match in TOKEN.finditer(text) if (core := _core(match)) and (token := _token(core))}
    if not any(token.inside or token.signs or token.hides for token in tokens.values()):
        return text
    reader = vocabulary(text[:READ].translate(AS_I))
    read = {core: _word(token, reader) for core, token in tokens.items()}
    if sum(word is not None for word in read.values()) >= OFTEN:
        read = {core: word or _word_among_others(tokens[core], reader) for core, word in read.items()}

    def judge(match: re.Match[str]) -> str:
        core = _core(match)
        word = read.get(core) if core else None
        if core is None or word is None:
            return match[0]
        counts["leet"] += 1
        return match[0].replace(core, word, 1)

    return TOKEN.sub(judge, text)


def _core(match: re.Match[str]) -> str | None:
    """What of a token may be a word; None for one of letters or digits only, and for the beginning of an address."""
    token = match[0]
    if len(token) > LONGEST or token.isalpha() or token.isdigit() or ("@" in token and ADDRESS.match(match.string, match.end())):
        return None
    return token.strip("!")


@dataclass(frozen=True, slots=True)
class _Token:
    """``readings``: the words it can stand for. ``inside``: how many runs of stand-ins have letters on both sides."""

    readings: list[str]
    inside: int
    longest_run: int
    letters: int
    signs: int
    rare: bool
    ends_in_a_sign: bool
    code: bool

    @property
    def hides(self) -> str | None:
        return None if self.rare else next((word for word in self.readings if word in HIDDEN), None)


def _token(core: str) -> _Token | None:
    letters = sum(map(str.isalpha, core))
    signs = sum(not sign.isalnum() for sign in core.removeprefix("@"))  # who is called @name is named so
    if (
        letters in (0, len(core))
        or (letters < 2 and not signs)
        or not all(sign.isalpha() or sign in PLAIN or sign in RARE for sign in core)
    ):
        return None
    runs = [(is_letter, "".join(run)) for is_letter, run in groupby(core, str.isalpha)]
    between = [run for is_letter, run in runs if not is_letter]
    return _Token(
        readings=[REPEATED.sub(r"\1\1", core.translate(table)) for table in READ_AS],
        inside=sum(not is_letter for is_letter, _ in runs[1:-1]),
        longest_run=max(map(len, between)),
        letters=letters,
        signs=signs,
        rare=not RARE.keys().isdisjoint(core),
        ends_in_a_sign=not runs[-1][0] and not runs[-1][1].isdigit(),
        code=NUMERONYM.fullmatch(core) is not None,
    )


def _word(token: _Token, reader: Vocabulary) -> str | None:
    """The word a token stands for, or None when it is what it is."""
    if token.hides:
        return token.hides
    word = reader.most_said(token.readings)
    if word is not None and (token.inside or token.signs) and not token.code:
        everyday = reader.per_million(word) >= EVERYDAY
        if (len(word) > SHORT and (token.inside or everyday)) or (len(word) == SHORT and everyday):
            return word
    # An address or a handle has one @ inside, a name (A$AP, Ke$ha) one $.
    if token.rare or token.inside + token.ends_in_a_sign < 2 or token.letters < 3 or token.longest_run > 2:
        return None
    spoken = token.readings[0]
    if token.signs:
        return spoken if 5 * token.letters >= 2 * len(spoken) and _can_be_spoken(spoken, CONSONANTS) else None
    return spoken if 2 * token.letters >= len(spoken) and _can_be_spoken(spoken, MANY_CONSONANTS) else None


def _word_among_others(token: _Token, reader: Vocabulary) -> str | None:
    """The same in a text full of such words."""
    word = reader.most_said(token.readings)
    if word is not None and len(word) >= SHORT and (not token.code or reader.per_million(word) >= COMMON):
        return word
    dressed = (token.inside or token.signs) and not (token.rare or token.code)
    return token.readings[0] if dressed and _can_be_spoken(token.readings[0], CONSONANTS) else None


def _can_be_spoken(word: str, crowd: re.Pattern[str]) -> bool:
    vowels = len(VOWEL.findall(word))
    return 4 * vowels >= len(word) and 4 * vowels <= 3 * len(word) and crowd.search(word) is None
