"""One ad's text taken apart once, for all text signals to look at."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

from adverdict.domain.ad import Ad
from adverdict.features.text.characters import classes
from adverdict.features.text.language import language_of
from adverdict.features.text.links import domains
from adverdict.features.text.normalise import NormalisedText, ad_text
from adverdict.features.text.scripts import WITHOUT_SPACES, script, words

RUN = re.compile("[lcx]{2,}")
CHANGE = re.compile("l[cx]|[cx]l")
"""In a run of letters of two alphabets one letter stands beside one of the other."""


@dataclass(frozen=True, slots=True)
class TextView:
    """What the signals need, all of it derived from ``ad`` and ``text``."""

    ad: Ad
    text: NormalisedText
    words: list[str]
    """As written."""
    tokens: list[str]
    """Of the normalised text: small letters, tricks undone."""
    bigrams: list[tuple[str, str]]
    letters: int
    capitals: int
    digits: int
    scripts: frozenset[str]
    non_latin_letters: int
    mixed_words: int
    """Words of Latin letters and those of another script that sets spaces."""
    domains: list[str]
    """Where links in the text lead, by the domain's one name; as often as they are there."""
    language: tuple[str, float]

    @property
    def raw(self) -> str:
        return self.text.raw


def view(ad: Ad) -> TextView:
    """Take one ad's text apart. Linear in the text."""
    text = ad_text(ad)
    raw = text.raw
    tokens = words(text.text)
    kinds = classes(raw)
    latin, other = kinds.count("l"), kinds.count("c") + kinds.count("x")
    scripts = frozenset(["LATIN"] if latin else []) | ({script(c) for c in set(raw) if not c.isascii()} - {""} if other else set())
    return TextView(
        ad=ad,
        text=text,
        words=words(raw),
        tokens=tokens,
        bigrams=list(pairwise(tokens)),
        letters=latin + other,
        capitals=_capitals(raw),
        digits=kinds.count("d"),
        scripts=scripts,
        non_latin_letters=other,
        mixed_words=_mixed(raw, kinds) if latin and other else 0,
        domains=domains(text.text, raw),
        language=language_of(text.text),
    )


def _capitals(raw: str) -> int:
    if raw.isascii():
        return len(raw) - len(raw.encode().translate(None, b"ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
    return sum(map(str.isupper, raw))


def _mixed(raw: str, kinds: str) -> int:
    if CHANGE.search(kinds) is None:
        return 0
    found = 0
    for match in RUN.finditer(kinds):
        run = match[0]
        if "l" in run and ("c" in run or "x" in run):
            found += not ({script(character) for character in raw[match.start() : match.end()]} & WITHOUT_SPACES)
    return found
