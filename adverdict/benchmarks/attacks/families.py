"""Ways of dressing up a text, written from Unicode's names and by hand: none of it comes from the tables by which features undo them.

A family changes every word it can. Most are undone by whoever reads the ad (``read_the_same``); the others change what there is to read.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from adverdict.simulation.obfuscate import LEET

Dress = Callable[[str, Random], str]

LETTERS = "abcdefghijklmnopqrstuvwxyz"
CYRILLIC = str.maketrans(
    "aceiopxyABCEHIKMOPTX",
    "\u0430\u0441\u0435\u0456\u043e\u0440\u0445\u0443\u0410\u0412\u0421\u0415\u041d\u0406\u041a\u041c\u041e\u0420\u0422\u0425",
)
GREEK = str.maketrans(
    "oviABEHIKMNOPTXYZ", "\u03bf\u03bd\u03b9\u0391\u0392\u0395\u0397\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4\u03a7\u03a5\u0396"
)
LATIN = str.maketrans("agiloy", "\u0251\u0261\u0131\u026d\u0275\u028f")
WORD = re.compile(r"[^\W\d_]{4,}")
"""Short words are left alone, as by whoever wants to be read."""


@dataclass(frozen=True)
class Family:
    """``read_the_same``: whether a reader sees the same words."""

    name: str
    dress: Dress
    read_the_same: bool


FAMILIES: dict[str, Family] = {}


def family(read_the_same: bool = True) -> Callable[[Dress], Dress]:
    def add(dress: Dress) -> Dress:
        FAMILIES[dress.__name__] = Family(dress.__name__, dress, read_the_same)
        return dress

    return add


def _words(text: str, dress: Callable[[str], str]) -> str:
    return WORD.sub(lambda found: dress(found[0]), text)


def _between(text: str, sign: str) -> str:
    return _words(text, sign.join)


def _named(pattern: str) -> dict[int, str]:
    """Of the letters of which Unicode has a variant of this name: a table for ``str.translate``."""
    table = {}
    for letter in (*LETTERS, *LETTERS.upper()):
        size = "CAPITAL" if letter.isupper() else "SMALL"
        try:
            table[ord(letter)] = unicodedata.lookup(pattern.format(size=size, letter=letter.upper()))
        except KeyError:
            continue
    return table


@family()
def zero_width(text: str, draw: Random) -> str:
    """Characters without width inside words."""
    return _words(text, lambda word: "".join(letter + draw.choice("\u200b\u200c\u200d\u2060\ufeff") for letter in word[:-1]) + word[-1])


@family()
def soft_hyphens(text: str, draw: Random) -> str:
    """Hyphens that show only where a line breaks."""
    return _between(text, "\u00ad")


@family()
def tag_characters(text: str, draw: Random) -> str:
    """Invisible characters of the plane of tags."""
    return _between(text, "\U000e0020")


@family()
def written_backwards(text: str, draw: Random) -> str:
    """Words in reverse between a right-to-left override and its end, which the screen turns round again."""
    return _words(text, lambda word: f"\u202e{word[::-1]}\u202c")


@family()
def cyrillic_letters(text: str, draw: Random) -> str:
    return text.translate(CYRILLIC)


@family()
def greek_letters(text: str, draw: Random) -> str:
    return text.translate(GREEK)


@family()
def other_latin_letters(text: str, draw: Random) -> str:
    """Look-alikes within the Latin script: phonetic letters, dotless i, small capitals."""
    return text.translate(LATIN)


@family()
def mathematical_bold(text: str, draw: Random) -> str:
    return text.translate(_named("MATHEMATICAL BOLD {size} {letter}"))


@family()
def mathematical_script(text: str, draw: Random) -> str:
    return text.translate(_named("MATHEMATICAL BOLD SCRIPT {size} {letter}"))


@family()
def full_width(text: str, draw: Random) -> str:
    return text.translate(_named("FULLWIDTH LATIN {size} LETTER {letter}"))


@family()
def in_circles(text: str, draw: Random) -> str:
    return text.translate(_named("CIRCLED LATIN {size} LETTER {letter}"))


@family()
def small_capitals(text: str, draw: Random) -> str:
    return text.lower().translate({ord(letter): variant for letter, variant in zip(LETTERS, map(_small_capital, LETTERS), strict=True)})


def _small_capital(letter: str) -> str:
    try:
        return unicodedata.lookup(f"LATIN LETTER SMALL CAPITAL {letter.upper()}")
    except KeyError:
        return letter


@family()
def regional_indicators(text: str, draw: Random) -> str:
    """Letters that flags are made of, kept from joining into flags."""
    table = {ord(letter): chr(0x1F1E6 + number) + "\u200b" for number, letter in enumerate(LETTERS)}
    return _words(text, lambda word: word.lower().translate(table))


@family()
def struck_through(text: str, draw: Random) -> str:
    return _words(text, lambda word: "".join(letter + "\u0336" for letter in word))


@family()
def strewn_with_accents(text: str, draw: Random) -> str:
    """Accents over and under letters that no language puts there."""
    return _words(text, lambda word: "".join(letter + draw.choice("\u0300\u0301\u0302\u0303\u0323\u0331") for letter in word))


@family()
def accents_on_vowels(text: str, draw: Random) -> str:
    """An acute on each vowel, as in many languages, but in words that have none."""
    return _words(text, lambda word: unicodedata.normalize("NFC", re.sub("[aeiouAEIOU]", lambda vowel: vowel[0] + "\u0301", word)))


@family()
def digits_and_signs(text: str, draw: Random) -> str:
    return _words(text, lambda word: word[0] + word[1:].translate(LEET))


@family()
def letters_spaced(text: str, draw: Random) -> str:
    """Words letter by letter, further apart from each other than their letters."""
    return "   ".join(" ".join(word) if WORD.fullmatch(word) else word for word in text.split(" "))


@family()
def letters_dotted(text: str, draw: Random) -> str:
    return _between(text, ".")


@family()
def letters_hyphenated(text: str, draw: Random) -> str:
    return _between(text, "-")


@family()
def letters_starred(text: str, draw: Random) -> str:
    return _between(text, "*")


@family()
def letters_and_emoji(text: str, draw: Random) -> str:
    """A picture between each letter and the next."""
    return _between(text, draw.choice("\U0001f525\u2b50\U0001f4a5\u2764"))


@family()
def emoji_between_words(text: str, draw: Random) -> str:
    return re.sub(" ", lambda _: " " + draw.choice("\U0001f525\u2b50\U0001f4a5\U0001f389") + " ", text)


@family()
def stretched(text: str, draw: Random) -> str:
    """A letter of each word many times over."""

    def stretch(word: str) -> str:
        place = draw.randrange(1, len(word))
        return word[:place] + word[place] * 5 + word[place + 1 :]

    return _words(text, stretch)


@family()
def capitals_at_random(text: str, draw: Random) -> str:
    return "".join(letter.upper() if draw.random() < 0.5 else letter.lower() for letter in text)


@family()
def entities(text: str, draw: Random) -> str:
    """Letters as HTML's entities."""
    return _words(text, lambda word: "".join(f"&#{ord(letter)};" for letter in word))


@family()
def entities_twice(text: str, draw: Random) -> str:
    """The same, encoded once more."""
    return _words(text, lambda word: "".join(f"&amp;#x{ord(letter):x};" for letter in word))


@family()
def links_taken_apart(text: str, draw: Random) -> str:
    """Links that are typed by hand: other schemes, dots in words."""
    text = re.sub(r"https?://", "hxxp://", text)
    return re.sub(r"(?<=\w)\.(?=[a-z]{2,})", " [dot] ", text)


@family(read_the_same=False)
def words_reordered(text: str, draw: Random) -> str:
    words = text.split(" ")
    draw.shuffle(words)
    return " ".join(words)


@family(read_the_same=False)
def every_third_word_left_out(text: str, draw: Random) -> str:
    return " ".join(word for number, word in enumerate(text.split(" ")) if number % 3 != 2)
