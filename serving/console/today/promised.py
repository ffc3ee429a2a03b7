"""What was promised, and how far it is kept: leakage against its targets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from adverdict.review.quality.quality import PolicyQuality
from adverdict.storage.charts import Interval, interval, top_of

FEWEST_READ = 10
"""Read ads below which a share is no figure."""


@dataclass(frozen=True)
class Leakage:
    """One policy's, of the period. ``drawing`` None: too little was read."""

    policy: str
    state: Literal["kept", "open", "missed", "not measured"]
    target: float
    value: float | None
    low: float
    high: float
    read: int
    approved: int
    unread: int
    drawing: Interval | None


def leakages(found: Sequence[PolicyQuality], targets: Mapping[str, float]) -> tuple[tuple[Leakage, ...], float]:
    """By policy, those missed first; and the end of the axis they share."""
    known = [one for one in found if one.policy in targets]
    measured = [one.leakage for one in known if one.leakage is not None and one.leakage.audited >= FEWEST_READ]
    top = top_of([targets[one.policy] for one in known], [one.high for one in measured])
    order = ("missed", "open", "kept", "not measured")
    return tuple(
        sorted((_leakage(one, targets[one.policy], top) for one in known), key=lambda one: (order.index(one.state), one.policy))
    ), top


def _leakage(one: PolicyQuality, target: float, top: float) -> Leakage:
    share = one.leakage
    if share is None or share.audited < FEWEST_READ:
        return Leakage(one.policy, "not measured", target, None, 0.0, 1.0, share.audited if share else 0, one.approved, one.unread, None)
    state: Literal["kept", "open", "missed"] = "missed" if share.low > target else "kept" if share.high <= target else "open"
    drawn = interval(share.low, share.value, share.high, target, top)
    return Leakage(one.policy, state, target, share.value, share.low, share.high, share.audited, one.approved, one.unread, drawn)
