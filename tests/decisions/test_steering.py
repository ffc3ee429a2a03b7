"""Brakes and revoked certificates: what they leave to people, and what they leave alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adverdict.decisions.decide import decide
from adverdict.decisions.policy import PolicyInForce, Severity, Stance, Thresholds, WhenDegraded, WhenUncertified
from adverdict.decisions.steering import Brake, BrakeSide, Moved, Steering
from adverdict.domain.decision import Decision
from adverdict.domain.standing import Standing
from adverdict.domain.verdict import Verdict
from tests.decisions.build import CONTEXT, NONE_SOLVED, POLICY, an_ad, book, decided, risk

APPROVE, REJECT, BOTH = BrakeSide
CERTIFIED = replace(POLICY, thresholds=Thresholds(0.08, 0.9, certificate_id="cert-1"))
LOW, BETWEEN, HIGH = 0.01, 0.5, 0.95
WHEN = CONTEXT.decided_at


def under(brakes: Sequence[Brake], p: float | None, policy: PolicyInForce = POLICY, surface: str | None = "feed") -> Decision:
    risks = {} if p is None else {policy.name: risk(p, policy.name)}
    return decide(an_ad(surface=surface), risks, book([policy]), NONE_SOLVED, context=replace(CONTEXT, steering=Steering(tuple(brakes))))


def on(side: BrakeSide, **scope: str) -> Brake:
    return Brake("brk-1", side, **scope)


@pytest.mark.parametrize(
    ("side", "verdicts"),
    [
        (APPROVE, ("review", "review", "reject")),
        (REJECT, ("approve", "review", "review")),
        (BOTH, ("review", "review", "review")),
    ],
)
def test_a_brake_stops_its_side_and_leaves_the_other_alone(side: BrakeSide, verdicts: tuple[str, ...]) -> None:
    assert tuple(under([on(side)], p).verdict for p in (LOW, BETWEEN, HIGH)) == verdicts


def test_what_a_brake_stops_says_so_in_words_and_as_a_cause_and_by_thresholds_that_decide_nothing() -> None:
    decision = under([on(APPROVE)], LOW)
    [told] = decision.policies
    assert decision.degraded == ("brake:brk-1",)
    assert told.because == "nothing is approved automatically (brake:brk-1): a person decides"
    assert (told.approve_below, told.reject_at) == (0.0, 0.9)
    rejected = under([on(REJECT)], HIGH).policies[0]
    assert rejected.because == "nothing is rejected automatically (brake:brk-1): a person decides"
    assert (rejected.approve_below, rejected.reject_at) == (0.08, 1.0)


def test_a_brake_on_both_sides_decides_as_while_stopped() -> None:
    held = replace(POLICY, when_degraded=WhenDegraded.HOLD)
    decision = under([on(BOTH)], LOW, held)
    assert decision.degraded == ("brake:brk-1", "hold:gambling")
    assert decision.policies[0].because == "nothing is decided automatically (brake:brk-1): held for a person"


@pytest.mark.parametrize(
    ("scope", "stopped"),
    [
        ({}, True),
        ({"policy": "gambling"}, True),
        ({"policy": "adult"}, False),
        ({"market": "SE"}, True),
        ({"market": "DE"}, False),
        ({"surface": "Feed "}, True),
        ({"surface": "search"}, False),
        ({"policy": "gambling", "market": "SE", "surface": "feed"}, True),
        ({"policy": "gambling", "market": "DE", "surface": "feed"}, False),
    ],
)
def test_a_brake_holds_where_its_scope_says(scope: dict[str, str], stopped: bool) -> None:
    assert under([on(APPROVE, **scope)], LOW).verdict == ("review" if stopped else "approve")


def test_a_brake_on_one_policy_leaves_the_verdicts_of_others_alone() -> None:
    adult = replace(POLICY, name="adult")
    context = replace(CONTEXT, steering=Steering((on(REJECT, policy="gambling"),)))
    risks = {"gambling": risk(HIGH), "adult": risk(HIGH, "adult")}
    decision = decide(an_ad(), risks, book([POLICY, adult]), NONE_SOLVED, context=context)
    assert {one.policy: one.verdict for one in decision.policies} == {"gambling": "review", "adult": "reject"}


def test_a_brake_stops_also_what_is_approved_without_a_risk_or_because_it_is_allowed() -> None:
    unjudged = replace(POLICY, severity=Severity.QUALITY, when_degraded=WhenDegraded.APPROVE)
    assert under([on(APPROVE)], None, unjudged).verdict == "review"
    assert under([on(APPROVE)], HIGH, replace(POLICY, stance=Stance.ALLOWED)).verdict == "review"


def test_two_brakes_on_one_side_are_both_told() -> None:
    decision = under([on(APPROVE), Brake("brk-2", APPROVE, market="SE")], LOW)
    assert decision.degraded == ("brake:brk-1", "brake:brk-2")


def test_a_decision_that_no_brake_touches_says_nothing_of_it() -> None:
    assert under([on(APPROVE)], BETWEEN) == under([], BETWEEN)


@given(p=st.floats(0, 1), side=st.sampled_from(BrakeSide), low=st.floats(0, 1), high=st.floats(0, 1))
def test_nothing_is_ever_decided_on_a_side_that_is_stopped(p: float, side: BrakeSide, low: float, high: float) -> None:
    policy = replace(POLICY, thresholds=Thresholds(min(low, high), max(low, high)))
    verdict = under([on(side)], p, policy).verdict
    assert verdict is Verdict.REVIEW or not side.stops(verdict)


# Revoked certificates ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("p", [LOW, BETWEEN, HIGH])
def test_a_revoked_certificate_decides_nothing_any_more(p: float) -> None:
    decision = decide(
        an_ad(),
        {"gambling": risk(p)},
        book([CERTIFIED]),
        NONE_SOLVED,
        context=replace(CONTEXT, steering=Steering(revoked=frozenset({"cert-1"}))),
    )
    [told] = decision.policies
    assert (decision.verdict, told.standing, decision.degraded) == ("review", Standing.REVOKED, ("certificate_revoked:gambling",))
    assert told.because == (
        "certificate cert-1 was revoked: a person decides until it is certified again (label a sample (adverdict policy sample), then "
        "adverdict policy solve)"
    )
    assert (told.approve_below, told.certificate_id) == (None, None)


def test_other_certificates_hold_on() -> None:
    decision = decide(
        an_ad(),
        {"gambling": risk(LOW)},
        book([CERTIFIED]),
        NONE_SOLVED,
        context=replace(CONTEXT, steering=Steering(revoked=frozenset({"cert-2"}))),
    )
    assert (decision.verdict, decision.policies[0].standing) == ("approve", Standing.CERTIFIED)


# Renewed and doubted certificates ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("moved", "standing", "audits"),
    [
        (None, Standing.EXPIRED, 0.02),
        (Moved(Standing.RENEWED, WHEN), Standing.EXPIRED, 0.02),
        (Moved(Standing.RENEWED, WHEN + timedelta(days=1)), Standing.RENEWED, 0.02),
        (Moved(Standing.DOUBTED, WHEN + timedelta(days=1)), Standing.DOUBTED, 0.06),
        (Moved(Standing.CERTIFIED, WHEN + timedelta(days=1)), Standing.CERTIFIED, 0.02),
    ],
)
def test_a_certificate_holds_until_the_end_its_audits_gave_it_and_is_audited_more_in_doubt(
    moved: Moved | None, standing: Standing, audits: float
) -> None:
    ended = Thresholds(0.08, 0.9, certificate_id="cert-1", expires_at=WHEN)
    policy = replace(POLICY, thresholds=ended, audit_share=0.02, when_uncertified=WhenUncertified.REVIEW)
    steering = Steering(moved={} if moved is None else {"cert-1": moved})
    context = replace(CONTEXT, decided_at=WHEN, steering=steering)
    decision = decide(an_ad(), {"gambling": risk(LOW)}, book([policy]), NONE_SOLVED, context=context)
    assert decision.policies[0].standing is standing
    assert decision.verdict is (Verdict.REVIEW if standing is Standing.EXPIRED else Verdict.APPROVE)
    assert decision.audit is None or decision.audit.probability == pytest.approx(audits)
    assert ("certificate_expired:gambling" in decision.degraded) is (standing is Standing.EXPIRED)


# What was decided before ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("steering", "stopped"),
    [
        (Steering(), (False, False, False)),
        (Steering((on(APPROVE),)), (True, False, False)),
        (Steering((on(REJECT, market="SE"),)), (False, False, True)),
        (Steering((on(BOTH, market="DE"),)), (False, False, False)),
        (Steering((on(BOTH, policy="gambling"),)), (True, False, True)),
        (Steering(revoked=frozenset({"cert-1"})), (True, False, True)),
    ],
)
def test_what_was_decided_before_is_stopped_where_it_would_be_stopped_now(steering: Steering, stopped: tuple[bool, ...]) -> None:
    assert tuple(steering.stops(decided([CERTIFIED], {"gambling": p})) for p in (LOW, BETWEEN, HIGH)) == stopped
