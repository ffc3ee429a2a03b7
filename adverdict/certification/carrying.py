"""How far people's verdicts on an ad are carried to its copies, so that of those carried no more than a stated share is wrong.

Learn then Test, as for thresholds (``certification.thresholds.sequence``): distances form a fixed grid and are tested from near to far,
each at the full level, until one fails; the hypothesis is "of the verdicts carried within this distance, more than ``limit`` are wrong".
The evidence is copies that people read without knowing of the verdict that would have been carried; what they made the opposite of counts
as wrong, whoever of the two erred. Campaigns and advertisers are the sample, not copies. Evidence may be looked at again as it grows: look
k spends 1/(k(k+1)) of the error allowed, which over all looks is no more than the whole.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from adverdict.certification.statistics.alikeness import alikeness, measured
from adverdict.certification.statistics.bounds import Sizes, fewest_draws, p_value, p_value_over, upper_bound

GRID = (0.0, 0.02, 0.04, 0.06, 0.08, 0.10, 0.12, 0.14, 0.16, 0.18, 0.20)
"""Distances, the nearest first; none is beyond that at which words alone make a copy."""
REVOKED_AT = 0.05
"""Evidence against a certificate, as a p-value, at which it ends."""


@dataclass(frozen=True)
class CarryingEvidence:
    """One row a copy that was read."""

    distance: NDArray[np.float64]
    """``(n,)``, of words, to the ad whose verdict would have been carried; in [0, 1]."""
    wrong: NDArray[np.bool_]
    """Whether people made the opposite of the copy."""
    group: NDArray[np.int64]
    """From 0: copies of one campaign, or of one advertiser, are one group."""

    def within(self, distance: float) -> CarryingEvidence:
        here = self.distance <= distance + 1e-9
        return CarryingEvidence(self.distance[here], self.wrong[here], self.group[here])

    @property
    def sizes(self) -> Sizes:
        """As alike as their errors are measured, or the margin for it, whichever is more."""
        if not self.wrong.size:
            return Sizes.single(0)
        group = np.unique(self.group, return_inverse=True)[1]
        return Sizes.of(group, max(alikeness(self.wrong, group), measured(self.wrong, group)))


@dataclass(frozen=True)
class CarryingCertificate:
    """The furthest distance at which the limit is shown."""

    distance: float | None
    """None: nothing is shown, so nothing is carried."""
    pairs: int
    """Read copies within it; of all where there is none."""
    wrong: int
    groups: int
    upper: float
    """Upper confidence bound of the share that is wrong."""
    groups_needed: int
    """Campaigns of one copy each, none of them wrong, that it takes at least."""


def level_of(confidence: float, look: int) -> float:
    """The chance of error that look ``look``, from 1, may spend."""
    return (1.0 - confidence) / (look * (look + 1))


def certify(evidence: CarryingEvidence, limit: float, confidence: float, look: int = 1) -> CarryingCertificate:
    """Never fails: None is an answer. Begins at the nearest distance with as much evidence as a test without a single error takes."""
    level = level_of(confidence, look)
    needed, found = fewest_draws(limit, level), None
    for distance in GRID:
        here = evidence.within(distance)
        sizes = here.sizes
        if found is None and sizes.draws < needed:
            continue
        wrong = int(here.wrong.sum())
        if p_value(wrong, sizes, limit) > level:
            break
        found = CarryingCertificate(distance, sizes.ads, wrong, sizes.groups, upper_bound(wrong, sizes, level), needed)
    if found is not None:
        return found
    sizes, wrong = evidence.sizes, int(evidence.wrong.sum())
    return CarryingCertificate(None, sizes.ads, wrong, sizes.groups, upper_bound(wrong, sizes, level), needed)


def speaks_against(evidence: CarryingEvidence, distance: float, limit: float) -> bool:
    """Whether what was read since a certificate began says that more than the limit is wrong within its distance."""
    here = evidence.within(distance)
    return bool(here.wrong.any()) and p_value_over(int(here.wrong.sum()), here.sizes, limit) <= REVOKED_AT
