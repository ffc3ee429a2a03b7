"""What each character is to the normaliser, as one letter a character, so that patterns over classes decide which steps have work."""

from __future__ import annotations

import re
import unicodedata
from functools import cache

from adverdict.features.text.scripts import ranges, script

CONTROL = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u200b\u2060-\u2064\u206a-\u206f\ufeff\u115f\u1160\u3164\uffa0\u180e\u034f]")
"""Control characters, zero-width spaces, invisible operators, Hangul fillers. None has a place in an ad."""
SOFT = re.compile("[\u00ad\ufe00-\ufe0f\U000e0100-\U000e01ef\ufff9-\ufffb]")
"""Soft hyphens and variation selectors: typography."""
DIRECTION = re.compile("[\u200e\u200f\u061c\u202a-\u202c\u2066-\u2069]")
OVERRIDE = re.compile("[\u202d\u202e]")
JOINER = re.compile("[\u200c\u200d]")
TAG = re.compile("[\U000e0000-\U000e007f]")
LONE_SURROGATE = re.compile("[\ud800-\udfff]")
STYLED = re.compile(
    "[\U0001d400-\U0001d7cb\u2102\u210a-\u2112\u2115\u2119-\u211d\u2124\u212c-\u2134]|[\u24b6-\u24e9]{2,}|[\U0001f130-\U0001f149]{2,}"
    "|[\u02b0-\u02b8\u02e1-\u02e3\u1d2c-\u1d6a\u1d9b-\u1dbf\u2071\u207f\u2090-\u209c]{3,}"
)
"""Mathematical letters; enclosed ones in a row, for one alone is a sign (Ⓜ); raised and lowered ones in a row, for 1ʳᵉ and Mᵐᵉ are honest.
NFKC folds all of them."""
IN_BRACKETS = re.compile("[\u249c-\u24b5\U0001f110-\U0001f129]{2,}")
"""Letters in brackets, which NFKC would leave in them; one alone numbers a list."""
REGIONAL = re.compile("[\U0001f1e6-\U0001f1ff]+")
"""Two of these letters make a flag."""
FULL_WIDTH = re.compile("[\uff21-\uff3a\uff41-\uff5a]")
NEGATIVE = re.compile("[\U0001f150-\U0001f169\U0001f170-\U0001f189]")
"""White letters on dark discs and squares, which NFKC leaves."""
EMOJI = re.compile("[\u2600-\u27bf\u2b50\u2b55\U0001f1e6-\U0001f1ff\U0001f300-\U0001f64f\U0001f680-\U0001f6ff\U0001f900-\U0001faff]")
ONE_FORM_MORE = re.compile(
    "[ıİğĞςσΣ\u0640\u0180-\u02af\u1d6d-\u1d9a\u2c60-\u2c7f]|[\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u1e00-\u1eff]{3}"
)
"""Letters that have more forms than a capital and a small one; and three letters with accents in a row."""

BLANK_PATTERN = "\u2800"
"""Braille's pattern without a dot: seen as a blank."""
LOOKED_AT = re.compile(
    "[\U0001d400-\U0001d7cb\u2102\u210a-\u2115\u2119-\u211d\u2124\u212c-\u2134\u249c-\u24e9\U0001f110-\U0001f149\U0001f1e6-\U0001f1ff"
    "\u02b0-\u02b8\u02e1-\u02e3\u1d2c-\u1d6a\u1d9b-\u1dbf\u2071\u207f\u2090-\u209c\u2800\u20d0-\u20f0]"
)
SPELT_WITH = frozenset("ıſẝʋɣɩƖǀƄƽƦ")
"""Of the Latin letters that look like others, those some language writes: Turkish, Ewe, Kabiye, Khoisan, old prints."""
SPELT_IN_EUROPE = frozenset("øđħłŧåæœßðþŋəĳŀŉ")
LETTER_WITH = re.compile(
    "LATIN SMALL LETTER (?=BARRED|. WITH (?:HOOK|STROKE|TAIL|CURL|BAR|LOOP|LEFT|RIGHT|RETROFLEX|MIDDLE|PALATAL|CROSSED|TOPBAR))"
    "(?:BARRED )?([A-Z])"
)
TO_LOOK_AT = (CONTROL, SOFT, DIRECTION, OVERRIDE, JOINER, TAG, LONE_SURROGATE, LOOKED_AT, FULL_WIDTH, NEGATIVE)
ALPHABETS_WITHOUT_JOINERS = frozenset(["LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "CJK", "HIRAGANA", "KATAKANA", "HANGUL"])


class _Classes(dict[int, str]):
    """Filled as characters are met; emptied when hostile text has made it large."""

    def __missing__(self, point: int) -> str:
        if len(self) > 50_000:
            self.clear()
        self[point] = found = _class(chr(point))
        return found


def _class(character: str) -> str:
    if any(pattern.match(character) for pattern in TO_LOOK_AT) or character in small_capitals() or character in phonetic():
        return "!"
    category = unicodedata.category(character)
    if category[0] == "M":
        return "k"
    if category[0] == "L":
        if script(character) == "LATIN":
            return "l"
        return "c" if character in to_latin() else "x"
    return "d" if category[0] == "N" else " "


_CLASSES = _Classes()


def classes(text: str) -> str:
    """One class a character: ``l`` Latin letter, ``c`` letter of another script that looks Latin, ``x`` any other letter, ``k`` mark,
    ``d`` digit, ``!`` something to look at (invisible, styled, broken), space for the rest."""
    return text.translate(_CLASSES)


@cache
def to_latin() -> dict[str, str]:
    """Letters of other scripts that look like one ASCII letter, by Unicode's confusables (UTS 39)."""
    from confusable_homoglyphs.confusables import confusables_data

    table: dict[str, str] = {}
    for letter, alike in confusables_data.items():
        if len(letter) == 1 and not letter.isascii() and script(letter) not in ("", "LATIN"):
            plain = _plain_letters(alike)
            folded = unicodedata.normalize("NFKC", letter)
            if plain and (folded == letter or (len(folded) == 1 and script(folded) == script(letter))):
                table[letter] = plain[0]
    return table


def _plain_letters(alike: list[dict[str, str]]) -> list[str]:
    return [other["c"] for other in alike if len(other["c"]) == 1 and other["c"].isascii() and other["c"].isalpha()]


@cache
def phonetic() -> dict[str, str]:
    """Latin letters that look like one ASCII letter and that no spelling uses: phoneticians' and medievalists' (``ɑ``, ``ɡ``, ``ꬵ``)."""
    from confusable_homoglyphs.confusables import confusables_data

    table: dict[str, str] = {}
    for letter, alike in confusables_data.items():
        if len(letter) == 1 and script(letter) == "LATIN" and not letter.isascii() and letter not in SPELT_WITH:
            plain = _plain_letters(alike)
            if plain and unicodedata.is_normalized("NFKC", letter):
                table[letter] = plain[0].lower()
    return table


@cache
def from_latin(name: str) -> dict[str, str]:
    """ASCII letters that look like one of the everyday letters of the script called ``name``."""
    everyday = {"CYRILLIC": [*range(0x410, 0x450), 0x406, 0x456], "GREEK": [*range(0x391, 0x3CA)]}[name]
    return {to_latin()[chr(point)]: chr(point) for point in reversed(everyday) if chr(point) in to_latin()}


@cache
def small_capitals() -> dict[str, str]:
    """Small capital letters, which no language writes words in."""
    table = {}
    for point in [*range(0x250, 0x2B0), *range(0x1D00, 0x1D2C), *range(0xA720, 0xA800)]:
        name = unicodedata.name(chr(point), "")
        if name.startswith("LATIN LETTER SMALL CAPITAL ") and len(name.rsplit(" ", 1)[1]) == 1 and name.count(" ") == 4:
            table[chr(point)] = name[-1].lower()
    return table


@cache
def far_away() -> dict[str, str]:
    """Small Latin letters that few languages write, most of them African, and the ASCII letter each looks like: ``ı``, ``ƒ``, ``ɓ``."""
    from confusable_homoglyphs.confusables import confusables_data

    alike = {letter.lower(): _plain_letters(confusables_data.get(letter, [])) for letter in SPELT_WITH}
    table = {letter: plain[0].lower() for letter, plain in alike.items() if plain and unicodedata.is_normalized("NFKC", letter)}
    for point in [*range(0x180, 0x2B0), *range(0x1D6D, 0x1D9B), *range(0x2C60, 0x2C80)]:
        letter = chr(point)
        named = LETTER_WITH.match(unicodedata.name(letter, ""))
        if named and letter not in SPELT_IN_EUROPE and unicodedata.normalize("NFD", letter) == letter and letter not in phonetic():
            table[letter] = named[1].lower()
    return table


@cache
def takes_joiner() -> str:
    """The inside of a character class: letters and marks of scripts written with joiners, and emoji."""

    def takes(character: str) -> bool:
        category = unicodedata.category(character)
        if category[0] == "L":
            return script(character) not in ALPHABETS_WITHOUT_JOINERS
        return category in ("Mn", "Mc", "So", "Sk") and not character.isascii()

    # Letters with joiners lie below U+2000 and in U+10A00-U+11FFF; emoji and their skin tones further on.
    points = [*range(0x300, 0x3000), *range(0xA800, 0xAC00), *range(0xFB1D, 0xFF00), *range(0x10A00, 0x12000), *range(0x1F000, 0x1FB00)]
    return ranges(point for point in points if takes(chr(point)))
