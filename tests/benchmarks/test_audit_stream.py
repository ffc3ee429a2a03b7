"""The benchmark of the audit stream draws what it says, and finds an interval out that does not cover."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from adverdict.benchmarks.truth import audits as audit_stream
from adverdict.benchmarks.truth.audits import ASKED, SETTINGS, Setting
from adverdict.domain.errors import InvalidSettings
from adverdict.domain.progress import Silent
from adverdict.domain.verdict import Verdict
from adverdict.review.quality.prevalence import AuditShare
from adverdict.simulation.raters import RATERS, Raters, hire

pytestmark = pytest.mark.slow

SMALL = Setting(0.05, 20_000, 0.05, rejected=2000)


class Steps(Silent):
    """Remembers the stages and counts the steps."""

    def __init__(self) -> None:
        self.stages: list[tuple[str, int]] = []
        self.steps = 0

    def stage(self, name: str, total: int) -> None:
        self.stages.append((name, total))

    def advance(self, steps: int = 1) -> None:
        self.steps += steps


def test_every_base_rate_has_a_row_with_denominators_and_intervals() -> None:
    steps = Steps()
    found = audit_stream.audit_stream(4, 0, steps, settings=[SMALL, replace(SMALL, base_rate=0.1)])
    assert json.loads(json.dumps(found)) == found
    assert [row["base_rate"] for row in found["base_rates"]] == [0.05, 0.1]
    assert (steps.stages, steps.steps) == ([("base rate 0.05", 4), ("base rate 0.1", 4)], 8)
    for row in found["base_rates"]:
        assert row["mean_readings"] > row["mean_audits"] > 1000
        for name in ASKED:
            share = row[name]
            assert share["runs"] == 4 == share["covered"] + share["too_low"] + share["too_high"]
            assert share["interval"][0] <= share["share"] <= share["interval"][1]
            assert abs(share["mean_bias"]) < share["mean_width"]
            assert share["covered"] >= 2


def test_the_seed_settles_everything_but_the_time() -> None:
    first, again, other = ({**audit_stream.audit_stream(2, seed, Silent(), [SMALL]), "seconds": 0} for seed in (1, 1, 2))
    assert first == again != other


def test_no_run_is_refused() -> None:
    with pytest.raises(InvalidSettings, match="--runs = 0"):
        audit_stream.audit_stream(0, 0, Silent())


def test_the_base_rates_are_the_three_asked_for_and_enough_violating_ads_are_audited_at_each() -> None:
    assert [setting.base_rate for setting in SETTINGS] == [0.1, 0.01, 0.001]
    for setting in SETTINGS:
        audited = setting.approved * setting.inclusion * (1 + 2 * setting.careful)
        assert audited * setting.base_rate >= 50


def test_audits_are_drawn_with_the_recorded_probability_and_truth_is_that_of_the_record() -> None:
    rng = np.random.default_rng(0)
    strata, truth = audit_stream._drawn(SMALL, perfect(), rng)
    assert [stratum.decisions for stratum in strata] == [16_000, 4000, 2000]
    for stratum in strata:
        mean = stratum.decisions * stratum.inclusion
        assert abs(sum(stratum.patterns.values()) - mean) < 5 * np.sqrt(mean)
    assert truth["leakage"] == pytest.approx(0.05, abs=0.01)
    both = truth["leakage"] * 20_000 + (1 - truth["wrongful_rejection"]) * 2000
    assert truth["prevalence"] == pytest.approx(both / 22_000)


def test_ads_whose_first_reading_contradicts_the_verdict_are_all_read_thrice_and_few_others() -> None:
    truth, rng = np.arange(20_000) < 1000, np.random.default_rng(0)
    approved = audit_stream._read(truth, Verdict.APPROVE, perfect(), rng)
    assert approved[3, 3] == 1000
    assert (1, 1) not in approved
    assert approved[3, 0] == pytest.approx(0.05 * 19_000, rel=0.2)
    rejected = audit_stream._read(~truth, Verdict.REJECT, perfect(), rng)
    assert rejected[3, 0] == 1000
    assert (1, 0) not in rejected
    assert rejected[3, 3] == pytest.approx(0.05 * 19_000, rel=0.2)


def test_no_reviewer_reads_an_ad_twice_and_all_read_alike() -> None:
    """One of the reviewers flags everything, the others nothing: two flags would be the same reviewer's."""
    loud = np.arange(RATERS) == 5
    raters = Raters(sensitivity=loud.astype(float), specificity=1.0 - loud, pace=np.ones(RATERS))
    patterns = audit_stream._read(np.zeros(48_000, dtype=np.bool_), Verdict.APPROVE, raters, np.random.default_rng(0))
    assert set(patterns) <= {(1, 0), (3, 0), (3, 1)}
    again_later = patterns[3, 1] - 1000  # beside those flagged first: a 20th of the others, each with two more readings
    assert again_later == pytest.approx(0.05 * 47_000 * 2 / 47, abs=5 * np.sqrt(2000))


def test_golden_readings_show_the_reviewers_mean_rates() -> None:
    raters, rng = hire(0), np.random.default_rng(0)
    golden = [audit_stream._golden(raters, rng) for _ in range(50)]
    right = sum(one.called_violating for one in golden) / sum(one.violating for one in golden)
    assert right == pytest.approx(raters.sensitivity.mean(), abs=0.01)
    assert golden[0].violating == golden[0].harmless == audit_stream.GOLDEN / 2


def test_a_tally_tells_intervals_that_end_below_the_truth_from_those_above() -> None:
    tally = audit_stream._Tally()
    for low, high in ((0.1, 0.3), (0.0, 0.1), (0.3, 0.4), (0.25, 0.4)):
        tally.add(AuditShare((low + high) / 2, low, high, 10, 1, 100), 0.2)
    found = tally.figures()
    assert (found["covered"], found["too_low"], found["too_high"], found["share"]) == (1, 1, 2, 0.25)
    assert found["mean_width"] == pytest.approx((0.2 + 0.1 + 0.1 + 0.15) / 4)
    assert found["mean_bias"] == pytest.approx((0.2 + 0.05 + 0.35 + 0.325) / 4 - 0.2)


def test_in_two_hundred_runs_the_interval_covers_as_often_as_it_says() -> None:
    for row in audit_stream.audit_stream(200, 3, Silent())["base_rates"]:
        for name in ASKED:
            assert row[name]["interval"][0] <= 0.95 <= row[name]["interval"][1], (row["base_rate"], name)


def perfect() -> Raters:
    return Raters(sensitivity=np.ones(RATERS), specificity=np.ones(RATERS), pace=np.ones(RATERS))
