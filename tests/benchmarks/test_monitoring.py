"""The benchmark of monitoring: what it measures is there, and the follower's state equals what the chain says."""

from __future__ import annotations

import pytest

from adverdict.benchmarks.monitoring.following import following
from adverdict.benchmarks.monitoring.launches import launches
from adverdict.domain.progress import Silent


def test_the_follower_is_measured_on_decisions_that_people_read_and_its_state_is_equal() -> None:
    found = following(400, 0, Silent())
    assert found["follower_equal"]
    assert found["follower_per_s"] > 0
    assert found["follower"]["entries"] > 400
    assert found["follower"]["rows"] > 100


@pytest.mark.slow
def test_every_launch_has_a_verdict_and_what_happened() -> None:
    found = launches(2, 0, Silent())
    assert {row["verdict"] for row in found["launches"]["rows"]} <= {"go", "go with people deciding", "no go"}
    assert found["launches"]["go"] + found["launches"]["people"] + found["launches"]["no_go"] == 2
    assert all(0 <= row["in_time"] <= 1 for row in found["launches"]["rows"])
    assert found["launch_go_wrong"] in (0, 1, 2)
