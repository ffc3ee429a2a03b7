"""Ads unlike those that the models learnt from are left to people, whichever way their risk points."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from adverdict.decisions.decide import decide
from adverdict.decisions.files.read import read_policies
from adverdict.decisions.policy import PolicyBook, PolicyInForce, Severity, Stance, Thresholds, WhenDegraded, WhenUnfamiliar
from adverdict.domain.decision import Decision
from adverdict.domain.degraded import degradations
from adverdict.domain.familiarity import Familiarity
from tests.decisions.build import CONTEXT, NONE_SOLVED, POLICY, an_ad, book, risk
from tests.decisions.folders import folder_of

CHINESE = ("language:zh", "script:CJK")
LETS_DECIDE = replace(POLICY, when_unfamiliar=WhenUnfamiliar.DECIDE)


def judged(
    policies: list[PolicyInForce], p: float | None, familiar: float | None, *causes: str, degraded: tuple[str, ...] = ()
) -> Decision:
    familiarity = None if familiar is None else Familiarity(familiar, causes or ("text",))
    risks = {} if p is None else {policy.name: risk(p, policy.name) for policy in policies}
    context = replace(CONTEXT, familiarity=familiarity, degraded=degradations(degraded))
    return decide(an_ad(), risks, book(policies), NONE_SOLVED, context=context)


@pytest.mark.parametrize("p", [0.001, 0.5, 0.99])
def test_a_person_decides_about_an_unfamiliar_ad_whatever_its_risk(p: float) -> None:
    decision = judged([POLICY], p, 0.004, *CHINESE)
    assert (decision.verdict, decision.familiarity, decision.audit) == ("review", 0.004, None)
    assert decision.degraded == ("unfamiliar:language:zh", "unfamiliar:script:CJK")
    assert decision.policies[0].because == (
        "the model has hardly seen texts like this (language zh, script CJK), familiarity 0.004 is not above unfamiliar_share 0.01: "
        "a person decides (when_unfamiliar: review)"
    )


def test_a_familiar_ad_is_decided_as_ever_and_its_familiarity_recorded() -> None:
    decision, before = judged([POLICY], 0.001, 0.0101), judged([POLICY], 0.001, None)
    assert (decision.familiarity, before.familiarity) == (0.0101, None)
    assert decision.model_copy(update={"familiarity": None}) == before


def test_a_policy_may_let_risks_decide_and_the_decision_says_so() -> None:
    assert [judged([LETS_DECIDE], p, 0.001).verdict for p in (0.001, 0.5, 0.99)] == ["approve", "review", "reject"]
    assert judged([LETS_DECIDE], 0.001, 0.001).degraded == ("unfamiliar:text",)


@pytest.mark.parametrize(
    ("share", "p", "verdict"), [(0.05, 0.05, "review"), (0.05, 0.051, "approve"), (0.0, 0.0001, "approve"), (1.0, 1.0, "review")]
)
def test_the_share_of_a_policy_is_what_counts_as_unfamiliar(share: float, p: float, verdict: str) -> None:
    assert judged([replace(POLICY, unfamiliar_share=share)], 0.001, p).verdict == verdict


def test_one_policy_that_asks_for_a_person_is_enough() -> None:
    other = replace(LETS_DECIDE, name="weapons")
    decision = judged([POLICY, other], 0.001, 0.001)
    assert (decision.verdict, [one.verdict for one in decision.policies]) == ("review", ["review", "approve"])


def test_a_policy_that_allows_asks_nobody() -> None:
    assert judged([replace(POLICY, stance=Stance.ALLOWED)], 0.99, 0.001).verdict == "approve"


def test_a_missing_risk_does_not_approve_what_is_unfamiliar() -> None:
    quality = replace(POLICY, severity=Severity.QUALITY, when_degraded=WhenDegraded.APPROVE)
    assert judged([quality], None, 0.5).verdict == "approve"
    assert judged([quality], None, 0.001).verdict == "review"


def test_what_stops_everything_is_told_alone() -> None:
    assert judged([POLICY], 0.001, 0.001, degraded=("no_model",)).degraded == ("no_model",)


def test_thresholds_that_were_not_asked_are_not_recorded() -> None:
    certified = replace(POLICY, thresholds=Thresholds(0.08, 0.9, certificate_id="cert-1"))
    verdict = judged([certified], 0.001, 0.001).policies[0]
    assert (verdict.approve_below, verdict.reject_at, verdict.certificate_id) == (None, None, None)
    assert verdict.risk is not None


def test_a_market_inherits_both_keys(tmp_path: Path) -> None:
    folder_of(tmp_path / "policies")
    default, market = tmp_path / "policies" / "default.yaml", tmp_path / "policies" / "SE.yaml"
    assert {policy.when_unfamiliar for policy in read_policies(default.parent).in_force("SE", None)} == {WhenUnfamiliar.REVIEW}
    market.write_text(market.read_text() + "    when_unfamiliar: decide\n    unfamiliar_share: 0.02\n")
    found = read_policies(default.parent)
    told = {name: (one.when_unfamiliar, one.unfamiliar_share) for name in ("SE", "GB") for one in found.in_force(name, None)}
    assert told == {"SE": ("decide", 0.02), "GB": ("review", 0.01)}


def test_a_book_keeps_both_and_one_without_them_keeps_the_hash_it_had() -> None:
    said = book([replace(LETS_DECIDE, unfamiliar_share=0.02)])
    assert PolicyBook.from_json(said.to_json()) == said
    assert said.hash != book([POLICY]).hash
    before = book([POLICY]).to_json().replace(b',"when_unfamiliar":"review","unfamiliar_share":0.01', b"")
    assert b"unfamiliar" not in before
    assert PolicyBook.from_json(before).hash == book([POLICY]).hash
