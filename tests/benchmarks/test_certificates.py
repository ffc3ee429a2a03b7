"""The benchmark of the guarantee: deployments are drawn and judged rightly, and a guarantee that is broken is found out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from adverdict.benchmarks.truth import comparators
from adverdict.benchmarks.truth.certificates import FEWEST, CertificatesPlan, Job, judged, run
from adverdict.benchmarks.truth.deployments import Deployment, Method, deploy, drawn
from adverdict.benchmarks.truth.figures import counted, fixed_for, headline
from adverdict.benchmarks.truth.looking import BETTING, SOLVING, peek
from adverdict.benchmarks.truth.populations import SENSITIVITY, SPECIFICITY, Population, of_marketplace, trials
from adverdict.benchmarks.truth.trial import PRICE, Outcome, Traffic, Trial
from adverdict.benchmarks.truth.worlds import DESIGNS, World, impossible
from adverdict.certification.certificate import LabelNoise
from adverdict.certification.thresholds.answers import Labels, answer
from adverdict.certification.thresholds.scored import ScoredAds
from adverdict.certification.thresholds.sequence import GRID, LabelledAds
from adverdict.decisions.policy import Severity, Targets, Thresholds
from adverdict.domain.errors import InvalidSettings
from adverdict.domain.progress import Silent
from adverdict.models.bundle import load_bundle
from adverdict.simulation.raters import hire
from adverdict.training.fit.prepared import FitSettings
from tests.effort import part_of
from tests.golden import Golden

pytestmark = pytest.mark.slow

TARGETS = Targets(0.05, 0.20, 0.95)
PLAN = CertificatesPlan(packs=(), settings=FitSettings(encoder=None), deployments=part_of(200), workers=1)


def population(advertisers: int = 500, seed: int = 0) -> Population:
    """Two markets, one policy; each advertiser has one to five ads of nearly one risk, which is the chance that all of them violate."""
    rng = np.random.default_rng(seed)
    group = np.repeat(np.arange(advertisers), rng.integers(1, 6, advertisers))
    chance = rng.beta(0.3, 1.2, advertisers)
    violating = (rng.random(advertisers) < chance)[group]
    risk = np.clip(chance[group] + rng.normal(0, 0.01, len(group)), 0.001, 0.999)
    truth = violating.astype(np.float64)[:, None]
    market = np.where(group % 2 == 0, "SE", "US")
    scored = ScoredAds(("deceptive",), market, np.full(len(group), "feed"), group, risk[:, None], truth.copy())
    return Population("made up", scored, truth)


@pytest.fixture(scope="module")
def trial() -> Trial:
    return trials(population(), TARGETS, alone=False)[0]


@pytest.mark.parametrize(
    ("approve_below", "reject_at", "expected"),
    [
        (0.0, 1.0, Outcome(5, 0, 0, 0, 0, edge=0, edge_leaked=0)),
        (0.2, 1.0, Outcome(5, 1, 0, 0, 0, edge=1, edge_leaked=0)),  # an ad at the threshold is not below it
        (0.3, 0.5, Outcome(5, 2, 1, 2, 1, edge=1, edge_leaked=1)),
        (0.5, 0.5, Outcome(5, 3, 1, 2, 1, edge=1, edge_leaked=0)),  # an ad at the threshold is rejected
    ],
)
def test_an_outcome_counts_what_the_thresholds_decide(approve_below: float, reject_at: float, expected: Outcome) -> None:
    traffic = Traffic.of(np.array([0.5, 0.1, 0.2, 0.4, 0.9]), np.array([False, False, True, False, True]), np.arange(5))
    assert traffic.outcome(Thresholds(approve_below, reject_at)) == expected


def test_what_decides_nothing_exceeds_nothing() -> None:
    assert not Outcome(5, 0, 0, 0, 0).exceeds(Targets(0.0, 0.0, 0.95))
    assert Outcome(5, 2, 1, 0, 0).exceeds(TARGETS)
    assert Outcome(5, 0, 0, 2, 1).exceeds(TARGETS)


@given(
    st.lists(st.tuples(st.sampled_from(GRID[::40].tolist()), st.booleans()), min_size=1, max_size=30),
    st.sampled_from([0.0, 0.1, 0.34, 1.0]),
    st.sampled_from([0.0, 0.25, 0.5]),
    st.booleans(),
)
def test_the_oracle_meets_both_targets_and_no_other_pair_decides_more(
    ads: list[tuple[float, bool]], leakage: float, wrongful: float, rejects: bool
) -> None:
    traffic = Traffic.of(np.array([risk for risk, _ in ads]), np.array([bad for _, bad in ads]), np.zeros(len(ads), dtype=np.int64))
    targets = Targets(leakage, wrongful, 0.95)
    best = traffic.outcome(traffic.oracle(targets, rejects))
    ends = [0.0, *GRID[::20].tolist(), 1.0]
    pairs = [Thresholds(low, high) for low in ends for high in (ends if rejects else [1.0]) if low <= high]
    assert not best.exceeds(targets)
    assert best.auto_rate >= max(one.auto_rate for one in map(traffic.outcome, pairs) if not one.exceeds(targets))


def test_the_edge_is_the_riskiest_tenth_of_what_is_approved() -> None:
    traffic = Traffic.of(np.arange(40) / 100, np.arange(40) >= 28, np.arange(40))
    found = traffic.outcome(Thresholds(0.30, 1.0))
    assert (found.approved, found.edge, found.edge_leaked) == (30, 3, 2)


@pytest.mark.parametrize("leaked", [1.0, 5.0, 20.0])
@pytest.mark.parametrize("rejects", [True, False])
def test_no_pair_of_thresholds_does_less_than_the_least_harm(leaked: float, rejects: bool) -> None:
    rng = np.random.default_rng(3)
    risk = rng.beta(0.3, 1.2, 200)
    traffic = Traffic.of(risk, rng.random(200) < risk, np.arange(200))
    ends = [0.0, *GRID[::6].tolist(), 1.0]
    harms = [traffic.outcome(Thresholds(low, high)).harm(leaked) for low in ends for high in (ends if rejects else [1.0]) if low <= high]
    assert 0 < traffic.least_harm(leaked, rejects) <= min(harms)
    assert traffic.least_harm(leaked, rejects) == pytest.approx(min(harms), rel=0.2)


def test_harm_counts_leaks_wrong_rejections_and_reviews() -> None:
    assert Outcome(100, 60, 3, 20, 4).harm(5.0) == 3 * 5.0 + 4 + 20 * PRICE


def test_a_fixed_pair_leaves_as_many_reviews() -> None:
    traffic = Traffic.of(np.arange(1000) / 1000, np.zeros(1000, dtype=np.bool_), np.arange(1000))
    a = fixed_for(traffic, 400.0)
    assert traffic.outcome(Thresholds(a, 1.0 - a)).reviewed in (399, 400)


def test_a_deployment_labels_whole_advertisers_and_one_drawn_twice_is_two(trial: Trial) -> None:
    of_advertiser = {tuple(np.sort(trial.labelled.risk[trial.labelled.group == one])) for one in range(trial.groups)}
    first, second = (one.ads for one in drawn(trial, 2, seed=1))
    for ads in (first, second):
        found = [tuple(np.sort(ads.risk[ads.group == one])) for one in np.unique(ads.group)]
        assert set(found) <= of_advertiser
        assert len(found) == trial.groups
        assert len(set(found)) < trial.groups
    assert not np.array_equal(first.risk, second.risk)


def test_a_thin_deployment_labels_some_ads_of_all_advertisers(trial: Trial) -> None:
    (whole,), (thin,) = (list(drawn(one, 1, seed=1)) for one in (trial, replace(trial, thin=0.1)))
    assert 0.07 < len(thin.ads) / len(whole.ads) < 0.13
    assert int(np.bincount(thin.ads.group).max()) < int(np.bincount(whole.ads.group).max())


def test_the_first_part_of_a_deployment_is_of_the_advertisers_that_came_first(trial: Trial) -> None:
    (one,) = drawn(trial, 1, seed=1)
    half = one.up_to(0.5).ads
    assert half.group.max() < trial.groups / 2 <= one.ads.group[len(half)]
    assert len(one.up_to(1.0).ads) == len(one.ads)


def test_the_same_seed_gives_the_same_deployments(trial: Trial) -> None:
    methods: dict[str, Method] = {"certified": comparators.certified}
    first, again, other = (deploy(trial, methods, 5, seed)["certified"].outcomes for seed in (1, 1, 2))
    assert first == again
    assert first != other


@pytest.mark.parametrize("looked_again", [False, True])
@pytest.mark.parametrize("severity", [Severity.SERIOUS, Severity.SEVERE])
def test_thresholds_are_those_that_certification_finds_for_the_same_labels(severity: Severity, looked_again: bool) -> None:
    trial = replace(trials(population(1500, seed=2), TARGETS, severity, alone=False)[0], sensitivity=0.9, specificity=0.8)
    (deployment,) = drawn(trial, 1, seed=4)
    ads, n = deployment.ads, len(deployment.ads)
    place = np.full(n, "SE"), np.full(n, "feed")
    scored = ScoredAds(("deceptive",), *place, ads.group, ads.risk[:, None], ads.violating[:, None].astype(np.float64))
    noise = LabelNoise(sensitivity=0.9, specificity=0.8, source="assumed")
    stratum = replace(trial.stratum, rows=np.arange(n), lenders={})
    found = answer(Labels(scored, looked_again=looked_again), stratum, {"deceptive": noise}, PRICE)
    method = comparators.betting if looked_again else comparators.certified
    assert method(deployment, trial) == found.thresholds
    assert found.thresholds.approve_below > 0


def test_strata_are_all_markets_as_one_and_each_market_that_could_be_certified_alone() -> None:
    found = trials(population(), TARGETS)
    assert [one.stratum.question.market for one in found] == ["everywhere", "SE", "US"]
    assert all(not one.stratum.lenders for one in found[:1])
    assert [one.stratum.question.market for one in trials(population(), Targets(0.01, 0.2, 0.95))] == ["everywhere"]


@pytest.mark.sampled
def test_a_broken_guarantee_is_refuted_and_a_kept_one_is_not(trial: Trial) -> None:
    (entry,) = judged([Job(trial)], PLAN, Silent())
    certified, boldest = entry["methods"]["certified"], entry["methods"][comparators.BOLDEST]
    assert not certified["broken"]
    assert entry["methods"]["empirical"]["broken"]  # it meets the targets on the labelled ads only
    assert entry["methods"]["plain binomial"]["exceeded"] >= certified["exceeded"]
    assert certified["harm_ratio"] < boldest["harm_ratio"]
    assert boldest["auto_rate"] <= entry["oracle"] + 0.05


@pytest.mark.sampled
def test_labels_worse_than_stated_break_the_guarantee_and_stated_noise_keeps_it() -> None:
    known = population(1500, seed=3)
    rng = np.random.default_rng(5)
    missed = (known.truth == 1.0) & (rng.random(known.truth.shape) < 0.5)
    noisy = replace(known, scored=replace(known.scored, verdict=np.where(missed, 0.0, known.truth)), sensitivity=0.5)
    pooled = trials(noisy, Targets(0.04, 0.60, 0.95), Severity.QUALITY, alone=False)[0]
    (entry,) = judged([Job(pooled)], PLAN, Silent())
    assert entry["methods"][comparators.TRUSTING]["broken"]
    assert not entry["methods"][comparators.OURS]["broken"]


@pytest.mark.sampled
def test_solving_anew_at_each_look_breaks_a_promise_that_tests_made_for_it_keep() -> None:
    independent = impossible(0)[0]
    deployments = part_of(200)
    found = peek(independent, deployments, seed=1)
    once = deploy(independent, {"certified": comparators.certified}, deployments, seed=1)["certified"]
    assert found[SOLVING] > 2 * max(found[BETTING], once.exceeded)
    assert found[BETTING] <= 0.1 * deployments


def test_every_threshold_of_an_impossible_stratum_leaks_more_than_its_target() -> None:
    found = impossible(1)
    assert [one.population for one in found] == [design.name for design in DESIGNS]
    for trial in found:
        outcomes = [trial.traffic.outcome(Thresholds(float(below), 1.0)) for below in GRID]
        assert all(one.leakage > trial.targets.max_leakage for one in outcomes if one.approved >= len(trial.traffic.risk) / 10)
        assert list(trial.limits) == ["approve"]


@pytest.mark.parametrize("alike", [0.0, 0.8])
def test_a_world_violates_and_leaks_as_often_as_its_formula_says(alike: float) -> None:
    world = World(0.06, alike=alike, blind=0.2)
    truth, risk = world.violations(np.random.default_rng(0), np.repeat(np.arange(60_000), 3))
    share, leakage = world.approved(0.05)
    assert truth.mean() == pytest.approx(0.06, abs=0.004)
    assert (risk < 0.05).mean() == pytest.approx(share, abs=0.01)
    assert truth[risk < 0.05].mean() == pytest.approx(leakage, rel=0.08)
    assert world.approved(world.where(0.02))[1] == pytest.approx(0.02, rel=0.05)


def test_mapie_controls_both_sides_of_independent_ads(trial: Trial) -> None:
    pytest.importorskip("mapie")
    rng = np.random.default_rng(0)
    risk = rng.beta(0.2, 0.8, 4000)
    ads = LabelledAds(risk, rng.random(4000) < risk, np.arange(4000))
    found = comparators.mapie(Deployment(ads), trial)
    assert 0 < found.approve_below < found.reject_at < 1
    assert (ads.violating[risk < found.approve_below]).mean() < TARGETS.max_leakage
    assert (~ads.violating[risk >= found.reject_at]).mean() < TARGETS.max_wrongful_reject


def test_without_mapie_it_is_left_out_with_a_reason() -> None:
    methods, missing = comparators.others(mapie_installed=False)
    assert comparators.MAPIE not in methods
    assert "adverdict[bench]" in missing[comparators.MAPIE]


@pytest.mark.parametrize("seed", range(5))
def test_no_simulated_rater_is_worse_than_stated(seed: int) -> None:
    raters = hire(seed)
    assert 1 - 1.6 * (1 - raters.sensitivity.min()) >= SENSITIVITY
    assert (1 - 1.6 * (1 - raters.specificity.min())) ** 2 >= SPECIFICITY


def test_a_simulated_marketplace_is_judged_by_its_truth_and_solved_on_what_raters_said(marketplace: Path, tiny_bundle: Path) -> None:
    found = of_marketplace(marketplace, load_bundle(tiny_bundle), Silent())
    kids = found.scored.policies.index("kids_unsuitable")
    assert len(found.scored) == 3000  # with or without labels
    assert np.array_equal(~np.isnan(found.truth[:, kids]), found.scored.surface == "kids_video")
    labelled = ~np.isnan(found.scored.verdict)
    assert labelled.any(axis=1).sum() < 3000
    said, true = found.scored.verdict[labelled] >= 0.5, found.truth[labelled] == 1.0
    assert (said != true).any()
    assert said[true].mean() > SENSITIVITY
    assert (~said[~true]).mean() > SPECIFICITY


def test_too_few_deployments_are_refused() -> None:
    with pytest.raises(InvalidSettings, match=f"at least {FEWEST}"):
        run(replace(PLAN, deployments=FEWEST - 1), Silent())


def test_the_command_refuses_a_folder_that_is_not_there(tmp_path: Path) -> None:
    from adverdict.cli.main import app

    result = CliRunner().invoke(app, ["benchmark", "certificates", "--deployments", "499"])
    assert result.exit_code == 2
    assert "--deployments" in result.output


def row(exceeded: int, broken: bool, harm: float | None, edge: float | None = 0.02) -> dict[str, Any]:
    return {
        "deployments": 500,
        "exceeded": exceeded,
        "exceeded_interval": [exceeded / 1000, exceeded / 250],
        "broken": broken,
        "auto_rate": 0.45,
        "edge": edge,
        "harm_ratio": harm,
        "fixed_harm_ratio": 1.5,
    }


def entry(population: str, policy: str, market: str, leaked: float, violating: int, labelled: int, **methods: Any) -> dict[str, Any]:
    return {
        "population": population,
        "simulated": population.startswith("simulated"),
        "policy": policy,
        "market": market,
        "everywhere": market == "everywhere",
        "leaked": leaked,
        "targets": {"max_leakage": 0.05, "max_wrongful_reject": 0.2, "confidence": 0.95},
        "labelled": labelled,
        "violating": violating,
        "methods": {"certified": methods["certified"], "boldest within the targets": row(5, False, 3.0)},
        "looks": methods.get("looks", {}),
    }


def looks(betting: int, solving: int) -> dict[str, Any]:
    return {name: {"exceeded": count, "deployments": 500} for name, count in ((BETTING, betting), (SOLVING, solving))}


DETAIL = [
    entry("simulated, whole advertisers", "blind", "everywhere", 5.0, 90, 3000, certified=row(20, False, 9.0), looks=looks(12, 80)),
    entry("pack", "common", "everywhere", 5.0, 300, 1900, certified=row(0, False, 1.2, 0.03), looks=looks(0, 2)),
    entry("pack", "common", "everywhere", 20.0, 300, 1900, certified=row(0, False, 1.1)),
    entry("pack", "rare", "everywhere", 5.0, 49, 1900, certified=row(0, False, 7.0)),
    entry("pack", "common", "SE", 5.0, 20, 219, certified=row(50, True, 1.6, None)),
    entry("pack", "rare", "SE", 5.0, 20, 219, certified=row(0, False, 8.0)),
    entry("pack", "common", "US", 5.0, 20, 179, certified=row(0, False, 6.0)),
]


def test_harm_is_averaged_over_strata_large_enough_to_tell() -> None:
    kept = counted(DETAIL)
    assert [(one["policy"], one["market"]) for one in kept[5]] == [("common", "everywhere"), ("common", "SE")]
    found = headline(DETAIL)
    assert (found["harm_ratio_c5"], found["harm_ratio_c20"]) == (pytest.approx(1.4), pytest.approx(1.1))
    assert found["comparators"]["boldest within the targets"]["harm_ratio_c5"] == 3.0
    assert (found["edge_c5"], found["edge_c5_worst"], found["edge_strata"]) == (0.03, 0.03, 1)


def test_strata_are_counted_as_broken_by_an_exact_test() -> None:
    found = headline(DETAIL)
    assert (found["strata"], found["strata_broken"]) == (7, 1)
    assert (found["strata_looked_at"], found["strata_broken_peeking"], found["strata_broken_solving_anew"]) == (2, 0, 1)


def test_without_packs_there_is_no_harm_to_average() -> None:
    found = headline(DETAIL[:1])
    assert (found["harm_ratio_c5"], found["edge_c5"], found["edge_c5_worst"]) == (None, None, None)


def test_what_the_quick_run_leaves_out_is_printed_as_unknown(capsys: pytest.CaptureFixture[str]) -> None:
    detail = [{**one, "methods": {"certified": one["methods"]["certified"]}} for one in DETAIL]
    detail[1] = {**detail[1], "looks": {BETTING: detail[1]["looks"][BETTING]}}
    shown(detail)
    printed = capsys.readouterr().out
    assert "in 1 of 1 by the exact test anew" in " ".join(printed.split())
    assert "boldest within" not in printed


def test_what_is_printed(golden: Golden, capsys: pytest.CaptureFixture[str]) -> None:
    shown(DETAIL)
    golden.check("certificates.txt", capsys.readouterr().out)


def shown(detail: list[dict[str, Any]]) -> None:
    from adverdict.cli.benchmark.certificates import show

    share = {
        "ads": 10_000,
        "halvings": 8,
        "auto_share_all_ads": 0.71,
        "auto_share_of_limits": 0.82,
        "auto_share_interval": [0.70, 0.72],
        "harm_per_1000": 80.5,
        "fixed_harm_per_1000": 99,
    }
    borrowed = {"borrowed_certified": 0.5, "borrowed_coverage": 0.98, "borrowed_bad_served": 0.2}
    found = {**headline(detail), "deployments": 500, "quick": False, "missing": {"MAPIE": "not installed"}, "everyday": share, **borrowed}
    show({**found, "detail": detail, "labels": {"most": {"labels": 600, "interval": [500, 700]}}})
