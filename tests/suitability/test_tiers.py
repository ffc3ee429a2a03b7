"""Tiers are told where labels of other advertisers show that few are wrong, and say what a placement accepts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from adverdict.decisions.suitability import Graded, SuitabilityRules, read_rules, suitability
from adverdict.domain.ad import Ad, Label
from adverdict.domain.errors import InvalidInput, InvalidPolicy, NotFound, UntrustedBundle
from adverdict.domain.suitability import Tier
from adverdict.domain.verdict import Verdict
from adverdict.ledger.entries import Answered
from adverdict.ledger.store import Ledger
from adverdict.review.cases.answers import Answer
from adverdict.scoring.tiers import Grader, tiers_said
from adverdict.serving.http.messages import BatchResult, ScoredDecision
from adverdict.storage.tables.pack import Pack
from adverdict.suitability.certifying import Shown, certify
from adverdict.suitability.learning import Tiered, learn, tiered
from adverdict.suitability.model import WEIGHTS, TierModel
from adverdict.training.dataset import dataset
from tests.ledger.made import START, a_decision, an_ad, minutes
from tests.review.desk import Desk

RULES = SuitabilityRules(categories={"gambling": "deceptive"}, accepts={"kids_video": Tier.LOW, "news": Tier.MEDIUM, "sports": Tier.HIGH})
WORDS = {
    Tier.LOW: ("walking shoes for autumn", "learn spanish on the bus", "lamps from småland"),
    Tier.MEDIUM: ("tips for the match on saturday", "odds explained by experts", "which horse will win"),
    Tier.HIGH: ("licensed casino with roulette", "bet at the licensed bookmaker", "jackpot at the licensed casino"),
    Tier.FLOOR: ("free spins no licence needed", "casino for everybody no questions", "secret jackpot site"),
}


def an_ad_of(tier: Tier, number: int) -> Ad:
    text = WORDS[tier][number % 3]
    return an_ad(
        number, ad_id=f"ad-{tier}-{number}", advertiser_id=f"adv-{number}", title=text, body=f"{text}, number {number % 7}", language="en"
    )


@pytest.fixture(scope="module")
def known() -> Tiered:
    """300 ads of 300 advertisers, five in a hundred of them labelled wrongly, which no model can foresee."""
    rng, shares = np.random.default_rng(1), (Tier.LOW,) * 6 + (Tier.MEDIUM, Tier.MEDIUM, Tier.HIGH, Tier.FLOOR)
    tiers = [shares[number % 10] for number in range(900)]
    ads = [an_ad_of(tier, number) for number, tier in enumerate(tiers)]
    ranks = [0 if rng.random() < 0.01 else tier.rank for tier in tiers]
    return Tiered(ads, np.array(ranks, dtype=np.int64)[:, None])


@pytest.fixture(scope="module")
def model(known: Tiered) -> TierModel:
    return learn(known, RULES)


@pytest.mark.parametrize(
    ("verdict", "tier", "sure", "told"),
    [
        (Verdict.APPROVE, Tier.LOW, True, Tier.LOW),
        (Verdict.APPROVE, Tier.HIGH, True, Tier.HIGH),
        (Verdict.APPROVE, Tier.HIGH, False, None),
        (Verdict.APPROVE, Tier.FLOOR, True, None),
        (Verdict.REVIEW, Tier.LOW, True, None),
        (Verdict.REJECT, Tier.LOW, False, Tier.FLOOR),
    ],
)
def test_the_floor_is_what_a_policy_rejects_and_nothing_is_told_that_is_in_doubt(
    verdict: Verdict, tier: Tier, sure: bool, told: Tier | None
) -> None:
    decision = a_decision(an_ad(1), verdict, at=START)
    rules = SuitabilityRules(categories={"gambling": decision.policies[0].policy}, accepts=RULES.accepts)
    found = suitability(Graded({"gambling": tier}, sure, "v"), decision, rules)
    assert found.tier is told
    assert found.because
    expected = {None: [None] * 3, Tier.LOW: [True] * 3, Tier.HIGH: [False, False, True], Tier.FLOOR: [False] * 3}
    assert list(found.accepted.values()) == expected[told]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("categories: {}", "categories"),
        ("accepts: {news: medium}", "categories"),
        ("categories: {gambling: gambling}\naccepts: {news: floor}", "accepts.news"),
        ("categories: {gambling: gambling}\naccepts: {news: mild}", "accepts"),
        ("categories: {gambling: gambling}\nmax_wrong: 2", "max_wrong"),
        ("categories: {Gambling: gambling}", "categories"),
        ("categories: {gambling: gambling}\nplacements: {}", "placements"),
        ("categories: [", "YAML"),
    ],
)
def test_a_file_of_tiers_that_makes_no_sense_is_refused_with_the_field(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "tiers.yaml").write_text(text)
    with pytest.raises(InvalidPolicy, match=said):
        read_rules(tmp_path / "tiers.yaml")
    with pytest.raises(NotFound):
        read_rules(tmp_path / "none.yaml")


def test_a_file_of_tiers_is_read_with_what_it_leaves_out(tmp_path: Path) -> None:
    (tmp_path / "tiers.yaml").write_text("categories: {gambling: gambling}\naccepts: {news: medium}\nmax_wrong: 0.1\n")
    rules = read_rules(tmp_path / "tiers.yaml")
    assert (rules.accepts, rules.max_wrong, rules.confidence) == ({"news": Tier.MEDIUM}, 0.1, 0.95)


def test_labels_say_tiers_by_their_severity_and_most_of_them_count() -> None:
    ads = [an_ad(number) for number in range(3)]

    def label(ad: Ad, rater: str, severity: str | None, policy: str = "suitability_gambling") -> Label:
        told = {"violates": severity is not None, "severity": severity if severity != "none" else None}
        return Label(ad_id=ad.ad_id, policy=policy, labelled_at=START, rater_id=rater, **told)  # type: ignore[arg-type]

    said = [label(ads[0], "a", "mild"), label(ads[0], "b", "mild"), label(ads[0], "c", None), label(ads[1], "a", None)]
    said += [label(ads[1], "b", "extreme"), label(ads[2], "a", "none"), label(ads[2], "a", "mild", "gambling")]
    found = tiered(ads, said, ["gambling", "adult"])
    assert [ad.ad_id for ad in found.ads] == [ads[0].ad_id, ads[1].ad_id], "the last has no label that says a tier"
    assert found.tiers.tolist() == [[1, -1], [3, -1]]


def test_a_certificate_lets_as_many_be_told_as_are_shown_to_be_right_and_none_where_none_are() -> None:
    rng = np.random.default_rng(0)
    sureness = rng.random(2000)
    wrong = rng.random(2000) < np.where(sureness > 0.4, 0.01, 0.4)
    found = certify(Shown(sureness, wrong, np.arange(2000)), 0.05, 0.95)
    assert found is not None
    assert 0.3 < found.sureness < 0.5
    assert found.wrong / found.ads < found.upper <= 0.05
    assert certify(Shown(sureness, np.ones(2000, dtype=np.bool_), np.arange(2000)), 0.05, 0.95) is None
    assert certify(Shown(np.zeros(0), np.zeros(0, dtype=np.bool_), np.zeros(0, dtype=np.int64)), 0.05, 0.95) is None


def test_too_many_wrong_tiers_are_certified_no_more_often_than_the_confidence_says() -> None:
    """Everywhere six in a hundred are wrong where five may be: one certificate in twenty at most is false, with room for chance."""
    false = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        wrong = rng.random(600) < 0.06
        false += certify(Shown(rng.random(600), wrong, np.arange(600)), 0.05, 0.95) is not None
    assert false <= 18  # P(more | 1 in 20) < .01


def test_a_model_of_tiers_tells_strangers_ads_apart_and_is_kept_as_it_is(model: TierModel, tmp_path: Path) -> None:
    assert model.certificate is not None
    graded = model.grade([an_ad_of(tier, 5000 + number) for number, tier in enumerate(Tier)])
    assert [one.categories["gambling"] for one in graded] == list(Tier)
    model.save(tmp_path)
    again = TierModel.load(tmp_path)
    assert again.version == model.version
    assert again.certificate == model.certificate
    ads = [an_ad_of(Tier.HIGH, 1), an_ad_of(Tier.LOW, 2)]
    assert np.allclose(again.scores(ads), np.concatenate([model.scores([ad]) for ad in ads]))


def test_a_model_of_tiers_that_was_changed_is_refused(model: TierModel, tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        TierModel.load(tmp_path)
    model.save(tmp_path)
    (tmp_path / WEIGHTS).write_bytes((tmp_path / WEIGHTS).read_bytes()[:-1] + b"\1")
    with pytest.raises(UntrustedBundle, match="promises"):
        TierModel.load(tmp_path)


def test_tiers_are_not_learnt_from_too_few_labels(known: Tiered) -> None:
    with pytest.raises(InvalidInput, match="at least 100 ads"):
        learn(known.of(np.arange(len(known.ads)) < 50), RULES)


def test_decisions_are_answered_with_their_tier(model: TierModel) -> None:
    ad = an_ad_of(Tier.HIGH, 7001)
    decision = a_decision(ad, Verdict.APPROVE, at=START)
    grader = Grader(model, SuitabilityRules(categories={"gambling": "gambling"}, accepts=RULES.accepts))
    [told] = grader.grade([ad], [decision])
    assert (told.tier, told.accepted["kids_video"], told.accepted["sports"]) == (Tier.HIGH, False, True)
    assert told.certificate_id is not None
    answer = ScoredDecision.model_construct(**dict(decision), suitability=told)
    assert '"suitability":{"tier":"high"' in answer.model_dump_json()
    assert '"suitability":{"tier":"high"' in BatchResult(results=(answer,)).model_dump_json()
    unsure = replace(model, certificate=None)
    assert Grader(unsure, grader.rules).grade([ad], [decision])[0].tier is None


def test_what_reviewers_say_of_a_tier_is_learnt_from_and_is_no_label_of_a_policy(ledger: Ledger) -> None:
    desk = Desk(ledger)
    for tier in ("low", "gambling:high", None):
        desk.decide()
        leased = desk.claim("ana")
        answer = Answer("approve", tier=tier)
        desk.queue.answer(leased.task.task_id, "ana", leased.token, answer)
        assert desk.queue.answer(leased.task.task_id, "ana", leased.token, answer).settled is Verdict.APPROVE, "sent again it is the same"
    ads, labels = tiers_said(ledger, ["gambling", "adult"])
    assert len(ads) == 2
    assert [(one.policy, one.violates, one.severity) for one in labels] == [
        ("suitability_gambling", False, None),
        ("suitability_adult", False, None),
        ("suitability_gambling", True, "moderate"),
    ]
    answers = [entry.body for entry in ledger.read(kinds=("answer",))]
    assert all(not label.policy.startswith("suitability") for one in answers if isinstance(one, Answered) for label in one.labels)
    desk.decide()
    leased = desk.claim("ana")
    with pytest.raises(InvalidInput, match="tier"):
        desk.queue.answer(leased.task.task_id, "ana", leased.token, Answer("approve", tier="gambling:mild"))


def test_labels_of_tiers_are_no_policies_to_train_unless_they_are_named(tmp_path: Path) -> None:
    ads = [an_ad(number) for number in range(2)]
    labels = [
        Label(ad_id=ad.ad_id, policy=policy, violates=False, labelled_at=minutes(9))
        for ad in ads
        for policy in ("deceptive", "suitability_adult")
    ]
    pack = Pack(ads, labels, "digest", "pack", [])
    assert dataset([pack]).policies == ("deceptive",)
    assert dataset([pack], ["suitability_adult"]).policies == ("suitability_adult",)
