"""A component counts where it makes risks better on advertisers that nobody had seen, and nowhere else."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from adverdict.training.fit.blend import OutOfFold, earn, fit_blend

N, POLICIES = 2000, ("deceptive",)


def scores(y: NDArray[np.float64], **parts: NDArray[np.float64]) -> OutOfFold:
    n = len(y)
    return OutOfFold(
        {name: part[:, None] for name, part in parts.items()}, y[:, None], np.ones(n), np.arange(n) // 4, (np.arange(n) // 4) % 3
    )


@pytest.fixture(scope="module")
def y() -> NDArray[np.float64]:
    return (np.random.default_rng(5).random(N) < 0.3).astype(float)


def told(y: NDArray[np.float64], strength: float, seed: int) -> NDArray[np.float64]:
    return np.asarray((y * 2 - 1) * strength + np.random.default_rng(seed).normal(size=len(y)))


def test_what_adds_something_stays_and_what_is_worthless_or_turned_around_has_no_weight(y: NDArray[np.float64]) -> None:
    text = told(y, 0.7, 1)
    made = scores(y, ridge=text, good=told(y, 0.7, 2), noise=told(y, 0.0, 3), opposite=-text)
    earned = {one.component: one for one in earn(made, POLICIES)}
    assert {name for name, one in earned.items() if one.kept} == {"good"}
    assert earned["good"].gain > 5 * earned["good"].error > 0
    blend = fit_blend(made, [*earned.values()], POLICIES)
    weights = dict(zip(blend.components, blend.weights[0], strict=True))
    assert weights["ridge"] == pytest.approx(weights["good"], rel=0.3)
    assert (weights["noise"], weights["opposite"]) == (0, 0)
    assert blend.of(("ridge", "good")).logits(made.parts) == pytest.approx(blend.logits(made.parts))


def test_what_is_asked_for_stays_and_is_never_turned_around(y: NDArray[np.float64]) -> None:
    text = told(y, 0.7, 1)
    made = scores(y, ridge=text, opposite=-text)
    earned = list(earn(made, POLICIES, keep=["opposite"]))
    assert [one.kept for one in earned] == [True]
    assert earned[0].gain <= earned[0].error
    assert (fit_blend(made, earned, POLICIES).weights >= 0).all()


def test_few_labels_leave_the_decision_to_the_first_component() -> None:
    y = np.tile([0.0, 0.0, 0.0, 1.0], 6)
    made = scores(y, ridge=told(y, 0.7, 1), other=told(y, 0.7, 2))
    blend = fit_blend(made, list(earn(made, POLICIES, keep=["other"])), POLICIES)
    assert blend.weights[0, 1] < 0.3 * blend.weights[0, 0]


def test_advertisers_are_the_sample_not_their_ads(y: NDArray[np.float64]) -> None:
    """One advertiser's ads repeated a hundred times are no more evidence than itself."""
    made = scores(y, ridge=told(y, 0.7, 1), good=told(y, 0.7, 2))
    few = np.arange(40)
    rows = np.repeat(few, 100)
    one_by_one, repeated = made_of(made, few), made_of(made, rows)
    alone, often = next(earn(one_by_one, POLICIES)), next(earn(repeated, POLICIES))
    assert often.error > 0.3 * alone.error


def made_of(made: OutOfFold, rows: NDArray[np.intp]) -> OutOfFold:
    parts = {name: part[rows] for name, part in made.parts.items()}
    return OutOfFold(parts, made.targets[rows], made.weight[rows], made.groups[rows], made.fold[rows])


def test_unlabelled_ads_say_nothing(y: NDArray[np.float64]) -> None:
    made = scores(y, ridge=told(y, 0.7, 1), good=told(y, 0.7, 2))
    half = np.arange(N) % 8 < 4
    hidden = OutOfFold(made.parts, np.where(half[:, None], made.targets, np.nan), made.weight, made.groups, made.fold)
    assert next(earn(hidden, POLICIES)) == next(earn(made_of(made, np.flatnonzero(half)), POLICIES))
