"""Digits and signs standing in for letters: ``fr33``, ``v14gr4``, ``ca$h``.

Most words with digits are honest (3d, 24h, 4k, h2o, covid19, mp3, prices, codes), so a word is changed only where a word worth hiding
comes out, or where several letters inside it were replaced and what comes out can be spoken.
"""

from __future__ import annotations

import re
from collections import Counter
from itertools import groupby

from adverdict.features.text.lexicon import HIDDEN

PLAIN = {"0": "o", "1": "i", "3": "e", "4": "a", "5": "s", "7": "t", "@": "a", "$": "s", "€": "e", "!": "i"}
ONE_AS_I, ONE_AS_L = str.maketrans(PLAIN), str.maketrans(PLAIN | {"1": "l"})
ALLOWED = frozenset("abcdefghijklmnopqrstuvwxyz") | PLAIN.keys()
LONGEST = 24
"""Characters of the longest word looked at."""

HINT = re.compile(r"[a-z][013457@$€!]|[013457@$€!][a-z]")
TOKEN = re.compile(r"(?<![^\W_])(?<![@$€!])[a-z0-9@$€!]++(?![^\W_])")
CONSONANTS = re.compile(r"[^aeiouy]{4}")
REPEATED = re.compile(r"(.)\1{2,}")


def undo_leet(text: str, counts: Counter[str]) -> str:
    """``text`` in small letters -> the same with its disguised words in letters; counts them as ``leet``."""
    if HINT.search(text) is None:
        return text

    read: dict[str, str | None] = {}

    def judge(match: re.Match[str]) -> str:
        token = match[0]
        if len(token) > LONGEST or token.isalpha() or token.isdigit() or ("@" in token and text[match.end() : match.end() + 1] == "."):
            return token
        core = token.strip("!")
        word = read[core] if core in read else read.setdefault(core, _spoken(core))
        if word is None:
            return token
        counts["leet"] += 1
        return token.replace(core, word, 1)

    return TOKEN.sub(judge, text)


def _spoken(token: str) -> str | None:
    """The word a token stands for, or None when it is what it is."""
    letters = sum(map(str.isalpha, token))
    if letters == len(token) or letters < 2 or not set(token) <= ALLOWED:
        return None
    for table in (ONE_AS_I, ONE_AS_L):
        word = REPEATED.sub(r"\1\1", token.translate(table))
        if word in HIDDEN:
            return word
    if letters < 3 or 2 * letters < len(token) or not token.isalnum():
        return None
    runs = [(is_letter, len(list(run))) for is_letter, run in groupby(token, str.isalpha)]
    inside = [length for is_letter, length in runs[1:-1] if not is_letter]
    if len(inside) < 2 or any(length > 2 for is_letter, length in runs if not is_letter):
        return None
    word = token.translate(ONE_AS_I)
    vowels = sum(letter in "aeiouy" for letter in word)
    return word if 4 * vowels >= len(word) and CONSONANTS.search(word) is None and 4 * vowels <= 3 * len(word) else None
