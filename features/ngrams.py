"""Hashed n-grams of an ad: of its whole text, of its title, and of its facts as words. The same columns in training and in serving.

Hashing (Weinberger et al. 2009, arXiv 0902.2206) keeps no vocabulary: nothing to store, and a word first seen tomorrow has a column today.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from scipy import sparse
from sklearn.feature_extraction import FeatureHasher
from sklearn.feature_extraction.text import HashingVectorizer

from domain.ad import Ad
from features.history.entities import domain_key
from features.normalise import NormalisedText, normalise

MAX_CHARACTERS = 4000
"""Characters of a text that become n-grams: more adds cost, and lets padding dilute what the text says."""


class NgramText(NamedTuple):
    """What n-grams are taken from, each already normalised."""

    text: str
    title: str
    facts: str
    """``category=gaming kw=slots tld=example``: words that cannot occur in a text."""


@dataclass(frozen=True)
class Block:
    """One kind of n-grams. Each block of an ad is scaled to length ``weight``, so that a long body does not drown a title."""

    name: str
    source: str
    analyzer: str
    span: tuple[int, int]
    bits: int
    weight: float


BLOCKS = (
    Block("text_words", "text", "word", (1, 2), 18, 1.0),
    Block("text_characters", "text", "char_wb", (3, 5), 18, 1.0),
    Block("facts", "facts", "split", (1, 1), 16, 0.5),
    Block("title_words", "title", "word", (1, 2), 17, 0.5),
    Block("title_characters", "title", "char_wb", (3, 5), 17, 0.5),
)
N_COLUMNS = sum(2**block.bits for block in BLOCKS)
SETTINGS: dict[str, Any] = {block.name: [block.source, block.analyzer, *block.span, block.bits, block.weight] for block in BLOCKS} | {
    "max_characters": MAX_CHARACTERS
}
"""Part of the feature contract: other settings are other columns."""


def ngram_text(ad: Ad, text: NormalisedText) -> NgramText:
    """The strings an ad's n-grams are taken from."""
    return NgramText(head_and_tail(text.text), head_and_tail(normalise(ad.title).text) if ad.title else "", " ".join(_facts(ad)))


def head_and_tail(text: str) -> str:
    """The text up to ``MAX_CHARACTERS``: three quarters from its beginning, the rest from its end, where padding cannot push it out."""
    if len(text) <= MAX_CHARACTERS:
        return text
    head = MAX_CHARACTERS * 3 // 4
    return f"{text[:head]}\n{text[head - MAX_CHARACTERS + 1 :]}"


def ngram_counts(texts: Sequence[NgramText]) -> sparse.csr_matrix:
    """Sublinear counts, ``float64 (n_texts, N_COLUMNS)``, block after block: 1 + ln(count) where an n-gram is present."""
    if not texts:
        return sparse.csr_matrix((0, N_COLUMNS))
    parts = [_hasher(block).transform([getattr(text, block.source) for text in texts]) for block in BLOCKS]
    counts = sparse.hstack(parts, format="csr")
    counts.sum_duplicates()
    np.log(counts.data, out=counts.data)
    counts.data += 1.0
    return counts


def block_slices() -> Iterator[tuple[Block, slice]]:
    """Each block with its columns."""
    start = 0
    for block in BLOCKS:
        yield block, slice(start, start + 2**block.bits)
        start += 2**block.bits


def named_columns(text: NgramText) -> Iterator[tuple[Block, str, int]]:
    """Every n-gram of one ad with its block and column, so that a reason can name what a column stands for."""
    for block, columns in block_slices():
        grams = list(dict.fromkeys(_hasher(block).build_analyzer()(getattr(text, block.source))))
        if grams:
            # One gram a row: the only non-empty column of that row is the gram's.
            rows = _raw_hasher(block.bits).transform([[gram] for gram in grams])
            yield from ((block, gram, columns.start + column) for gram, column in zip(grams, rows.indices.tolist(), strict=True))


def _facts(ad: Ad) -> Iterator[str]:
    """``language`` and ``market`` are left out: a linear model can do nothing with them but find that a country violates."""
    for name, value in (("category", ad.creative_category), ("format", ad.creative_format), ("surface", ad.surface)):
        if value:
            yield f"{name}={_one_word(value)}"
    for keyword in ad.keywords or ():
        yield f"keyword={_one_word(keyword)}"
    domain = domain_key(ad.landing_domain)
    if domain:
        labels = domain.split(".")
        yield f"domain={_one_word(domain)}"
        yield f"tld={_one_word(labels[-1])}"
        yield from (f"label={_one_word(label)}" for label in labels)


def _one_word(value: str) -> str:
    return re.sub(r"\s+", "_", value.strip().lower())


@cache
def _hasher(block: Block) -> HashingVectorizer:
    analyzer: Any = {"analyzer": str.split} if block.analyzer == "split" else {"analyzer": block.analyzer, "ngram_range": block.span}
    return HashingVectorizer(
        n_features=2**block.bits, lowercase=False, norm=None, alternate_sign=False, token_pattern=r"(?u)\b\w+\b", **analyzer
    )


@cache
def _raw_hasher(bits: int) -> FeatureHasher:
    """The hasher inside ``HashingVectorizer``, for n-grams already cut."""
    return FeatureHasher(n_features=2**bits, input_type="string", alternate_sign=False)
