"""Certificates and thresholds together: nothing asked is left without an answer, and what is stored is what was solved."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from adverdict.certification.certificate import Certificate, Issued, LabelNoise, Otherwise, Status, thresholds
from adverdict.certification.thresholds.evidence import like_traffic
from adverdict.certification.thresholds.scored import ScoredAds
from adverdict.certification.thresholds.sequence import Side
from adverdict.certification.thresholds.solve import Origin, Solution, Terms, answers, certify, issue
from adverdict.certification.thresholds.strata import Strength, questions, strata
from adverdict.decisions.policy import PolicyBook, PolicyInForce, Stance, Thresholds
from adverdict.decisions.thresholds import POOLED, SolvedFor, SolvedThresholds
from tests.certification.made import ADULT, GAMBLING, STRICT, TARGETS, Place, ads, book
from tests.effort import examples

SOLVED_AT = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
ORIGIN = Origin("0123456789abcdef", ("ab" * 32,), SOLVED_AT, timedelta(days=30))
PLAIN = Terms(curves=False)
MARKETS = ("DE", "GB", "JP", "SE", "US")
WORLD = ads(
    Place("SE", 1500, 200),
    Place("SE", 150, surface="kids_video"),
    Place("DE", 100),
    Place("GB", 120),
    Place("US", 12, 50),
    policies=("adult", "gambling"),
)
BOOK = book(GAMBLING, ADULT, markets=MARKETS, kids_video=(replace(GAMBLING, targets=STRICT), ADULT))
SOLUTION = certify(WORLD, BOOK, ORIGIN, PLAIN)


def keys(of: PolicyBook) -> set[SolvedFor]:
    return {SolvedFor(policy.name, market, policy.targets) for market, _, policy in of.every()}


def test_every_policy_of_every_market_gets_thresholds_for_each_of_its_targets() -> None:
    assert set(SOLUTION.solved.points) == keys(BOOK)
    assert len(SOLUTION.solved.points) == len(MARKETS) * 3


@examples(15)
@given(
    st.dictionaries(st.sampled_from(MARKETS), st.sampled_from([0, 10, 100, 400]), min_size=1),
    st.sampled_from([GAMBLING, replace(GAMBLING, stance=Stance.RESTRICTED), replace(GAMBLING, targets=STRICT)]),
    st.booleans(),
)
def test_whatever_the_labels_no_market_is_left_out_and_none_gets_thresholds_without_a_certificate(
    counts: dict[str, int], policy: PolicyInForce, kids: bool
) -> None:
    wanted = book(policy, markets=MARKETS, **({"kids_video": (replace(policy, targets=STRICT),)} if kids else {}))
    found = certify(ads(*(Place(market, n, 5) for market, n in counts.items())), wanted, ORIGIN, PLAIN)
    assert set(found.solved.points) == keys(wanted)
    issued = {one.certificate_id: one for one in found.certificates}
    for key, point in found.solved.points.items():
        certificate = issued[point.certificate_id or ""]
        assert certificate.policy == key.policy
        if point.approve_below > 0 or point.reject_at < 1:
            assert key.market in certificate.served
            assert certificate.status is not Status.INFEASIBLE


def found_in(market: str, solution: Solution = SOLUTION, policy: str = "adult") -> Thresholds:
    (found,) = [point for key, point in solution.solved.points.items() if (key.policy, key.market) == (policy, market)]
    return found


def of(found: Thresholds, solution: Solution = SOLUTION) -> Certificate:
    (certificate,) = [one for one in solution.certificates if one.certificate_id == found.certificate_id]
    return certificate


@pytest.mark.parametrize(
    ("market", "strength", "decides"),
    [("SE", Strength.OWN, True), ("DE", Strength.POOLED, True), ("GB", Strength.POOLED, True), ("US", Strength.OWN, False)],
)
def test_whose_labels_stand_behind_the_thresholds_of_a_market(market: str, strength: Strength, decides: bool) -> None:
    found = found_in(market)
    assert of(found).strength is strength
    assert (found.approve_below > 0) is decides


@pytest.mark.parametrize(
    ("market", "why"), [("US", "US is not served: 12 labelled ads; 30 are needed"), ("JP", "JP is not served: 0 labelled ads")]
)
def test_what_cannot_be_certified_gets_a_certificate_that_says_so_and_thresholds_that_decide_nothing(market: str, why: str) -> None:
    found = found_in(market)
    assert (found.approve_below, found.reject_at) == (0.0, 1.0)
    certificate = of(found)
    assert certificate.status is Status.INFEASIBLE
    assert certificate.served == ()
    assert certificate.statement.startswith("Nothing is certified here")
    assert any(finding.startswith(why) for finding in certificate.findings)


def test_targets_that_nothing_meets_are_infeasible_and_decide_nothing() -> None:
    wanted = replace(GAMBLING, targets=replace(TARGETS, max_leakage=0.0, max_wrongful_reject=0.0))
    found = certify(ads(Place("SE", 900)), book(wanted), ORIGIN, PLAIN)
    assert [(one.approve_below, one.reject_at) for one in found.solved.points.values()] == [(0.0, 1.0)]
    assert [one.status for one in found.certificates] == [Status.INFEASIBLE]


def test_one_side_shown_is_partly_certified_and_the_other_decides_nothing() -> None:
    wanted = replace(GAMBLING, targets=replace(TARGETS, max_wrongful_reject=0.001))
    (certificate,) = certify(ads(Place("SE", 2000)), book(wanted), ORIGIN, PLAIN).certificates
    assert certificate.status is Status.PARTLY
    assert certificate.approve_below > 0
    assert certificate.reject_at == 1.0
    reject = certificate.bound(Side.REJECT)
    assert reject is not None
    assert (reject.certified_to, reject.upper) == (None, None)
    assert reject.labels_needed is None or reject.labels_needed > 2000


def test_the_bound_of_a_certificate_lies_under_its_target_and_above_what_was_seen() -> None:
    (certificate,) = certify(ads(Place("SE", 2000)), book(GAMBLING), ORIGIN, PLAIN).certificates
    for bound in certificate.bounds:
        assert bound.upper is not None
        assert bound.certified_to is not None
        assert bound.certified_to.rate < bound.upper <= bound.target
        assert bound.stopped_at is None or bound.stopped_at.rate > bound.certified_to.rate


def test_what_raters_miss_is_added_to_what_they_show() -> None:
    scored = ads(Place("SE", 2000))
    noise = {"gambling": LabelNoise(sensitivity=0.8, specificity=0.5, source="assumed")}
    (certificate,) = certify(scored, book(GAMBLING), ORIGIN, replace(PLAIN, noise=noise)).certificates
    (found,) = answers(scored, book(GAMBLING), replace(PLAIN, noise=noise))
    assert found.reject is not None
    for side, test, quality in ((Side.APPROVE, found.approve, 0.8), (Side.REJECT, found.reject, 0.5)):
        bound, shown = certificate.bound(side), test.upper()
        assert bound is not None
        assert bound.limit == pytest.approx(quality * bound.target)
        assert shown is not None
        assert bound.upper == pytest.approx(shown / quality)


def test_a_bound_that_serves_nobody_is_nobody_s_certificate() -> None:
    loose = replace(GAMBLING, targets=replace(TARGETS, max_leakage=0.3, max_wrongful_reject=0.9))
    (certificate,) = certify(ads(Place("SE", 29)), book(loose), ORIGIN, PLAIN).certificates
    assert any(bound.certified_to is not None for bound in certificate.bounds), "or there would be nothing to withhold"
    assert certificate.status is Status.INFEASIBLE
    assert certificate.statement.startswith("Nothing is certified here")


def test_no_thresholds_are_solved_where_a_person_set_them_or_nothing_is_forbidden() -> None:
    fixed = book(replace(GAMBLING, thresholds=Thresholds(0.1, 0.9)), replace(ADULT, stance=Stance.ALLOWED))
    assert certify(WORLD, fixed, ORIGIN, PLAIN) == Solution((), SolvedThresholds())


def test_what_is_stored_is_what_was_solved() -> None:
    again = Issued.from_json(Issued(SOLUTION.certificates).to_json()).certificates
    assert again == SOLUTION.certificates
    assert thresholds(again) == SOLUTION.solved
    assert SolvedThresholds.from_json(SOLUTION.solved.to_json()) == SOLUTION.solved


BROUGHT = SolvedThresholds({SolvedFor("adult", market, TARGETS): Thresholds(0.2, 0.8) for market in ("SE", "JP", POOLED)})


def test_where_nothing_is_certified_the_model_s_own_thresholds_decide_only_if_that_was_asked_for() -> None:
    asked = certify(WORLD, BOOK, ORIGIN, replace(PLAIN, otherwise=Otherwise.UNCERTIFIED)).certificates
    people, model = thresholds(SOLUTION.certificates, BROUGHT), thresholds(asked, BROUGHT)
    assert people == SOLUTION.solved
    assert model.find("adult", "JP", TARGETS) == model.find("adult", "US", TARGETS) == Thresholds(0.2, 0.8)
    assert (found_in("SE").approve_below, found_in("SE").reject_at) != (0.2, 0.8)
    certified = model.find("adult", "SE", TARGETS)
    assert certified is not None
    assert (certified.approve_below, certified.reject_at) == (found_in("SE").approve_below, found_in("SE").reject_at)
    assert thresholds(asked).find("adult", "JP", TARGETS) is None


def test_the_same_labels_give_the_same_certificates() -> None:
    assert Issued(certify(WORLD, BOOK, ORIGIN, PLAIN).certificates).to_json() == Issued(SOLUTION.certificates).to_json()


@pytest.mark.parametrize(("moment", "expired"), [(timedelta(days=30, seconds=-1), False), (timedelta(days=30), True)])
def test_certificates_end_when_they_say_and_their_thresholds_with_them(moment: timedelta, expired: bool) -> None:
    assert {one.expired_at(SOLVED_AT + moment) for one in SOLUTION.certificates} == {expired}
    assert {point.certified_at(SOLVED_AT + moment) for point in SOLUTION.solved.points.values()} == {not expired}


def test_thresholds_chosen_within_what_is_certified_are_those_of_the_certificate() -> None:
    scored = ads(Place("SE", 2000))
    found = answers(scored, book(GAMBLING), PLAIN)
    (boldest,) = [one.thresholds for one in found]
    cautious = Thresholds(found[0].approve.first.threshold if found[0].approve.first else 0.0, 1.0)
    made = issue(scored, found, [cautious], book(GAMBLING), ORIGIN, PLAIN)
    (point,) = made.solved.points.values()
    assert (point.approve_below, point.reject_at) == (cautious.approve_below, 1.0)
    assert point.approve_below < boldest.approve_below
    assert "rejected automatically" not in made.certificates[0].statement


def test_the_confidence_of_two_policies_at_once_costs_some_of_each() -> None:
    scored = ads(Place("SE", 700), policies=("adult", "gambling"))
    both = book(ADULT, GAMBLING)
    together, alone = (certify(scored, both, ORIGIN, replace(PLAIN, one_policy=one)) for one in (False, True))
    assert [one.family for one in together.certificates] == [("adult", "gambling")] * 2
    assert [one.family for one in alone.certificates] == [("adult",), ("gambling",)]
    for wide, narrow in zip(alone.certificates, together.certificates, strict=True):
        assert wide.approve_below >= narrow.approve_below
        assert wide.reject_at <= narrow.reject_at
    assert together.solved != alone.solved


def biased(scored: ScoredAds) -> ScoredAds:
    """Only ads that look harmless were labelled."""
    return replace(scored, verdict=np.where(scored.risk > np.quantile(scored.risk, 0.6), np.nan, scored.verdict))


@pytest.mark.parametrize(("unlabelled", "bias", "low", "high"), [(0, False, None, None), (2000, False, 0.01, 1.0), (0, True, 0.0, 1e-6)])
def test_labelled_ads_unlike_the_traffic_are_found_out(unlabelled: int, bias: bool, low: float | None, high: float | None) -> None:
    scored = ads(Place("SE", 2000, unlabelled))
    scored = biased(scored) if bias else scored
    (stratum,) = strata(scored, questions(scored, book(GAMBLING)))
    found = like_traffic(scored, stratum)
    if low is None or high is None:
        assert found is None
    else:
        assert found is not None
        assert low <= found <= high


@pytest.mark.parametrize("n", [1, 2, 5, 400])
def test_the_distance_to_the_traffic_is_kolmogorov_s_however_few_the_ads(n: int) -> None:
    scored = ads(Place("SE", n, 3 * n), seed=n)
    (stratum,) = strata(scored, questions(scored, book(GAMBLING)))
    labelled = ~np.isnan(scored.verdict[:, 0])
    both = [scored.risk[rows, 0] for rows in (labelled, ~labelled)]
    distance = max(abs(np.mean(both[0] <= x) - np.mean(both[1] <= x)) for x in scored.risk[:, 0])
    expected = stats.kstwobign.sf(distance * np.sqrt(n * 3 * n / (4 * n)))
    assert like_traffic(scored, stratum) == pytest.approx(expected)
