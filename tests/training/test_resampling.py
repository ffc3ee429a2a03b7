"""The fast bootstrap gives what the slow, obvious one gives."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, roc_auc_score

from adverdict.training.evaluation.resampling import draw, interval, ranking, weighted_mean

ADS = st.lists(
    st.tuples(st.booleans(), st.integers(0, 6), st.integers(0, 4)),
    min_size=2,
    max_size=60,
).filter(lambda ads: len({violates for violates, _, _ in ads}) == 2)


@given(ads=ADS, seed=st.integers(0, 1000))
def test_ranking_equals_scikit_learn_with_sample_weights_whatever_the_ties(ads: list[tuple[bool, int, int]], seed: int) -> None:
    y, p, clusters = columns(ads)
    counts = draw(5, 8, seed)
    ap, auroc = ranking(y, p, clusters, counts)
    for resample in range(8):
        weight = counts[clusters, resample]
        if not (weight[y].any() and weight[~y].any()):
            continue
        assert ap[resample] == pytest.approx(average_precision_score(y, p, sample_weight=weight), abs=1e-12)
        assert auroc[resample] == pytest.approx(roc_auc_score(y, p, sample_weight=weight), abs=1e-12)


@given(ads=ADS, seed=st.integers(0, 1000))
def test_a_resample_with_one_class_has_no_auroc_and_without_positives_no_ap(ads: list[tuple[bool, int, int]], seed: int) -> None:
    y, p, clusters = columns(ads)
    counts = draw(5, 8, seed)
    ap, auroc = ranking(y, p, clusters, counts)
    positives = np.array([counts[clusters[y], i].sum() for i in range(8)])
    negatives = np.array([counts[clusters[~y], i].sum() for i in range(8)])
    assert np.isnan(ap).tolist() == (positives == 0).tolist()
    assert np.isnan(auroc).tolist() == ((positives == 0) | (negatives == 0)).tolist()


def test_resampling_clusters_is_copying_their_ads() -> None:
    rng = np.random.default_rng(3)
    y, p, clusters = rng.random(200) < 0.3, rng.random(200), rng.integers(0, 40, 200)
    counts = draw(40, 20, seed=5)
    ap, _ = ranking(y, p, clusters, counts)
    mean = weighted_mean(p, clusters, counts)
    for resample in range(20):
        rows = np.repeat(np.arange(200), counts[clusters, resample].astype(int))
        assert ap[resample] == pytest.approx(average_precision_score(y[rows], p[rows]))
        assert mean[resample] == pytest.approx(p[rows].mean())


def test_draws_are_the_same_for_the_same_seed_and_hold_as_many_clusters_as_there_are() -> None:
    assert np.array_equal(draw(30, 50, seed=1), draw(30, 50, seed=1))
    assert not np.array_equal(draw(30, 50, seed=1), draw(30, 50, seed=2))
    assert set(draw(30, 50, seed=1).sum(axis=0)) == {30}


@pytest.mark.parametrize(
    ("undefined", "has_interval"),
    [pytest.param(0, True, id="none undefined"), pytest.param(100, True, id="a tenth"), pytest.param(101, False, id="more than a tenth")],
)
def test_an_interval_needs_nine_tenths_of_the_resamples(undefined: int, has_interval: bool) -> None:
    resampled = np.concatenate([np.full(undefined, np.nan), np.linspace(0, 1, 1000 - undefined)])
    found = interval(resampled)
    assert (found == pytest.approx([0.025, 0.975])) if has_interval else (found is None)


@pytest.mark.slow
def test_intervals_cover_the_truth_about_as_often_as_they_say() -> None:
    """150 samples of clustered ads; the truth is the AUROC and AP of a sample of 200,000. 95 % intervals: 88-100 % is not alarming."""
    truth_ap, truth_auroc = (float(value[0]) for value in ranking(*sample(200_000, 0), np.ones((50_000, 1))))
    inside = np.zeros(2)
    for seed in range(1, 151):
        ap, auroc = ranking(*sample(1000, seed), draw(250, 400, seed))
        for i, (resampled, truth) in enumerate(((ap, truth_ap), (auroc, truth_auroc))):
            ends = interval(resampled)
            inside[i] += ends is not None and ends[0] <= truth <= ends[1]
    assert (inside / 150 >= 0.88).all(), inside / 150


def sample(n: int, seed: int) -> tuple[NDArray[np.bool_], NDArray[np.float64], NDArray[np.intp]]:
    rng = np.random.default_rng(seed)
    clusters = np.arange(n) % (n // 4)
    own = rng.normal(size=n // 4)[clusters]
    y = rng.random(n) < 1 / (1 + np.exp(2 - own))
    return y, rng.normal(size=n) + own + y, clusters


def columns(ads: list[tuple[bool, int, int]]) -> tuple[NDArray[np.bool_], NDArray[np.float64], NDArray[np.intp]]:
    violates, score, cluster = (np.array(column) for column in zip(*ads, strict=True))
    return violates, score / 6, cluster
