"""Ads in files: their creatives fetched before they are scored, what a machine reads in them put into the fields of the contract."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from adverdict.creatives.fetching import AT_ONCE, why_not, with_text
from adverdict.creatives.making import Creative
from adverdict.creatives.resolver import Resolver
from adverdict.domain.ad import Ad
from adverdict.domain.errors import AdverdictError
from adverdict.domain.progress import SILENT, Progress
from adverdict.storage.whole import write_whole

SHARD = 64

Look = Callable[[Resolver, str], tuple[bytes, Creative]]
"""An address -> the bytes that lie there, and what can be shown and read of them."""


@dataclass
class Filled:
    """What came of a table of ads."""

    ads: int = 0
    named: int = 0
    """Of them, those that name a creative."""
    seen: int = 0
    """Of those, the ones whose creative was fetched and made into pictures."""
    texts: int = 0
    """Ads whose text in the picture is known now and was not."""
    hashes: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    """Why creatives were not fetched, and of how many ads."""


def fill(
    ads: Iterable[Ad], resolver: Resolver, told: Filled, pictures: Path | None = None, progress: Progress = SILENT, look: Look = with_text
) -> Iterator[Ad]:
    """Each ad, with ``creative_ocr_text`` and ``creative_phash`` where it had none and its picture says something; ``told`` counts.

    What the ad says already stays. An address that several ads of the table name is fetched once. ``pictures``: a folder for what was made.
    """
    known: dict[str, Creative | str] = {}
    rest = iter(ads)
    with ThreadPoolExecutor(AT_ONCE, "creative") as pool:
        while shard := list(islice(rest, SHARD)):
            fresh = list(dict.fromkeys(ad.creative_uri for ad in shard if ad.creative_uri and ad.creative_uri not in known))
            for uri, found in zip(fresh, pool.map(lambda one: _seen(look, resolver, one, pictures), fresh), strict=True):
                known[uri] = found
            for ad in shard:
                yield _filled(ad, known.get(ad.creative_uri or ""), told)
            progress.advance(len(shard))


def _filled(ad: Ad, found: Creative | str | None, told: Filled) -> Ad:
    told.ads += 1
    told.named += ad.creative_uri is not None
    if found is None or isinstance(found, str):
        if found:
            told.refused[found] += 1
        return ad
    told.seen += 1
    fresh: dict[str, str] = {}
    if ad.creative_ocr_text is None and found.text:
        fresh["creative_ocr_text"] = found.text
    if ad.creative_phash is None and found.phash:
        fresh["creative_phash"] = found.phash
    told.texts += "creative_ocr_text" in fresh
    told.hashes += "creative_phash" in fresh
    return ad.model_copy(update=fresh) if fresh else ad


def _seen(look: Look, resolver: Resolver, uri: str, pictures: Path | None) -> Creative | str:
    """The creative, or why there is none."""
    try:
        content, made = look(resolver, uri)
    except AdverdictError as error:
        return why_not(error)
    if pictures is not None:
        digest = hashlib.sha256(content).hexdigest()
        for number, frame in enumerate(made.frames):
            write_whole(pictures / f"{digest}-{number}.jpg", frame.body)
    return made
