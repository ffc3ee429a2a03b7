from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adverdict.domain.errors import InvalidSettings
from adverdict.domain.identity import language_key
from adverdict.domain.verdict import Verdict
from adverdict.review.tasks.priority import due, harm_if_shown, harm_if_withheld
from adverdict.review.tasks.settings import ReviewSettings
from tests.ledger.made import START, a_decision, an_ad
from tests.review.desk import BOOK

SETTINGS = ReviewSettings(handling_seconds=60)
harms = st.floats(min_value=0, max_value=1e12)


@pytest.mark.parametrize(
    ("impressions", "harm"),
    [(1000.0, 0.5 * 1000 * 5), (0.0, 0.0), (None, 0.5 * SETTINGS.assumed_impressions * 5)],
)
def test_harm_is_risk_times_impressions_times_the_cost_of_a_leak(impressions: float | None, harm: float) -> None:
    ad = an_ad(impressions=impressions)
    assert harm_if_shown(ad, a_decision(ad), ("deceptive",), BOOK, SETTINGS) == harm
    assert harm_if_shown(ad, a_decision(ad), ("deceptive",), BOOK, ReviewSettings(handling_seconds=30)) == 2 * harm


def test_a_policy_without_a_risk_counts_as_an_even_chance() -> None:
    ad = an_ad()
    assert harm_if_shown(ad, a_decision(ad), ("gambling",), BOOK, SETTINGS) == 0.5 * 1000 * 5


def test_an_appeal_weighs_what_a_wrong_rejection_costs() -> None:
    ad = an_ad()
    assert harm_if_withheld(ad, a_decision(ad, Verdict.REJECT), ("deceptive",), SETTINGS) == pytest.approx(0.01 * 1000)


@given(harms, harms)
def test_more_harm_is_never_due_later_and_nothing_after_its_deadline(one: float, other: float) -> None:
    low, high = sorted((one, other))
    seconds = [(due(START, "review", harm, SETTINGS) - START).total_seconds() for harm in (high, low)]
    assert SETTINGS.soonest_seconds <= seconds[0] <= seconds[1] <= SETTINGS.deadline_seconds("review")


@pytest.mark.parametrize(
    ("harm", "hours"), [(0.0, 24.0), (1.0, 24.0), (1e3, 12 + 1 / 120), (1e6, 1 / 60), (math.inf, 1 / 60), (math.nan, 24.0)]
)
def test_the_wait_falls_with_the_logarithm_of_the_harm(harm: float, hours: float) -> None:
    assert (due(START, "review", harm, SETTINGS) - START).total_seconds() == pytest.approx(hours * 3600)


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"double_share": 1.1}, ["double_share"]),
        ({"double_share": math.nan, "golden_share": 1.0}, ["double_share", "golden_share"]),
        ({"lease_seconds": 0, "handling_seconds": -1}, ["lease_seconds", "handling_seconds"]),
        ({"lease_seconds": math.inf}, ["lease_seconds"]),
        ({"review_deadline_hours": 0.01}, ["review_deadline_hours"]),
        ({"audit_deadline_hours": math.nan}, ["audit_deadline_hours"]),
        ({"calm_harm": 10.0, "grave_harm": 10.0}, ["grave_harm"]),
    ],
)
def test_every_setting_that_cannot_be_used_is_named(wrong: dict[str, Any], named: list[str]) -> None:
    with pytest.raises(InvalidSettings) as error:
        ReviewSettings(**wrong)
    assert [mistake.field for mistake in error.value.mistakes] == named


@pytest.mark.parametrize(
    ("tag", "primary"),
    [
        ("de-AT", "de"),
        ("PT_br", "pt"),
        ("zh-Hant-TW", "zh"),
        ("", None),
        (None, None),
        ("a|b", None),
        ("x", None),
        ("Svenska språket", None),
    ],
)
def test_languages_are_told_by_their_primary_subtag(tag: str | None, primary: str | None) -> None:
    assert language_key(tag) == primary
