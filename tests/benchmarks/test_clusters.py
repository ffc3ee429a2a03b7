"""What ``adverdict benchmark clusters`` measures, on a few ads."""

from __future__ import annotations

import numpy as np
import pytest

from adverdict.benchmarks.clusters.carrying import carrying
from adverdict.benchmarks.clusters.finding import finding, quality
from adverdict.benchmarks.clusters.unwinding import unwinding
from adverdict.domain.progress import SILENT


def test_precision_and_recall_are_of_pairs_and_of_the_mean_ad() -> None:
    truth, found = np.array([0, 0, 0, 1, 1]), np.array([0, 0, 2, 2, 2])
    told = quality(truth, found, 0)
    assert told["precision"] == pytest.approx(2 / 4)
    assert told["recall"] == pytest.approx(2 / 4)
    assert told["precision_of_the_mean_ad"] == pytest.approx((2 * 1 + 1 / 3 + 2 * 2 / 3) / 5)


def test_copies_of_a_small_marketplace_are_found() -> None:
    told = finding(2_000, 0, SILENT)
    assert (told["ads"], told["precision"] > 0.95, told["recall"] > 0.9) == (2_000, True, True)


def test_nothing_is_carried_where_little_was_read_and_copies_known_leak_less() -> None:
    told = carrying(3_000, 0, SILENT)
    assert told["propagation_distance"] == {"reject": None, "approve": None}
    assert (told["verdicts_carried"], told["campaigns_over_limit"]) == (0, 0)
    assert told["leaked_impressions_ratio"] < 1


def test_all_that_was_carried_is_taken_back_and_asked_anew() -> None:
    told = unwinding(30, SILENT)
    assert (told["unwound"], told["unwound_labels"], told["tasks_opened"], told["chain_problems"]) == (31, 1, 31, 0)
