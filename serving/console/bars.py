"""A risk between its thresholds, as numbers for a small drawing.

The axis is in log-odds: thresholds lie near 0 and 1, where a linear axis shows nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log

from adverdict.domain.decision import PolicyVerdict

WIDTH = 240
ENDS = 0.002
"""Risks beyond this and its complement are drawn at the ends."""


@dataclass(frozen=True, slots=True)
class Bar:
    """Positions in 0..WIDTH."""

    p: float
    p_low: float
    p_high: float
    at: float
    low: float
    high: float
    approve: float | None
    """Up to here risks are approved; None where no thresholds were used."""
    reject: float | None
    """From here on they are rejected."""
    approve_below: float | None
    reject_at: float | None


def position(p: float, width: float = WIDTH) -> float:
    """Where a share in [0, 1] lies on the axis."""
    clipped = min(max(p, ENDS), 1 - ENDS)
    ends = log((1 - ENDS) / ENDS)
    return round(width * (log(clipped / (1 - clipped)) + ends) / (2 * ends), 1)


def bar(verdict: PolicyVerdict | None) -> Bar | None:
    """None where no risk is known."""
    if verdict is None or verdict.risk is None:
        return None
    risk = verdict.risk
    approve, reject = (None if at is None else position(at) for at in (verdict.approve_below, verdict.reject_at))
    low, high = position(risk.p_low), position(risk.p_high)
    return Bar(risk.p, risk.p_low, risk.p_high, position(risk.p), low, high, approve, reject, verdict.approve_below, verdict.reject_at)
