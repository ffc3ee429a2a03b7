"""Scored ads: what cannot be right is refused, all of it at once, and what raters said becomes a label."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from adverdict.certification.thresholds.scored import ScoredAds
from adverdict.domain.errors import InvalidInput

NOBODY = float("nan")
GOOD = ScoredAds(
    policies=("gambling", "adult"),
    market=np.array(["SE", "SE", "DE"]),
    surface=np.array(["", "feed", ""]),
    group=np.array([0, 0, 1]),
    risk=np.array([[0.0, 1.0], [0.2, 0.5], [0.3, 0.9]]),
    verdict=np.array([[0.0, 1.0], [0.5, NOBODY], [NOBODY, 0.4]]),
)


def changed(values: np.ndarray[Any, Any], to: float) -> np.ndarray[Any, Any]:
    values = values.copy()
    values[1, 0] = to
    return values


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"surface": np.array(["", "feed"])}, "surface = (2,); expected one entry an ad: (3,)"),
        ({"group": np.array([0])}, "group = (1,); expected one entry an ad: (3,)"),
        ({"risk": GOOD.risk[:, :1]}, "risk = (3, 1); expected one entry an ad and policy: (3, 2)"),
        ({"verdict": GOOD.verdict[:2]}, "verdict = (2, 2); expected one entry an ad and policy: (3, 2)"),
        ({"risk": changed(GOOD.risk, NOBODY)}, "risk = nan; expected risks from 0 to 1; 1 are not"),
        ({"risk": changed(GOOD.risk, 1.0001)}, "risk = 1.0001; expected risks from 0 to 1; 1 are not"),
        ({"risk": changed(GOOD.risk, -0.1)}, "risk = -0.1; expected risks from 0 to 1; 1 are not"),
        ({"risk": changed(GOOD.risk, np.inf)}, "risk = inf; expected risks from 0 to 1; 1 are not"),
        ({"verdict": changed(GOOD.verdict, 2.0)}, "verdict = 2.0; expected verdicts from 0 to 1, or NaN; 1 are not"),
        ({"verdict": changed(GOOD.verdict, np.inf)}, "verdict = inf; expected verdicts from 0 to 1, or NaN; 1 are not"),
    ],
)
def test_ads_that_cannot_be_right_are_refused(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidInput, match="these scored ads cannot be used") as refused:
        replace(GOOD, **wrong)
    assert said in str(refused.value)


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(InvalidInput) as refused:
        replace(GOOD, group=np.array([0]), risk=changed(GOOD.risk, NOBODY), verdict=changed(GOOD.verdict, -1.0))
    assert [mistake.field for mistake in refused.value.mistakes] == ["group", "risk", "verdict"]


@pytest.mark.parametrize(
    ("policy", "risk", "violating"),
    [("gambling", [0.0, 0.2], [False, True]), ("adult", [1.0, 0.9], [True, False])],
)
def test_only_labelled_ads_are_labelled_and_a_tie_is_a_violation(policy: str, risk: list[float], violating: list[bool]) -> None:
    found = GOOD.labelled(policy, np.arange(3))
    assert found.risk.tolist() == risk
    assert found.violating.tolist() == violating


def test_labelled_ads_are_those_of_the_rows_asked_for() -> None:
    assert GOOD.labelled("gambling", np.array([1])).risk.tolist() == [0.2]
    assert len(GOOD.labelled("gambling", np.array([2]))) == 0


def test_every_ad_has_one_place() -> None:
    assert {place: rows.tolist() for place, rows in GOOD.places.items()} == {("SE", ""): [0], ("SE", "feed"): [1], ("DE", ""): [2]}


def test_no_ads_are_in_no_place() -> None:
    none = np.zeros((0, 2))
    empty = replace(GOOD, market=np.array([], dtype=str), surface=np.array([], dtype=str), group=np.array([], int), risk=none, verdict=none)
    assert empty.places == {}
    assert len(empty) == 0
