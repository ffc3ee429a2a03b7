"""The language a text is written in, by ``py3langid``: offline, its model a plain array file inside the package, no pickle.

About 0.05 ms a call and 80 MB of memory; only the first characters are read, and only languages that ads come in are told apart.
"""

from __future__ import annotations

import math
import unicodedata
from collections import Counter
from collections.abc import Sequence
from functools import cache, cached_property
from typing import Any

import numpy as np

from adverdict.features.native import core

READ = 128
"""Characters looked at: enough to tell languages apart, and the cost grows with them."""
LEAST_LETTERS = 12
SURE = 0.5
NEAR = 1e-4
"""Probabilities this near may fall either way when float32 are added in another order: a thousand times what was ever seen."""
UNKNOWN = "und"
"""BCP 47's tag for undetermined."""

LANGUAGES = (
    "am ar az be bg bn bs ca cs da de el en es et eu fa fi fr gl gu he hi hr hu hy id is it ja ka kk km kn ko ky lo lt lv mk ml mn mr ms "
    "my ne nl no pa pl ps pt ro ru si sk sl sq sr sv sw ta te th tl tr uk ur uz vi zh"
)


def language_of(text: str) -> tuple[str, float]:
    """(BCP 47 tag, confidence in [0, 1]); (``und``, 0) for texts too short to tell, and ``und`` where no language is more likely than
    all others together."""
    start = text[:READ]
    if sum(map(str.isalpha, start)) < LEAST_LETTERS:
        return UNKNOWN, 0.0
    return _told(*_reader().read(start))


def languages_of(texts: Sequence[str]) -> list[tuple[str, float]]:
    """The same of each."""
    if core() is None:
        return [language_of(text) for text in texts]
    starts = [text[:READ] for text in texts]
    long = [start for start in starts if sum(map(str.isalpha, start)) >= LEAST_LETTERS]
    read = dict(zip(long, _reader().read_all(long), strict=True))
    return [_told(*read[start]) if start in read else (UNKNOWN, 0.0) for start in starts]


def _told(tag: str, likely: float) -> tuple[str, float]:
    # Two digits: the last ones of a float32 differ between machines, and a score must not.
    confidence = round(likely, 2)
    return (tag if confidence >= SURE else UNKNOWN), confidence


class Reader:
    """``py3langid``'s identifier and its arithmetic, digit for digit, in half the time: a naive Bayes model over byte n-grams, which an
    automaton finds (Lui and Baldwin 2012, langid.py)."""

    def __init__(self, identifier: Any) -> None:
        """``identifier``: a ``LanguageIdentifier`` already restricted to some languages."""
        self._next = identifier.tk_nextmove
        self._rows = [row << 8 for row in identifier.tk_row]
        self._feature = identifier.tk_output
        self._weights = np.ascontiguousarray(identifier.nb_ptc, dtype=np.float32)
        """``(n_features, n_languages)``; kept as float16, it would be made float32 for every text."""
        self._prior = identifier.nb_pc
        self._tags = [str(tag) for tag in identifier.nb_classes]
        first = {tag: place for place, tag in reversed([*enumerate(self._tags)])}
        self._again = [(first[tag], place) for place, tag in enumerate(self._tags) if first[tag] != place]
        """Two columns of one language."""

    def read(self, text: str) -> tuple[str, float]:
        """The likeliest language and its probability among those told apart: its first two digits count, and are the same everywhere."""
        said = _bytes(text)
        return self._by_reference(said) if core() is None else self._checked(said, self._native.read(said))

    def read_all(self, texts: Sequence[str]) -> list[tuple[str, float]]:
        """The same of each, where the core is installed."""
        said = [*map(_bytes, texts)]
        return [self._checked(one, found) for one, found in zip(said, self._native.read_all(said), strict=True)]

    def _checked(self, said: bytes, found: tuple[int, float, float]) -> tuple[str, float]:
        """What the core has found. It adds in another order: where that could show, the reference is asked."""
        best, likely, next_best = found
        if likely - next_best > NEAR and abs(likely * 100 % 1 - 0.5) > 100 * NEAR:
            return self._tags[best], likely
        return self._by_reference(said)

    @cached_property
    def _native(self) -> Any:
        """The same in C++, where the core is installed."""
        native = core()
        assert native is not None, "asked for only where it is"
        moves = np.frombuffer(self._next, dtype=np.uint32)
        states = np.array(self._rows, dtype=np.uint32), np.array(self._feature, dtype=np.int32)
        return native.Language(moves, *states, self._weights, np.ascontiguousarray(self._prior, dtype=np.float32), self._again)

    def _by_reference(self, said: bytes) -> tuple[str, float]:
        found = self._found(said)
        if found:
            features = np.array([*found], dtype=np.intp)
            scores = np.log1p(np.array([*found.values()], dtype=np.float32)) @ self._weights.take(features, axis=0) + self._prior
        else:
            scores = np.zeros(len(self._tags), dtype=np.float32)
        scores *= 1.0 / math.sqrt(len(said) or 1)  # keeps the softmax calibrated across lengths
        np.exp(scores - scores.max(), out=scores)
        scores /= scores.sum()
        for one, other in self._again:
            scores[one] += scores[other]
            scores[other] = 0.0
        best = int(scores.argmax())
        return self._tags[best], float(scores[best])

    def _found(self, said: bytes) -> Counter[int]:
        """How often each n-gram of the model occurs, in the order of first occurrence."""
        following, rows, state = self._next, self._rows, 0
        states = [state := following[rows[state] + byte] for byte in said]
        return Counter([feature for feature in map(self._feature.__getitem__, states) if feature >= 0])


def _bytes(text: str) -> bytes:
    said = text.lower() if text.isupper() else text
    return (said if said.isascii() else unicodedata.normalize("NFC", said)).encode("utf-8", errors="surrogatepass")


@cache
def _reader() -> Reader:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    identifier.set_languages([tag for tag in LANGUAGES.split() if tag in identifier.labels])
    return Reader(identifier)
