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
from adverdict.benchmarks.truth.certificates import FEWEST, CertificatesPlan, figures, judged, run
from adverdict.benchmarks.truth.deployments import Method, Outcome, Traffic, Trial, deploy, halves
from adverdict.benchmarks.truth.populations import SENSITIVITY, SPECIFICITY, Population, of_marketplace, trials
from adverdict.certification.thresholds.scored import ScoredAds
from adverdict.certification.thresholds.sequence import GRID, LabelledAds
from adverdict.certification.thresholds.strata import Strength
from adverdict.decisions.policy import Targets, Thresholds
from adverdict.domain.errors import InvalidSettings
from adverdict.domain.progress import Silent
from adverdict.models.bundle import load_bundle
from adverdict.simulation.raters import hire
from adverdict.training.fit.everything import FitSettings
from tests.effort import part_of
from tests.golden import Golden

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
    return next(trial for trial in trials(population(), TARGETS) if len(trial.stratum.sources) == 2)


def everything(ads: LabelledAds, trial: Trial) -> Thresholds:
    return Thresholds(1.0, 1.0)


@pytest.mark.parametrize(
    ("approve_below", "reject_at", "expected"),
    [
        (0.0, 1.0, Outcome(5, 0, 0, 0, 0)),
        (0.2, 1.0, Outcome(5, 1, 0, 0, 0)),  # an ad at the threshold is not below it
        (0.3, 0.5, Outcome(5, 2, 1, 2, 1)),
        (0.5, 0.5, Outcome(5, 3, 1, 2, 1)),  # an ad at the threshold is rejected
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


def test_a_deployment_labels_whole_advertisers_and_one_drawn_twice_is_two(trial: Trial) -> None:
    drawn: list[LabelledAds] = []

    def watching(ads: LabelledAds, trial: Trial) -> Thresholds:
        drawn.append(ads)
        return Thresholds(0.0, 1.0)

    deploy(trial, {"watching": watching}, 3, seed=1)
    of_advertiser = {tuple(np.sort(trial.labelled.risk[trial.labelled.group == one])) for one in range(trial.groups)}
    for ads in drawn:
        found = [tuple(np.sort(ads.risk[ads.group == one])) for one in np.unique(ads.group)]
        assert set(found) <= of_advertiser
        assert len(found) == trial.groups
        assert len(set(found)) < trial.groups
    assert not np.array_equal(drawn[0].risk, drawn[1].risk)


def test_the_half_looked_at_shares_no_advertiser_with_the_half_solved_on(trial: Trial) -> None:
    solved_on: list[set[int]] = []

    def approving(ads: LabelledAds, trial: Trial) -> Thresholds:
        solved_on.append(set(ads.group.tolist()))
        return Thresholds(1.0, 1.0)

    tally = halves(trial, approving, 2, seed=1)
    for chosen, leakage in zip(solved_on, tally.leakage, strict=True):
        assert len(chosen) == trial.groups // 2
        others = ~np.isin(trial.traffic.group, list(chosen))
        assert leakage == pytest.approx(trial.traffic.violating[others].mean())


def test_the_same_seed_gives_the_same_deployments(trial: Trial) -> None:
    methods: dict[str, Method] = {"certified": comparators.certified}
    first, again, other = (deploy(trial, methods, 5, seed)["certified"].auto_rate.tolist() for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_strata_are_those_of_certificates_and_each_market_that_could_be_certified_alone() -> None:
    found = trials(population(), TARGETS)
    assert [(one.stratum.sources, one.stratum.strength) for one in found] == [
        (("SE", "US"), Strength.POOLED),
        (("SE",), Strength.OWN),
        (("US",), Strength.OWN),
    ]
    assert [one.stratum.sources for one in trials(population(), Targets(0.01, 0.2, 0.95))] == [("SE", "US")]


@pytest.mark.sampled
def test_a_broken_guarantee_is_refuted_and_a_kept_one_is_not(trial: Trial) -> None:
    (entry,) = judged([trial], PLAN, Silent())
    assert not entry["methods"]["certified"]["rejected"]
    assert entry["methods"]["certified"]["auto_rate"] > 0.1
    assert entry["methods"]["empirical"]["rejected"]  # it meets the targets on the labelled ads only
    assert entry["methods"]["plain binomial"]["exceeded"] > entry["methods"]["certified"]["exceeded"]
    assert entry["methods"]["certified"]["auto_rate"] <= entry["oracle"] + 0.05


@pytest.mark.sampled
def test_labels_worse_than_stated_break_the_guarantee_and_stated_noise_keeps_it() -> None:
    known = population(seed=3)
    rng = np.random.default_rng(5)
    missed = (known.truth == 1.0) & (rng.random(known.truth.shape) < 0.5)
    noisy = replace(known, scored=replace(known.scored, verdict=np.where(missed, 0.0, known.truth)), sensitivity=0.5)
    pooled = trials(noisy, Targets(0.10, 0.60, 0.95))[0]
    (entry,) = judged([pooled], PLAN, Silent())
    assert entry["methods"][comparators.TRUSTING]["rejected"]
    assert not entry["methods"][comparators.OURS]["rejected"]


def test_mapie_controls_both_sides_of_independent_ads(trial: Trial) -> None:
    pytest.importorskip("mapie")
    rng = np.random.default_rng(0)
    risk = rng.beta(0.2, 0.8, 4000)
    ads = LabelledAds(risk, rng.random(4000) < risk, np.arange(4000))
    found = comparators.mapie(ads, trial)
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


def row(exceeded: float, rejected: bool, auto: float, ratio: float | None) -> dict[str, Any]:
    interval = [exceeded / 2, exceeded * 2]
    return {
        "exceeded_share": exceeded,
        "exceeded_interval": interval,
        "p": 0.0001 if rejected else 0.9,
        "rejected": rejected,
        "auto_rate": auto,
        "auto_rate_vs_oracle": ratio,
    }


DETAIL = [
    {
        "population": "simulated",
        "policy": "deceptive",
        "markets": ["BR", "DE", "SE", "US"],
        "targets": {"max_leakage": 0.02, "max_wrongful_reject": 0.1, "confidence": 0.95},
        "labelled": 13_552,
        "draws": 578.4,
        "oracle": 0.9,
        "second_look": {"leakage": 0.011, "wrongful": None},
        "methods": {"certified": row(0.01, False, 0.45, 0.5), "empirical": row(0.4, True, 0.99, 1.1)},
    },
    {
        "population": "kids_video",
        "policy": "kids_unsuitable",
        "markets": ["SE"],
        "targets": {"max_leakage": 0.05, "max_wrongful_reject": 0.2, "confidence": 0.95},
        "labelled": 219,
        "draws": 103.0,
        "oracle": 0.0,
        "second_look": {"leakage": None, "wrongful": None},
        "methods": {"certified": row(0.1, True, 0.0, None), "empirical": row(0.4, True, 0.5, None)},
    },
]


def test_figures_count_strata_and_compare_only_where_an_oracle_decides() -> None:
    found = figures(DETAIL)
    assert (found["strata"], found["strata_rejected"], found["auto_rate"], found["auto_rate_vs_oracle"]) == (2, 1, 0.225, 0.5)
    assert found["comparators"]["empirical"]["strata_rejected"] == 2
    assert found["populations"]["kids_video"]["certified"]["auto_rate_vs_oracle"] is None


def test_what_is_printed(golden: Golden, capsys: pytest.CaptureFixture[str]) -> None:
    from adverdict.cli.benchmark.certificates import show

    show({**figures(DETAIL), "deployments": 500, "missing": {"MAPIE": "not installed"}})
    golden.check("certificates.txt", capsys.readouterr().out)
