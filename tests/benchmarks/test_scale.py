"""How solving grows: the synthetic ads are what they are said to be, and each measurement measures."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console

import adverdict.benchmarks.truth.scale as scale
import adverdict.cli.benchmark.capacity as printed
from adverdict.certification.thresholds.solve import Terms, answers
from adverdict.certification.thresholds.strata import questions, strata
from adverdict.domain.progress import Silent
from tests.golden import Golden


def test_risks_are_calibrated_and_every_ad_is_labelled() -> None:
    made = scale.synthetic(5000, scale.ScaleBenchmark())
    assert made.risk.shape == (5000, scale.POLICIES)
    assert not np.isnan(made.verdict).any()
    assert made.verdict.mean() == pytest.approx(made.risk.mean(), rel=0.02)


def test_an_advertiser_is_at_home_in_one_market() -> None:
    made = scale.synthetic(5000, scale.ScaleBenchmark())
    homes = {(int(group), str(market)) for group, market in zip(made.group, made.market, strict=True)}
    assert len(homes) == len(np.unique(made.group))
    assert len(np.unique(made.market)) == scale.MARKETS


def test_there_is_a_question_for_every_policy_in_every_market() -> None:
    asked = questions(scale.synthetic(200, scale.ScaleBenchmark()), scale.book(scale.ScaleBenchmark()))
    assert len({(question.policy, question.market) for question in asked}) == scale.POLICIES * scale.MARKETS


@pytest.mark.parametrize("power", [0.5, 1.0, 2.0])
def test_the_exponent_is_that_of_the_growth(power: float) -> None:
    ads = [10_000, 100_000, 1_000_000]
    assert scale.exponent(ads, [3.0 * n**power for n in ads]) == pytest.approx(power)


def test_the_plain_loop_passes_only_what_its_labels_support() -> None:
    job = scale.ScaleBenchmark(seed=1, policies=1, markets=2)
    made = scale.synthetic(4000, job)
    stratum = strata(made, questions(made, scale.book(job)))[0]
    found = scale.plain_loop(made, stratum)
    decided = made.risk[:, 0] < found.approve_below
    assert decided.any()
    assert made.verdict[decided, 0].mean() < stratum.targets.max_leakage
    clean = replace(made, verdict=np.ones_like(made.verdict))
    assert scale.plain_loop(clean, stratum).approve_below == 0.0


def test_a_measurement_solves_what_it_says() -> None:
    job = scale.ScaleBenchmark(policies=2, markets=3)
    without, with_curves = (scale.measure(1400, job, curves) for curves in (False, True))
    for one in (without, with_curves):
        assert one["labels"] == 2 * 1400
        assert one["strata"] == len(answers(scale.synthetic(1400, job), scale.book(job), Terms())[1])
        assert one["seconds"] == pytest.approx(one["seconds_answers"] + one["seconds_certificates"])
        assert 30 < one["data_mib"] <= one["peak_mib"]
    assert with_curves["seconds_certificates"] > without["seconds_certificates"]
    assert with_curves["deciding"] == without["deciding"]


@pytest.mark.slow
def test_every_size_is_measured_in_a_process_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scale, "QUICK_SIZES", (200, 400, 800))
    found = scale.run(scale.ScaleBenchmark(quick=True, policies=2, markets=3), Silent())
    assert [one["ads"] for one in found["sizes"]] == [200, 400, 800]
    assert found["with_curves"]["curves"]
    assert found["plain_loop"]["ads"] == 400
    assert found["plain_loop"]["ratio"] > 0


def test_what_is_printed(golden: Golden, monkeypatch: pytest.MonkeyPatch) -> None:
    one = {
        "ads": 10_000,
        "curves": False,
        "strata": 50,
        "deciding": 48,
        "seconds": 7.25,
        "cpu_seconds": 7.0,
        "seconds_answers": 6.0,
        "seconds_certificates": 1.25,
        "peak_mib": 160.0,
        "data_mib": 120.0,
    }
    figures = {
        "policies": 50,
        "markets": 60,
        "sizes": [one, {**one, "ads": 100_000, "seconds": 30.0}],
        "with_curves": {**one, "curves": True, "seconds": 12.0},
        "exponent": 0.617,
        "last_exponent": 0.7,
        "plain_loop": {"ads": 10_000, "strata": 50, "cpu_seconds": 24.0, "cpu_seconds_answers": 6.0, "ratio": 4.0},
    }
    text = io.StringIO()
    monkeypatch.setattr(printed, "out", Console(file=text, width=140))
    printed.show_solve(figures)
    golden.check("solve.txt", "\n".join(line.rstrip() for line in text.getvalue().splitlines()))
