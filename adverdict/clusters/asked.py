"""Ads that were asked about, with their fingerprints: most are decided and taken in right after, and neither is made twice."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from adverdict.clusters.fingerprints import fingerprints
from adverdict.clusters.index import Keyed
from adverdict.domain.ad import Ad

MOST = 1 << 12
"""Ads that are remembered; beyond, they are forgotten: drafts are asked about and never taken in."""


class LastAsked:
    """Those since some were last taken in. Not for several threads at once."""

    def __init__(self) -> None:
        self._of: dict[int, tuple[Ad, Keyed, int]] = {}
        """Identity of an ad -> it, so that it lives as long, and its row."""

    def remember(self, ads: Sequence[Ad], keyed: Keyed) -> None:
        """``keyed``: a row an ad."""
        if len(self._of) > MOST:
            self._of = {}
        self._of |= {id(ad): (ad, keyed, row) for row, ad in enumerate(ads)}

    def take(self, ads: Sequence[Ad]) -> Keyed:
        """Of these ads, in order, and forget all. Those that were never asked about are looked at now."""
        found = [self._of.get(id(ad)) for ad in ads]
        self._of = {}
        told = [one for one in found if one is not None]
        if not told or len(told) < len(ads):
            return Keyed.of(fingerprints(ads))
        if all(keyed is told[0][1] for _, keyed, _ in told):
            return told[0][1][np.array([row for *_, row in told], dtype=np.int64)]
        return Keyed.together([keyed[row : row + 1] for _, keyed, row in told])
