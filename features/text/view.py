"""One ad's text taken apart once, for all text signals to look at."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from adverdict.domain.ad import Ad
from adverdict.features.text.characters import classes
from adverdict.features.text.counted import Counted, count
from adverdict.features.text.language import languages_of
from adverdict.features.text.links import domains
from adverdict.features.text.normalise import NormalisedText, ad_text
from adverdict.features.text.scripts import WITHOUT_SPACES, script, words

RUN = re.compile("[lcx]{2,}")
CHANGE = re.compile("l[cx]|[cx]l")
"""In a run of letters of two alphabets one letter stands beside one of the other."""


@dataclass(frozen=True)
class TextView:
    """What the signals need, all of it derived from ``ad`` and ``text``; what few of them need, when it is asked for."""

    ad: Ad
    text: NormalisedText
    counted: Counted
    language: tuple[str, float]

    @property
    def raw(self) -> str:
        return self.text.raw

    @cached_property
    def tokens(self) -> list[str]:
        """Words of the normalised text: small letters, tricks undone."""
        return words(self.text.text)

    @property
    def mixed_words(self) -> int:
        """Words of Latin letters and those of another script that sets spaces."""
        return _mixed(self.raw, classes(self.raw)) if 0 < self.counted.non_latin < self.counted.letters else 0

    @cached_property
    def domains(self) -> list[str]:
        """Where links in the text lead, by the domain's one name; as often as they are there."""
        return domains(self.text.text, self.raw) if self.counted.maybe_a_link else []


def view(ad: Ad) -> TextView:
    """Take one ad's text apart. Linear in the text."""
    [one] = views([ad])
    return one


def views(ads: Sequence[Ad]) -> list[TextView]:
    """The same of each: their languages are read together."""
    texts = [*map(ad_text, ads)]
    languages = languages_of([text.text for text in texts])
    return [TextView(ad, text, count(text.raw, text.text), language) for ad, text, language in zip(ads, texts, languages, strict=True)]


def _mixed(raw: str, kinds: str) -> int:
    if CHANGE.search(kinds) is None:
        return 0
    found = 0
    for match in RUN.finditer(kinds):
        run = match[0]
        if "l" in run and ("c" in run or "x" in run):
            found += not ({script(character) for character in raw[match.start() : match.end()]} & WITHOUT_SPACES)
    return found
