"""Whether there is anything to see: what reaches the eye of a text once it stands on a page."""

from __future__ import annotations

from html import unescape

import regex

MARKUP = regex.compile(r"<!--.*?-->|</?[a-zA-Z][^<>]*>", regex.DOTALL)
ENTITY = regex.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,31});?")
ENCODINGS = 5
"""How often a text may have been encoded on its way, and is decoded: ``&amp;amp;#105;``. Nothing real comes near."""
SEEN = regex.compile(r"[[\p{L}\p{N}\p{S}]--[\p{Default_Ignorable_Code_Point}\u2800\ufffc\ufffd]--\p{Sk}]", regex.V1)
"""A letter, a digit or a sign such as an emoji or a currency's. Blanks, marks without a letter, what Unicode calls default ignorable (the
Hangul fillers are letters to it), the blank Braille pattern, and full stops and dashes alone show nothing that could be judged."""


def decoded(text: str) -> tuple[str, int]:
    """The text as a page shows it, HTML's entities as the characters they stand for; and how often it had been encoded."""
    times = 0
    while times < ENCODINGS and "&" in text and ENTITY.search(text):
        plain = unescape(text)
        if plain == text:
            break
        text, times = plain, times + 1
    return text, times


def anything_to_see(text: str | None) -> bool:
    """Whether a reader of the page sees anything: not of blanks, invisible characters, empty tags, marks without a letter."""
    if not text:
        return False
    if "&" in text:
        text = decoded(text)[0]
    if "<" in text:
        text = MARKUP.sub("", text)
    return SEEN.search(text) is not None
