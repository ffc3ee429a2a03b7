"""Whether a certificate follows from its own evidence: what can be computed anew from the counts it states.

A certificate is named by a hash of its content, which whoever changes it can compute anew. Here the thresholds in use are held against the
counts they are said to rest on, and the bounds against what these counts allow at the least, so that a threshold cannot be raised, nor a
bound lowered, by itself. Evidence that was invented whole is consistent; against that there is only a signature (``signing``).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, TypeAlias

from adverdict.certification.words import Side, Strength

Certificate: TypeAlias = Any
Bound: TypeAlias = Any
Count: TypeAlias = Any
"""Those of ``certificate``, which reads them by this file and so stands above it."""

ROUNDING = 1e-6
"""Bounds are solved for with this much error."""
SLACK = 1e-3
"""Of the chance of error: exact sums over groups stand for ads that all are alone, up to this."""


def contradictions(one: Certificate) -> list[str]:
    """What it says that its evidence does not, in words; none for what was issued here."""
    bounds = {bound.side: bound for bound in one.bounds}
    found = [*_in_use(one, Side.APPROVE, bounds.get(Side.APPROVE)), *_in_use(one, Side.REJECT, bounds.get(Side.REJECT))]
    if one.approve_below > one.reject_at:
        found.append(f"it approves below {one.approve_below:g} and rejects from {one.reject_at:g}, so that some ads are both")
    for bound in one.bounds:
        found += [f"{_NAMES[bound.side]}: {what}" for what in _of_bound(one, bound)]
    return found


_NAMES = {Side.APPROVE: "approvals", Side.REJECT: "rejections"}


def _in_use(one: Certificate, side: Side, bound: Bound | None) -> Iterator[str]:
    """A threshold that decides rests on labels that were counted at this very threshold, and is no bolder than what was certified."""
    approves = side is Side.APPROVE
    threshold, aim = (one.approve_below, one.aim.approve_below) if approves else (one.reject_at, one.aim.reject_at)
    says = f"it approves below {threshold:g}" if approves else f"it rejects from {threshold:g}"
    if threshold <= 0 if approves else threshold >= 1:
        return
    if bound is None or bound.used is None or bound.upper is None or bound.certified_to is None:
        yield f"{says}, and no labels show a bound there"
        return
    if bound.used.threshold != threshold:
        yield f"{says}, and its labels were counted at {bound.used.threshold:g}"
    if bolder(threshold, bound.certified_to.threshold, approves):
        yield f"{says}, and {bound.certified_to.threshold:g} is the boldest threshold that was certified"
    if bolder(threshold, aim, approves):
        yield f"{says}, and it aimed at {aim:g}"


def bolder(one: float, other: float, approves: bool) -> bool:
    """Whether a threshold decides more ads than another."""
    return one > other if approves else one < other


def _of_bound(one: Certificate, bound: Bound) -> Iterator[str]:
    target = one.targets.max_leakage if bound.side is Side.APPROVE else one.targets.max_wrongful_reject
    if bound.target != target:
        yield f"the bound is held against {bound.target:g}, and the policy's limit is {target:g}"
    if bound.limit > bound.target + ROUNDING:
        yield f"what was tested, {bound.limit:g}, is above the limit {bound.target:g}"
    if bound.level > 1 - one.targets.confidence + ROUNDING:
        yield f"a chance of error of {bound.level:g} is spent, and the confidence stated leaves {1 - one.targets.confidence:g}"
    if bound.upper is not None and bound.upper > bound.target + ROUNDING:
        yield f"the bound {bound.upper:.4g} is above the limit {bound.target:g}, and yet in use"
    labelled = sum(market.labelled for market in one.markets)
    for count, upper in ((bound.used, bound.upper), (bound.at_aim, bound.upper_at_aim)):
        if count is None:
            continue
        if count.errors > count.ads or count.advertisers > count.ads or count.draws > count.ads + ROUNDING:
            yield f"of {count.ads} labelled ads, {count.errors} errors and {count.advertisers} advertisers cannot be"
        elif count.ads > labelled:
            yield f"{count.ads} labelled ads were counted, and there are {labelled}"
        elif upper is not None and not _may_be(one, bound, count, upper):
            yield f"{count.errors} errors among {count.ads} labelled ads show no bound as low as {upper:.4g}"
    yield from _against_the_curve(one, bound)


def _may_be(one: Certificate, bound: Bound, count: Count, upper: float) -> bool:
    """Whether these counts could show this bound, were all ads independent, or as few as the draws they are worth.

    An exact bound is a rate at which so few errors have at most the chance stated (Clopper and Pearson 1934). No evidence by betting shows
    a bound under the rate itself. What other markets lent may: there one ad of its own says little.
    """
    rate = upper * (bound.limit / bound.target if bound.target else 1.0)  # what raters miss was added
    if upper >= 1:
        return True
    if bound.strength is Strength.BORROWED:
        return True
    if rate < count.rate - ROUNDING:
        return False
    if bound.strength is not Strength.OWN or one.design.looked_again:
        return True
    # Alike ads of an advertiser are as few as their draws, of which some of the errors are a part of one.
    worth = math.floor(count.errors * count.draws / count.ads) if count.ads else 0
    likely = min(_at_most(count.errors, count.ads, rate + ROUNDING), _at_most(worth, math.ceil(count.draws), rate + ROUNDING))
    return bool(likely <= bound.level * (1 + SLACK))


def _at_most(errors: int, ads: int, rate: float) -> float:
    """P(at most so many errors among independent ads): the binomial's, term by term."""
    if rate <= 0 or ads == 0:
        return 1.0
    if rate >= 1:
        return 0.0
    log_rate, log_rest, of_all = math.log(rate), math.log1p(-rate), math.lgamma(ads + 1)
    terms = (
        math.exp(of_all - math.lgamma(k + 1) - math.lgamma(ads - k + 1) + k * log_rate + (ads - k) * log_rest) for k in range(errors + 1)
    )
    return min(1.0, math.fsum(terms))


def _against_the_curve(one: Certificate, bound: Bound) -> Iterator[str]:
    """The curve counts the same ads at the same threshold."""
    if bound.used is None or bound.side is not Side.APPROVE:
        return
    for point in one.curve:
        if point.threshold == bound.used.threshold and (point.below, point.leaked) != (bound.used.ads, bound.used.errors):
            yield (
                f"at {point.threshold:g} the curve counts {point.leaked} errors among {point.below} labelled ads, "
                f"and the bound {bound.used.errors} among {bound.used.ads}"
            )
