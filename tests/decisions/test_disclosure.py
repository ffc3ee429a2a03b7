"""Branded content that does not say so goes to a person; what says so, and what only looks like it, does not."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from adverdict.decisions.decide import DecisionContext, decide
from adverdict.decisions.disclosure.rule import ALL, NONE, POLICY, SOME, signs
from adverdict.decisions.files.read import read_policies
from adverdict.decisions.thresholds import SolvedThresholds
from adverdict.decisions.unmatched import unmatched
from adverdict.domain.ad import Ad
from adverdict.domain.risk import RiskScore
from adverdict.domain.verdict import Verdict
from tests.test_packages import ROOT

BOOK = read_policies(Path(ROOT, "docs", "branded"))


def post(body: str, market: str = "GB", **more: object) -> Ad:
    return Ad(ad_id="ad-1", advertiser_id="adv-1", market=market, submitted_at=datetime(2026, 5, 1, tzinfo=UTC), body=body, **more)  # type: ignore[arg-type]


def verdict(ad: Ad, risks: dict[str, RiskScore] | None = None) -> Verdict:
    context = DecisionContext("dec-1", datetime(2026, 5, 2, tzinfo=UTC), "b")
    return decide(ad, risks or {}, BOOK, SolvedThresholds(), context=context).verdict


@pytest.mark.parametrize(
    "body",
    [
        "I love this cream that @velmora gifted me",
        "Obsessed! My code LEA20 saves you 20 %",
        "Velmora sent me their new serum. You need it.",
        "Ich liebe die Tasche, die ich von Velmora geschenkt bekommen habe. Mit dem Code LEA20 spart ihr.",
        "J'adore ce sac offert par Velmora",
        "Os recomiendo este sérum que me han enviado de Velmora",
        "Amei! Recebidos da Velmora, meu cupom LEA20",
        "Jag älskar väskan som jag har fått av Velmora",
        "मुझे Velmora ने भेजा, बहुत पसंद आया",
        "أحب هذا الكريم، أرسلت لي Velmora هدية",
        "Velmora様から提供していただきました。本当におすすめです。",
    ],
)
def test_what_was_given_praised_and_not_disclosed_goes_to_a_person_in_nine_languages(body: str) -> None:
    assert signs(post(body)).risk == ALL
    assert verdict(post(body)) is Verdict.REVIEW
    assert signs(post(body, paid_partnership=True)).risk == NONE
    assert verdict(post(body, paid_partnership=True)) is Verdict.APPROVE
    assert signs(post(body, paid_partnership=False)).risk == ALL


@pytest.mark.parametrize(
    "body",
    [
        "#ad I love this cream that @velmora gifted me",
        "Anzeige: Ich liebe die Tasche, die ich von Velmora geschenkt bekommen habe",
        "J'adore ce sac offert par Velmora. Collaboration commerciale.",
        "Os recomiendo este sérum que me han enviado de Velmora #publi",
        "Jag älskar väskan som jag har fått av Velmora. Reklam.",
        "Velmora様から提供していただきました。おすすめです。 #広告",
        "Not sponsored, I bought it myself: I love Velmora",
        "Our new serum is here. Use code LEA20 at Velmora, you will love it.",
        "I recommend Velmora to everybody",
        "Velmora ambassador wanted, part-time",
        "Walking shoes for wet autumns",
    ],
)
def test_what_says_so_and_what_is_none_passes(body: str) -> None:
    assert signs(post(body)).risk == NONE
    assert verdict(post(body)) is Verdict.APPROVE


def test_half_the_signs_are_half_a_suspicion_and_a_person_looks_too() -> None:
    assert signs(post("I got this, they kindly provided it, and wow")).risk == NONE
    assert signs(post("I opened what Velmora sent me")).risk == SOME
    assert verdict(post("I opened what Velmora sent me")) is Verdict.REVIEW


def test_a_risk_that_a_model_says_counts_and_without_the_policy_nothing_is_said() -> None:
    body = "I love this cream that @velmora gifted me"
    told = {POLICY: RiskScore(policy=POLICY, p=0.01, p_low=0.0, p_high=0.1)}
    assert verdict(post(body), told) is Verdict.APPROVE
    bare = read_policies(Path(ROOT, "policies"))
    decision = decide(post(body), {}, bare, SolvedThresholds(), context=DecisionContext("dec-1", datetime(2026, 5, 2, tzinfo=UTC), "b"))
    assert POLICY not in decision.risks


def test_nobody_is_warned_that_a_model_does_not_score_what_a_rule_scores() -> None:
    assert unmatched(BOOK, ()) is None


def test_every_market_s_example_says_what_to_do_in_its_own_words() -> None:
    reasons = {market: BOOK.in_force(market, None)[0].reason for market in BOOK.markets}
    assert len(set(reasons.values())) == len(reasons) >= 8
