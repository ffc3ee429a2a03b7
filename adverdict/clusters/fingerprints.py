"""What ads are compared by: their words folded and hashed, their picture, their landing page. A batch at a time, no ad by itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from adverdict.clusters.fold import fold, plain
from adverdict.clusters.minhash import SIZE, Signatures, signatures
from adverdict.clusters.native import copies
from adverdict.clusters.pictures import Pictures, pictures
from adverdict.domain.ad import Ad
from adverdict.domain.identity import domain_key

VERSION = 1
"""Of all that fingerprints depend on: kept ones of another version are made anew."""


@dataclass(frozen=True)
class Fingerprints:
    """One row an ad. About 310 bytes each; no words can be read from them."""

    words: Signatures
    """``uint16 (n, minhash.SIZE)``, of title, body and what is written in the picture. Not of the call to action, which copies translate,
    nor of keywords."""
    letters: NDArray[np.int32]
    """How many were hashed."""
    picture: Pictures
    bits: NDArray[np.int16]
    """Of the picture's hash; 0: there is none."""
    page: NDArray[np.uint64]
    """Hash of the landing domain; 0: there is none."""

    def __len__(self) -> int:
        return int(self.letters.size)

    @classmethod
    def together(cls, some: Sequence[Fingerprints]) -> Fingerprints:
        """One after the other; at least one."""
        first, *more = some
        if not more:
            return first
        columns = zip(*((one.words, one.letters, one.picture, one.bits, one.page) for one in some), strict=True)
        return cls(*map(np.concatenate, columns))

    def __getitem__(self, rows: slice | NDArray[np.int64]) -> Fingerprints:
        return Fingerprints(self.words[rows], self.letters[rows], self.picture[rows], self.bits[rows], self.page[rows])


def fingerprints(ads: Sequence[Ad]) -> Fingerprints:
    """Of ads, in their order."""
    texts = ["\n".join(part for part in (ad.title, ad.body, ad.creative_ocr_text) if part) for ad in ads]
    return of_parts(texts, [ad.creative_phash for ad in ads], [ad.landing_domain for ad in ads])


def of_parts(texts: Sequence[str], hashes: Sequence[str | None], domains: Sequence[str | None]) -> Fingerprints:
    """The same of columns, as tables have them."""
    words, letters = signed(texts)
    picture, bits = pictures(hashes)
    page = np.array([page_key(domain) for domain in domains], dtype=np.uint64)
    return Fingerprints(words, letters, picture, bits, page)


def signed(texts: Sequence[str]) -> tuple[Signatures, NDArray[np.int32]]:
    """Signatures of texts, and how many letters of each were hashed."""
    native = copies()
    if native is None:
        folded = fold(texts)
        return signatures(folded), folded.counts.astype(np.int32)
    words, letters = np.empty((len(texts), SIZE), dtype=np.uint16), np.empty(len(texts), dtype=np.int32)
    native.sign([plain(text) for text in texts], words, letters)
    return words, letters


def page_key(domain: str | None) -> int:
    """A landing domain's number, whatever the path behind it; 0: there is none."""
    name = domain_key(domain)
    return 0 if name is None else int.from_bytes(blake2b(name.encode(), digest_size=8, person=b"landing").digest()) or 1
