"""Labels of ads drawn by their views bound the share of views that is of violating ads."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from adverdict.certification.certificate import Certificate, Issued, Views
from adverdict.certification.samples.draw import draw
from adverdict.certification.statistics.bounds import Sizes, upper_bound
from adverdict.certification.thresholds.scored import ScoredAds
from adverdict.decisions.policy import MarketRules, PolicyBook
from adverdict.rollout.views import ViewedAds, with_views
from tests.decisions.build import POLICY
from tests.review.certificates import a_certificate

BOOK = PolicyBook(names=("deceptive",), rules={"SE": MarketRules((replace(POLICY, name="deceptive", thresholds=None),))})


def ads(n: int, market: str = "SE", risk: float = 0.01) -> ScoredAds:
    nothing = np.full((n, 1), np.nan)
    return ScoredAds(("deceptive",), np.full(n, market), np.full(n, ""), np.arange(n), np.full((n, 1), risk), nothing)


def labelled(verdict: list[float], inclusion: list[float], views: list[float]) -> ViewedAds:
    return ViewedAds(np.array(verdict)[:, None], np.array(inclusion)[:, None], np.array(views))


def shown(viewed: ViewedAds, scored: ScoredAds, made: Certificate | None = None) -> Certificate:
    return with_views([made or a_certificate()], scored, viewed, BOOK)[0]


def test_draws_by_views_are_draws_of_views_and_the_certificate_says_so() -> None:
    found = shown(labelled([1.0, *[0.0] * 299], [0.1] * 300, [50.0] * 300), ads(300))
    upper = upper_bound(1, Sizes.single(300), 0.025)
    assert found.views == Views(labelled=300, errors=1, certain=0, upper=upper)
    assert (
        "Of the views of what it approves at most 1.84 % are of violating ads (1 of 300 labelled, drawn by their views)." in found.statement
    )
    assert found.certificate_id != a_certificate().certificate_id
    assert Issued.from_json(Issued((found,)).to_json()).certificates == (found,)


def test_an_ad_drawn_for_certain_counts_by_its_views() -> None:
    found = shown(labelled([1.0, 0.0, *[0.0] * 300], [1.0, 1.0, *[0.1] * 300], [3_000.0, 1_000.0, *[50.0] * 300]), ads(302))
    assert found.views is not None
    assert (found.views.certain, found.views.upper) == (2, 0.75)


def test_what_readers_miss_raises_the_bound_as_it_lowered_the_limit() -> None:
    plain, lowered = (
        shown(labelled([0.0] * 200, [0.1] * 200, [1.0] * 200), ads(200), a_certificate(limit=limit)) for limit in (0.02, 0.016)
    )
    assert plain.views is not None
    assert lowered.views is not None
    assert lowered.views.upper == pytest.approx(plain.views.upper * 0.02 / 0.016)


@pytest.mark.parametrize("scored", [ads(300, market="DE"), ads(300, risk=0.5)], ids=["another market", "not approved"])
def test_labels_that_speak_of_other_ads_say_nothing(scored: ScoredAds) -> None:
    found = shown(labelled([0.0] * 300, [0.1] * 300, [1.0] * 300), scored)
    assert found.views is None
    assert "views" not in found.model_dump_json(exclude_none=True)


def test_the_true_share_of_views_lies_under_the_bound_as_often_as_is_promised() -> None:
    """Simulated: views are heavy-tailed, and ads with many views violate more often than others."""
    rng = np.random.default_rng(4)
    views = rng.pareto(1.5, 4_000) * 100 + 1
    violating = rng.random(4_000) < np.where(views > 1_000, 0.03, 0.01)
    share = views[violating].sum() / views.sum()
    scored, below = ads(4_000), 0
    for _ in range(200):
        drawn = draw(np.arange(4_000), scored.group, 400, rng, views)
        verdict, inclusion = np.full(4_000, np.nan), np.full(4_000, np.nan)
        verdict[drawn.rows], inclusion[drawn.rows] = violating[drawn.rows], drawn.inclusion
        found = shown(ViewedAds(verdict[:, None], inclusion[:, None], views), scored)
        assert found.views is not None
        below += found.views.upper < share
    assert below <= 11  # of 200 at 2.5 %: exceeded with a chance of 1 %
