"""What was promised, and how far it is kept or shown: leakage against its targets, and the way to certificates that are missing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from adverdict.certification.certificate import Certificate
from adverdict.certification.words import Side
from adverdict.review.quality.quality import PolicyQuality
from adverdict.storage.charts import Interval, filled, interval, top_of

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


@dataclass(frozen=True)
class Way:
    """A policy's way to certificates: places (markets and surfaces) that have one, and labels for the nearest that has none."""

    policy: str
    certified: int
    places: int
    nearest: str
    """Where; empty: every place has one, or no number of labels would do."""
    labels: int
    needed: int

    @property
    def share(self) -> float:
        """Of the way to the nearest, in 0..100."""
        return filled(self.labels, self.needed) if self.needed else filled(self.certified, self.places)


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


def ways(certificates: Sequence[Certificate]) -> tuple[Way, ...]:
    """By policy, those nearest to a certificate they have not first."""
    by_policy: dict[str, list[Certificate]] = defaultdict(list)
    for one in certificates:
        by_policy[one.policy].append(one)
    made = [_way(policy, some) for policy, some in by_policy.items()]
    return tuple(sorted(made, key=lambda one: (not one.needed, one.needed - one.labels, one.policy)))


def _way(policy: str, certificates: Sequence[Certificate]) -> Way:
    places = [
        (one, market.market, market.served and one.approve_below > 0) for one in certificates for market in one.markets if not market.lends
    ]
    lacking = [
        (bound.labels_needed, one, market)
        for one, market, shown in places
        if not shown and (bound := one.bound(Side.APPROVE)) is not None and bound.labels_needed
    ]
    certified = sum(shown for _, _, shown in places)
    if not lacking:
        return Way(policy, certified, len(places), "", 0, 0)
    needed, one, market = min(lacking, key=lambda found: (found[0] - found[1].ads, found[2]))
    return Way(policy, certified, len(places), market if one.surfaces is None else f"{market}, {', '.join(one.surfaces)}", one.ads, needed)
