"""Fetching what is wanted: several files at a time, made into pictures one after the other."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime

from adverdict.creatives import keeping
from adverdict.creatives.keeping import Wanted
from adverdict.creatives.making import Creative, read, see
from adverdict.creatives.resolver import Resolver
from adverdict.domain.errors import AdverdictError, InvalidInput, NotFound, Unavailable
from adverdict.domain.traces import trace
from adverdict.ledger.store import Ledger, now

log = logging.getLogger("adverdict.creatives")

AT_ONCE = 2
"""Files fetched and made into pictures at once: each takes a processor for a while."""
BATCH = 20


@dataclass(frozen=True)
class Fetched:
    """What became of a round."""

    kept: int = 0
    refused: int = 0
    later: int = 0

    def __add__(self, other: Fetched) -> Fetched:
        return Fetched(self.kept + other.kept, self.refused + other.refused, self.later + other.later)

    @property
    def tried(self) -> int:
        return self.kept + self.refused + self.later


def fetch(ledger: Ledger, resolver: Resolver, clock: Callable[[], datetime] = now, most: int = BATCH) -> Fetched:
    """Note what is wanted and fetch up to ``most`` addresses that are due. Raises Unavailable where the ledger does not answer."""
    while keeping.note(ledger, clock()):
        pass
    with ledger.look() as connection:
        wanted = keeping.due(connection, clock(), most)
    done = Fetched()
    with ThreadPoolExecutor(AT_ONCE, "creative") as pool:
        for one in pool.map(lambda told: _one(ledger, resolver, told, clock), wanted):
            done += one
    return done


def with_text(resolver: Resolver, address: str) -> tuple[bytes, Creative]:
    """A creative's bytes, its pictures, and what a machine reads in them. Raises InvalidInput, NotFound, Unavailable."""
    content, made = see(resolver, address)
    return content, read(made, resolver.limits)


def why_not(error: AdverdictError) -> str:
    """A refusal in one sentence, for whoever reviews the ad; it repeats nothing of the address."""
    if isinstance(error, InvalidInput) and error.mistakes:
        return f"{error.what}: expected {error.mistakes[0].expected}"
    return str(error)


def _one(ledger: Ledger, resolver: Resolver, wanted: Wanted, clock: Callable[[], datetime]) -> Fetched:
    try:
        content, made = see(resolver, wanted.uri)
    except Unavailable as error:
        keeping.put_off(ledger, wanted, str(error), clock())
        return Fetched(later=1)
    except (InvalidInput, NotFound) as error:
        keeping.give_up(ledger, wanted.uri, why_not(error))
        return Fetched(refused=1)
    except Exception as error:
        # A stranger's file brought it about: the others are fetched all the same, and this one is not tried for ever.
        log.error("a creative could not be fetched, for a reason that nobody foresaw: %s", trace(error))
        keeping.put_off(ledger, wanted, "the creative could not be fetched; it was logged why", clock())
        return Fetched(later=1)
    digest = hashlib.sha256(content).hexdigest()
    if keeping.keep(ledger, wanted.uri, digest, made, clock()):
        # Nobody waits for the text to see the picture: reading it takes seconds.
        keeping.add_text(ledger, digest, read(made, resolver.limits))
    return Fetched(kept=1)
