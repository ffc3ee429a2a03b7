"""Whether anything is left that decides automatically, and what is in the way."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from adverdict.decisions.policy import PolicyInForce, Stance, Thresholds, WhenUncertified
from adverdict.decisions.steering import Brake, BrakeSide, Steering
from adverdict.decisions.usable import nothing_usable
from tests.decisions.build import NONE_SOLVED, POLICY, WHEN, book

BY_HAND = POLICY
AUTO = replace(POLICY, thresholds=None)
CERTIFIED = replace(POLICY, thresholds=Thresholds(0.08, 0.9, "cert-1", WHEN + timedelta(days=1)))
EXPIRED = replace(POLICY, thresholds=Thresholds(0.08, 0.9, "cert-1", WHEN))
REVOKED = Steering(revoked=frozenset({"cert-1"}))
STOPPED = Steering((Brake("brk-1", BrakeSide.BOTH),))


def insisting(policy: PolicyInForce) -> PolicyInForce:
    return replace(policy, when_uncertified=WhenUncertified.REVIEW)


@pytest.mark.parametrize(
    ("policy", "steering", "causes"),
    [
        (BY_HAND, Steering(), ()),
        (CERTIFIED, Steering(), ()),
        (EXPIRED, Steering(), ()),
        (insisting(CERTIFIED), Steering(), ()),
        (insisting(EXPIRED), Steering(), ("certificate_expired",)),
        (insisting(BY_HAND), Steering(), ("uncertified",)),
        (AUTO, Steering(), ("thresholds_not_solved",)),
        (CERTIFIED, REVOKED, ("certificate_revoked",)),
        (CERTIFIED, STOPPED, ("brake",)),
        (CERTIFIED, Steering((Brake("brk-1", BrakeSide.BOTH, market="DE"),)), ()),
        (CERTIFIED, Steering((Brake("brk-1", BrakeSide.APPROVE),)), ()),
        (replace(POLICY, thresholds=Thresholds(0.0, 1.0)), Steering(), ("uncertified",)),
        (replace(POLICY, stance=Stance.ALLOWED), Steering(), ()),
    ],
)
def test_what_is_in_the_way_of_a_policy(policy: PolicyInForce, steering: Steering, causes: tuple[str, ...]) -> None:
    assert nothing_usable(book([policy]), NONE_SOLVED, WHEN, steering) == causes


def test_one_policy_that_still_decides_is_enough() -> None:
    assert nothing_usable(book([AUTO, replace(CERTIFIED, name="adult")]), NONE_SOLVED, WHEN, Steering()) == ()


def test_every_cause_is_told_once() -> None:
    policies = [AUTO, replace(AUTO, name="weapons"), replace(CERTIFIED, name="adult")]
    assert nothing_usable(book(policies), NONE_SOLVED, WHEN, REVOKED) == ("thresholds_not_solved", "certificate_revoked")
