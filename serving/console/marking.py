"""A text of an ad for reading: the words that moved a risk marked, and what a text can hide made visible.

Control characters that reorder text or cannot be seen would let an ad rewrite the page around it, and hide from its reader what the
model saw; each is shown as a sign of its own. Joiners that scripts and emoji need pass through.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from domain.decision import Reason
from features.normalise import normalise
from models.explain import WORD

SHOWN = 4000
"""Characters of one text: more than a reviewer reads, and no page is made of a text of 100,000."""
TOKEN = re.compile(r"\S+")
HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
NAMES = {
    "\u200b": "zero-width space",
    "\u00ad": "soft hyphen",
    "\ufeff": "byte order mark",
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
        out += _seen(text[at : mark.start])
        kind: Kind = "towards" if mark.reason.effect > 0 else "away"
        out += [piece if piece.kind else Piece(piece.text, kind, mark.reason.text) for piece in _seen(text[mark.start : mark.end])]
        at = mark.end
    return (*out, *_seen(text[at:]))


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


def _seen(text: str) -> Iterator[Piece]:
    at = 0
    for match in HIDDEN.finditer(text):
        if match.start() > at:
            yield Piece(text[at : match.start()])
        yield Piece(f"U+{ord(match.group()):04X}", "hidden", NAMES.get(match.group(), unicodedata.name(match.group(), "control").lower()))
        at = match.end()
    if at < len(text):
        yield Piece(text[at:])
