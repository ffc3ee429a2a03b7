"""The benchmark of tiers and branded content says what it counted, on truth that is simulated."""

from __future__ import annotations

import pytest

from adverdict.benchmarks.suitability.branded import GIVEN, posts
from adverdict.benchmarks.suitability.run import SuitabilityBenchmark, run
from adverdict.cli.benchmark.suitability import show


def test_there_are_as_many_hard_negatives_as_branded_posts_and_enough_of_both() -> None:
    made = posts(60, 0)
    assert sum(post.undisclosed for post in made) == sum(not post.undisclosed for post in made) == 60 * len(GIVEN)
    assert sum(not post.undisclosed for post in made) >= 200
    kinds = {post.kind for post in made if not post.undisclosed}
    assert kinds >= {"disclosed in words", "declared", "nobody paid", "its own shop", "a review", "a job", "a sponsor"}
    assert all((post.ad.paid_partnership is True) == (post.kind == "declared") for post in made)
    assert len({post.ad.body for post in posts(60, 1)} - {post.ad.body for post in made}) > 50, "another seed draws others"


@pytest.mark.slow
def test_told_tiers_are_as_seldom_wrong_as_their_certificate_says(capsys: pytest.CaptureFixture[str]) -> None:
    figures = run(SuitabilityBenchmark(quick=True))
    assert figures["certificate"]["upper"] <= figures["tier_limit"]
    assert figures["tier_wrong"] <= figures["tier_limit"]
    assert figures["tier_wrong"] < figures["tier_wrong_untold"]
    assert figures["hard_negatives"] >= 200
    assert figures["disclosure_precision"] > 0.9
    assert figures["disclosure_recall"] > 0.6
    show(figures)
    assert "hard negatives, all simulated" in capsys.readouterr().out
