"""How many of the ads that a certificate approves have to be audited, so that the audits renew it, or revoke it in time."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from adverdict.certification.certificate import Bound, Certificate, sealed, thresholds
from adverdict.certification.life import FEWEST_AUDITS, audits_a_day
from adverdict.certification.thresholds.scored import ScoredAds
from adverdict.certification.words import Side
from adverdict.decisions.policy import PolicyBook, Thresholds
from adverdict.domain.ad import Ad
from adverdict.domain.standing import Standing
from adverdict.rollout.surfaces import on_its_surfaces

STEP = 1e-4
"""Shares are rounded up to a multiple of it."""


def with_audit_shares(
    certificates: Sequence[Certificate], scored: ScoredAds, book: PolicyBook, ads_a_day: Mapping[str, float]
) -> tuple[Certificate, ...]:
    """The same, each with the share of its approvals to be audited; at least what its policy asks. ``ads_a_day`` by market.

    What approves nothing, or where nothing is known of how many ads come, has none: the policy's share counts there.
    """
    return tuple(_audited(one, scored, book, ads_a_day) for one in certificates)


def ads_a_day(ads: Iterable[Ad]) -> dict[str, float]:
    """Ads a day by market, over the span in which they were submitted; a day at least."""
    counted: Counter[str] = Counter()
    first: datetime | None = None
    last: datetime | None = None
    for ad in ads:
        counted[ad.market] += 1
        first = ad.submitted_at if first is None else min(first, ad.submitted_at)
        last = ad.submitted_at if last is None else max(last, ad.submitted_at)
    if first is None or last is None:
        return {}
    days = max(1.0, (last - first) / timedelta(days=1))
    return {market: ads / days for market, ads in counted.items()}


def _audited(one: Certificate, scored: ScoredAds, book: PolicyBook, volume: Mapping[str, float]) -> Certificate:
    point = next(iter(thresholds([one]).points.values()), None)
    bound = one.bound(Side.APPROVE)
    market = next((market.market for market in one.markets if not market.lends), "")
    if point is None or point.approve_below <= 0 or bound is None:
        return one
    approved = volume.get(market, 0.0) * _approved(one, market, point, scored, book)
    if approved <= 0:
        return one
    share = _needed(bound, point) / approved
    rounded = min(1.0, math.ceil(round(share / STEP, 6)) * STEP)
    return sealed(one.model_copy(update={"audit_share": max(round(rounded, 4), _asked(one, market, book))}))


def _needed(bound: Bound, point: Thresholds) -> float:
    """Audits a day. Where the labels foresee more errors than the limit no number would show it: then there are enough to revoke it."""
    count = bound.at_aim if point.provisional or bound.used is None else bound.used
    usual = audits_a_day(count.rate if count else 0.0, bound.limit, bound.level) if 0 < bound.limit < 1 else None
    return (usual or FEWEST_AUDITS) * (Standing.PROVISIONAL if point.provisional else Standing.CERTIFIED).audits_times


def _approved(one: Certificate, market: str, point: Thresholds, scored: ScoredAds, book: PolicyBook) -> float:
    """The share of the market's ads that the thresholds approve, in [0, 1]."""
    here = scored.market == market
    there = here & on_its_surfaces(one, market, scored, book)
    below = scored.risk[:, scored.policies.index(one.policy)] < point.approve_below
    return float((there & below).sum() / max(int(here.sum()), 1))


def _asked(one: Certificate, market: str, book: PolicyBook) -> float:
    """The policy's own share where the certificate holds: the largest of its surfaces."""
    shares = [
        policy.audit_share
        for where, surface, policy in book.every()
        if (where, policy.name) == (market, one.policy) and (surface in one.surfaces if one.surfaces else surface is None)
    ]
    return max(shares, default=0.0)
