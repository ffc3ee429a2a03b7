"""What evaders learn and what reports are worth: small worlds, told by the same code as the figures."""

from __future__ import annotations

import numpy as np
import pytest

from adverdict.benchmarks.probing.climbers import climbs, false_notices
from adverdict.benchmarks.probing.model import platform
from adverdict.benchmarks.reports import flood as floods
from adverdict.benchmarks.reports.kinds import LAST, _days
from adverdict.domain.progress import SILENT


@pytest.mark.slow
def test_who_climbs_is_mostly_noticed_before_it_passes_and_honest_advertisers_are_not() -> None:
    made = platform(6_000, 3, SILENT)
    found = climbs(made, 25, 3, SILENT)
    for one in found.values():
        assert one["ads"] == 25
        assert one["passed_unnoticed_watch_off"] >= 20, "a climber that nobody notices gets there"
        assert one["passed_watched"] <= 5
    assert found["checks"]["median_queries"] < found["verdicts"]["median_queries"]
    assert false_notices(made)["honest"]["noticed"] == 0
    assert np.all((made.risks >= 0) & (made.risks <= 1))


@pytest.mark.slow
def test_a_flood_wears_itself_out_and_moves_nothing_that_measures(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"ADS": 300, "BOTS": 300, "WAVES": 3}.items():
        monkeypatch.setattr(floods, name, value)
    found = floods.flood(3, SILENT)
    assert found["measures_moved"] is False
    assert [row["read_again"] for row in found["waves"]][-1] <= found["waves"][0]["read_again"] / 2
    assert found["mean_reliability"] < 0.2


def test_a_kind_that_was_never_noticed_counts_as_the_day_after_the_last() -> None:
    assert (_days(None), _days(3)) == (LAST + 1, 3)
