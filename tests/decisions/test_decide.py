"""What happens to an ad, case by case."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from adverdict.decisions.decide import decide
from adverdict.decisions.policy import MarketRules, PolicyBook, PolicyInForce, Severity, Stance, Targets, Thresholds, WhenDegraded
from adverdict.decisions.thresholds import POOLED, SolvedFor, SolvedThresholds
from adverdict.domain.decision import RECORD, Decision
from adverdict.domain.degraded import Cause
from adverdict.domain.verdict import Verdict
from tests.decisions.build import CONTEXT, NONE_SOLVED, POLICY, TARGETS, an_ad, book, decided, risk
from tests.golden import Golden

JUST_BELOW = math.nextafter(0.08, 0)
RESTRICTED = replace(POLICY, stance=Stance.RESTRICTED)
ALLOWED = replace(POLICY, stance=Stance.ALLOWED)
AUTO = replace(POLICY, thresholds=None)
QUALITY = replace(POLICY, severity=Severity.QUALITY, when_degraded=WhenDegraded.APPROVE)
HOLD = replace(POLICY, when_degraded=WhenDegraded.HOLD)
NOTHING_AUTOMATIC = replace(POLICY, thresholds=Thresholds(0.0, 1.0))
NO_REVIEW = replace(POLICY, thresholds=Thresholds(0.5, 0.5))
CERTIFIED = replace(POLICY, thresholds=Thresholds(0.08, 0.9, certificate_id="cert-1"))
SOLVED = SolvedThresholds({SolvedFor("gambling", POOLED, TARGETS): Thresholds(0.1, 0.8)})
SOLVED_OTHERWISE = SolvedThresholds({SolvedFor("gambling", POOLED, replace(TARGETS, max_leakage=0.5)): Thresholds(0.1, 0.8)})

BY_RISK = [
    ("below the lower threshold", POLICY, 0.031, "approve"),
    ("the next number below the lower threshold", POLICY, JUST_BELOW, "approve"),
    ("equal to the lower threshold", POLICY, 0.08, "review"),
    ("between the thresholds", POLICY, 0.5, "review"),
    ("the next number below the upper threshold", POLICY, math.nextafter(0.9, 0), "review"),
    ("equal to the upper threshold", POLICY, 0.9, "reject"),
    ("above the upper threshold", POLICY, 0.97, "reject"),
    ("risk 0", POLICY, 0.0, "approve"),
    ("risk 1", POLICY, 1.0, "reject"),
    ("no review band, just below", NO_REVIEW, math.nextafter(0.5, 0), "approve"),
    ("no review band, equal", NO_REVIEW, 0.5, "reject"),
    ("thresholds that decide nothing, lowest risk", NOTHING_AUTOMATIC, 0.0, "review"),
    ("thresholds that decide nothing, highest calibrated risk", NOTHING_AUTOMATIC, 1 - 1e-6, "review"),
    ("restricted, low", RESTRICTED, 0.031, "approve"),
    ("restricted is never rejected without a person", RESTRICTED, 0.99, "review"),
    ("allowed, however likely", ALLOWED, 0.99, "approve"),
    ("certified thresholds", CERTIFIED, 0.031, "approve"),
]


@pytest.mark.parametrize(("_case", "policy", "p", "verdict"), BY_RISK, ids=[case[0] for case in BY_RISK])
def test_a_known_risk_is_judged_by_stance_and_thresholds(_case: str, policy: PolicyInForce, p: float, verdict: str) -> None:
    assert decided([policy], {"gambling": p}).verdict == verdict


UNUSABLE = [math.nan, math.inf, -math.inf, -0.01, 1.01, None]


@pytest.mark.parametrize("p", UNUSABLE)
@pytest.mark.parametrize(
    ("policy", "verdict", "flags"),
    [
        (POLICY, "review", ("no_risk:gambling",)),
        (HOLD, "review", ("no_risk:gambling", "hold:gambling")),
        (QUALITY, "approve", ("no_risk:gambling",)),
        (RESTRICTED, "review", ("no_risk:gambling",)),
        (ALLOWED, "review", ("no_risk:gambling",)),
    ],
    ids=["review", "hold", "approve", "restricted", "allowed"],
)
def test_without_a_usable_risk_the_policy_says_what_happens(
    p: float | None, policy: PolicyInForce, verdict: str, flags: tuple[str, ...]
) -> None:
    decision = decided([policy], {} if p is None else {"gambling": p})
    assert (decision.verdict, decision.degraded, decision.policies[0].risk) == (verdict, flags, None)
    assert decision.model_dump_json(), "a decision without a risk is still written"


def test_the_risk_of_another_policy_counts_as_none() -> None:
    decision = decide(an_ad(), {"gambling": risk(0.0, "adult")}, book([POLICY]), NONE_SOLVED, context=CONTEXT)
    assert decision.verdict is Verdict.REVIEW


@pytest.mark.parametrize("severity", [Severity.ZERO_TOLERANCE, Severity.SEVERE, Severity.SERIOUS])
def test_only_a_quality_policy_may_approve_unjudged(severity: Severity) -> None:
    with pytest.raises(Exception, match="when_degraded = 'approve'; expected hold or review"):
        replace(QUALITY, severity=severity)


@pytest.mark.parametrize("p", [0.0, 0.5, 0.99])
def test_an_unknown_market_is_neither_approved_nor_rejected(p: float) -> None:
    decision = decided([POLICY, replace(ALLOWED, name="adult")], {"gambling": p, "adult": p}, market="ZZ")
    assert decision.verdict is Verdict.REVIEW
    assert [ruling.verdict for ruling in decision.policies] == [Verdict.REVIEW, Verdict.REVIEW]
    assert decision.degraded == ("unknown_market:ZZ",)


def test_no_policy_in_force_is_not_innocence() -> None:
    empty = PolicyBook(names=("gambling",), rules={"SE": MarketRules(())})
    decision = decide(an_ad(), {"gambling": risk(0.0)}, empty, NONE_SOLVED, context=CONTEXT)
    assert (decision.verdict, decision.policies, decision.degraded) == (Verdict.REVIEW, (), ("no_policy_in_force",))


def test_a_risk_for_a_policy_that_no_file_defines_means_review() -> None:
    decision = decided([POLICY], {"gambling": 0.0, "spam": 0.0})
    assert (decision.verdict, decision.degraded) == (Verdict.REVIEW, ("unknown_policy:spam",))


def test_a_risk_for_a_policy_in_force_elsewhere_changes_nothing() -> None:
    elsewhere = PolicyBook(names=("gambling", "kids_unsuitable"), rules={"SE": MarketRules((POLICY,))})
    risks = {"gambling": risk(0.01), "kids_unsuitable": risk(0.99, "kids_unsuitable")}
    decision = decide(an_ad(), risks, elsewhere, NONE_SOLVED, context=CONTEXT)
    assert (decision.verdict, len(decision.policies)) == (Verdict.APPROVE, 1)


@pytest.mark.parametrize(
    ("verdicts", "verdict"),
    [((0.0, 0.0), "approve"), ((0.0, 0.5), "review"), ((0.5, 0.0), "review"), ((0.5, 0.95), "reject"), ((0.95, 0.0), "reject")],
)
def test_the_most_severe_verdict_wins(verdicts: tuple[float, float], verdict: str) -> None:
    policies = [POLICY, replace(POLICY, name="adult")]
    assert decided(policies, dict(zip(["gambling", "adult"], verdicts, strict=True))).verdict == verdict


def test_one_missing_risk_does_not_save_an_ad_that_another_policy_rejects() -> None:
    assert decided([POLICY, replace(HOLD, name="adult")], {"gambling": 0.95}).verdict is Verdict.REJECT


@pytest.mark.parametrize(
    ("solved", "p", "verdict", "degraded"),
    [
        (SOLVED, 0.09, "approve", ()),
        (SOLVED, 0.1, "review", ()),
        (SOLVED, 0.8, "reject", ()),
        (NONE_SOLVED, 0.0, "review", ("thresholds_not_solved:gambling",)),
        (NONE_SOLVED, 0.99, "review", ("thresholds_not_solved:gambling",)),
        (SOLVED_OTHERWISE, 0.0, "review", ("thresholds_not_solved:gambling",)),
        (SOLVED_OTHERWISE, 0.99, "review", ("thresholds_not_solved:gambling",)),
    ],
)
def test_auto_thresholds_must_be_solved_for_the_targets_in_force(
    solved: SolvedThresholds, p: float, verdict: str, degraded: tuple[str, ...]
) -> None:
    decision = decided([AUTO], {"gambling": p}, solved=solved)
    assert (decision.verdict, decision.degraded) == (verdict, degraded)
    assert decision.threshold_set == (None if degraded else solved.digest)
    assert decision.uncertified is not bool(degraded), "no threshold was used, so none lacked a certificate"


def test_a_market_of_its_own_comes_before_all_markets_together() -> None:
    own = SolvedThresholds({**SOLVED.points, SolvedFor("gambling", "SE", TARGETS): Thresholds(0.3, 0.8)})
    assert decided([AUTO], {"gambling": 0.2}, solved=own).verdict is Verdict.APPROVE


@pytest.mark.parametrize("p", [0.0, 0.5, 0.99])
@pytest.mark.parametrize("policy", [POLICY, ALLOWED, QUALITY, HOLD])
@pytest.mark.parametrize("flag", [cause.value for cause in Cause if not cause.still_decides])
def test_a_degradation_that_is_not_known_to_be_harmless_leaves_all_to_people(flag: str, policy: PolicyInForce, p: float) -> None:
    decision = decided([policy], {"gambling": p}, degraded=(flag,))
    assert decision.verdict is Verdict.REVIEW
    assert decision.degraded == ((flag, "hold:gambling") if policy is HOLD else (flag,))


@pytest.mark.parametrize("flag", ["registry_unreachable", "registry_unreachable:since 09:00", "champion_not_found", "bundle_refused:7"])
def test_the_last_good_bundle_still_decides_and_is_marked(flag: str) -> None:
    decision = decided([POLICY], {"gambling": 0.95}, degraded=(flag,))
    assert (decision.verdict, decision.degraded) == (Verdict.REJECT, (flag,))


@pytest.mark.parametrize(
    ("policies", "uncertified"),
    [([POLICY], True), ([CERTIFIED], False), ([CERTIFIED, replace(POLICY, name="adult")], True), ([ALLOWED], False)],
)
def test_one_threshold_without_a_certificate_makes_the_decision_uncertified(policies: list[PolicyInForce], uncertified: bool) -> None:
    assert decided(policies, {"gambling": 0.01, "adult": 0.01} if len(policies) > 1 else {"gambling": 0.01}).uncertified is uncertified


@pytest.mark.parametrize(("p", "reason"), [(0.01, None), (0.5, None), (0.95, POLICY.reason)])
def test_the_advertiser_reads_a_reason_only_when_rejected(p: float, reason: str | None) -> None:
    assert decided([POLICY], {"gambling": p}).policies[0].advertiser_reason == reason


def test_a_decision_carries_what_it_was_made_from() -> None:
    decision = decided([AUTO], {"gambling": 0.01}, solved=SOLVED)
    assert (decision.decision_id, decision.ad_id, decision.market, decision.surface) == ("d-1", "ad-1", "SE", "feed")
    assert (decision.bundle_version, decision.policy_hash, decision.threshold_set) == ("7", book([AUTO]).hash, SOLVED.digest)
    assert (decision.policies[0].approve_below, decision.policies[0].reject_at) == (0.1, 0.8)


def test_why_in_words(golden: Golden) -> None:
    """Every sentence a reviewer can read under ``because``."""
    said = [f"{case}: {decided([policy], {'gambling': p}).policies[0].because}" for case, policy, p, _ in BY_RISK]
    for name, policy in {"review": POLICY, "hold": HOLD, "approve": QUALITY}.items():
        said.append(f"no risk, when_degraded {name}: {decided([policy], {}).policies[0].because}")
        said.append(f"no model, when_degraded {name}: {decided([policy], {}, degraded=('no_model',)).policies[0].because}")
    said.append(f"not solved: {decided([AUTO], {'gambling': 0.5}).policies[0].because}")
    said.append(f"solved for other targets: {decided([AUTO], {'gambling': 0.5}, solved=SOLVED_OTHERWISE).policies[0].because}")
    said.append(f"unknown market: {decided([POLICY], {'gambling': 0.5}, market='ZZ').policies[0].because}")
    said.append(f"unknown policy: {decided([POLICY], {'spam': 0.5}).policies[-1].because}")
    golden.check("because.txt", "\n".join(said))


@pytest.mark.parametrize(
    ("approve_below", "reject_at"), [(0.6, 0.5), (-0.1, 0.5), (0.1, 1.1), (math.nan, 0.5), (0.1, math.nan), (math.inf, math.inf)]
)
def test_impossible_thresholds_cannot_be_made(approve_below: float, reject_at: float) -> None:
    with pytest.raises(Exception, match="0 <= approve_below <= reject_at <= 1"):
        Thresholds(approve_below, reject_at)


@pytest.mark.parametrize("targets", [(-0.1, 0.1, 0.9), (0.1, 1.1, 0.9), (0.1, 0.1, 1.0), (0.1, 0.1, 0.0), (math.nan, 0.1, 0.9)])
def test_impossible_targets_cannot_be_made(targets: tuple[float, float, float]) -> None:
    with pytest.raises(Exception, match="not a policy that can be in force"):
        Targets(*targets)


def test_every_risk_the_models_said_is_on_record_also_of_policies_that_are_not_in_force() -> None:
    elsewhere = PolicyBook(
        names=("gambling", "adult"),
        rules={"SE": MarketRules((POLICY,)), "DE": MarketRules((POLICY, replace(POLICY, name="adult")))},
    )
    risks = {name: risk(p, name) for name, p in (("gambling", 0.02), ("adult", 0.4), ("unheard_of", 0.3))}
    decision = decide(an_ad("SE"), risks, elsewhere, NONE_SOLVED, context=CONTEXT)
    assert [one.policy for one in decision.policies] == ["gambling", "unheard_of"]
    assert decision.unused_risks == (risks["adult"],)
    assert decision.risks == risks


@pytest.mark.parametrize("p", UNUSABLE[:-1])
def test_what_is_no_risk_is_not_on_record_as_one(p: float) -> None:
    known = PolicyBook(names=("gambling", "adult"), rules={"SE": MarketRules((POLICY,))})
    risks = {"gambling": risk(0.02), "adult": risk(p, "adult")}
    assert decide(an_ad("SE"), risks, known, NONE_SOLVED, context=CONTEXT).unused_risks == ()


def test_a_policy_without_thresholds_to_look_at_has_no_standing() -> None:
    assert decided([ALLOWED], {"gambling": 0.5}).policies[0].standing is None
    assert decided([AUTO], {"gambling": 0.5}).policies[0].standing is None
    assert decided([POLICY], {}).policies[0].standing is None


def test_what_is_not_known_yet_is_null_and_not_made_up() -> None:
    decision = decided([POLICY], {"gambling": 0.5})
    assert decision.record == RECORD
    assert (decision.familiarity, decision.arm, decision.cluster, decision.steered_seq) == (None, None, None, None)


def test_a_decision_from_before_says_no_more_than_it_did() -> None:
    added = {"unused_risks", "familiarity", "arm", "cluster", "steered_seq", "record"}
    told = decided([POLICY], {"gambling": 0.01}).model_dump(mode="json", exclude=dict.fromkeys(added, True))
    del told["policies"][0]["standing"], told["audit"]["design"]
    read = Decision.model_validate(told)
    assert (read.record, read.unused_risks, read.policies[0].standing, read.audit and read.audit.design) == (1, None, None, None)
    assert read.risks == {"gambling": risk(0.01)}
