"""What tells a kind of text from others without asking what it means: its n-grams, its language, its script.

The advertiser's own name, as far as its landing domain says it, is left out: everybody's name is new, and says nothing of the subject.
"""

from __future__ import annotations

import re
from collections import Counter
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from adverdict.features.landing import landing
from adverdict.features.native import core
from adverdict.features.text.ngrams import character_columns, head_and_tail
from adverdict.features.text.points import reader
from adverdict.features.text.scripts import script, words
from adverdict.features.text.view import TextView

FORM = 1
"""Of traits: what a bundle keeps of one form says nothing of another."""
GRAM_BITS = 22
"""Four million columns: the n-grams of a million ads fill a quarter of them."""
_MASK = 2**GRAM_BITS - 1
READ_FOR_SCRIPT = 256
"""Characters whose script is looked up."""
NONE = "none"
"""In place of a language or a script: there are no words, or no letters."""
DIGIT = re.compile(r"\d")
NUMBER = re.compile(r"\d+")


class Traits(NamedTuple):
    """Of one ad's text."""

    grams: NDArray[np.int32]
    """``(n_grams,)`` in [0, 2**GRAM_BITS): hashes of 3 to 5 neighbouring characters of each distinct word, digits all alike."""
    language: str
    """BCP 47 tag of the language read, ``und`` where it cannot be told, ``NONE`` without words."""
    script: str
    """That most letters are written in, such as LATIN; ``NONE`` without letters."""


def traits(seen: TextView) -> Traits:
    """Of an ad taken apart."""
    text, scripts = seen.text.text, seen.counted.scripts
    language = seen.language[0] if seen.counted.tokens else NONE
    own = _own_name(seen.ad.landing_domain)
    return Traits(_grams(head_and_tail(text), own), language, next(iter(scripts)) if len(scripts) == 1 else _script(text[:READ_FOR_SCRIPT]))


def _grams(text: str, own: frozenset[str]) -> NDArray[np.int32]:
    if core() is not None:
        return np.frombuffer(reader().columns_of_words(text, own, _MASK), dtype=np.int32)
    said = dict.fromkeys(DIGIT.sub("0", " ".join(words(text))).split())
    return character_columns([word for word in said if word not in own], _MASK)


@lru_cache(maxsize=4096)
def _own_name(domain: str | None) -> frozenset[str]:
    if domain is None:
        return frozenset()
    found = landing(domain)
    parts = words(" ".join((found.name, *found.subdomains)).lower().replace("-", " "))
    return frozenset([*(DIGIT.sub("0", part) for part in parts), *(NUMBER.sub("", part) for part in parts)])


def _script(text: str) -> str:
    found = Counter(map(script, text))
    del found[""]
    return found.most_common(1)[0][0] if found else NONE
