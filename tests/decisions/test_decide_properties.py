"""What holds of every decision, whatever the policies, thresholds and risks."""

from __future__ import annotations

import math
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from decisions.policy import PolicyInForce, Severity, Stance, Thresholds, WhenDegraded
from decisions.thresholds import POOLED, SolvedFor, SolvedThresholds
from domain.verdict import Verdict
from tests.decisions.build import POLICY, TARGETS, decided

NAMES = ["adult", "deceptive", "gambling", "weapons"]
SOLVED = SolvedThresholds({SolvedFor("gambling", POOLED, TARGETS): Thresholds(0.2, 0.7)})

shares = st.floats(0, 1)
thresholds = st.none() | st.tuples(shares, shares).map(lambda pair: Thresholds(min(pair), max(pair)))
risks = shares | st.sampled_from([0.2, 0.7, math.nan])


@st.composite
def policies(draw: st.DrawFn) -> list[PolicyInForce]:
    made = []
    for name in draw(st.lists(st.sampled_from(NAMES), unique=True, min_size=1)):
        severity = draw(st.sampled_from(Severity))
        unjudged = [WhenDegraded.APPROVE] if severity is Severity.QUALITY else []
        degraded = draw(st.sampled_from([WhenDegraded.HOLD, WhenDegraded.REVIEW, *unjudged]))
        stance = draw(st.sampled_from(Stance))
        made.append(replace(POLICY, name=name, severity=severity, stance=stance, when_degraded=degraded, thresholds=draw(thresholds)))
    return made


flags = st.sampled_from([(), ("registry_unreachable",), ("no_model",)])


@given(policies(), st.data(), shares, shares, flags)
def test_raising_a_risk_never_makes_the_verdict_milder(
    in_force: list[PolicyInForce], data: st.DataObject, one: float, other: float, degraded: tuple[str, ...]
) -> None:
    known = {policy.name: data.draw(risks) for policy in in_force}
    raised = data.draw(st.sampled_from(sorted(known)))
    low = decided(in_force, {**known, raised: min(one, other)}, solved=SOLVED, degraded=degraded)
    high = decided(in_force, {**known, raised: max(one, other)}, solved=SOLVED, degraded=degraded)
    assert low.verdict.severity <= high.verdict.severity


@given(policies(), st.data(), flags)
def test_one_more_policy_never_makes_the_verdict_milder(
    in_force: list[PolicyInForce], data: st.DataObject, degraded: tuple[str, ...]
) -> None:
    known = {policy.name: data.draw(risks) for policy in in_force}
    fewer = in_force[:-1]
    if fewer:  # no policy at all is review, on purpose
        before = decided(fewer, {policy.name: known[policy.name] for policy in fewer}, solved=SOLVED, degraded=degraded)
        after = decided(in_force, known, solved=SOLVED, degraded=degraded)
        assert before.verdict.severity <= after.verdict.severity


@given(policies(), st.data(), flags)
def test_nothing_is_approved_without_a_risk_unless_its_policy_says_so(
    in_force: list[PolicyInForce], data: st.DataObject, degraded: tuple[str, ...]
) -> None:
    known = {policy.name: data.draw(risks) for policy in in_force if data.draw(st.booleans())}
    decision = decided(in_force, known, solved=SOLVED, degraded=degraded)
    missing = [policy for policy in in_force if math.isnan(known.get(policy.name, math.nan))]
    if decision.verdict is Verdict.APPROVE:
        assert all(policy.when_degraded is WhenDegraded.APPROVE and policy.severity is Severity.QUALITY for policy in missing)
    if missing:
        assert decision.degraded


@given(policies(), st.data())
def test_a_rejection_always_has_a_prohibiting_policy_and_a_sentence_for_the_advertiser(
    in_force: list[PolicyInForce], data: st.DataObject
) -> None:
    decision = decided(in_force, {policy.name: data.draw(risks) for policy in in_force}, solved=SOLVED)
    by_name = {policy.name: policy for policy in in_force}
    for ruling in decision.policies:
        assert (ruling.advertiser_reason is not None) == (ruling.verdict is Verdict.REJECT)
        if ruling.verdict is Verdict.REJECT:
            assert by_name[ruling.policy].stance is Stance.PROHIBITED
