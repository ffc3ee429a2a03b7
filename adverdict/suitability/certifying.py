"""From which sureness on tiers may be told, so that few of those told are wrong: shown on labels of advertisers nobody learnt from."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from adverdict.certification.statistics.alikeness import alikeness
from adverdict.certification.statistics.bounds import Sizes, fewest_draws, p_value, upper_bound

STEPS = 20
"""Shares of ads told that are tried, the surest twentieth first."""
ROOM = 3
"""Times the fewest ads that could show anything: with fewer a single wrong tier would end it."""


class TierCertificate(BaseModel):
    """That of the tiers told at this sureness or more, at most ``max_wrong`` are wrong."""

    model_config = ConfigDict(frozen=True)

    certificate_id: str
    sureness: float = Field(description="from which on tiers are told")
    max_wrong: float
    confidence: float
    ads: int = Field(description="labelled ads told at this sureness")
    wrong: int
    advertisers: int
    upper: float = Field(description="upper confidence bound of the share that is wrong")
    told: float = Field(description="share of all labelled ads that are told a tier")
    labels: str = Field(description="digest of what it rests on")


@dataclass(frozen=True)
class Shown:
    """Labelled ads as the model grades them. Arrays of one entry an ad."""

    sureness: NDArray[np.float64]
    wrong: NDArray[np.bool_]
    """Whether the tier over all categories is another than the labels'."""
    advertiser: NDArray[np.int64]
    """Numbers of advertisers, from 0."""


def certify(shown: Shown, max_wrong: float, confidence: float) -> TierCertificate | None:
    """The most ads that can be told a tier; None where not even the surest can, or too few are labelled.

    Fixed sequence (Learn-then-Test, arXiv 2110.01052): ever more ads are told, the surest first, and the first share that is not shown to
    keep the limit ends it, so that all that were shown hold together with the stated confidence. Ads of one advertiser count as alike as
    errors say they are, of all ads or of those told, whichever is more.
    """
    if not len(shown.sureness):
        return None
    alike = alikeness(shown.wrong, shown.advertiser)
    enough = ROOM * fewest_draws(max_wrong, 1 - confidence)
    order, found = np.sort(shown.sureness)[::-1], None
    for step in range(1, STEPS + 1):
        sureness = float(order[max(0, round(len(order) * step / STEPS) - 1)])
        told = shown.sureness >= sureness
        sizes, wrong = Sizes.of(shown.advertiser[told], _alike(shown, told, alike)), int(shown.wrong[told].sum())
        if sizes.draws < enough:
            continue  # too few to show anything of, whatever they say
        if p_value(wrong, sizes, max_wrong) > 1 - confidence:
            break
        found = _certificate(shown, sureness, told, sizes, max_wrong, confidence)
    return found


def numbered(names: Sequence[str]) -> NDArray[np.int64]:
    """Advertisers as numbers."""
    return np.unique(np.array(names), return_inverse=True)[1].astype(np.int64)


def _alike(shown: Shown, told: NDArray[np.bool_], elsewhere: float) -> float:
    """Of those told; where they are too few to measure it, and at least, as of all."""
    return max(elsewhere, alikeness(shown.wrong[told], shown.advertiser[told], elsewhere))


def _certificate(
    shown: Shown, sureness: float, told: NDArray[np.bool_], sizes: Sizes, max_wrong: float, confidence: float
) -> TierCertificate:
    wrong = int(shown.wrong[told].sum())
    digest = hashlib.sha256(shown.sureness.tobytes() + shown.wrong.tobytes() + shown.advertiser.tobytes()).hexdigest()
    return TierCertificate(
        certificate_id=f"tir-{hashlib.sha256(f'{digest}{sureness}{max_wrong}{confidence}'.encode()).hexdigest()[:16]}",
        sureness=sureness,
        max_wrong=max_wrong,
        confidence=confidence,
        ads=sizes.ads,
        wrong=wrong,
        advertisers=sizes.groups,
        upper=upper_bound(wrong, sizes, 1 - confidence),
        told=float(told.mean()),
        labels=digest,
    )
