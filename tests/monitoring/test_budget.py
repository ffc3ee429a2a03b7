"""One budget of false alarms, shared out."""

from __future__ import annotations

import pytest

from adverdict.decisions.policy import Severity
from adverdict.domain.errors import InvalidInput
from adverdict.monitoring.budget import MOST_OF_A_CELL, Cell, Watched, alarms_a_year

MARKETS = ("SE",)
GRAVE = Cell(Watched.LEAKAGE, "weapons", Severity.ZERO_TOLERANCE, MARKETS)
LIGHT = Cell(Watched.LEAKAGE, "clickbait", Severity.QUALITY, MARKETS)
RISKS = Cell(Watched.CALIBRATION, "weapons", Severity.ZERO_TOLERANCE, MARKETS)


def test_all_cells_together_spend_the_budget_and_what_nobody_watches_leaves_its_share() -> None:
    assert sum(alarms_a_year([GRAVE, LIGHT, RISKS], 1).values()) == pytest.approx(1)
    assert sum(alarms_a_year([GRAVE, LIGHT], 1).values()) == pytest.approx(1)
    assert max(alarms_a_year([GRAVE, LIGHT], 12).values()) == MOST_OF_A_CELL


def test_a_graver_policy_may_ring_falsely_more_often_so_that_it_rings_sooner() -> None:
    may = alarms_a_year([GRAVE, LIGHT], 1)
    assert may[GRAVE] > may[LIGHT]


@pytest.mark.parametrize("budget", [0.0, -1.0, float("nan")])
def test_a_budget_of_no_alarm_is_refused(budget: float) -> None:
    with pytest.raises(InvalidInput, match="none at all is no alarm"):
        alarms_a_year([GRAVE], budget)
