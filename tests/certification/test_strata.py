"""Who needs thresholds, within which limits, whose labels answer, and how the chance of error is shared out."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adverdict.certification.thresholds.least_harm import Stakes
from adverdict.certification.thresholds.scored import ScoredAds
from adverdict.certification.thresholds.strata import Question, Stratum, questions, strata
from adverdict.decisions.policy import Licence, MarketRules, PolicyBook, PolicyInForce, Severity, Stance, Targets, Thresholds
from tests.certification.made import ADULT, GAMBLING, STRICT, TARGETS, Place, ads, book, rules
from tests.effort import examples


def by_market(scored: ScoredAds, policies: PolicyBook) -> dict[str, Stratum]:
    return {one.question.market: one for one in strata(scored, questions(scored, policies))}


def test_a_market_answers_with_its_own_labels_and_every_other_lends_its() -> None:
    scored = ads(Place("SE", 100, 50), Place("DE", 80), Place("GB", 0, 20))
    found = by_market(scored, book(GAMBLING, markets=("SE", "DE", "GB")))
    assert {market: len(one.rows) for market, one in found.items()} == {"SE": 100, "DE": 80, "GB": 0}
    assert {market: {name: len(rows) for name, rows in one.lenders.items()} for market, one in found.items()} == {
        "SE": {"DE": 80},
        "DE": {"SE": 100},
        "GB": {"SE": 100, "DE": 80},
    }, "a market without labels lends none"


def test_markets_with_other_targets_lend_their_labels_too() -> None:
    scored = ads(Place("SE", 100), Place("DE", 80))
    found = by_market(scored, rules({"SE": MarketRules((GAMBLING,)), "DE": MarketRules((replace(GAMBLING, targets=STRICT),))}))
    assert {market: (one.targets, set(one.lenders)) for market, one in found.items()} == {"SE": (TARGETS, {"DE"}), "DE": (STRICT, {"SE"})}


def test_labels_of_risky_ads_are_among_those_of_the_market() -> None:
    scored = ads(Place("SE", 100, 50))
    risky = np.full(scored.verdict.shape, np.nan)
    risky[120:] = 1.0
    found = by_market(replace(scored, risky=risky), book(GAMBLING))["SE"]
    assert found.rows.tolist() == [*range(100), *range(120, 150)]


def spread(*risks: float) -> ScoredAds:
    n = len(risks)
    none = np.full((n, 1), np.nan)
    return ScoredAds(("gambling",), np.full(n, "SE"), np.full(n, ""), np.arange(n), np.array(risks)[:, None], none)


def test_rejecting_never_begins_where_risks_foresee_too_many_wrong_rejections_and_approving_may() -> None:
    """At any price of a review: whom a rejection hits wrongly nobody sees, and labels may show that risks are too high."""
    (question,) = questions(spread(0.01, 0.2, 0.2, 0.6, 0.6, 0.95, 0.97), book(GAMBLING))
    assert question.attainable.approve_below <= 0.2
    assert question.aim(1e12).approve_below == 0.25
    assert question.aim(1e12).reject_at == question.attainable.reject_at > 0.6
    assert question.aim(0.01).reject_at > question.attainable.reject_at, "a cheap review rejects even less"


def test_what_is_attainable_is_worked_out_of_all_markets_together_and_by_targets() -> None:
    scored = ads(Place("SE", 0, 300), Place("DE", 0, 300))
    same = questions(scored, book(GAMBLING, markets=("SE", "DE")))
    assert len({one.attainable for one in same}) == 1
    other = questions(scored, rules({"SE": MarketRules((GAMBLING,)), "DE": MarketRules((replace(GAMBLING, targets=STRICT),))}))
    assert len({one.attainable for one in other}) == 2


# --- the policy's limits -----------------------------------------------------------------------------------------------------------------

WIDE = replace(GAMBLING, max_risk=0.4, min_risk_rejected=0.6)


@pytest.mark.parametrize(
    ("policies", "stakes", "missed"),
    [
        pytest.param(book(GAMBLING), Stakes(5.0, 0.25, 0.5), None, id="those of the policy"),
        pytest.param(book(replace(GAMBLING, severity=Severity.ZERO_TOLERANCE)), Stakes(100.0, 0.25, 0.5), None, id="harm by severity"),
        pytest.param(
            book(replace(GAMBLING, max_risk=None, min_risk_rejected=None)), Stakes(5.0, 1.0, 0.0), None, id="a book kept before limits"
        ),
        pytest.param(book(WIDE, kids_video=(GAMBLING,)), Stakes(5.0, 0.25, 0.6), None, id="the narrowest of the places asked together"),
        pytest.param(
            book(GAMBLING, kids_video=(replace(GAMBLING, severity=Severity.SEVERE),)), Stakes(20.0, 0.25, 0.5), None, id="the gravest"
        ),
        pytest.param(
            book(replace(GAMBLING, max_missed=0.3), kids_video=(replace(GAMBLING, max_missed=0.2),)),
            Stakes(5.0, 0.25, 0.5),
            0.2,
            id="the fewest missed",
        ),
    ],
)
def test_what_is_at_stake_where_one_pair_of_thresholds_is_asked_for(policies: PolicyBook, stakes: Stakes, missed: float | None) -> None:
    scored = ads(Place("SE", 20), Place("SE", 20, surface="kids_video"))
    (question,) = questions(scored, policies)
    assert (question.stakes, question.max_missed) == (stakes, missed)


@st.composite
def worlds(draw: st.DrawFn) -> tuple[ScoredAds, PolicyBook]:
    counts = draw(st.dictionaries(st.sampled_from(["SE", "DE", "GB", "US"]), st.sampled_from([0, 29, 30, 90, 215, 216, 500]), min_size=1))
    scored = ads(
        *(Place(market, n, 20, each=draw(st.sampled_from([1, 2]))) for market, n in counts.items()), policies=("adult", "gambling")
    )
    variants = [GAMBLING, replace(GAMBLING, stance=Stance.RESTRICTED), replace(GAMBLING, targets=STRICT)]
    some = st.lists(
        st.sampled_from([*variants, *(replace(one, name="adult") for one in variants)]), max_size=2, unique_by=lambda one: one.name
    )
    return scored, rules({market: MarketRules(tuple(draw(some))) for market in counts})


@examples(60)
@given(worlds(), st.integers(0, 2**32))
def test_labels_have_no_part_in_it(world: tuple[ScoredAds, PolicyBook], seed: int) -> None:
    scored, policies = world
    other = np.random.default_rng(seed).random(scored.verdict.shape)
    flipped = replace(scored, verdict=np.where(np.isnan(scored.verdict), np.nan, other))
    before, after = (strata(one, questions(one, policies)) for one in (scored, flipped))
    assert [summed_up(one) for one in before] == [summed_up(one) for one in after]


def summed_up(found: Stratum) -> tuple[object, ...]:
    question = found.question
    lenders = {market: rows.tolist() for market, rows in found.lenders.items()}
    return question.market, question.policy, question.stakes, found.level, found.rows.tolist(), lenders


@examples(60)
@given(worlds())
def test_every_question_is_answered_once_and_every_ad_it_decides_on_is_in_it_once(world: tuple[ScoredAds, PolicyBook]) -> None:
    scored, policies = world
    asked = questions(scored, policies)
    answered = [stratum.question for stratum in strata(scored, asked)]
    assert answered == asked
    assert {(one.policy, one.market) for one in answered} == {(policy.name, market) for market, _, policy in policies.every()}
    for one in asked:
        assert one.rows.tolist() == np.flatnonzero(scored.market == one.market).tolist()


@examples(60)
@given(worlds(), st.booleans())
def test_the_bounds_spend_what_the_confidence_leaves_and_no_more(world: tuple[ScoredAds, PolicyBook], all_at_once: bool) -> None:
    """Each policy's for itself; or those of a market, all at once."""
    scored, policies = world
    spent: defaultdict[tuple[str, ...], float] = defaultdict(float)
    for stratum in strata(scored, questions(scored, policies), all_at_once=all_at_once):
        question = stratum.question
        spent[(question.market,) if all_at_once else (question.market, question.policy)] += stratum.level * (2 if question.rejects else 1)
        in_force = {policy.name for policy in policies.in_force(question.market, None)}
        assert set(stratum.family) == (in_force if all_at_once else {question.policy})
    assert all(share == pytest.approx(0.05) for share in spent.values())


@pytest.mark.parametrize(("all_at_once", "level", "family"), [(True, 0.0125, ("adult", "gambling")), (False, 0.025, ("gambling",))])
def test_each_policy_stands_for_itself_unless_all_are_to_hold_at_once(all_at_once: bool, level: float, family: tuple[str, ...]) -> None:
    scored = ads(Place("SE", 900), policies=("adult", "gambling"))
    found = strata(scored, questions(scored, book(ADULT, GAMBLING)), all_at_once=all_at_once)
    (gambling,) = [one for one in found if one.policy == "gambling"]
    assert gambling.level == pytest.approx(level)
    assert gambling.family == family


def test_with_one_bound_to_show_all_of_the_chance_of_error_is_spent_on_it() -> None:
    scored = ads(Place("SE", 900))
    (found,) = strata(scored, questions(scored, book(replace(GAMBLING, stance=Stance.RESTRICTED))))
    assert found.level == pytest.approx(0.05)


LICENSED = replace(GAMBLING, stance=Stance.RESTRICTED, licence=Licence.REQUIRED)


@pytest.mark.parametrize(
    ("policy", "asked"),
    [
        pytest.param(GAMBLING, [True], id="prohibited: both sides"),
        pytest.param(replace(GAMBLING, stance=Stance.RESTRICTED), [False], id="restricted: nothing is rejected without a person"),
        pytest.param(LICENSED, [True], id="a licence is asked for: those without one may be rejected"),
        pytest.param(replace(GAMBLING, stance=Stance.ALLOWED), [], id="allowed: no rule to break"),
        pytest.param(replace(GAMBLING, thresholds=Thresholds(0.1, 0.9)), [], id="thresholds set by hand"),
        pytest.param(replace(GAMBLING, name="weapons"), [], id="no model"),
    ],
)
def test_what_needs_thresholds_and_whether_they_may_reject(policy: PolicyInForce, asked: list[bool]) -> None:
    assert [one.rejects for one in questions(ads(Place("SE", 10)), book(policy))] == asked


KIDS = replace(GAMBLING, targets=STRICT)


@pytest.mark.parametrize(
    ("policies", "expected"),
    [
        pytest.param(
            book(GAMBLING, kids_video=(KIDS,)),
            {(TARGETS, None, 30), (STRICT, frozenset({"kids_video"}), 20)},
            id="a surface with its own targets is a question of its own",
        ),
        pytest.param(book(GAMBLING, kids_video=(GAMBLING,)), {(TARGETS, None, 50)}, id="one with the general targets is not"),
        pytest.param(book(GAMBLING, kids_video=()), {(TARGETS, None, 30)}, id="a surface without the policy is left out"),
        pytest.param(book(kids_video=(KIDS,)), {(STRICT, frozenset({"kids_video"}), 20)}, id="a policy of one surface only"),
        pytest.param(
            book(kids_video=(KIDS,), search=(KIDS,)),
            {(STRICT, frozenset({"kids_video", "search"}), 30)},
            id="surfaces with the same targets belong together",
        ),
        pytest.param(book(GAMBLING, cinema=(KIDS,)), {(TARGETS, None, 50), (STRICT, frozenset({"cinema"}), 0)}, id="a surface without ads"),
    ],
)
def test_surfaces(policies: PolicyBook, expected: set[tuple[Targets, frozenset[str] | None, int]]) -> None:
    scored = ads(Place("SE", 20), Place("SE", 10, surface="search"), Place("SE", 20, surface="kids_video"))
    assert {(one.targets, one.surfaces, len(one.rows)) for one in questions(scored, policies)} == expected


def test_a_surface_s_own_question_is_lent_labels_of_the_same_surface_only() -> None:
    places = [Place(market, n, surface=where) for market in ("SE", "DE") for where, n in (("", 100), ("kids_video", 50))]
    scored = ads(*places)
    found = strata(scored, questions(scored, book(GAMBLING, markets=("SE", "DE"), kids_video=(KIDS,))))
    sizes = {
        (one.question.market, one.targets): (len(one.rows), {market: len(rows) for market, rows in one.lenders.items()}) for one in found
    }
    assert sizes == {
        ("SE", TARGETS): (100, {"DE": 100}),
        ("DE", TARGETS): (100, {"SE": 100}),
        ("SE", STRICT): (50, {"DE": 50}),
        ("DE", STRICT): (50, {"SE": 50}),
    }


def test_a_market_in_the_book_without_ads_is_asked_about_and_gets_an_answer() -> None:
    found = by_market(ads(Place("SE", 900)), book(GAMBLING, markets=("SE", "JP")))
    assert {market: len(one.rows) for market, one in found.items()} == {"SE": 900, "JP": 0}


def test_a_market_outside_the_book_is_asked_nothing() -> None:
    found: list[Question] = questions(ads(Place("SE", 50), Place("JP", 50)), book(GAMBLING))
    assert [one.market for one in found] == ["SE"]


def test_a_surface_with_targets_of_its_own_is_a_promise_more_and_pays_for_it() -> None:
    rules_of = MarketRules((GAMBLING,), {"kids_video": (replace(GAMBLING, targets=STRICT),)})
    scored = ads(Place("SE", 400), Place("SE", 400, surface="kids_video"))
    found = strata(scored, questions(scored, PolicyBook(("gambling",), {"SE": rules_of})))
    assert {one.question.surfaces for one in found} == {None, frozenset({"kids_video"})}
    assert {one.family for one in found} == {("gambling", "gambling on kids_video")}
    assert sum(2 * one.level for one in found) == pytest.approx(1 - GAMBLING.targets.confidence)
