"""A text of an ad for reading: the words that moved a risk marked, and what a text can hide made visible.

Control characters that reorder text or cannot be seen would let an ad rewrite the page around it, and hide from its reader what the
model saw; each is shown as a sign of its own. The two joiners (U+200C, U+200D) pass through, as scripts and emoji need them; so does one
variation selector right after a Han character or an emoji.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from adverdict.domain.decision import Reason
from adverdict.features.text.normalise import normalise
from adverdict.models.explain import WORD

SHOWN = 4000
"""Characters of one text: more than a reviewer reads, and no page is made of a text of 100,000."""
TOKEN = re.compile(r"\S+")
_ALWAYS = (
    "\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\u2800"
    "\u3164\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e00ff\U000e01f0-\U000e0fff"
)
"""Controls, marks of direction, and what Unicode calls default ignorable (DerivedCoreProperties.txt), without joiners and variation
selectors; and the blank Braille pattern."""
_HAN = "\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_EMOJI = (
    "\u00a9\u00ae\u203c\u2049\u2122\u2139\u2194-\u21aa\u231a-\u23ff\u24c2\u25aa-\u25fe\u2600-\u27bf\u2934\u2935\u2b05-\u2b55\u3030\u303d\u3297\u3299"
    "\U0001f000-\U0001faff"
)
"""What may be drawn as text or as an emoji (emoji-variation-sequences.txt), in whole ranges."""
HIDDEN = re.compile(
    rf"[{_ALWAYS}]|(?<![{_HAN}])[\ufe00-\ufe0d\U000e0100-\U000e01ef]"
    rf"|(?<![{_HAN}{_EMOJI}])[\ufe0e\ufe0f](?!(?<=[0-9#*].)\u20e3)"  # and a keycap is a digit, a selector and U+20E3
)
"""Looks at the character before: search the whole text, not a part of it."""
NAMES = {
    "\u200b": "zero-width space",
    "\u00ad": "soft hyphen",
    "\ufeff": "byte order mark",
    "\u2800": "blank braille pattern",
    "\u2060": "word joiner",
    "\u202e": "right-to-left override",
    "\u202d": "left-to-right override",
}

Kind = Literal["", "towards", "away", "hidden"]


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of text that is shown alike."""

    text: str
    kind: Kind = ""
    told: str = ""
    """What is to be said of it."""


class _Mark(NamedTuple):
    start: int
    end: int
    reason: Reason


def pieces(raw: str | None, reasons: Sequence[Reason] = ()) -> tuple[Piece, ...]:
    """The first ``SHOWN`` characters of a text, in pieces. Of ``reasons``, phrases are looked for."""
    text = (raw or "").replace("\r\n", "\n")[:SHOWN]
    out: list[Piece] = []
    at = 0
    for mark in _marks(text, [reason for reason in reasons if reason.kind == "phrase"]):
        out += _seen(text, at, mark.start)
        kind: Kind = "towards" if mark.reason.effect > 0 else "away"
        out += [piece if piece.kind else Piece(piece.text, kind, mark.reason.text) for piece in _seen(text, mark.start, mark.end)]
        at = mark.end
    return (*out, *_seen(text, at, len(text)))


def _marks(text: str, phrases: Sequence[Reason]) -> list[_Mark]:
    """Where the phrases stand, in order and apart. They are in plain letters; the text is read as the model read it, word by word."""
    if not phrases:
        return []
    tokens = list(TOKEN.finditer(text))
    words = [(word, number) for number, token in enumerate(tokens) for word in WORD.findall(normalise(token.group()).text)]
    taken: dict[int, _Mark] = {}
    for reason in sorted(phrases, key=lambda reason: -abs(reason.effect)):
        wanted = WORD.findall(reason.signal)
        for first, last in _found(wanted, words):
            if not any(number in taken for number in range(first, last + 1)):
                mark = _Mark(*_trimmed(text, tokens[first].start(), tokens[last].end()), reason)
                taken |= dict.fromkeys(range(first, last + 1), mark)
    return sorted(set(taken.values()), key=lambda mark: mark.start)


def _found(wanted: Sequence[str], words: Sequence[tuple[str, int]]) -> Iterator[tuple[int, int]]:
    """First and last token of each occurrence."""
    n = len(wanted)
    for at in range(len(words) - n + 1) if n else ():
        if all(words[at + i][0] == wanted[i] for i in range(n)):
            yield words[at][1], words[at + n - 1][1]


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    """Without the punctuation around it."""
    while start < end - 1 and unicodedata.category(text[start]).startswith("P"):
        start += 1
    while end > start + 1 and unicodedata.category(text[end - 1]).startswith("P"):
        end -= 1
    return start, end


def _seen(text: str, at: int, end: int) -> Iterator[Piece]:
    for match in HIDDEN.finditer(text, at, end):
        if match.start() > at:
            yield Piece(text[at : match.start()])
        yield Piece(f"U+{ord(match.group()):04X}", "hidden", NAMES.get(match.group(), unicodedata.name(match.group(), "control").lower()))
        at = match.end()
    if at < end:
        yield Piece(text[at:end])
