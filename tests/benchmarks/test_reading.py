"""A scripted reviewer at the product's own queue: both ways answer every task, by the same opinions."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from adverdict.benchmarks.reading.reader import Cleared, clear, finished, opinions
from adverdict.benchmarks.reading.run import _counts, _figures
from adverdict.benchmarks.reading.worlds import Waiting, filled, opened
from adverdict.decisions.files.read import read_policies
from adverdict.domain.errors import AdverdictError
from adverdict.simulation.crew import Team, draw_crew

TASKS = 24
SEED = 5
"""Of a morning with copies that one answer does for."""


def test_one_answer_for_copies_clears_the_same_tasks_in_fewer_decisions_and_less_reading(tmp_path: Path) -> None:
    book, [who] = read_policies(), draw_crew([Team("readers", 1, 8, 8)], 1, SEED, away=0.0)
    found = {}
    for together in (False, True):
        ledger = opened(tmp_path, f"{together}.db", create=True)
        waiting = filled(ledger, book, TASKS, SEED)
        thinks = opinions(waiting, who, np.random.default_rng(SEED))
        found[together] = finished(clear(ledger, book, who, thinks, together=together), waiting)
        ledger.close()
    alone, with_copies = found[False], found[True]
    assert (alone.cards, alone.along, alone.told) == (TASKS, 0, 0)
    assert with_copies.along > 0
    assert with_copies.cards == TASKS - with_copies.along
    assert with_copies.seconds < alone.seconds
    assert alone.verdicts == dict(thinks.rejects)


def test_a_contradiction_is_one_campaign_answered_both_ways_where_the_truth_is_one() -> None:
    waiting = {name: Waiting(campaign, violates, "adult") for name, campaign, violates in (("a", 1, True), ("b", 1, True), ("c", 1, False))}
    both = Cleared(cards=3, verdicts={"a": True, "b": False, "c": False})
    assert (_counts(both, waiting)["contradictions"], _counts(both, waiting)["wrong"]) == (1, 1)
    repaired = Cleared(cards=3, verdicts={"a": True, "b": True, "c": False})
    assert (_counts(repaired, waiting)["contradictions"], _counts(repaired, waiting)["wrong"]) == (0, 0)


def test_a_task_left_out_is_no_comparison() -> None:
    with pytest.raises(AdverdictError, match="1 tasks waited, 0 were read"):
        finished(Cleared(), {"a": Waiting(1, True, "adult")})


def test_a_glance_may_take_what_was_saved_by_each_copy_answered_along() -> None:
    names = ("cards", "seconds", "along", "contradictions", "wrong")
    columns = {f"{name}_{way}": np.zeros(2) for name in names for way in ("one_by_one", "together")}
    columns |= {"seconds_one_by_one": np.array([100.0, 100.0]), "seconds_together": np.array([60.0, 80.0])}
    columns |= {"along_together": np.array([4.0, 2.0]), "cards_one_by_one": np.array([10.0, 10.0]), "cards_together": np.array([6.0, 8.0])}
    found = _figures(columns, np.random.default_rng(0))
    assert found["seconds_a_copy_may_take"] == pytest.approx(10.0)
    assert found["cards_ratio"] == pytest.approx(0.7)
    assert found["seconds_ratio_interval"] == pytest.approx([0.6, 0.8])
