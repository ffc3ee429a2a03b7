"""How far each policy is on its way to certificates: where it has one, and how many labels the nearest place without one lacks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from adverdict.certification.certificate import Bound, Certificate
from adverdict.certification.words import Side, Strength
from adverdict.storage.charts import filled


@dataclass(frozen=True)
class Way:
    """A policy's way to certificates: places (markets and surfaces) that have one, and labels for the nearest that has none."""

    policy: str
    certified: int
    places: int
    nearest: str
    """Where; empty: every place has one, or no number of labels would do."""
    labels: int
    """There, in labels of different advertisers that they are worth."""
    needed: int
    """Of different advertisers; about."""

    @property
    def share(self) -> float:
        """Of the way to the nearest, in 0..100."""
        return filled(self.labels, self.needed) if self.needed else filled(self.certified, self.places)


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
        (bound.labels_needed, _counting(one, bound, market), one, market)
        for one, market, shown in places
        if not shown and (bound := one.bound(Side.APPROVE)) is not None and bound.labels_needed
    ]
    certified = sum(shown for _, _, shown in places)
    if not lacking:
        return Way(policy, certified, len(places), "", 0, 0)
    needed, labels, one, market = min(lacking, key=lambda found: (max(found[0] - found[1], 0), found[3]))
    return Way(policy, certified, len(places), market if one.surfaces is None else f"{market}, {', '.join(one.surfaces)}", labels, needed)


def _counting(one: Certificate, bound: Bound, market: str) -> int:
    """Labels that count towards those needed, each of another advertiser: the market's own, as many as they are worth."""
    asking = [each for each in one.markets if not each.lends]
    own = sum(each.labelled for each in asking if one.strength is Strength.TOGETHER or each.market == market)
    count = bound.at_aim or bound.stopped_at
    return own if count is None else min(own, int(count.draws))
