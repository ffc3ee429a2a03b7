"""Which drift it is; and that too few labels are said to be too few."""

from __future__ import annotations

import numpy as np
import pytest

from adverdict.benchmarks.monitoring.drifts import REFERENCE, TRUTHS, stretch
from adverdict.benchmarks.monitoring.streams import Risks
from adverdict.monitoring.attribution import Drift, Stretch, Zone, attribute

LOW = Risks().low


@pytest.mark.parametrize(("name", "truth"), TRUTHS.items())
def test_with_enough_labels_the_drift_is_named(name: str, truth: Drift) -> None:
    rng = np.random.default_rng(5)
    answers = [attribute(stretch(REFERENCE, "nothing", rng), stretch(40_000, name, rng), LOW) for _ in range(3)]
    assert sum(one.drift is truth for one in answers) >= 2, [one.sentence for one in answers]


def test_with_few_labels_it_says_how_many_more_would_tell_and_where() -> None:
    rng = np.random.default_rng(6)
    found = attribute(stretch(REFERENCE, "nothing", rng), stretch(2_000, "odds of a violation doubled", rng), LOW)
    assert found.drift is Drift.UNKNOWN
    assert set(found.short) <= set(Zone)
    missing = [n for n in found.short.values() if n is not None]
    assert missing
    assert all(f"{n:,} more labels" in found.sentence for n in missing)
    more = found.short.get(Zone.APPROVED)
    if more is not None:
        window = stretch(2_000 + int(more / 0.03), "nothing", rng)
        assert attribute(stretch(REFERENCE, "nothing", rng), window, LOW).short.get(Zone.APPROVED) is None


def test_a_time_before_that_nobody_read_is_nothing_to_compare_with() -> None:
    rng = np.random.default_rng(7)
    risk, _ = Risks().draw(500, rng)
    found = attribute(Stretch(risk, np.full(500, np.nan)), stretch(2_000, "nothing", rng), LOW)
    assert found.drift is Drift.UNKNOWN
    assert "too few labels of the time before" in found.sentence
