"""Rows through the C interface for single rows are LightGBM's own predictions, digit for digit."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import lightgbm
import numpy as np
import pytest
from numpy.typing import NDArray

from adverdict.models.gbm import FEW, GbmModel, gbm_input
from adverdict.models.single_row import ByPredict, Kind, SingleRow, single_row

N_COLUMNS = 6


@pytest.fixture(scope="module")
def rows() -> NDArray[np.float64]:
    rng = np.random.default_rng(1)
    rows = rng.normal(size=(400, N_COLUMNS))
    rows[:, 2] = rng.integers(0, 9, 400)
    rows[rng.random(rows.shape) < 0.1] = np.nan
    rows[:3] = [[0.0] * N_COLUMNS, [np.nan] * N_COLUMNS, [1e300, -1e300, 99, -1, 1e-40, 0]]
    return rows


@pytest.fixture(scope="module")
def model(rows: NDArray[np.float64]) -> GbmModel:
    target = (np.nan_to_num(rows[:, 0]) + np.nan_to_num(rows[:, 2] % 3) > 1).astype(float)
    options = {"objective": "cross_entropy", "num_leaves": 7, "min_data_in_leaf": 5, "verbosity": -1, "num_threads": 1}
    columns = [np.arange(N_COLUMNS), np.arange(N_COLUMNS)[::-1]]
    data = [lightgbm.Dataset(rows[:, order], target, categorical_feature=[2], params=options) for order in columns]
    return GbmModel(tuple(str(lightgbm.train(options, one, num_boost_round=20).model_to_string()) for one in data))


def test_one_row_gets_what_it_gets_among_many(model: GbmModel, rows: NDArray[np.float64]) -> None:
    whole = np.column_stack([booster.predict(rows, raw_score=True, num_threads=1) for booster in model.boosters])
    np.testing.assert_array_equal(model.logits([rows, rows]), whole)
    for row in range(len(rows)):
        np.testing.assert_array_equal(model.logits([rows[row : row + 1]] * 2)[0], whole[row])
    np.testing.assert_array_equal(model.logits([rows[:FEW]] * 2), whole[:FEW])
    assert model.logits([rows[:0]] * 2).shape == (0, 2)


def test_one_rows_contributions_are_those_it_has_among_many(model: GbmModel, rows: NDArray[np.float64]) -> None:
    whole = model.effects(rows, 1)
    np.testing.assert_array_equal(whole, np.asarray(model.boosters[1].predict(rows, pred_contrib=True))[:, :-1])
    for row in range(50):
        np.testing.assert_array_equal(model.effects(rows[row : row + 1], 1)[0], whole[row])


def test_threads_at_once_get_each_their_own(model: GbmModel, rows: NDArray[np.float64]) -> None:
    whole = model.logits([rows, rows])
    with ThreadPoolExecutor(4) as pool:
        alone = list(pool.map(lambda row: model.logits([rows[row : row + 1]] * 2)[0], range(len(rows))))
    np.testing.assert_array_equal(np.array(alone), whole)


def test_a_row_of_another_length_is_refused(model: GbmModel) -> None:
    with pytest.raises(ValueError, match="broadcast"):
        single_row(model.boosters[0], "raw").predict(np.zeros(N_COLUMNS + 1))


@pytest.mark.parametrize("kind", ["raw", "contributions"])
def test_the_installed_lightgbm_has_the_way_in_for_single_rows(model: GbmModel, kind: Kind) -> None:
    assert isinstance(single_row(model.boosters[0], kind), SingleRow)


@pytest.mark.parametrize("kind", ["raw", "contributions"])
def test_where_the_way_in_was_renamed_predict_gives_the_same_digits(model: GbmModel, rows: NDArray[np.float64], kind: Kind) -> None:
    public = single_row(Renamed(model.boosters[0]), kind)  # type: ignore[arg-type]
    fast = single_row(model.boosters[0], kind)
    assert isinstance(public, ByPredict)
    for row in rows[:20]:
        np.testing.assert_array_equal(public.predict(row), fast.predict(row))


class Renamed:
    """A booster of a LightGBM to come, with nothing but what is public."""

    def __init__(self, booster: lightgbm.Booster) -> None:
        self.predict = booster.predict


def test_a_policys_columns_are_the_shared_ones_its_own_and_its_ngram_score() -> None:
    found = gbm_input(np.array([[1.0, 2.0]]), np.array([[[3.0], [4.0]]]), np.array([[5.0, 6.0]]), 1)
    assert found.tolist() == [[1.0, 2.0, 4.0, 6.0]]
