"""What will come: fitted right, better with a calendar of events, and honest about how far off it may be."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest
from sklearn.linear_model import PoissonRegressor

from adverdict.domain.errors import InvalidInput
from adverdict.simulation.demand import Happening, Setup, simulate
from adverdict.workforce.forecast.conversion import lagged, shares
from adverdict.workforce.forecast.forecast import backtest, forecast
from adverdict.workforce.forecast.intervals import DOUBT, bands
from adverdict.workforce.forecast.poisson import fit
from adverdict.workforce.forecast.submissions import forecast_submissions
from adverdict.workforce.operations.events import Event
from adverdict.workforce.volume.history import History, Queue, Series
from tests.workforce.worlds import START, events_of, history_of


def test_many_regressions_at_once_are_those_of_scikit_learn() -> None:
    rng = np.random.default_rng(1)
    columns = np.concatenate([np.ones((3, 60, 1)), rng.normal(size=(3, 60, 4))], axis=2)
    truth = np.array([1.5, 0.3, -0.2, 0.1, 0.0])
    offset, weights = rng.normal(0, 0.2, (3, 60)), rng.uniform(0.2, 1, (3, 60))
    counts = rng.poisson(np.exp(columns @ truth + offset)).astype(float)
    found = fit(columns, counts, offset, weights, robust=False)
    for row in range(3):
        base = np.exp(offset[row])
        weight = weights[row] * base
        model = PoissonRegressor(alpha=1 / weight.sum(), solver="newton-cholesky", tol=1e-10, max_iter=100)
        model.fit(columns[row, :, 1:], counts[row] / base, sample_weight=weight)
        assert found.coefficients[row] == pytest.approx([model.intercept_, *model.coef_], abs=1e-5)


def test_a_declared_sale_is_expected_as_large_as_the_sales_before_and_an_undeclared_one_is_not() -> None:
    sale = (Happening("sale", 40, 42, (0, 1, 2), 2.5, True), Happening("sale", 90, 92, (0, 1, 2), 2.5, True))
    demand = simulate(Setup(seed=3, days=100, markets=3, day_cv=0.05, undeclared_a_year=0, happenings=sale))
    known = history_of(demand).until(88)
    told = forecast_submissions(known, events_of(demand), 7)
    silent = forecast_submissions(known, (), 7)
    (effect,) = told.effects
    assert effect.factor == pytest.approx(2.5, rel=0.1)
    assert effect.days == 3 * 12
    lift = told.mean[:, 2:5].sum() / told.usual[:, 2:5].sum()
    assert lift == pytest.approx(2.5, rel=0.15)
    assert silent.mean.sum() < 0.8 * told.mean.sum()


def test_an_event_of_a_kind_never_seen_is_taken_as_its_owner_expects() -> None:
    demand = simulate(Setup(seed=4, days=60, markets=2, happenings=()))
    known = history_of(demand)
    day = known.end + timedelta(days=1)
    launch = Event("launch", "launch", day, day, expected_factor=3.0)
    found = forecast_submissions(known, [launch], 3)
    assert (found.mean[:, 1] / found.usual[:, 1]) == pytest.approx(3.0)
    assert found.effects[0].days == 0


def test_a_new_market_has_everybody_s_week_and_a_level_of_its_own() -> None:
    demand = simulate(Setup(seed=5, days=90, markets=4, day_cv=0.03, wander=0.0, happenings=()))
    whole = history_of(demand)
    young = whole.submissions.copy()
    young[:4, :80] = 0.0
    found = forecast_submissions(History(START, whole.series, young, whole.queues, whole.opened), (), 14)
    weekdays = (np.arange(14) + whole.end.weekday()) % 7
    market = found.mean[:4].sum(axis=0)
    assert market[weekdays >= 5].mean() < 0.8 * market[weekdays < 5].mean()
    assert market.mean() == pytest.approx(young[:4, 80:].sum(axis=0).mean(), rel=0.2)


def test_shares_follow_lately_seen_days_and_learn_nothing_from_days_with_a_brake_on() -> None:
    days, series = 80, (Series("SE", "feed"),)
    opened = np.full((1, days), 10.0)
    opened[0, 60:] = 100.0
    history = History(START, series, np.full((1, days), 100.0), (Queue("SE", "review"),), opened)
    assert shares(history)[0] > 0.4
    braked = np.zeros((1, days), dtype=np.bool_)
    braked[0, 60:] = True
    calm = History(START, series, history.submissions, history.queues, opened, braked)
    assert shares(calm)[0] == pytest.approx(0.1)


def test_appeals_are_set_against_the_submissions_of_days_before() -> None:
    daily = np.array([0.0, 0.0, 10.0, 0.0, 0.0, 0.0])
    assert lagged(daily, "appeal").tolist() == [0, 0, 0, 0, 10, 0]
    assert lagged(daily, "review").tolist() == daily.tolist()


def test_with_events_declared_it_beats_seasonal_naive_by_far_and_its_bands_hold_as_often_as_they_say() -> None:
    demand = simulate(Setup(seed=6, days=300, markets=6))
    history = history_of(demand)
    past = backtest(history, events_of(demand), 2, 24)
    assert past is not None
    ours, naive, floor = past.wape(past.predicted), past.wape(past.naive), past.floor()
    assert ours is not None
    assert naive is not None
    assert floor is not None
    assert floor < ours < 0.7 * naive
    found = bands(past.actual[:12], past.predicted[:12])
    low, high = found.of(past.predicted[12:])
    known = np.isfinite(past.actual[12:])
    inside = ((past.actual[12:] >= low) & (past.actual[12:] <= high))[known].mean()
    assert 0.7 < inside < 0.9


def test_without_earlier_forecasts_the_band_is_said_to_be_a_guess_and_is_wide() -> None:
    found = bands(np.zeros((0, 1, 2)), np.zeros((0, 1, 2)))
    assert found.residuals == 0
    low, high = found.of(np.array([[1000.0, 1000.0]]))
    assert high[0, 0] - low[0, 0] > 2 * DOUBT * 1000


def test_a_history_too_short_for_a_week_is_refused_with_how_long_it_is() -> None:
    demand = simulate(Setup(seed=7, days=10, markets=1, happenings=()))
    with pytest.raises(InvalidInput, match="days = 10; expected at least 14 whole days on record"):
        forecast(history_of(demand), (), 2)


def test_the_sum_of_a_forecast_is_the_sum_of_its_parts_and_its_band_narrower() -> None:
    demand = simulate(Setup(seed=8, days=200, markets=4))
    found = forecast(history_of(demand), events_of(demand), 2)
    assert found.tasks.sum() == pytest.approx(found.daily.sum())
    low, high = found.band()
    total_low, total_high = found.total_band()
    assert (total_high - total_low < (high - low).sum(axis=0)).all()
    assert (found.floor() <= 1).all()
