"""Accents strewn over vowels: ``cásínó bónús``, ``fréë mönêy``, ``spèl ìn`` — letters of honest words, each, but no spelling of these.

Languages that write many accents (Czech, Vietnamese, Yoruba, Pinyin) never write them over every vowel of words that a reader knows without
any. So a line is undone where words are known only without accents, or where whole words of closed syllables have one on each vowel.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache

from adverdict.features.text.disguises.vocabulary import COMMON, EVERYDAY, Vocabulary, vocabulary
from adverdict.features.text.lexicon import WORTH_HIDING

VOWELS = "aeiou"
ACCENTED = "\u00e0-\u00e5\u00e8-\u00ef\u00f2-\u00f6\u00f9-\u00fc\u0101\u0103\u0105\u0113\u0115\u0117\u0119\u011b\u0129\u012b\u012d\u012f"
ACCENTED += "\u014d\u014f\u0151\u0169\u016b\u016d\u016f\u0171\u0173\u01ce\u01d0\u01d2\u01d4\u0201-\u020f\u0215\u0217\u0227\u0229\u022f"
ACCENTED += "\u1ea1-\u1ef1"
OTHERS = rf"[^\W\d_{VOWELS}{ACCENTED}]"
EVERY_VOWEL = re.compile(rf"(?<![^\W\d_])(?:{OTHERS}*[{ACCENTED}]){{2,}}{OTHERS}*(?![^\W\d_])")
"""A word with an accent over each vowel, and several of them."""
WORDS_IN_A_ROW = re.compile(rf"[{ACCENTED}](?:[^\W\d_]*\W+[^\W\d_]*[{ACCENTED}]){{2}}")
"""Words in small letters; one of both is in every line that is undone, and in few honest ones outside of some languages."""
WORD = re.compile(r"[^\W\d_]+")
HAS_ACCENT = re.compile(rf"[{ACCENTED}]")
MARKS = re.compile("[\u0300-\u036f]")
CLOSED = re.compile(r"[bcdfghjklpqrstvwxz](?<!gb)(?<!kp)(?:\Z|(?![hbp])[bcdfgjklmnpqrstvwxz])")
"""A consonant that ends a syllable, as hardly any does in languages with a tone over each vowel (Yoruba, Pinyin, Hawaiian)."""
DOT_BELOW = re.compile("[\u1eb9\u1ecd\u1e63]")
"""Letters of Yoruba, which writes tones over most vowels."""
LEAST = 4
"""Letters of a word that tells something: shorter ones look alike in many languages."""
SHORT = 6
"""Letters of a word that another language may have with accents (dínár)."""
A_LINE = 3
"""Words nobody knows that show by themselves that accents are strewn."""
MUCH_MORE = 4
"""Times as often must a word be said with accents, where it is said without."""
RESPELT = {"a": "áàâãä", "e": "éèêë", "i": "íîï", "o": "óòôõö", "u": "úùûü", "c": "ç", "n": "ñ"}
"""Letters in whose place a word that nobody knows without accents is looked for with them."""


def undo_accents(text: str, counts: Counter[str]) -> str:
    """``text`` in NFKC, lines in which accents are strewn without them; counts the letters as ``marked``."""
    if not _hinted(text.lower()):
        return text
    return "\n".join(_line(line, counts) for line in text.split("\n"))


def _hinted(text: str) -> bool:
    found = HAS_ACCENT.findall(text)
    return len(found) > 1 and (WORDS_IN_A_ROW.search(text) is not None or EVERY_VOWEL.search(text) is not None)


def _line(line: str, counts: Counter[str]) -> str:
    if not _hinted(line.lower()):
        return line
    long = [word for word in WORD.findall(line.lower()) if len(word) >= LEAST]
    accented = [word for word in long if HAS_ACCENT.search(word)]
    if 2 * len(accented) < len(long) or (len(accented) < A_LINE and not any(map(EVERY_VOWEL.fullmatch, accented))):
        return line
    reader = vocabulary(_without(line.lower()))
    strewn = _strewn(long, accented, reader)
    if not strewn:
        return line

    def bare(match: re.Match[str]) -> str:
        word = match[0]
        if HAS_ACCENT.search(word.lower()) is None or reader.per_million(word.lower()) > 0:
            return word
        plain = _plain(word.lower(), strewn, reader)
        counts["marked"] += sum(one != other for one, other in zip(word.lower(), plain, strict=True))
        return plain.upper() if word.isupper() and len(plain.upper()) == len(word) else plain

    return WORD.sub(bare, line)


def _strewn(long: list[str], accented: list[str], reader: Vocabulary) -> frozenset[str]:
    """The accents (combining marks) that are strewn over these words; none where they are spelling."""
    everywhere = [word for word in accented if EVERY_VOWEL.fullmatch(word)]
    vowels = Counter(map(str.isascii, re.findall(rf"[{VOWELS}{ACCENTED}]", "".join(long))))
    all_over = vowels[False] >= 4 * vowels[True]
    certain = {word for word in everywhere if _known_without(word, reader)}
    without = {word: reader.per_million(_without(word)) for word in accented if reader.per_million(word) == 0}
    known = certain | {word for word, said in without.items() if said >= EVERYDAY}
    if all_over and len(accented) > 1 and all(without.get(word) for word in accented):
        certain = known = set(accented)
    closed = [word for word in everywhere if CLOSED.search(_without(word))]
    if DOT_BELOW.search("".join(long)) and len(known) < A_LINE:
        return frozenset()
    if (certain or len(known) >= A_LINE) and (3 if all_over else 2) * len(known) >= len(accented):
        return _marks(known)
    if all_over and len(closed) >= A_LINE and 2 * len(closed) >= len(everywhere):
        return _marks(closed)
    return frozenset()


def _known_without(word: str, reader: Vocabulary) -> bool:
    """For certain without its accents or some of them (``rückgábé``), and not with them."""
    if reader.per_million(word) > 0:
        return False
    least = COMMON if CLOSED.search(_without(word)) is None else EVERYDAY if len(word) <= SHORT else 0
    return any(plain in WORTH_HIDING or reader.per_million(plain) > least for plain in _plainer(word))


def _plainer(word: str) -> list[str]:
    """The word without any accent, and without each kind of its accents."""
    apart = unicodedata.normalize("NFD", word)
    kinds = sorted(set(MARKS.findall(apart)))
    return [_without(word), *(unicodedata.normalize("NFC", apart.replace(kind, "")) for kind in kinds if len(kinds) > 1)]


def _marks(words: Iterable[str]) -> frozenset[str]:
    """The marks on these words, but those that are a small part: they are spelling (``rückgábé``)."""
    found = Counter(MARKS.findall(unicodedata.normalize("NFD", " ".join(words))))
    return frozenset(mark for mark, times in found.items() if 6 * times >= found.total())


def _plain(word: str, strewn: frozenset[str], reader: Vocabulary) -> str:
    """The word as it is said, or without the accents that are strewn."""
    apart = unicodedata.normalize("NFD", word)
    if strewn.isdisjoint(apart):
        return word
    some = unicodedata.normalize("NFC", "".join(sign for sign in apart if sign not in strewn))
    spelt = as_spelt(some, reader)
    return spelt if spelt != some else reader.most_said([some, _without(word)]) or some


def _without(text: str) -> str:
    return unicodedata.normalize("NFC", MARKS.sub("", unicodedata.normalize("NFD", text)))


def as_spelt(bare: str, reader: Vocabulary) -> str:
    """The word (small letters) with the accents that it is said with; as it is where it is said so, or nobody says either."""
    spelt = _respelt(bare, reader)
    return bare if spelt is None or reader.per_million(spelt) <= MUCH_MORE * reader.per_million(bare) else spelt


@lru_cache(maxsize=1024)
def _respelt(bare: str, reader: Vocabulary) -> str | None:
    """The word that is said with one or two accents where nobody says it without; None where nobody does so either."""
    once = [bare[:at] + letter + bare[at + 1 :] for at, plain in enumerate(bare[:24]) for letter in RESPELT.get(plain, "")]
    found = reader.most_said(once) if once else None
    if found is not None:
        return found
    twice = [one[:at] + letter + one[at + 1 :] for one in once for at, plain in enumerate(one[:24]) for letter in RESPELT.get(plain, "")]
    return reader.most_said(twice) if twice else None
