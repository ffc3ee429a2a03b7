"""How far one ad's language, script and n-grams lie from those that advertisers of training wrote."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from adverdict.features.text.language import UNKNOWN
from adverdict.features.text.traits import NONE, Traits

NEVER_SURE = 20
"""N-grams that every text is given as known ones: of three that are all new, less follows than of three hundred."""
TEXT = "text"
"""What is strange where neither language nor script is."""


@dataclass(frozen=True)
class Known:
    """What some advertisers wrote."""

    grams: NDArray[np.bool_]
    """``(2**GRAM_BITS,)``: which hashed n-grams."""
    languages: frozenset[str]
    scripts: frozenset[str]

    def strangeness(self, ad: Traits) -> np.float32:
        """In [0, 3): the share of an ad's n-grams that are new, 1 more if its language is, 1 more if its script is."""
        n = len(ad.grams)
        new = n - np.count_nonzero(self.grams.take(ad.grams))
        return np.float32(new / (n + NEVER_SURE) + (ad.language not in self.languages) + (ad.script not in self.scripts))

    def causes(self, ad: Traits) -> tuple[str, ...]:
        """What is strange about a strange ad: ``language:zh``, ``script:CJK``, or ``text`` where it is neither."""
        language = ad.language not in {NONE, UNKNOWN, *self.languages}
        script = ad.script not in {NONE, *self.scripts}
        return (*([f"language:{ad.language}"] if language else []), *([f"script:{ad.script}"] if script else [])) or (TEXT,)
