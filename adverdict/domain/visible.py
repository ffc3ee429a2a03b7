"""Whether there is anything to see: what reaches the eye of a text once it stands on a page."""

from __future__ import annotations

from html import unescape

import regex

INLINE = "a|abbr|b|big|em|font|i|img|mark|s|small|span|strike|strong|sub|sup|u|wbr"
BLOCK = "blockquote|br|center|div|h[1-6]|hr|li|ol|p|script|style|table|tbody|td|th|tr|ul"
MARKUP = regex.compile(rf"<!--.*?-->|</?(?:{INLINE}|{BLOCK})(?:\s[^<>]*)?/?>", regex.DOTALL | regex.IGNORECASE)
"""Comments and the tags of HTML that texts are set with; ``<phone>`` is none of them."""
ENTITY = regex.compile(r"&(?:#\d{1,7};?|#[xX][0-9a-fA-F]{1,6};?|[a-zA-Z][a-zA-Z0-9]{1,31};)")
AMPERSAND = regex.compile(r"&(?:(?:amp|#0*38|#[xX]0*26);)+", regex.IGNORECASE)
"""However often it was encoded."""
ENCODINGS = 5
"""How often a text may have been encoded on its way, and is decoded at once: ``&amp;#38;#105;``. Nothing real comes near."""
SEEN = regex.compile(r"[[\p{L}\p{N}\p{P}\p{S}]--[\p{Default_Ignorable_Code_Point}\u2800\ufffc\ufffd]]", regex.V1)
"""A letter, a digit, punctuation, or a sign such as an emoji or a currency's. Blanks, marks without a letter, what Unicode calls default
ignorable (the Hangul fillers are letters to it), the blank Braille pattern and signs for what is missing show nothing."""


def decoded(text: str) -> tuple[str, int]:
    """The text as a page shows it, HTML's entities as the characters they stand for; and in how many steps, 0 where it held none."""
    times = 0
    while times < ENCODINGS and "&" in text:
        plain = ENTITY.sub(lambda entity: unescape(entity[0]), AMPERSAND.sub("&", text))
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
    if text[:1].isalnum() and text[:1].isascii():  # as of most
        return True
    return SEEN.search(text, concurrent=False) is not None  # letting go of the interpreter for so short a look costs more than looking
