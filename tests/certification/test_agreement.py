"""Agreement of raters: counted by hand, and never more than what the raters truly find."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adverdict.certification.certificate import LabelNoise
from adverdict.certification.thresholds.agreement import FEWEST, label_noise

YES, MIXED, NO = (True, True), (True, False), (False, False)
ASSUMED = LabelNoise(sensitivity=1.0, specificity=1.0, source="assumed")


@pytest.mark.parametrize(
    ("ratings", "sensitivity", "specificity", "twice", "disagreed"),
    [
        pytest.param([YES] * 40 + [MIXED] * 20 + [NO] * 90, 80 / 100, 180 / 200, 150, 20, id="by hand"),
        pytest.param([YES] * 40 + [NO] * 90, 1.0, 1.0, 130, 0, id="raters who always agree"),
        pytest.param([YES] * 40 + [MIXED] * 20 + [NO] * 90 + [(True,), (False,)] * 50, 0.8, 0.9, 150, 20, id="one rating tells nothing"),
        pytest.param([YES] * 2 + [MIXED] * 3 + [NO] * 90, 1.0, 180 / 183, 95, 3, id="too few violations to tell"),
        pytest.param([YES] * 8 + [MIXED] * 4 + [NO] * 8, 16 / 20, 16 / 20, 20, 4, id="just enough of both"),
        pytest.param([YES] * 90 + [MIXED] * 3 + [NO] * 2, 180 / 183, 1.0, 95, 3, id="too few others to tell"),
        pytest.param([MIXED] * 50, 1 / 101, 1 / 101, 50, 50, id="never of one mind: hardly to be trusted"),
        pytest.param([MIXED] * 50 + [NO] * 50, 1 / 101, 100 / 150, 100, 50, id="no violation found by two"),
        pytest.param(
            [(True, False, True)] * 30 + [(False,) * 3] * 30, 20 / 40, 60 / 80, 60, 30, id="the pairs of three ratings count as one"
        ),
        pytest.param([(False, True, True, True)] * 30 + [(True,) * 4] * 30, 90 / 105, 1.0, 60, 30, id="of four as well"),
    ],
)
def test_counted_by_hand(ratings: list[tuple[bool, ...]], sensitivity: float, specificity: float, twice: int, disagreed: int) -> None:
    found = label_noise(ratings)
    assert found.source == "agreement"
    assert found.sensitivity == pytest.approx(sensitivity)
    assert found.specificity == pytest.approx(specificity)
    assert (found.twice_rated, found.disagreed) == (twice, disagreed)


@pytest.mark.parametrize("ratings", [[], [(True,)] * 500, [(False,)] * 500, [()] * 5])
def test_without_an_ad_rated_twice_the_labels_are_taken_as_true_and_it_says_so(ratings: list[tuple[bool, ...]]) -> None:
    assert label_noise(ratings) == ASSUMED


@pytest.mark.parametrize("n", [FEWEST // 2 - 1, FEWEST // 2])
def test_agreements_of_few_ratings_lower_no_bound(n: int) -> None:
    enough = 2 * n >= FEWEST
    found = label_noise([YES] * (n - 1) + [MIXED] * 2 + [NO] * 500)
    assert (found.sensitivity < 1) is enough


@pytest.mark.parametrize("prevalence", [0.05, 0.3, 0.6])
@pytest.mark.parametrize("specificity", [0.9, 0.97, 1.0])
@pytest.mark.parametrize("sensitivity", [0.7, 0.95])
def test_agreement_is_at_most_what_raters_find(sensitivity: float, specificity: float, prevalence: float) -> None:
    """Exactly that where there are no errors of the other kind."""
    rng = np.random.default_rng(2)
    violates = rng.random(200_000) < prevalence
    chance = np.where(violates, sensitivity, 1 - specificity)
    found = label_noise((rng.random((2, len(chance))) < chance).T.tolist())
    assert found.sensitivity <= sensitivity + 0.01
    assert found.specificity <= specificity + 0.01
    if specificity == 1:
        assert found.sensitivity == pytest.approx(sensitivity, abs=0.01)
    else:
        assert found.sensitivity < sensitivity - 0.01


@pytest.mark.parametrize(("sensitivity", "specificity"), [(0.7, 0.97), (0.9, 0.99), (0.85, 1.0)])
def test_readings_asked_because_of_the_first_promise_no_more_than_the_settled_label_finds(sensitivity: float, specificity: float) -> None:
    rng = np.random.default_rng(3)
    violates = rng.random(200_000) < 0.05
    says = rng.random((3, len(violates))) < np.where(violates, sensitivity, 1 - specificity)
    ratings = [tuple(three) if three[0] else (False,) for three in says.T.tolist()]
    settled = np.array([sum(one) * 2 > len(one) for one in ratings])
    found = label_noise(ratings)
    assert found.sensitivity <= settled[violates].mean() + 0.01
    assert found.sensitivity > settled[violates].mean() - 0.15, "nor much less"
    pairs_with_the_first = label_noise(one for one in ratings if len(one) == 3)
    assert pairs_with_the_first.sensitivity > settled[violates].mean() + 0.005 or specificity < 1


@given(st.lists(st.lists(st.booleans(), max_size=5).map(tuple), max_size=200))
def test_every_count_of_ratings_gives_a_noise_that_can_be_divided_by(ratings: list[tuple[bool, ...]]) -> None:
    found = label_noise(ratings)
    assert 0 < found.sensitivity <= 1
    assert 0 < found.specificity <= 1
    turned = label_noise([not said for said in one] for one in ratings)
    assert turned.sensitivity == pytest.approx(found.specificity)
    assert turned.specificity == pytest.approx(found.sensitivity)


@pytest.mark.parametrize("ratings", [[YES] * 3 + [NO] * 3, [MIXED] * 5])
def test_a_few_ads_rated_twice_are_not_called_an_agreement(ratings: list[tuple[bool, ...]]) -> None:
    assert label_noise(ratings) == ASSUMED
