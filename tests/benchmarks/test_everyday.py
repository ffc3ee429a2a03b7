"""The everyday figures: what decides is what a service would let decide, and few labels are told from enough."""

from __future__ import annotations

import numpy as np
import pytest

from adverdict.benchmarks.truth.enough import LABELS, _first, labels_to_certify
from adverdict.benchmarks.truth.everyday import everyday
from adverdict.benchmarks.truth.judge import halves
from adverdict.benchmarks.truth.worlds import market
from adverdict.decisions.files.read import read_policies
from adverdict.domain.progress import Silent
from adverdict.policies import folder as packaged_policies
from tests.effort import part_of

pytestmark = pytest.mark.slow

RATES = {"gambling": 0.05, "weapons": 0.03}


def test_halves_share_no_advertiser_and_lose_no_ad() -> None:
    population = market(0, RATES, 300, {"SE": 0.5, "US": 0.5})
    one, two = halves(population, read_policies(packaged_policies()), np.random.default_rng(1))
    assert not set(one.scored.group.tolist()) & set(two.scored.group.tolist())
    assert len(one.scored) + len(two.scored) == len(population.scored)
    assert (len(one.truth), len(two.truth)) == (len(one.scored), len(two.scored))


def test_ads_decided_without_a_person_are_counted_beside_a_fixed_pair_of_the_same_load() -> None:
    found = everyday(market(0, RATES, 600, {"SE": 0.5, "US": 0.5}), seed=0, halvings=3)
    assert 0.3 < found["auto_share_all_ads"] < 1.0
    low, high = found["auto_share_interval"]
    assert low < found["auto_share_all_ads"] < high
    assert 0 <= found["auto_share_of_limits"] < found["auto_share_all_ads"], (
        "other policies in force there have no model, and so people see all"
    )
    assert len(found["days"]) == found["halvings"] == 3
    for day in found["days"]:
        assert day["fixed"]["reviews"] == pytest.approx(day["ours"]["reviews"], rel=0.3)
    assert sum(found["certificates"].values()) > 0


@pytest.mark.sampled
def test_more_labels_certify_more_deployments() -> None:
    found = labels_to_certify(part_of(60), 0, Silent())
    counts = found["certified"]["counts"]
    assert counts[-1] > counts[0]
    assert all(some >= most >= all_of for some, most, all_of in zip(counts, found["most"]["counts"], found["aim"]["counts"], strict=True))
    assert found["leakage"] == pytest.approx(0.0067, rel=0.05)


def test_labels_are_enough_from_the_first_number_on_which_none_larger_fails() -> None:
    falling = [False, True, False] + [True] * (len(LABELS) - 3)
    assert _first(falling) == LABELS[3]
    assert _first([True] * len(LABELS)) == LABELS[0]
    assert _first([True] * (len(LABELS) - 1) + [False]) is None
