"""Text written as HTML: ``fr&#101;&#101;``, ``ca&shy;sino``, ``&amp;#105;``, ``ca<b></b>sino``. A page shows what it stands for."""

from __future__ import annotations

import re
from collections import Counter

from adverdict.domain.visible import BLOCK, ENCODINGS, ENTITY, MARKUP, decoded

EVERYDAY = re.compile(r"&(?:amp;)+(?:amp|quot|apos|lt|gt|nbsp|#0*39|#0*34);|&(?:amp;){2,}", re.IGNORECASE)
"""What feeds are encoded twice with by mistake."""
TWICE = re.compile(r"&(?:(?:amp|#0*38|#[xX]0*26);)+(?=(?:#\d|#[xX][0-9a-fA-F]|[a-zA-Z][a-zA-Z0-9]+;))", re.IGNORECASE)

BREAKS = re.compile(rf"</?(?:{BLOCK})(?:\s[^<>]*)?/?>", re.IGNORECASE)
"""Tags that part what stands around them."""
INSIDE_A_WORD = re.compile(r"(?<=[^\W\d_])(?:<!--[^<>]*-->|<(\w+)[^<>]*></\1>|<(?:wbr|img)\b[^<>]*>)+(?=[^\W\d_])", re.IGNORECASE)
"""Markup around nothing, which shows nothing and breaks a word."""


def undo_encoding(text: str, counts: Counter[str]) -> str:
    """The text as a page shows it. Counts as ``encoded`` each ASCII letter or digit that was written so, which nothing requires, and each
    character that was encoded twice, but those that feeds encode twice by mistake; and markup that breaks words."""
    if "&" in text:
        text = _decoded(text, counts)
    if "<" in text and MARKUP.search(text):
        counts["encoded"] += len(INSIDE_A_WORD.findall(text))
        text = MARKUP.sub("", BREAKS.sub(" ", text))
    return text


def _decoded(text: str, counts: Counter[str]) -> str:
    counts["encoded"] += len(TWICE.findall(EVERYDAY.sub("", text)))
    for _ in range(ENCODINGS):
        counts["encoded"] += sum(_needless(match[0]) for match in ENTITY.finditer(text))
        text, times = decoded(text)
        if not times:
            break
    return text


def _needless(entity: str) -> bool:
    plain = decoded(entity)[0]
    return len(plain) == 1 and plain.isascii() and plain.isalnum()
