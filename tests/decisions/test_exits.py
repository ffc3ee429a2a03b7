"""What a verdict hangs on: between two cuts no risk changes it, and where ``decide`` looks at no risk there are none."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adverdict.decisions.exits import NOTHING_HANGS_ON_IT, ExitRule, cuts
from adverdict.decisions.policy import PolicyInForce, Stance, Targets, Thresholds, WhenUncertified
from adverdict.decisions.thresholds import POOLED, SolvedFor, SolvedThresholds
from tests.decisions.build import NONE_SOLVED, POLICY, TARGETS, WHEN, decided
from tests.decisions.test_decide_properties import SOLVED, flags, licences, policies, shares

AUTO = replace(POLICY, thresholds=None)
CAREFUL = replace(AUTO, when_uncertified=WhenUncertified.REVIEW)
CERTIFIED = Thresholds(0.2, 0.7, "cert-1", WHEN + timedelta(days=1))


def solved(found: Thresholds, market: str = POOLED, targets: Targets = TARGETS) -> SolvedThresholds:
    return SolvedThresholds({SolvedFor("gambling", market, targets): found})


CASES: dict[str, tuple[PolicyInForce, SolvedThresholds, tuple[float, float]]] = {
    "thresholds of its own": (POLICY, solved(Thresholds(0.3, 0.4)), (0.08, 0.9)),
    "solved ones": (AUTO, solved(Thresholds(0.3, 0.4)), (0.3, 0.4)),
    "the market's before those of all": (
        AUTO,
        SolvedThresholds({**solved(Thresholds(0.3, 0.4)).points, **solved(Thresholds(0.5, 0.6), "SE").points}),
        (0.5, 0.6),
    ),
    "another market's": (AUTO, solved(Thresholds(0.5, 0.6), "DE"), NOTHING_HANGS_ON_IT),
    "solved for other targets": (AUTO, solved(Thresholds(0.3, 0.4), targets=replace(TARGETS, confidence=0.9)), NOTHING_HANGS_ON_IT),
    "none solved": (AUTO, NONE_SOLVED, NOTHING_HANGS_ON_IT),
    "allowed": (replace(POLICY, stance=Stance.ALLOWED), NONE_SOLVED, NOTHING_HANGS_ON_IT),
    "restricted": (replace(POLICY, stance=Stance.RESTRICTED), NONE_SOLVED, (0.08, 0.9)),
    "uncertified, and people decide then": (CAREFUL, solved(Thresholds(0.3, 0.4)), NOTHING_HANGS_ON_IT),
    "its own, uncertified, and people decide then": (
        replace(CAREFUL, thresholds=Thresholds(0.1, 0.2)),
        NONE_SOLVED,
        NOTHING_HANGS_ON_IT,
    ),
    "certified, and people would decide otherwise": (CAREFUL, solved(CERTIFIED), (0.2, 0.7)),
    "provisional, and people decide then": (CAREFUL, solved(replace(CERTIFIED, provisional=True)), NOTHING_HANGS_ON_IT),
    "provisional, and it decides all the same": (AUTO, solved(replace(CERTIFIED, provisional=True)), (0.2, 0.7)),
    "held within the policy's limits": (replace(AUTO, max_risk=0.1, min_risk_rejected=0.8), solved(CERTIFIED), (0.1, 0.8)),
    "its own, held within the policy's limits": (replace(POLICY, max_risk=0.05, min_risk_rejected=0.95), NONE_SOLVED, (0.05, 0.95)),
    "certified once": (CAREFUL, solved(replace(CERTIFIED, expires_at=WHEN - timedelta(days=9))), (0.2, 0.7)),
    "nobody approved, nobody rejected": (replace(POLICY, thresholds=Thresholds(0.0, 1.0)), NONE_SOLVED, (0.0, 1.0)),
    "no room for review": (replace(POLICY, thresholds=Thresholds(0.5, 0.5)), NONE_SOLVED, (0.5, 0.5)),
}


@pytest.mark.parametrize("name", CASES)
def test_a_verdict_hangs_on_the_thresholds_in_use_and_on_nothing_where_none_are(name: str) -> None:
    policy, found, expected = CASES[name]
    assert cuts(policy, "SE", found) == expected


def region(p: float, at: tuple[float, float]) -> int:
    return (p >= at[0]) + (p >= at[1])


@given(policies(), st.data(), flags)
def test_risks_that_cross_no_cut_change_no_verdict(in_force: list[PolicyInForce], data: st.DataObject, degraded: tuple[str, ...]) -> None:
    at = {policy.name: cuts(policy, "SE", SOLVED) for policy in in_force}
    edges = [p for pair in at.values() for cut in pair for p in (cut, math.nextafter(cut, 0), math.nextafter(cut, 1))]
    anywhere = shares | st.sampled_from(edges)
    before = {policy.name: data.draw(anywhere) for policy in in_force}
    elsewhere = {policy.name: data.draw(anywhere) for policy in in_force}
    moved = {name: q if region(q, at[name]) == region(before[name], at[name]) else before[name] for name, q in elsewhere.items()}
    held = data.draw(licences)
    first, second = (decided(in_force, risks, solved=SOLVED, degraded=degraded, licences=held) for risks in (before, moved))
    assert [(one.policy, one.verdict) for one in first.policies] == [(one.policy, one.verdict) for one in second.policies]
    assert first.verdict == second.verdict


@pytest.mark.parametrize("at", [0.08, 0.9])
def test_a_risk_that_crosses_a_cut_changes_the_verdict(at: float) -> None:
    """Else the claim above would hold of cuts that are nowhere."""
    below, on = (decided([POLICY], {"gambling": p}).verdict for p in (math.nextafter(at, 0), at))
    assert below != on


@pytest.mark.parametrize(
    ("expires", "after", "holds"),
    [
        (None, timedelta(days=4000), True),
        (WHEN, timedelta(seconds=-1), True),
        (WHEN, timedelta(0), False),
        (WHEN, timedelta(days=1), False),
    ],
)
def test_a_rule_holds_until_its_certificate_expires(expires: datetime | None, after: timedelta, holds: bool) -> None:
    assert ExitRule(0.1, "exit-1", expires).holds_at(WHEN + after) is holds
