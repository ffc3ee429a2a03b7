"""Hashed n-grams of an ad: of its whole text, of its title, and of its facts as words. The same columns in training and in serving.

Hashing (Weinberger et al. 2009, arXiv 0902.2206) keeps no vocabulary: nothing to store, and a word first seen tomorrow has a column today.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.utils import murmurhash3_32

from adverdict.domain.ad import Ad
from adverdict.domain.identity import domain_key, word_key
from adverdict.features.native import core
from adverdict.features.text.normalise import NormalisedText, normalise

MAX_CHARACTERS = 4000
"""Characters of a text that become n-grams: more adds cost, and lets padding dilute what the text says."""
WINDOW = 1000
"""Characters of the windows that a longer text is read in: about as many as a whole ad has. Neighbours overlap by a quarter."""
WORDS_KEPT = 65_536
"""Whose hashes are kept: 30 MB at most whatever comes."""
GRAMS_KEPT = 8192
"""Words whose n-grams are kept as strings, for reasons: 40 MB at most whatever comes, a quarter of it as a rule."""
LONGEST_KEPT = 24
"""Characters of the longest word that either keeps anything of."""
TEXTS_AT_A_TIME = 1024
"""Their numbers and the columns fit into 31 bits together, and long tables are counted in little memory."""

WORD = re.compile(r"\w+")
CHARACTERS = (3, 4, 5)


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

_HASH_BYTES = array("i").itemsize
_MASKS = np.array([2**block.bits - 1 for block in BLOCKS], dtype=np.int32)
_MOST = 2**31 - 1
_STARTS = np.cumsum([0, *(2**block.bits for block in BLOCKS[:-1])]).astype(np.int32)
_COLUMN_BITS = (N_COLUMNS - 1).bit_length()
_SMALLEST = min(block.bits for block in BLOCKS)
"""Every block begins at a multiple of 2 to this power."""
_BLOCK_OF = np.repeat(np.arange(len(BLOCKS)), [2 ** (block.bits - _SMALLEST) for block in BLOCKS])


def ngram_text(ad: Ad, text: NormalisedText) -> NgramText:
    """The strings an ad's n-grams are taken from."""
    return NgramText(head_and_tail(text.text), head_and_tail(normalise(ad.title).text) if ad.title else "", " ".join(_facts(ad)))


def ngram_windows(ad: Ad, text: NormalisedText) -> list[NgramText]:
    """The same for scoring: a long text also window by window, so that nothing in it goes unread, however much stands around it.

    The first is ``ngram_text``; whoever scores them goes by the one that scores worst.
    """
    whole = ngram_text(ad, text)
    if len(text.text) <= MAX_CHARACTERS:
        return [whole]
    return [whole, *(whole._replace(text=text.text[start : start + WINDOW]) for start in range(0, len(text.text), WINDOW * 3 // 4))]


def head_and_tail(text: str) -> str:
    """The text up to ``MAX_CHARACTERS``: three quarters from its beginning, the rest from its end, where padding cannot push it out."""
    if len(text) <= MAX_CHARACTERS:
        return text
    head = MAX_CHARACTERS * 3 // 4
    return f"{text[:head]}\n{text[head - MAX_CHARACTERS + 1 :]}"


def ngram_counts(texts: Sequence[NgramText]) -> sparse.csr_matrix:
    """Sublinear counts, ``float64 (n_texts, N_COLUMNS)``, block after block: 1 + ln(count) where an n-gram is present."""
    found = ngram_rows(texts)
    return sparse.csr_matrix((found.values, found.columns, found.starts), shape=(len(texts), N_COLUMNS))


class NgramRows(NamedTuple):
    """Sublinear counts as the arrays of a CSR matrix: row i holds ``[starts[i]:starts[i + 1]]`` of both others."""

    values: NDArray[np.float64]
    """1 + ln(count)"""
    columns: NDArray[np.int32]
    """Ascending within a row."""
    starts: NDArray[np.integer]
    """``(n_texts + 1,)``"""


def ngram_rows(texts: Sequence[NgramText]) -> NgramRows:
    """The same as plain arrays: making a matrix of them costs as much as counting one text."""
    parts = [_counted(texts[start : start + TEXTS_AT_A_TIME]) for start in range(0, len(texts), TEXTS_AT_A_TIME)]
    if len(parts) == 1:
        return parts[0]
    starts = np.concatenate([[0], *(np.diff(part.starts) for part in parts)]).cumsum(dtype=np.int64)
    nothing = _counted([])
    values, columns = (np.concatenate([nothing[i], *(part[i] for part in parts)]) for i in (0, 1))
    return NgramRows(values, columns, starts)


def block_of(columns: NDArray[np.int32]) -> NDArray[np.intp]:
    """The number of each column's block."""
    return _BLOCK_OF.take(columns >> _SMALLEST)


def grams_and_columns(text: NgramText, number: int) -> tuple[list[str], NDArray[np.int32]]:
    """The n-grams of one block as they come in the text, equal ones more than once or not, and the column of each."""
    block = BLOCKS[number]
    source: str = getattr(text, block.source)
    if block.analyzer == "char_wb":
        words = list(dict.fromkeys(source.split()))  # a word said again has no other n-grams
        grams = [*chain.from_iterable(map(character_grams, words))]
        hashes = b"".join(map(character_hashes, words))
    else:
        grams = _whole_words(source, block)
        hashes = _hashes(grams)
    return grams, (np.frombuffer(hashes, dtype=np.int32) & _MASKS[number]) + _STARTS[number]


def character_grams(word: str) -> tuple[str, ...]:
    """Three to five neighbouring characters of a word with a space on either side; a shorter word is one n-gram."""
    return _kept_grams(word) if len(word) <= LONGEST_KEPT else _cut(word)


def _cut(word: str) -> tuple[str, ...]:
    padded = f" {word} "
    return tuple([padded[start : start + n] for n in CHARACTERS for start in range(len(padded) - n + 1)])


_kept_grams = lru_cache(maxsize=GRAMS_KEPT)(_cut)


def _counted(texts: Sequence[NgramText]) -> NgramRows:
    pieces = [_block_hashes(text, block) for text in texts for block in BLOCKS]
    lengths = [len(piece) // _HASH_BYTES for piece in pieces]
    hashes = np.frombuffer(b"".join(pieces), dtype=np.int32)
    # Row and column in one number: sorted, equal ones stand beside each other.
    keys = hashes & np.repeat(np.tile(_MASKS, len(texts)), lengths)
    keys += np.repeat(np.add.outer(np.arange(len(texts), dtype=np.int32) << _COLUMN_BITS, _STARTS).ravel(), lengths)
    keys.sort()
    new = np.empty(len(keys), dtype=np.bool_)
    new[:1] = True
    np.not_equal(keys[1:], keys[:-1], out=new[1:])
    first = np.flatnonzero(new)
    values = np.diff(first, append=len(keys)).astype(np.float64)
    np.log(values, out=values)
    values += 1.0
    keys = keys[first]
    starts = np.searchsorted(keys, np.arange(len(texts) + 1, dtype=np.int32) << _COLUMN_BITS)
    return NgramRows(values, keys & ((1 << _COLUMN_BITS) - 1), starts.astype(np.int32))


def sublinear(n: int) -> NDArray[np.float64]:
    """1 + ln(count) of the counts below ``n``, by the same logarithm as ``ngram_rows``; of 0 as of 1."""
    counts = np.maximum(np.arange(n, dtype=np.float64), 1.0)
    return np.asarray(np.log(counts) + 1.0)


def character_columns(words: Sequence[str], mask: int) -> NDArray[np.int32]:
    """Columns of the words' character n-grams, in their order, among as many as ``mask`` leaves."""
    native = core()
    if native is not None:
        return np.frombuffer(native.character_columns([*words], mask), dtype=np.int32)
    return np.frombuffer(b"".join(map(character_hashes, words)), dtype=np.int32) & mask


def _block_hashes(text: NgramText, block: Block) -> bytes:
    source: str = getattr(text, block.source)
    if block.analyzer == "char_wb":
        return b"".join(map(character_hashes, source.split()))
    return _hashes(_whole_words(source, block))


def _whole_words(source: str, block: Block) -> list[str]:
    if block.analyzer == "split":
        return source.split()
    words = WORD.findall(source)
    return words + [f"{first} {second}" for first, second in pairwise(words)]


def character_hashes(word: str) -> bytes:
    """Hashes of a word's character n-grams, 31 bits each as int32, in their order.

    Words come again and again (Zipf), so those of usual length are kept.
    """
    return _kept_characters(word) if len(word) <= LONGEST_KEPT else _hashes(_cut(word))


@lru_cache(maxsize=WORDS_KEPT)
def _kept_characters(word: str) -> bytes:
    return _hashes(_cut(word))


def _hashes(grams: Iterable[str]) -> bytes:
    """The low 31 bits of each n-gram's hash, int32. Of as many as a block has columns, scikit-learn's ``FeatureHasher`` finds the same."""
    return array("i", [abs(murmurhash3_32(gram.encode())) & _MOST for gram in grams]).tobytes()


def _facts(ad: Ad) -> Iterator[str]:
    """``language`` and ``market`` are left out: a linear model can do nothing with them but find that a country violates."""
    for name, value in (("category", ad.creative_category), ("format", ad.creative_format), ("surface", ad.surface)):
        key = word_key(value)
        if key:
            yield f"{name}={key}"
    for keyword in ad.keywords or ():
        yield f"keyword={_one_word(normalise(keyword).text)}"
    domain = domain_key(ad.landing_domain)
    if domain:
        labels = domain.split(".")
        yield f"domain={domain}"
        yield f"tld={labels[-1]}"
        yield from (f"label={label}" for label in labels)


def _one_word(value: str) -> str:
    return "_".join(value.split())
