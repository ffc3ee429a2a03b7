"""What a creative is besides its words: format, category, size, duration, picture fingerprint."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from adverdict.simulation.campaigns import EVERYDAY, Creatives
from adverdict.simulation.mix import Bools, Floats, Ints, Keys, below, mix, unit, weighted
from adverdict.simulation.world import KIDS_VIDEO

FORMATS = ("image", "video", "carousel", "text")
CATEGORIES = ("retail", "food", "travel", "people", "finance", "games", "film", "cause", "news", "fashion", "outdoor", "dating", "services")
CAUSE = CATEGORIES.index("cause")
_USUAL = np.array(
    # deceptive, gambling, kids_unsuitable, political_issue, counterfeit, weapons, adult, phishing; then everyday
    [
        [4, 3, 12],
        [5, 5, 6],
        [6, 5, 5],
        [7, 7, 8],
        [9, 9, 0],
        [10, 10, 6],
        [11, 11, 3],
        [12, 4, 12],
        [0, 1, 2],
    ]
)
_FORMAT_WEIGHTS = np.array([[55.0, 25.0, 15.0, 5.0], [5.0, 0.0, 5.0, 90.0], [0.0, 100.0, 0.0, 0.0], [60.0, 15.0, 15.0, 10.0]])
_DURATIONS = np.array([6, 6, 10, 15, 15, 15, 20, 30, 30, 45, 60, 120])
_SIZES = np.array([[1200, 628], [1080, 1080], [1920, 1080], [1080, 1920], [300, 250]])
_REACH = np.array([200, 500, 1_000, 2_000, 5_000, 12_000, 40_000, 150_000, 900_000])


@dataclass(frozen=True, slots=True)
class Facts:
    """One entry an ad; NaN and -1 stand for a fact that the format does not have or the advertiser did not give."""

    format: Ints
    category: Ints
    made_for_kids: Bools
    made_for_kids_known: Bools
    duration: Floats
    width: Floats
    height: Floats
    images: Floats
    skippable: Floats
    phash: Keys
    impressions: Floats


def facts_of(creatives: Creatives, edit: Ints) -> Facts:
    key, beside_kids = creatives.key, creatives.surface == KIDS_VIDEO
    chosen = weighted(unit(key, "format"), _FORMAT_WEIGHTS[creatives.surface])
    moving, still = chosen == 1, chosen != 3
    size = _SIZES[np.where(moving, 2 + below(key, "size", 2), below(key, "size", 5))]
    usual = _USUAL[np.where(creatives.subject == EVERYDAY, 8, creatives.subject), below(key, "usual", 3)]
    nan = np.float64(np.nan)
    for_kids = unit(key, "for kids")
    return Facts(
        format=chosen,
        category=np.where(unit(key, "odd") < 0.25, below(key, "category", len(CATEGORIES)), usual),
        made_for_kids=for_kids < np.where(beside_kids, 0.65, 0.02),
        made_for_kids_known=beside_kids | (unit(key, "told") < 0.2),
        duration=np.where(moving, _DURATIONS[below(key, "duration", 12)].astype(np.float64), nan),
        width=np.where(still, size[:, 0].astype(np.float64), nan),
        height=np.where(still, size[:, 1].astype(np.float64), nan),
        images=np.where(chosen == 2, below(key, "images", 6) + 3.0, np.where(chosen == 0, 1.0, nan)),
        skippable=np.where(moving, below(key, "skippable", 11) / 10.0, nan),
        phash=_nearly(mix(key, "picture"), edit),
        impressions=_REACH[below(mix(key, edit), "reach", 9)].astype(np.float64),
    )


def _nearly(picture: Keys, edit: Ints) -> Keys:
    """An edited picture's fingerprint differs in two of its 64 bits."""
    one = np.uint64(1)
    flips = (one << (mix(picture, edit) % np.uint64(64))) ^ (one << (mix(picture, edit, "again") % np.uint64(64)))
    return np.asarray(np.where(edit > 0, picture ^ flips, picture))


def optional(values: NDArray[Any], known: Bools) -> list[Any]:
    """A Python list with ``None`` where a value is not known."""
    return [value if there else None for value, there in zip(values.tolist(), known.tolist(), strict=True)]
