"""Fits the early exit: a blend and a calibration of the cheap models, and how far the whole bundle's risk strays from theirs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from adverdict.models.calibration import logit
from adverdict.models.cascade import Spread
from adverdict.models.plugins import PREFIX

CHEAP = ("ridge", "gbm")
"""What is computed before the encoder."""
ADS_A_KNOT = 200
MOST_KNOTS = 24
LEAST_SPREAD = 0.02
"""Log-odds: no spread is narrower, however well the two agreed on these ads."""

Floats = NDArray[np.float64]


def cheap(components: Sequence[str]) -> list[str]:
    """Those whose scores there are before the encoder runs."""
    return [name for name in components if name in CHEAP or name.startswith(PREFIX)]


def fit_spread(early: Floats, whole: Floats) -> Spread:
    """From early and whole calibrated risks ``(n_ads,)`` of ads that neither was fitted to, out of fold.

    Ads are dealt by their early log-odds into bins of about ``ADS_A_KNOT`` or more, equal ones into one; each gives a knot: the median of
    the whole log-odds, and the root mean square of what lies below and above it.
    """
    x, y = logit(early), logit(whole)
    order = np.argsort(x, kind="stable")
    starts = [rows[0] for rows in np.array_split(order, int(np.clip(len(x) // ADS_A_KNOT, 1, MOST_KNOTS)))]
    first = np.unique(np.searchsorted(x[order], x[starts]))  # a bin begins with the first of equal log-odds
    bins = np.split(order, first[1:])
    knots = []
    for rows in bins:
        centre = float(np.median(y[rows]))
        away = y[rows] - centre
        # A side nobody strayed to in this bin still has a width: that of the pair's rarer surprises is learned from few.
        knots.append((float(np.median(x[rows])), centre, _width(-away), _width(away)))
    return Spread(*np.array(knots).T)


def _width(away: Floats) -> float:
    """Root mean square of the positive part's half."""
    positive = away[away > 0]
    return max(LEAST_SPREAD, float(np.sqrt((positive**2).mean())) if positive.size else 0.0)
