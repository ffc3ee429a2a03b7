"""Shares of ads with the upper end of what they may be in truth, knowing that an advertiser's ads are alike."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from adverdict.benchmarks.shared.certified_exit import CONFIDENCE
from adverdict.certification.statistics.bounds import Sizes, upper_bound


def flipped_of(flipped: NDArray[np.bool_], groups: NDArray[np.int64], alike: float) -> dict[str, Any]:
    """``flipped`` and ``groups`` ``(n,)``: ads of one number share an advertiser, and flip with a correlation of ``alike``.

    Shares of no ads are None.
    """
    sizes = Sizes.of(groups, alike)
    return {
        "ads": len(groups),
        "advertisers": sizes.groups,
        "draws": sizes.draws,
        "flipped": int(flipped.sum()),
        "flipped_share": float(flipped.mean()) if len(groups) else None,
        "flipped_share_upper": upper_bound(int(flipped.sum()), sizes, 1 - CONFIDENCE),
    }


def left_early(left: NDArray[np.bool_]) -> dict[str, Any]:
    """``left`` ``(n,)``: who took the early exit."""
    return {"left_early": int(left.sum()), "exit_share": float(left.mean()) if len(left) else None}
