"""Rejected creatives that come back: edited a little, repaired, or hidden better. The only memory of the past, and it is bounded."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from adverdict.simulation.mix import Bools, Ints, Keys

CAPACITY = 50_000
"""Waiting resubmissions kept; beyond it the longest waiting are forgotten."""
SHARE = 0.10
"""At most this share of a block's ads are resubmissions."""
_AGAIN = np.array([0.35, 0.45, 0.75, 0.60])
_REPAIRS = np.array([0.75, 0.50, 0.12, 0.05])
MAX_EDITS = 6


@dataclass(frozen=True, slots=True)
class Returning:
    """A creative on its way back."""

    due: int
    origin: int
    """Number of the ad it was first submitted as."""
    advertiser: int
    market: int
    campaign: int
    creative: int
    edit: int
    repaired: bool


class Resubmissions:
    """First in, first out; an entry whose advertiser is gone by then is dropped by the caller."""

    def __init__(self) -> None:
        self._waiting: deque[Returning] = deque(maxlen=CAPACITY)

    def take(self, now: int, most: int) -> list[Returning]:
        """Those due by ``now`` (Unix seconds), at most ``most``; those met on the way and not yet due go to the back."""
        taken: list[Returning] = []
        for _ in range(len(self._waiting)):
            if len(taken) >= most:
                break
            entry = self._waiting.popleft()
            if entry.due <= now:
                taken.append(entry)
            else:
                self._waiting.append(entry)
        return taken

    def schedule(self, rejected: Bools, last_label: Ints, ads: Submitted, rng: np.random.Generator) -> None:
        """Some of a block's rejected ads will be back two hours to three days after the verdict."""
        again = rejected & (rng.random(len(rejected)) < _AGAIN[ads.intent]) & (ads.edit < MAX_EDITS)
        repairs = rng.random(len(rejected)) < _REPAIRS[ads.intent]
        due = last_label + rng.integers(2 * 3600, 72 * 3600, len(rejected))
        for row in np.flatnonzero(again).tolist():
            self._waiting.append(
                Returning(
                    due=int(due[row]),
                    origin=int(ads.origin[row]),
                    advertiser=int(ads.advertiser[row]),
                    market=int(ads.market[row]),
                    campaign=int(ads.campaign[row]),
                    creative=int(ads.creative[row]),
                    edit=int(ads.edit[row]) + 1,
                    repaired=bool(repairs[row]),
                )
            )


@dataclass(frozen=True, slots=True)
class Submitted:
    """A block's ads as submitted, one entry each: what is needed to bring one back."""

    advertiser: Ints
    intent: Ints
    market: Ints
    campaign: Keys
    creative: Keys
    edit: Ints
    repaired: Bools
    resubmitted: Bools
    origin: Ints
    """Number of the ad that each was first submitted as: its own, where it is new."""


@dataclass(frozen=True, slots=True)
class Rejections:
    """Ads of one block that a platform rejected."""

    ads: Submitted
    rows: Ints
    """Of ``ads``."""
    at: Ints
    """Unix seconds of each verdict."""


class Platform(Protocol):
    """Where the ads are submitted: its verdicts, not those of simulated raters, are what advertisers answer to."""

    def rejections(self) -> Sequence[Rejections]:
        """Those since it was last asked; it is asked before every block."""
