"""The order of the queue: earliest virtual deadline first.

A task's due moment is set once, when it is opened: the more harm a minute of handling can prevent, the sooner. Later tasks overtake it only
while they are opened before that moment, so nothing starves, and time changes no two tasks' order, so nothing is ever computed again.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime, timedelta

from adverdict.decisions.harm import LEAKED, WRONGED
from adverdict.decisions.policy import PolicyBook, Severity
from adverdict.domain.ad import Ad
from adverdict.domain.decision import Decision
from adverdict.review.tasks.settings import Kind, ReviewSettings

UNKNOWN_RISK = 0.5
"""Of a policy under which no model could score the ad."""
UNKNOWN_SEVERITY = Severity.SEVERE
"""Of a policy that no file defines any more."""


def harm_if_shown(ad: Ad, decision: Decision, asked: Sequence[str], book: PolicyBook, settings: ReviewSettings) -> float:
    """Expected harm a minute of handling, of an ad that violates: risk x expected impressions x the severity's cost / minutes."""
    severity = {policy.name: policy.severity for policy in book.in_force(ad.market, ad.surface)}
    cost = sum(_risk(decision, name) * LEAKED[severity.get(name, UNKNOWN_SEVERITY)] for name in asked)
    return cost * _impressions_a_minute(ad, settings)


def harm_if_withheld(ad: Ad, decision: Decision, asked: Sequence[str], settings: ReviewSettings) -> float:
    """The same of an ad that was rejected though it does not violate: what an appeal is about."""
    innocent = math.prod(1 - _risk(decision, name) for name in asked)
    return WRONGED * innocent * _impressions_a_minute(ad, settings)


def due(opened_at: datetime, kind: Kind, harm: float, settings: ReviewSettings) -> datetime:
    """Between ``soonest_seconds`` after being opened and the kind's deadline, falling with the logarithm of the harm a minute."""
    latest, soonest = settings.deadline_seconds(kind), settings.soonest_seconds
    return opened_at + timedelta(seconds=latest - (latest - soonest) * _gravity(harm, settings))


def _gravity(harm: float, settings: ReviewSettings) -> float:
    """0 up to ``calm_harm``, 1 from ``grave_harm``, linear in the logarithm between."""
    if not harm > settings.calm_harm:
        return 0.0
    if harm >= settings.grave_harm:
        return 1.0
    return math.log(harm / settings.calm_harm) / math.log(settings.grave_harm / settings.calm_harm)


def _risk(decision: Decision, policy: str) -> float:
    for one in decision.policies:
        if one.policy == policy and one.risk is not None:
            return one.risk.p
    return UNKNOWN_RISK


def _impressions_a_minute(ad: Ad, settings: ReviewSettings) -> float:
    impressions = settings.assumed_impressions if ad.impressions is None else ad.impressions
    return impressions / (settings.handling_seconds / 60)
