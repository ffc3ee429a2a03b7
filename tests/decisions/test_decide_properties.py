"""What holds of every decision, whatever the policies, thresholds and risks."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from adverdict.decisions.policy import Licence, PolicyInForce, Severity, Stance, Thresholds, WhenDegraded, WhenUncertified
from adverdict.decisions.thresholds import POOLED, SolvedFor, SolvedThresholds
from adverdict.domain.verdict import Verdict
from tests.decisions.build import POLICY, TARGETS, WHEN, decided

NAMES = ["adult", "deceptive", "gambling", "weapons"]
SOLVED = SolvedThresholds({SolvedFor("gambling", POOLED, TARGETS): Thresholds(0.2, 0.7)})

shares = st.floats(0, 1)
certificates = st.sampled_from([(), ("cert-1",), ("cert-1", WHEN), ("cert-1", WHEN + timedelta(days=1)), ("cert-1", None, True)])
limits = st.none() | shares
thresholds = st.none() | st.tuples(shares, shares, certificates).map(lambda drawn: Thresholds(*sorted(drawn[:2]), *drawn[2]))
licences = st.none() | st.lists(st.sampled_from([f"{name}:SE" for name in NAMES] + ["gambling:GB"])).map(tuple)
risks = shares | st.sampled_from([0.2, 0.7, math.nan])


@st.composite
def policies(draw: st.DrawFn) -> list[PolicyInForce]:
    made = []
    for name in draw(st.lists(st.sampled_from(NAMES), unique=True, min_size=1)):
        severity = draw(st.sampled_from(Severity))
        unjudged = [WhenDegraded.APPROVE] if severity is Severity.QUALITY else []
        degraded = draw(st.sampled_from([WhenDegraded.HOLD, WhenDegraded.REVIEW, *unjudged]))
        stance = draw(st.sampled_from(Stance))
        made.append(
            replace(
                POLICY,
                name=name,
                severity=severity,
                stance=stance,
                when_degraded=degraded,
                thresholds=draw(thresholds),
                licence=draw(st.sampled_from(Licence)) if stance is Stance.RESTRICTED else Licence.NONE,
                when_uncertified=draw(st.sampled_from(WhenUncertified)),
                audit_share=draw(shares),
                max_risk=draw(limits),
                min_risk_rejected=draw(limits),
            )
        )
    return made


stopping = st.sampled_from([("no_model",), ("deadline",), ("registry_unreachable", "no_model")])
flags = st.sampled_from([(), ("registry_unreachable",), ("no_model",)])


@given(policies(), st.data(), shares, shares, flags)
def test_raising_a_risk_never_makes_the_verdict_milder(
    in_force: list[PolicyInForce], data: st.DataObject, one: float, other: float, degraded: tuple[str, ...]
) -> None:
    known = {policy.name: data.draw(risks) for policy in in_force}
    raised = data.draw(st.sampled_from(sorted(known)))
    held = data.draw(licences)
    low = decided(in_force, {**known, raised: min(one, other)}, solved=SOLVED, degraded=degraded, licences=held)
    high = decided(in_force, {**known, raised: max(one, other)}, solved=SOLVED, degraded=degraded, licences=held)
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


@given(policies(), st.data(), stopping)
def test_nothing_is_decided_automatically_while_anything_not_known_to_be_harmless_is_wrong(
    in_force: list[PolicyInForce], data: st.DataObject, degraded: tuple[str, ...]
) -> None:
    known = {policy.name: data.draw(risks) for policy in in_force if data.draw(st.booleans())}
    decision = decided(in_force, known, solved=SOLVED, degraded=degraded, licences=data.draw(licences))
    assert (decision.verdict, decision.uncertified, decision.audit) == (Verdict.REVIEW, False, None)
    assert set(degraded) <= set(decision.degraded)


@given(policies(), st.data())
def test_a_policy_that_insists_on_a_certificate_decides_nothing_without_a_valid_one(
    in_force: list[PolicyInForce], data: st.DataObject
) -> None:
    decision = decided(in_force, {policy.name: data.draw(shares) for policy in in_force}, solved=SOLVED, licences=data.draw(licences))
    insisting = {policy.name for policy in in_force if policy.when_uncertified is WhenUncertified.REVIEW}
    for ruling in decision.policies:
        if ruling.policy in insisting and ruling.approve_below is not None:
            assert ruling.certificate_id is not None
            assert f"certificate_expired:{ruling.policy}" not in decision.degraded
            assert "provisional" not in ruling.because
    if decision.uncertified:
        assert {ruling.policy for ruling in decision.policies if ruling.approve_below is not None} - insisting


@given(policies(), st.data())
def test_a_licence_on_record_never_makes_the_verdict_more_severe(in_force: list[PolicyInForce], data: st.DataObject) -> None:
    known = {policy.name: data.draw(risks) for policy in in_force}
    fewer = data.draw(licences) or ()
    more = (*fewer, *(data.draw(licences) or ()))
    before = decided(in_force, known, solved=SOLVED, licences=fewer)
    after = decided(in_force, known, solved=SOLVED, licences=more)
    not_told = decided(in_force, known, solved=SOLVED, licences=None)
    assert after.verdict.severity <= before.verdict.severity
    assert not_told.verdict.severity <= before.verdict.severity
    assert (not_told.verdict is Verdict.APPROVE) == (before.verdict is Verdict.APPROVE), "nobody is approved for not being asked"


@given(policies(), st.data(), flags)
def test_an_audit_is_drawn_exactly_for_automatic_decisions(
    in_force: list[PolicyInForce], data: st.DataObject, degraded: tuple[str, ...]
) -> None:
    decision = decided(in_force, {policy.name: data.draw(risks) for policy in in_force}, solved=SOLVED, degraded=degraded)
    assert (decision.audit is None) == (decision.verdict is Verdict.REVIEW)
    if decision.audit:
        assert decision.audit.probability == max(policy.audit_share for policy in in_force)


@given(policies(), st.data())
def test_a_rejection_always_has_a_prohibition_or_a_missing_licence_and_a_sentence_for_the_advertiser(
    in_force: list[PolicyInForce], data: st.DataObject
) -> None:
    held = data.draw(licences)
    decision = decided(in_force, {policy.name: data.draw(risks) for policy in in_force}, solved=SOLVED, licences=held)
    by_name = {policy.name: policy for policy in in_force}
    for ruling in decision.policies:
        assert (ruling.advertiser_reason is not None) == (ruling.verdict is Verdict.REJECT)
        if ruling.verdict is Verdict.REJECT:
            policy = by_name[ruling.policy]
            unlicensed = policy.licence is Licence.REQUIRED and held is not None and f"{policy.name}:SE" not in held
            assert policy.stance is Stance.PROHIBITED or unlicensed
