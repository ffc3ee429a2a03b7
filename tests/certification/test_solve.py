"""Certificates and thresholds together: nothing asked is left without an answer, and what is stored is what was solved."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adverdict.certification.certificate import Certificate, Design, Issued, LabelNoise, Status, thresholds
from adverdict.certification.thresholds.issue import Origin
from adverdict.certification.thresholds.sequence import GRID, Side
from adverdict.certification.thresholds.solve import Solution, Terms, answers, certify, issue
from adverdict.certification.thresholds.strata import Strength
from adverdict.decisions.policy import PolicyBook, PolicyInForce, Stance, Thresholds, WhenUncertified
from adverdict.decisions.thresholds import SolvedFor, SolvedThresholds
from tests.certification.made import ADULT, GAMBLING, STRICT, TARGETS, Place, ads, book
from tests.effort import examples

SOLVED_AT = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
DESIGN = Design(samples=(), announced=None, labelled=100, looked_again=False)
ORIGIN = Origin("0123456789abcdef", "cd" * 32, ("ab" * 32,), SOLVED_AT, DESIGN, timedelta(days=30))
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
        assert certificate.markets[0].market == key.market
        if not point.provisional and point.approve_below > 0:
            assert key.market in certificate.served
            assert certificate.status is not Status.INFEASIBLE
        if point.provisional:
            assert point.approve_below <= certificate.aim.provisional <= certificate.aim.approve_below <= 0.25
        assert point.reject_at == (certificate.reject_at if certificate.served else 1.0), "what is not certified rejects nobody"


def found_in(market: str, solution: Solution = SOLUTION, policy: str = "adult") -> Thresholds:
    (found,) = [point for key, point in solution.solved.points.items() if (key.policy, key.market) == (policy, market)]
    return found


def of(found: Thresholds, solution: Solution = SOLUTION) -> Certificate:
    (certificate,) = [one for one in solution.certificates if one.certificate_id == found.certificate_id]
    return certificate


@pytest.mark.parametrize(
    ("market", "own", "certified"),
    [("SE", True, True), ("DE", False, True), ("GB", False, False), ("US", True, False), ("JP", True, False)],
)
def test_whose_labels_stand_behind_the_thresholds_of_a_market(market: str, own: bool, certified: bool) -> None:
    found = found_in(market)
    bound = of(found).bound(Side.APPROVE)
    assert bound is not None
    assert (bound.strength is Strength.OWN) is own
    assert (not found.provisional) is certified
    assert bool(of(found).served) is (market in ("SE", "DE", "GB")), "GB has labels, and they speak against it"


@pytest.mark.parametrize(
    ("market", "why"),
    [("US", "US is not served: 12 labelled ads; 30 are needed"), ("JP", "JP is not served: 0 labelled ads; 30 are needed")],
)
def test_what_cannot_be_certified_gets_a_certificate_that_says_so_and_is_provisional_at_most(market: str, why: str) -> None:
    found = found_in(market)
    certificate = of(found)
    assert (found.approve_below, found.reject_at, found.provisional) == (certificate.aim.provisional, 1.0, True)
    assert certificate.status is Status.INFEASIBLE
    assert certificate.served == ()
    assert certificate.statement.startswith("Nothing is certified here")
    assert any(finding.startswith(why) for finding in certificate.findings)


def test_targets_that_nothing_meets_are_infeasible() -> None:
    wanted = replace(GAMBLING, targets=replace(TARGETS, max_leakage=0.0, max_wrongful_reject=0.0))
    found = certify(ads(Place("SE", 900)), book(wanted), ORIGIN, PLAIN)
    assert [(one.provisional, one.reject_at) for one in found.solved.points.values()] == [(True, 1.0)]
    assert [one.status for one in found.certificates] == [Status.INFEASIBLE]


def test_one_side_shown_is_partly_certified_and_the_other_decides_nothing() -> None:
    wanted = replace(GAMBLING, targets=replace(TARGETS, max_wrongful_reject=0.001))
    (certificate,) = certify(ads(Place("SE", 2000)), book(wanted), ORIGIN, PLAIN).certificates
    assert certificate.status is Status.PARTLY
    assert certificate.approve_below > 0
    assert certificate.reject_at == 1.0
    reject = certificate.bound(Side.REJECT)
    assert reject is not None
    assert (reject.certified_to, reject.used, reject.upper) == (None, None, None)
    assert reject.labels_needed is None or reject.labels_needed > 2000
    assert reject.upper_at_aim is not None
    assert reject.upper_at_aim > 0.001, "what is shown at the threshold aimed at is said, though it is not enough"


def test_the_bound_of_a_certificate_lies_under_its_target_and_above_what_was_seen() -> None:
    (certificate,) = certify(ads(Place("SE", 2000)), book(GAMBLING), ORIGIN, PLAIN).certificates
    for bound in certificate.bounds:
        assert bound.upper is not None
        assert bound.used is not None
        assert bound.certified_to is not None
        assert bound.used.rate < bound.upper <= bound.target
        assert bound.used.ads <= bound.certified_to.ads, "bolder thresholds may be certified than are used"
        assert bound.stopped_at is None or bound.stopped_at.rate > bound.certified_to.rate


def test_what_raters_miss_is_added_to_what_they_show() -> None:
    scored = ads(Place("SE", 2000))
    noise = {"gambling": LabelNoise(sensitivity=0.8, specificity=0.5, source="assumed")}
    (certificate,) = certify(scored, book(GAMBLING), ORIGIN, replace(PLAIN, noise=noise)).certificates
    _, (found,) = answers(scored, book(GAMBLING), replace(PLAIN, noise=noise))
    assert found.reject is not None
    for side, answer, quality in ((Side.APPROVE, found.approve, 0.8), (Side.REJECT, found.reject, 0.5)):
        bound = certificate.bound(side)
        assert bound is not None
        assert bound.used is not None
        assert bound.limit == pytest.approx(quality * bound.target)
        assert bound.upper == pytest.approx(answer.counts.upper(int(np.searchsorted(GRID, bound.used.threshold)), bound.level) / quality)


def test_the_bound_at_what_was_aimed_at_is_stated_whether_it_is_met_or_not() -> None:
    for leakage, met in ((0.05, True), (0.0001, False)):
        wanted = replace(GAMBLING, targets=replace(TARGETS, max_leakage=leakage))
        (certificate,) = certify(ads(Place("SE", 2000)), book(wanted), ORIGIN, PLAIN).certificates
        bound = certificate.bound(Side.APPROVE)
        assert bound is not None
        assert bound.at_aim is not None
        assert bound.at_aim.threshold == certificate.aim.approve_below
        assert bound.upper_at_aim is not None
        assert bound.at_aim.rate < bound.upper_at_aim
        assert (bound.upper_at_aim <= leakage) is met


def test_a_limit_above_the_share_of_violating_ads_is_called_idle() -> None:
    loose = replace(GAMBLING, targets=replace(TARGETS, max_leakage=0.9))
    (certificate,) = certify(ads(Place("SE", 2000)), book(loose), ORIGIN, PLAIN).certificates
    assert certificate.idle
    assert certificate.approve_below <= certificate.aim.approve_below < 0.25, "harm does the limiting"
    assert any("limits nothing here" in finding for finding in certificate.findings)


def test_what_is_decided_of_all_ads_is_counted_labelled_or_not() -> None:
    (certificate,) = certify(ads(Place("SE", 1500, 700)), book(GAMBLING), ORIGIN, PLAIN).certificates
    traffic = certificate.traffic
    assert traffic.ads == 2200
    assert traffic.approved > 700
    assert traffic.rejected > 300
    assert traffic.people == traffic.ads - traffic.approved - traffic.rejected


def test_a_bound_that_serves_nobody_is_nobody_s_certificate() -> None:
    loose = replace(GAMBLING, targets=replace(TARGETS, max_leakage=0.3, max_wrongful_reject=0.9))
    (certificate,) = certify(ads(Place("SE", 29)), book(loose), ORIGIN, PLAIN).certificates
    assert any(bound.certified_to is not None for bound in certificate.bounds), "or there would be nothing to withhold"
    assert certificate.status is Status.INFEASIBLE
    assert certificate.statement.startswith("Nothing is certified here")


def test_no_thresholds_are_solved_where_a_person_set_them_or_nothing_is_forbidden() -> None:
    fixed = book(replace(GAMBLING, thresholds=Thresholds(0.1, 0.9)), replace(ADULT, stance=Stance.ALLOWED))
    found = certify(WORLD, fixed, ORIGIN, PLAIN)
    assert (found.certificates, found.solved) == ((), SolvedThresholds())


def test_what_is_stored_is_what_was_solved() -> None:
    again = Issued.from_json(Issued(SOLUTION.certificates).to_json()).certificates
    assert again == SOLUTION.certificates
    assert thresholds(again) == SOLUTION.solved
    assert SolvedThresholds.from_json(SOLUTION.solved.to_json()) == SOLUTION.solved


def test_a_provisional_threshold_goes_as_far_as_risks_alone_speak_for_it_and_only_approves() -> None:
    people = [(one, found_in(one.markets[0].market)) for one in SOLUTION.certificates if one.policy == "adult"]
    assert {found.provisional for _, found in people} == {True, False}
    for certificate, found in people:
        assert found.provisional == (not certificate.served or certificate.approve_below == 0)
        if found.provisional:
            assert found.approve_below == certificate.aim.provisional <= certificate.aim.approve_below
            assert not found.certified_at(SOLVED_AT)


def test_the_same_labels_give_the_same_certificates() -> None:
    assert Issued(certify(WORLD, BOOK, ORIGIN, PLAIN).certificates).to_json() == Issued(SOLUTION.certificates).to_json()


@pytest.mark.parametrize(("moment", "expired"), [(timedelta(days=30, seconds=-1), False), (timedelta(days=30), True)])
def test_certificates_end_when_they_say_and_their_thresholds_with_them(moment: timedelta, expired: bool) -> None:
    assert {one.expired_at(SOLVED_AT + moment) for one in SOLUTION.certificates} == {expired}
    assert {point.certified_at(SOLVED_AT + moment) for point in SOLUTION.solved.points.values() if not point.provisional} == {not expired}


def test_thresholds_chosen_within_what_is_certified_are_those_of_the_certificate() -> None:
    scored = ads(Place("SE", 2000))
    priced, found = answers(scored, book(GAMBLING), PLAIN)
    first = found[0].approve.test.first
    assert first is not None
    made = issue(scored, book(GAMBLING), found, [Thresholds(first.threshold, 1.0)], ORIGIN, priced)
    (point,) = made.solved.points.values()
    assert (point.approve_below, point.reject_at) == (first.threshold, 1.0)
    assert point.approve_below < found[0].thresholds.approve_below
    assert "Rejects from" not in made.certificates[0].statement


@pytest.mark.parametrize("capacity", [1000.0, 1500.0])
def test_with_a_capacity_people_see_no_more_than_they_can(capacity: float) -> None:
    scored = ads(Place("SE", 2000), Place("DE", 2000))
    terms = replace(PLAIN, capacity=capacity * 10, volume={"SE": 20_000.0, "DE": 20_000.0})
    found = certify(scored, book(GAMBLING, markets=("SE", "DE")), ORIGIN, terms)
    assert found.priced.feasible
    assert found.priced.reviews <= 10 * capacity
    assert {one.aim.price is not None for one in found.certificates} == {True}
    seen = sum(one.traffic.people for one in found.certificates) * 10
    assert seen == pytest.approx(found.priced.reviews)


@pytest.mark.parametrize(
    ("when", "people"), [(WhenUncertified.REVIEW, pytest.approx(1.0)), (WhenUncertified.DECIDE, pytest.approx(0.46, abs=0.1))]
)
def test_what_people_see_counts_provisional_thresholds_where_the_policy_lets_them(when: WhenUncertified, people: float) -> None:
    found = certify(ads(Place("SE", 40, 900)), book(replace(GAMBLING, when_uncertified=when)), ORIGIN, PLAIN)
    assert found.certificates[0].status is Status.INFEASIBLE
    assert found.people == people


def test_too_few_reviewers_are_told_how_many_would_do() -> None:
    terms = replace(PLAIN, capacity=10.0, volume={"SE": 20_000.0})
    found = certify(ads(Place("SE", 2000)), book(GAMBLING), ORIGIN, terms)
    assert not found.priced.feasible
    assert found.priced.reviews_needed > 10


def test_all_at_once_promises_more_and_shows_less_of_the_same_labels() -> None:
    each, together = (certify(WORLD, BOOK, ORIGIN, replace(PLAIN, all_at_once=at_once)) for at_once in (False, True))
    for one, two in zip(each.certificates, together.certificates, strict=True):
        assert one.aim == two.aim
        assert len(one.family) < len(two.family)
        for alone, shared in zip(one.bounds, two.bounds, strict=True):
            assert shared.level < alone.level
            if alone.strength is shared.strength is Strength.OWN:
                assert (alone.certified_to.ads if alone.certified_to else 0) >= (shared.certified_to.ads if shared.certified_to else 0)
