"""What an average hides: the riskiest part of what is approved, and the violating ads that are approved."""

from __future__ import annotations

import numpy as np

from adverdict.certification.certificate import Edge
from adverdict.certification.statistics.bounds import Sizes, upper_bound
from adverdict.certification.thresholds.sequence import Bools, LabelledAds

WIDTH = 3.0
"""The edge reaches from a third of the threshold up to it: fixed before labels, as a band chosen after looking is another test."""
LEAKED_SHARE = 0.8
"""Of the chance of error that a bound on missed ads may spend, what goes to the leaked ones; the rest to those that people catch."""


def edge(ads: LabelledAds, threshold: float, max_risk: float, level: float) -> Edge | None:
    """Labels with a risk from ``threshold / WIDTH`` up to ``threshold``; None where no ad is approved or none is labelled there.

    The sentence about these ads needs no assumption about risks. Where riskier ads violate no less often than others it bounds every ad
    that is approved.
    """
    low = threshold / WIDTH
    errors, sizes = _counted(ads, (ads.risk >= low) & (ads.risk < threshold))
    if not sizes.ads:
        return None
    return Edge(risk_from=low, ads=sizes.ads, errors=errors, upper=upper_bound(errors, sizes, level), limit=max_risk)


def missed_upper(ads: LabelledAds, threshold: float, level: float) -> float | None:
    """Upper confidence bound of P(approved | violating): at most so many of the approved violate, at least so many of the others.

    None where nothing is labelled; 0 where nothing is approved.
    """
    if not len(ads):
        return None
    below = ads.risk < threshold
    if not below.any():
        return 0.0
    share = float(below.mean())
    leaking = share * upper_bound(*_counted(ads, below), LEAKED_SHARE * level)
    innocent, sizes = _counted(ads.turned(), ~below)
    caught = (1.0 - share) * (1.0 - upper_bound(innocent, sizes, (1.0 - LEAKED_SHARE) * level)) if sizes.ads else 0.0
    return leaking / (leaking + caught) if leaking + caught else 1.0


def _counted(ads: LabelledAds, rows: Bools) -> tuple[int, Sizes]:
    return int(ads.violating[rows].sum()), Sizes.of(np.unique(ads.group[rows], return_inverse=True)[1], ads.alikeness)
