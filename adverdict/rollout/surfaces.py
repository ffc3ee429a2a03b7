"""Which scored ads a certificate's thresholds are for, by their surface."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from adverdict.certification.certificate import Certificate
from adverdict.certification.thresholds.scored import ScoredAds
from adverdict.decisions.policy import PolicyBook


def on_its_surfaces(one: Certificate, market: str, scored: ScoredAds, book: PolicyBook) -> NDArray[np.bool_]:
    """bool (n_ads,): those it names, or all that the market's file does not."""
    if one.surfaces is not None:
        return np.isin(scored.surface, one.surfaces)
    named = list(book.rules[market].by_surface) if book.knows(market) else []
    return ~np.isin(scored.surface, named)
