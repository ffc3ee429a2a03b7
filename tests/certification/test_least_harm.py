"""The thresholds of least harm at the price of a review: closed-form cases, and that no other pair does less harm within the limits."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adverdict.certification.thresholds.least_harm import ANY_PRICE, Stakes, attainable, least_harm, on_grid
from adverdict.certification.thresholds.sequence import GRID
from adverdict.decisions.harm import LEAKED, WRONGED
from adverdict.decisions.policy import Targets, Thresholds
from adverdict.decisions.thresholds import severity_at

SERIOUS = Stakes(leaked=5.0, max_risk=0.25, min_risk_rejected=0.5)


@pytest.mark.parametrize(
    ("price", "stakes", "below", "at"),
    [
        pytest.param(0.25, SERIOUS, 0.05, 0.75, id="a look is worth a quarter of a wrong rejection"),
        pytest.param(0.1, SERIOUS, 0.02, 0.9, id="a cheaper look leaves more to people"),
        pytest.param(0.0, SERIOUS, 0.0, 1.0, id="a look that costs nothing is always taken"),
        pytest.param(0.25, Stakes(20.0, 0.1, 0.5), 0.0125, 0.75, id="a graver policy approves less"),
        pytest.param(0.25, Stakes(1.0, 0.5, 0.5), 0.25, 0.75, id="a milder one more"),
        pytest.param(0.25, Stakes(5.0, 0.03, 0.9), 0.03, 0.9, id="the policy's limits come first"),
        pytest.param(1.0, Stakes(5.0, 1.0, 0.0), 1 / 6, 1 / 6, id="at the price of a wrong rejection the even point decides"),
        pytest.param(0.9, Stakes(5.0, 1.0, 0.0), 1 / 6, 1 / 6, id="and below it where the two sides meet"),
        pytest.param(0.9, SERIOUS, 1 / 6, 0.5, id="nothing is approved that would do less harm rejected, if a person may see it"),
        pytest.param(2.0, SERIOUS, 0.25, 0.5, id="reviewers so short that more is approved than would be rejected with them"),
        pytest.param(ANY_PRICE, SERIOUS, 0.25, 0.5, id="at any price as much as the limits permit"),
        pytest.param(ANY_PRICE, Stakes(5.0, 0.6, 0.5), 0.5, 0.5, id="limits that overlap: the threshold that harms least within both"),
        pytest.param(0.25, Stakes(5.0, 0.25, 0.5, rejects=False), 0.05, 1.0, id="where nothing may be rejected"),
        pytest.param(ANY_PRICE, Stakes(5.0, 0.25, 0.5, rejects=False), 0.25, 1.0, id="nor at any price"),
    ],
)
def test_the_thresholds_of_least_harm(price: float, stakes: Stakes, below: float, at: float) -> None:
    found = least_harm(price, stakes)
    assert (found.approve_below, found.reject_at) == pytest.approx((below, at))


shares = st.floats(0, 1)
stakes_of_any = st.builds(Stakes, st.sampled_from([*LEAKED.values(), 3.7]), shares, shares, st.booleans())
prices = st.floats(0, 3) | st.floats(0, 300) | st.just(ANY_PRICE)
risks = st.lists(st.floats(0, 1 - 1e-6) | st.sampled_from([0.05, 1 / 6, 0.25, 0.5]), min_size=1, max_size=30).map(np.array)


@given(prices, stakes_of_any, risks)
def test_no_ad_is_decided_where_its_expected_harm_exceeds_the_price_of_a_review(price: float, stakes: Stakes, risk: np.ndarray) -> None:
    found = least_harm(price, stakes)
    decided = severity_at(risk, found.approve_below, found.reject_at)
    assert (stakes.leaked * risk[decided == 0] <= price * (1 + 1e-9)).all()
    assert (WRONGED * (1 - risk[decided == 2]) <= price + 1e-9).all()


@given(prices, stakes_of_any, risks)
def test_no_ad_is_decided_beyond_the_limits(price: float, stakes: Stakes, risk: np.ndarray) -> None:
    found = least_harm(price, stakes)
    decided = severity_at(risk, found.approve_below, found.reject_at)
    assert (risk[decided == 0] < stakes.max_risk).all()
    assert (risk[decided == 2] >= stakes.min_risk_rejected).all()
    assert stakes.rejects or found.reject_at == 1.0


def least(price: float, stakes: Stakes, risk: float) -> float:
    """What is least of all that may be done with one ad."""
    harms = [price]
    even = 1 / (1 + stakes.leaked)
    if risk < stakes.max_risk and (risk <= even or not stakes.rejects):  # else it would do less harm rejected
        harms.append(stakes.leaked * risk)
    if stakes.rejects and risk >= stakes.min_risk_rejected:
        harms.append(WRONGED * (1 - risk))
    return min(harms)


@given(st.floats(0, 1), stakes_of_any, risks)
def test_each_ad_meets_what_is_least_within_the_limits(price: float, stakes: Stakes, risk: np.ndarray) -> None:
    """While reviewers are not so short that one is worth more than a wrong rejection; an ad exactly on an end may go either way."""
    found = least_harm(price, stakes)
    decided = severity_at(risk, found.approve_below, found.reject_at)
    harm = np.choose(decided, [stakes.leaked * risk, np.full(len(risk), price), 1 - risk])
    ends = np.isclose(risk, found.approve_below) | np.isclose(risk, found.reject_at)
    best = np.array([least(price, stakes, p) for p in risk])
    assert harm[~ends] == pytest.approx(best[~ends])


@given(prices, prices, stakes_of_any)
def test_a_dearer_review_never_leaves_more_to_people(one: float, two: float, stakes: Stakes) -> None:
    cheap, dear = (least_harm(price, stakes) for price in sorted((one, two)))
    assert dear.reject_at - dear.approve_below <= cheap.reject_at - cheap.approve_below + 1e-9


@given(shares, shares)
def test_on_the_grid_no_more_is_decided_and_never_a_step_less_than_need_be(one: float, two: float) -> None:
    below, at = sorted((one, two))
    found = on_grid(Thresholds(below, at))
    assert found.approve_below <= below + 1e-8
    assert found.reject_at >= at - 1e-8
    between = GRID[(found.approve_below < GRID) & (below > GRID)]
    assert not len(between)
    assert not len(GRID[(at < GRID) & (found.reject_at > GRID)])
    assert found.approve_below in {0.0, *GRID.tolist()}
    assert found.reject_at in {1.0, *GRID.tolist()}


@pytest.mark.parametrize("threshold", [0.05, 0.25, 0.5, 0.75])
def test_a_threshold_of_the_grid_stays_where_it_is_whatever_was_lost_in_computing_it(threshold: float) -> None:
    near = float(GRID[np.abs(GRID - threshold).argmin()])
    for lost in (-1e-12, 0.0, 1e-12):
        assert on_grid(Thresholds(near + lost, near + lost)) == Thresholds(near, near)


# --- as far as calibrated risks foresee the targets kept ----------------------------------------------------------------------------------

TENTH = Targets(max_leakage=0.1, max_wrongful_reject=0.1, confidence=0.95)


@pytest.mark.parametrize(
    ("risk", "below", "at"),
    [
        pytest.param([], 0.0, 1.0, id="no ads"),
        pytest.param([0.01, 0.15, 0.92], 0.154, 0.154, id="a tenth of either part is foreseen to be wrong"),
        pytest.param([0.01, 0.3, 0.92], 0.299, 0.31, id="one risk more would be too many"),
        pytest.param([0.3, 0.6], 0.0, 1.0, id="nothing keeps either"),
        pytest.param([0.95, 0.86, 0.2], 0.0, 0.206, id="the average counts, not the last ad"),
    ],
)
def test_what_is_attainable(risk: list[float], below: float, at: float) -> None:
    found = attainable(np.array(risk), TENTH)
    assert (found.approve_below, found.reject_at) == pytest.approx((below, at), abs=0.006)


@given(risks, st.builds(Targets, shares, shares, st.just(0.95)))
def test_at_what_is_attainable_the_risks_foresee_both_targets_kept_and_not_beyond(risk: np.ndarray, targets: Targets) -> None:
    found = attainable(risk, targets)
    approved, rejected = risk[risk < found.approve_below], risk[risk >= found.reject_at]
    assert not len(rejected) or (1 - rejected).mean() <= targets.max_wrongful_reject + 1e-9
    for threshold in GRID[found.reject_at > GRID]:
        assert (1 - risk[risk >= threshold]).mean() > targets.max_wrongful_reject - 1e-9 if (risk >= threshold).any() else True
    if found.approve_below < found.reject_at:
        assert not len(approved) or approved.mean() <= targets.max_leakage + 1e-9
        for threshold in GRID[found.approve_below < GRID]:
            assert risk[risk < threshold].mean() > targets.max_leakage - 1e-9 if (risk < threshold).any() else True


@pytest.mark.parametrize(
    ("one", "two", "both"),
    [
        (SERIOUS, Stakes(20.0, 0.4, 0.3), Stakes(20.0, 0.25, 0.5)),
        (Stakes(5.0, 0.25, 0.5, rejects=False), SERIOUS, SERIOUS),
        (Stakes(5.0, rejects=False), Stakes(1.0, rejects=False), Stakes(5.0, rejects=False)),
    ],
)
def test_two_places_answered_together_get_the_gravest_harm_and_the_narrowest_limits(one: Stakes, two: Stakes, both: Stakes) -> None:
    assert one.strictest(two) == two.strictest(one) == both
