"""The versioned text normaliser: one reading of a text however it was dressed up, and counts of what had to be undone.

Obfuscation is evidence, another script is not: genuine Cyrillic, Greek, Arabic, Indic or East Asian text passes through and counts
nothing, joiners inside Indic and Arabic words and inside emoji included. The text comes out in NFKC and small letters, spaces folded,
one line for each line. ``normalise(normalise(x).text).text == normalise(x).text`` for every ``x``; time is linear in the text.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Protocol

from adverdict.domain.visible import ENTITY, MARKUP
from adverdict.features.native import core
from adverdict.features.text.characters import CONTROL, ONE_FORM_MORE, classes
from adverdict.features.text.disguises.accents import undo_accents
from adverdict.features.text.disguises.confusables import undo_confusables, undo_styled
from adverdict.features.text.disguises.elongation import STRETCHED, undo_elongation
from adverdict.features.text.disguises.encoding import undo_encoding
from adverdict.features.text.disguises.invisible import remove_invisible
from adverdict.features.text.disguises.leet import undo_leet
from adverdict.features.text.disguises.marks import ALL_MARKED, MARKED, undo_marks
from adverdict.features.text.disguises.spacing import LETTERS, LETTERS_ELSEWHERE, undo_spacing
from adverdict.features.text.folding import fold
from adverdict.features.text.points import reader
from adverdict.features.text.scripts import marks

VERSION = "3"
"""Part of the feature contract: a model reads only text normalised as its training text was."""

PASSES = 12
"""A bound no text has come near: undoing one trick can bare another, and each pass leaves less to undo."""

PARTS_KEPT = 1024
LONGEST_KEPT = 500
ADS_KEPT = 4096
"""Texts of ads: those just decided are read again by whoever looks for probing, seconds later."""
"""Characters of a part of an ad that is kept for whoever reads it next, n-grams and encoder: 5 MB at most."""

REPEATED_SIGN = re.compile(r"([!?.,:;*~_=#$€%&^+|<>/\\\"'()\[\]{}-])\1{2,}")
THRICE = re.compile(r"([^\d\s])\1\1")
"""What every run of a letter or sign holds that is cut; most texts hold none."""
STAND_IN = re.compile("[0-9@$€!]")
"""What every match of the next one holds, found twenty times as fast."""
LATIN = "a-z\u00df-\u00f6\u00f8-\u024f"
DISGUISED = re.compile(
    rf"[0-9@$€!](?:(?<=[{LATIN}].)[0-9@$€!]{{0,2}}[{LATIN}]|(?<=[{LATIN}]{{2}}[013457@$€!])[{LATIN}0-9@$€]|(?<=[{LATIN}]{{2}}[013457@$€])(?![\d.])"
    rf"|(?<=[{LATIN}][@$€])[\d@$€]{{0,2}}(?!\w|\.\w)|(?<=[{LATIN}]\d)\d?[@$€][\d@$€]{{0,2}}(?!\w|\.\w)"
    rf"|(?<=[013457@$€])(?<![^\W_].)[013457@$€]?[{LATIN}]{{2}})"
)
"""A digit or sign for a letter."""
TO_LOOK_AT = re.compile("!|k{9}")
"""In classes of characters: what makes the steps on other than plain letters necessary."""
SPACED_HINT = re.compile(r"(?<![^\W_])[^\W\d_](?!['’\n])[\W_]{1,4}[^\W\d_](?![^\W_])")
"""Two letters by themselves: found wherever letters of a word are strewn with signs, in less time."""
PHRASE_IN_A_LETTER = str.maketrans({"\ufdfa": "صلعم"})
"""NFKC would make 18 characters of this one, and 18 MB of 1 MB of it; the usual abbreviation says the same."""


@dataclass(frozen=True, slots=True)
class Undone:
    """How often each trick was undone."""

    confusables: int = 0
    """Letters of another script standing in for look-alikes."""
    styled: int = 0
    """Mathematical, enclosed, full-width or small-capital letters."""
    zero_width: int = 0
    """Invisible characters where no script has a use for them."""
    bidi: int = 0
    """Controls that reorder text, where nothing is written from right to left."""
    leet: int = 0
    """Words with digits or signs for letters."""
    spaced: int = 0
    """Words written letter by letter."""
    repeated: int = 0
    """Letters beyond those that a word has."""
    encoded: int = 0
    """Plain letters and digits written as HTML's entities, and what was encoded twice."""
    marked: int = 0
    """Letters under overlays, or with accents that are no spelling."""

    @property
    def total(self) -> int:
        return (
            self.confusables
            + self.styled
            + self.zero_width
            + self.bidi
            + self.leet
            + self.spaced
            + self.repeated
            + self.encoded
            + self.marked
        )


NOTHING = Undone()


@dataclass(frozen=True, slots=True)
class NormalisedText:
    """``text``: small letters, folded, encodable as UTF-8. ``raw``: as it came."""

    text: str
    raw: str
    undone: Undone = NOTHING


def normalise(raw: str) -> NormalisedText:
    """Any string, lone surrogates included, to its plain reading. Never raises."""
    return _kept(raw) if len(raw) <= LONGEST_KEPT else _normalise(raw)


def _normalise(raw: str) -> NormalisedText:
    plain = _plain(raw)
    if plain is not None:
        return NormalisedText(plain, raw)
    counts: Counter[str] = Counter()
    text = raw
    for _ in range(PASSES):
        before, text = text, _one_pass(text, counts)
        if text == before or _plain(text) == text:
            break
    return NormalisedText(text, raw, Undone(**counts))


_kept = lru_cache(maxsize=PARTS_KEPT)(_normalise)


def _plain(raw: str) -> str | None:
    """The text of a raw text in which nothing is to be undone, as in most; None where a closer look is needed."""
    plain = _plain_at_once(raw) if core() else None
    return _already_plain(raw) if plain is None else plain


def _plain_at_once(raw: str) -> str | None:
    """What the native core says of it: the same as ``_already_plain``, or None for more texts than that."""
    found = reader().plain_text(raw)
    if type(found) is not tuple:
        plain: str | None = found
        return plain
    [plain] = found  # accents may be strewn over it
    small = raw.lower()
    return plain if undo_accents(small, Counter()) == small else None


def _already_plain(raw: str) -> str | None:
    """The same by Python alone."""
    if ("&" in raw and ENTITY.search(raw)) or ("<" in raw and MARKUP.search(raw)):
        return None
    text = raw.lower()
    if raw.isascii():
        if CONTROL.search(raw):
            return None
    else:
        kinds = classes(raw)
        if TO_LOOK_AT.search(kinds) or ("c" in kinds and "l" in kinds) or ONE_FORM_MORE.search(raw):
            return None
        text = _nfkc(text)
        if text != text.lower() or (len(text) != len(raw) and TO_LOOK_AT.search(classes(text))):
            return None
        if ("k" in kinds and MARKED.search(text)) or ALL_MARKED.search(text) or undo_accents(text, Counter()) != text:
            return None
    text = _fold(text)
    return None if _suspicious(text) else text


def _suspicious(text: str) -> bool:
    """Whether a step on plain letters may have work to do; for most texts none has."""
    if THRICE.search(text) and (REPEATED_SIGN.search(text) or STRETCHED.search(text) or not text.isascii()):
        return True
    if STAND_IN.search(text) and DISGUISED.search(text):
        return True
    return SPACED_HINT.search(text) is not None and (LETTERS.search(text) or LETTERS_ELSEWHERE.search(text)) is not None


class HasWords(Protocol):
    """As much of an ad as its words are."""

    @property
    def title(self) -> str | None: ...
    @property
    def body(self) -> str | None: ...
    @property
    def call_to_action(self) -> str | None: ...
    @property
    def keywords(self) -> Sequence[str] | None: ...
    @property
    def creative_ocr_text(self) -> str | None: ...


def ad_text(ad: HasWords) -> NormalisedText:
    """All words of an ad, one field a line: title, body, call to action, keywords, text read off the creative."""
    keywords = ", ".join(ad.keywords) if ad.keywords else None
    raw = "\n".join(part for part in (ad.title, ad.body, ad.call_to_action, keywords, ad.creative_ocr_text) if part)
    return _kept_whole(raw) if len(raw) <= LONGEST_KEPT else _normalise(raw)


_kept_whole = lru_cache(maxsize=ADS_KEPT)(_normalise)


def _one_pass(text: str, counts: Counter[str]) -> str:
    text = remove_invisible(undo_encoding(text, counts), counts)
    if not text.isascii():
        text = undo_styled(text, counts)
        text = undo_confusables(_nfkc(undo_confusables(text, counts)), counts)
        text = undo_accents(undo_marks(text, counts), counts)
    text = undo_spacing(text, counts) if SPACED_HINT.search(text) else text
    text = fold(text, counts)
    if not text.isascii():
        text = _nfkc(text)
    text = undo_leet(undo_elongation(text, counts), counts)
    return _fold(REPEATED_SIGN.sub(r"\1\1", undo_elongation(text, counts)))


def _nfkc(text: str) -> str:
    """NFKC, with at most 8 marks on a letter: sorting longer piles takes time quadratic in their height."""
    if "\ufdfa" in text:
        text = text.translate(PHRASE_IN_A_LETTER)
    text = _cut_marks(text)
    return text if unicodedata.is_normalized("NFKC", text) else _cut_marks(unicodedata.normalize("NFKC", text))


def _cut_marks(text: str) -> str:
    return _piled().sub(r"\1", text) if "k" * 9 in classes(text) else text


@cache
def _piled() -> re.Pattern[str]:
    return re.compile(rf"([{marks()}]{{8}})[{marks()}]+")


def _fold(text: str) -> str:
    """Runs of white space to one space, empty lines out. By splitting: a pattern would take quadratic time on a text of spaces."""
    if "\n" not in text:
        return " ".join(text.split())
    return "\n".join(line for line in (" ".join(line.split()) for line in text.split("\n")) if line)
