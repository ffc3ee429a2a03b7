"""Planned thresholds beside fixed ones: harm is counted by the truth, on the same load, and a lack of reviewers is said."""

from __future__ import annotations

import io

import numpy as np
import pytest
from rich.console import Console

import adverdict.cli.benchmark.capacity as printed
from adverdict.benchmarks.truth import capacity
from adverdict.benchmarks.truth.capacity import A_DAY, BEYOND, CERTIFIED, TARGETS, Entry, judged, run, stated, summary
from adverdict.benchmarks.truth.judge import Judge, Outcome, fixed, fixed_for
from adverdict.benchmarks.truth.populations import Population
from adverdict.certification.thresholds.scored import ScoredAds
from adverdict.certification.thresholds.shortage import Lever
from adverdict.certification.thresholds.strata import Question
from adverdict.decisions.policy import MarketRules, PolicyBook, PolicyInForce, Severity, Stance, Targets, Thresholds, WhenDegraded
from adverdict.domain.progress import Silent
from tests.golden import Golden

pytestmark = pytest.mark.slow


def _policy(name: str, severity: Severity, stance: Stance = Stance.PROHIBITED) -> PolicyInForce:
    return PolicyInForce(name, name, severity, stance, TARGETS[0], None, WhenDegraded.REVIEW, name)


RULES = MarketRules((_policy("weapons", Severity.SEVERE), _policy("adult", Severity.QUALITY)))
BOOK = PolicyBook(("weapons", "adult"), {"SE": RULES, "US": RULES})
NOTHING = Thresholds(0.0, 1.0)


def _one(weapons: float, adult: float, truth: tuple[float, float]) -> Judge:
    scored = ScoredAds(
        policies=("weapons", "adult"),
        market=np.array(["SE"]),
        surface=np.array([""]),
        group=np.zeros(1, dtype=np.int64),
        risk=np.array([[weapons, adult]]),
        verdict=np.full((1, 2), np.nan),
    )
    return Judge(Population("one", scored, np.array([truth])), BOOK, {"SE": 1.0})


REVIEWED = Outcome(ads=1, reviews=1, harm=0, approved=0, leaked=0, rejected=0, wronged=0)


def _approved(harm: float) -> Outcome:
    return Outcome(ads=1, reviews=0, harm=harm, approved=1, leaked=harm > 0, rejected=0, wronged=0)


def _rejected(wrongly: bool) -> Outcome:
    return Outcome(ads=1, reviews=0, harm=wrongly, approved=0, leaked=0, rejected=1, wronged=wrongly)


@pytest.mark.parametrize(
    ("risks", "truth", "at", "expected"),
    [
        ((0.1, 0.1), (0, 0), 0.9, _approved(harm=0)),
        ((0.1, 0.1), (1, 0), 0.9, _approved(harm=20)),
        ((0.1, 0.1), (1, 1), 0.9, _approved(harm=21)),
        ((0.1, 0.1), (np.nan, 0), 0.9, _approved(harm=0)),
        ((0.1, 0.6), (1, 1), 0.9, REVIEWED),
        ((0.6, 0.95), (0, 0), 0.9, _rejected(wrongly=True)),
        ((0.6, 0.95), (0, 1), 0.9, _rejected(wrongly=False)),
        ((0.1, 0.95), (1, 0), 0.9, _rejected(wrongly=True)),
        ((0.95, 0.95), (1, 0), 0.9, _rejected(wrongly=False)),
        ((1.0, 0.1), (1, 0), 1.0, REVIEWED),
    ],
)
def test_the_harm_of_an_ad_is_what_its_truth_says(
    risks: tuple[float, float], truth: tuple[float, float], at: float, expected: Outcome
) -> None:
    assert _one(*risks, truth).outcome(lambda _: Thresholds(0.5, at)) == expected


def test_each_policy_is_decided_by_its_own_thresholds() -> None:
    def chosen(question: Question) -> Thresholds:
        return Thresholds(0.5, 1.0) if question.policy == "adult" else NOTHING

    assert _one(0.1, 0.1, (1, 0)).outcome(chosen) == REVIEWED


def test_where_nothing_may_be_rejected_a_person_decides() -> None:
    book = PolicyBook(("weapons",), {"SE": MarketRules((_policy("weapons", Severity.SEVERE, Stance.RESTRICTED),))})
    ad = (np.array(["SE"]), np.array([""]), np.zeros(1, dtype=np.int64), np.array([[0.95]]), np.array([[np.nan]]))
    judge = Judge(Population("one", ScoredAds(("weapons",), *ad), np.zeros((1, 1))), book, {"SE": 1.0})
    assert judge.outcome(fixed(0.1)) == REVIEWED


def test_fixed_thresholds_fill_the_load_and_do_not_exceed_it() -> None:
    population = _population(4000, 2)
    judge = Judge(population, stated(BOOK, POLICIES, TARGETS[0]), {"SE": 100.0, "US": 100.0})
    for reviews in (10.0, 40.0, 90.0):
        a = fixed_for(judge, reviews)
        assert reviews - 1 < judge.outcome(fixed(a)).reviews <= reviews
    assert fixed_for(judge, -1.0) == 0.5


def test_the_book_is_restated_and_loses_what_nothing_scores() -> None:
    targets = Targets(0.2, 0.3, 0.9)
    found = stated(BOOK, ("adult",), targets)
    assert found.names == ("adult",)
    assert {(policy.name, policy.targets, policy.severity) for _, _, policy in found.every()} == {("adult", targets, Severity.QUALITY)}


POLICIES = ("weapons", "adult", "political")


def _population(ads: int, seed: int) -> Population:
    """Calibrated risks in two markets; labels are the truth."""
    rng = np.random.default_rng(seed)
    risk = 1 / (1 + np.exp(-(rng.normal(-4.5, 2.5, (ads, 3)))))
    truth = (rng.random((ads, 3)) < risk).astype(float)
    scored = ScoredAds(POLICIES, np.array(["SE", "US"])[rng.integers(0, 2, ads)], np.full(ads, ""), np.arange(ads) // 2, risk, truth.copy())
    return Population("made", scored, truth)


@pytest.fixture(scope="module")
def detail() -> list[Entry]:
    """Four halvings of a population with a policy that may never reject and two of unlike severity."""
    rules = MarketRules(
        (
            _policy("weapons", Severity.ZERO_TOLERANCE),
            _policy("adult", Severity.QUALITY),
            _policy("political", Severity.SERIOUS, Stance.RESTRICTED),
        )
    )
    book = PolicyBook(POLICIES, {"SE": rules, "US": rules})
    return judged(_population(6000, 3), book, TARGETS[0], 4, 0, Silent())


def _cases(detail: list[Entry], kind: str, times: float) -> list[Entry]:
    return [case for one in detail for case in one["cases"] if (case["kind"], case["times"]) == (kind, times)]


def test_the_least_load_within_the_limits_is_feasible_and_so_is_double(detail: list[Entry]) -> None:
    assert all(0 < one["needed"] < A_DAY for one in detail)
    for times in (1.0, 2.0):
        for case in _cases(detail, CERTIFIED, times):
            assert case["feasible"]
            assert case["reviews"] > 0


def test_what_the_boldest_certified_thresholds_left_to_people_is_less_than_the_limits_need(detail: list[Entry]) -> None:
    for one in detail:
        assert one["without_limits"] < one["needed"]
        assert not one["without_limits_feasible"]
        assert set(one["costs"]) == set(POLICIES)
        assert one["given_up"][Lever.MAX_RISK] <= one["needed"]


@pytest.mark.parametrize("kind", [CERTIFIED, BEYOND])
def test_fixed_thresholds_are_given_the_same_load(kind: str, detail: list[Entry]) -> None:
    for times in (1.0, 2.0):
        ours, fixed = (np.mean([case[name] for case in _cases(detail, kind, times)]) for name in ("reviews", "fixed_reviews"))
        assert fixed == pytest.approx(ours, rel=0.1)  # chosen on one half and counted on the other, which is not quite like it


def test_with_calibrated_risks_the_plan_does_less_harm_than_fixed_thresholds_and_foresees_it(detail: list[Entry]) -> None:
    harm, fixed, foreseen = (np.mean([case[name] for case in _cases(detail, BEYOND, 1.0)]) for name in ("harm", "fixed_harm", "foreseen"))
    assert harm < fixed
    assert harm == pytest.approx(foreseen, rel=0.5)


def test_more_reviewers_do_not_make_more_harm(detail: list[Entry]) -> None:
    foreseen = [np.mean([case["foreseen"] for case in _cases(detail, BEYOND, times)]) for times in (1.0, 2.0)]
    assert foreseen == sorted(foreseen, reverse=True)


def test_the_same_seed_gives_the_same_halves() -> None:
    population = _population(600, 1)
    book = stated(BOOK, POLICIES, TARGETS[0])
    assert judged(population, book, TARGETS[0], 1, 5, Silent()) == judged(population, book, TARGETS[0], 1, 5, Silent())


def _case(times: float, kind: str, **values: float) -> Entry:
    return {"times": times, "kind": kind, "capacity": 600.0 * times, "feasible": bool(values), **values}


def _halving(number: int) -> Entry:
    decided = {"approved": 9000.0, "leaked": 90.0, "rejected": 400.0, "wronged": 100.0, "price": 0.5}
    fixed_decided = {"fixed_approved": 9380.0, "fixed_leaked": 200.0, "fixed_rejected": 10.0, "fixed_wronged": 1.0}
    good = {"reviews": 590.0, "fixed_reviews": 610.0, "harm": 100.0 + number, "foreseen": 120.0, "fixed_harm": 400.0}
    none = {"reviews": 1200.0, "fixed_reviews": 1200.0, "harm": 0.0, "foreseen": 0.0, "fixed_harm": 0.0}
    good, none = ({**decided, **fixed_decided, **found} for found in (good, none))
    spared = {Lever.MAX_RISK: 200.0 + number, Lever.MAX_WRONGFUL_REJECT: 0.0, Lever.LABELS: 10.0}
    return {
        "targets": {"max_leakage": 0.05, "max_wrongful_reject": 0.25},
        "needed": 600.0 + number,
        "without_limits": 80.0,
        "without_limits_feasible": False,
        "costs": {"weapons": spared},
        "given_up": {Lever.MAX_RISK: 400.0, Lever.MAX_WRONGFUL_REJECT: 600.0, Lever.LABELS: 590.0},
        "cases": [_case(1.0, BEYOND), _case(1.0, CERTIFIED, **good), _case(2.0, CERTIFIED, **none)],
    }


def test_a_ratio_is_only_taken_where_there_is_harm_to_compare_with() -> None:
    infeasible, compared, harmless = summary([_halving(number) for number in range(3)])["cases"]
    assert (infeasible["feasible"], infeasible["ratio"], infeasible["reviews"]) == (0, None, None)
    assert (compared["feasible"], compared["compared"], compared["better"]) == (3, 3, 3)
    assert (compared["leakage"], compared["wrongful"]) == (pytest.approx(0.01), pytest.approx(0.25))
    assert compared["ratio"]["mean"] == pytest.approx(101 / 400)
    assert (harmless["feasible"], harmless["compared"], harmless["ratio"]) == (3, 0, None)


def test_the_headline_is_the_worse_of_both_targets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capacity, "QUICK_SPLITS", 1)
    monkeypatch.setattr(capacity, "ADVERTISERS", 600)
    found = run(capacity.CapacityBenchmark(quick=True), Silent())
    for name, times in (("harm_vs_fixed_needed", 1.0), ("harm_vs_fixed_double", 2.0)):
        of = [
            case["ratio"]["mean"]
            for one in found["targets"]
            for case in one["cases"]
            if (case["kind"], case["times"]) == (CERTIFIED, times) and case["ratio"] is not None
        ]
        assert found[name] == max(of, default=None)


def test_what_is_printed(golden: Golden, monkeypatch: pytest.MonkeyPatch) -> None:
    text = io.StringIO()
    monkeypatch.setattr(printed, "out", Console(file=text, width=140))
    printed.show_capacity(
        {
            "targets": [summary([_halving(number) for number in range(3)])],
            "ads_a_day": 10_000.0,
            "splits": 3,
            "populations": 1,
            "reviews_a_reviewer": 300.0,
        }
    )
    golden.check("capacity.txt", "\n".join(line.rstrip() for line in text.getvalue().splitlines()))
