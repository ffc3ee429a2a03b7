"""Whether anything is left that decides automatically, and what is in the way where nothing is."""

from __future__ import annotations

from datetime import datetime

from adverdict.decisions.policy import PolicyBook, PolicyInForce, Stance, WhenUncertified
from adverdict.decisions.steering import BrakeSide, Steering
from adverdict.decisions.thresholds import SolvedThresholds
from adverdict.domain.degraded import Cause
from adverdict.domain.standing import Standing


def nothing_usable(book: PolicyBook, solved: SolvedThresholds, moment: datetime, steering: Steering) -> tuple[Cause, ...]:
    """Why no policy of any market has thresholds that decide anything at ``moment``, each cause once; () where one has, or needs none."""
    causes: dict[Cause, None] = {}
    for market, surface, policy in book.every():
        why = _in_the_way(policy, market, surface, solved, moment, steering)
        if why is None:
            return ()
        causes[why] = None
    return tuple(causes)


def _in_the_way(
    policy: PolicyInForce, market: str, surface: str | None, solved: SolvedThresholds, moment: datetime, steering: Steering
) -> Cause | None:
    """What keeps this policy from deciding anything by itself; None: nothing does."""
    if any(brake.side is BrakeSide.BOTH and brake.holds(policy.name, market, surface) for brake in steering.brakes):
        return Cause.BRAKE
    if policy.stance is Stance.ALLOWED:
        return None
    thresholds = policy.thresholds or solved.find(policy.name, market, policy.targets)
    if thresholds is None:
        return Cause.NOT_SOLVED
    thresholds = steering.applied(thresholds, policy.audit_share)
    standing = steering.standing_of(thresholds, moment)
    if standing is Standing.REVOKED:
        return Cause.CERTIFICATE_REVOKED
    if policy.when_uncertified is WhenUncertified.REVIEW and not standing.holds:
        return Cause.CERTIFICATE_EXPIRED if standing is Standing.EXPIRED else Cause.UNCERTIFIED
    return None if thresholds.approve_below > 0 or thresholds.reject_at < 1 else Cause.UNCERTIFIED
