"""A certificate: what a decision says with a valid one, an expired one and none, and where a policy insists on one."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from adverdict.decisions.policy import PolicyInForce, Stance, Thresholds, WhenUncertified
from adverdict.decisions.steering import Steering
from adverdict.decisions.thresholds import POOLED, SolvedFor, SolvedThresholds
from tests.decisions.build import POLICY, TARGETS, WHEN, decided
from tests.golden import Golden

SOON = WHEN + timedelta(microseconds=1)
VALID = replace(POLICY, thresholds=Thresholds(0.08, 0.9, "cert-1", SOON))
ENDLESS = replace(POLICY, thresholds=Thresholds(0.08, 0.9, "cert-1"))
EXPIRED = replace(POLICY, thresholds=Thresholds(0.08, 0.9, "cert-1", WHEN))
LONG_EXPIRED = replace(POLICY, thresholds=Thresholds(0.08, 0.9, "cert-1", WHEN - timedelta(days=30)))
BY_HAND = POLICY
PROVISIONAL = replace(POLICY, thresholds=Thresholds(0.08, 0.9, "cert-1", SOON, provisional=True))


def insisting(policy: PolicyInForce) -> PolicyInForce:
    return replace(policy, when_uncertified=WhenUncertified.REVIEW)


CASES = [
    ("valid", VALID, ("approve", "review", "reject"), (), False, "certified"),
    ("without an end", ENDLESS, ("approve", "review", "reject"), (), False, "certified"),
    ("expired at the very moment", EXPIRED, ("approve", "review", "reject"), ("certificate_expired:gambling",), True, "expired"),
    ("long expired", LONG_EXPIRED, ("approve", "review", "reject"), ("certificate_expired:gambling",), True, "expired"),
    ("written by hand", BY_HAND, ("approve", "review", "reject"), (), True, "none"),
    ("provisional", PROVISIONAL, ("approve", "review", "reject"), (), True, "provisional"),
    ("provisional, insisted on", insisting(PROVISIONAL), ("review", "review", "review"), ("uncertified:gambling",), False, "provisional"),
    ("valid, insisted on", insisting(VALID), ("approve", "review", "reject"), (), False, "certified"),
    ("without an end, insisted on", insisting(ENDLESS), ("approve", "review", "reject"), (), False, "certified"),
    ("expired, insisted on", insisting(EXPIRED), ("review", "review", "review"), ("certificate_expired:gambling",), False, "expired"),
    ("written by hand, insisted on", insisting(BY_HAND), ("review", "review", "review"), ("uncertified:gambling",), False, "none"),
]
RISKS = (0.01, 0.5, 0.95)


@pytest.mark.parametrize(("_case", "policy", "verdicts", "flags", "uncertified", "standing"), CASES, ids=[case[0] for case in CASES])
def test_a_certificate_is_asked_for_at_the_moment_of_the_decision(
    _case: str, policy: PolicyInForce, verdicts: tuple[str, ...], flags: tuple[str, ...], uncertified: bool, standing: str
) -> None:
    decisions = [decided([policy], {"gambling": p}) for p in RISKS]
    assert tuple(decision.verdict for decision in decisions) == verdicts
    assert [decision.degraded for decision in decisions] == [flags] * 3
    assert [decision.uncertified for decision in decisions] == [uncertified] * 3, "of the thresholds that were used"
    assert [decision.policies[0].standing for decision in decisions] == [standing] * 3, "of those that were looked at"


@pytest.mark.parametrize("p", RISKS)
def test_thresholds_that_may_not_decide_are_not_told_as_if_they_had(p: float) -> None:
    verdict = decided([insisting(EXPIRED)], {"gambling": p}).policies[0]
    assert (verdict.approve_below, verdict.reject_at, verdict.certificate_id) == (None, None, None)


@pytest.mark.parametrize(("expires", "flags"), [(SOON, ()), (WHEN, ("certificate_expired:gambling",))])
def test_solved_thresholds_expire_like_any_other(expires: datetime, flags: tuple[str, ...]) -> None:
    solved = SolvedThresholds({SolvedFor("gambling", POOLED, TARGETS): Thresholds(0.1, 0.8, "cert-1", expires)})
    decision = decided([replace(POLICY, thresholds=None)], {"gambling": 0.01}, solved=solved)
    assert (decision.verdict, decision.degraded, decision.uncertified) == ("approve", flags, bool(flags))


def test_an_expired_certificate_under_one_policy_leaves_the_others_as_they_are() -> None:
    decision = decided([insisting(EXPIRED), replace(VALID, name="adult")], {"gambling": 0.01, "adult": 0.95})
    assert (decision.verdict, decision.degraded, decision.uncertified) == ("reject", ("certificate_expired:gambling",), False)


@pytest.mark.parametrize("policy", [replace(insisting(BY_HAND), stance=Stance.ALLOWED), replace(insisting(EXPIRED), stance=Stance.ALLOWED)])
def test_a_policy_without_a_rule_to_break_needs_no_certificate(policy: PolicyInForce) -> None:
    decision = decided([policy], {"gambling": 0.95})
    assert (decision.verdict, decision.degraded, decision.uncertified) == ("approve", (), False)


def test_why_in_words(golden: Golden) -> None:
    said = [f"{case}: {decided([policy], {'gambling': p}).policies[0].because}" for case, policy, *_ in CASES for p in RISKS]
    golden.check("because_certificates.txt", "\n".join(said))


@pytest.mark.parametrize(
    ("policy", "standing"),
    [(VALID, "certified"), (ENDLESS, "certified"), (EXPIRED, "expired"), (BY_HAND, "none"), (PROVISIONAL, "provisional")],
)
def test_thresholds_know_how_far_they_can_be_relied_on(policy: PolicyInForce, standing: str) -> None:
    assert policy.thresholds is not None
    assert Steering().standing_of(policy.thresholds, WHEN) == standing
    assert Steering().standing_of(policy.thresholds, WHEN).holds == policy.thresholds.certified_at(WHEN)


def test_thresholds_without_a_certificate_cannot_be_provisional() -> None:
    with pytest.raises(Exception, match="there is no certificate"):
        Thresholds(0.1, 0.9, provisional=True)


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_an_audit_share_of_thresholds_is_a_share(share: float) -> None:
    with pytest.raises(Exception, match="a share from 0 to 1"):
        Thresholds(0.1, 0.9, audit_share=share)


@pytest.mark.parametrize(
    ("certificate", "expires", "expected"),
    [
        (None, WHEN, "None: there is no certificate to expire"),
        ("cert-1", datetime(2026, 3, 1), "a time in UTC"),
        ("cert-1", datetime(2026, 3, 1, tzinfo=timezone(timedelta(hours=1))), "a time in UTC"),
    ],
)
def test_an_end_without_a_certificate_or_a_time_zone_cannot_be_made(certificate: str | None, expires: datetime, expected: str) -> None:
    with pytest.raises(Exception, match=expected):
        Thresholds(0.1, 0.9, certificate, expires)


def test_the_policy_hash_knows_when_a_certificate_ends() -> None:
    later = replace(POLICY, thresholds=Thresholds(0.08, 0.9, "cert-1", datetime(2030, 1, 1, tzinfo=UTC)))
    assert len({decided([policy], {}).policy_hash for policy in (VALID, EXPIRED, ENDLESS, BY_HAND, later)}) == 5
