"""Plans for pages and HTTP: made once however many ask, kept for a while, refused in the command's own words."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from adverdict.domain.errors import InvalidInput, Unavailable
from adverdict.domain.settings import read_settings
from adverdict.ledger.entries import PlanMade, PlannedCell, PlannedWeek
from adverdict.review.queue import QueueDepth
from adverdict.serving.worker.planner import WAITING, Planner, command_line
from adverdict.serving.worker.workload import workload


class Command:
    """Counts how often it ran; waits for ``go`` where it is told to."""

    def __init__(self, *, held: bool = False) -> None:
        self.ran: list[tuple[str, ...]] = []
        self.go = threading.Event()
        if not held:
            self.go.set()

    def __call__(self, arguments: Sequence[str]) -> Mapping[str, Any]:
        self.go.wait(10)
        self.ran.append(tuple(arguments))
        if "bad" in arguments:
            raise InvalidInput("no such market")
        return {"n": len(self.ran)}


def test_a_plan_is_made_once_and_made_anew_when_it_is_old() -> None:
    command, now = Command(), [datetime(2026, 3, 1, tzinfo=UTC)]
    planner = Planner(command, lambda: now[0])
    made = [planner.get("staff", patience=5) for _ in range(3)]
    assert [one and one.figures["n"] for one in made] == [1, 1, 1]
    now[0] += timedelta(minutes=11)
    again = planner.get("staff", patience=5)
    assert again is not None
    assert again.figures["n"] == 2


def test_who_does_not_wait_long_enough_is_told_so_and_too_many_are_turned_away() -> None:
    command = Command(held=True)
    planner = Planner(command, lambda: datetime(2026, 3, 1, tzinfo=UTC))
    assert [planner.get(str(number), patience=0.01) for number in range(WAITING)] == [None] * WAITING
    with pytest.raises(Unavailable, match="ask again"):
        planner.get("one more", patience=0.01)
    command.go.set()
    assert planner.get("0", patience=5) is not None


def test_a_mistake_is_told_every_time_and_not_kept() -> None:
    command = Command()
    planner = Planner(command, lambda: datetime(2026, 3, 1, tzinfo=UTC))
    for _ in range(2):
        with pytest.raises(InvalidInput, match="no such market"):
            planner.get("bad", patience=5)
    assert len(command.ran) == 2


@pytest.mark.slow
def test_the_command_s_mistakes_come_back_in_its_own_words(tmp_path: Path) -> None:
    settings = read_settings({"ADVERDICT_HOME": str(tmp_path), "ADVERDICT_DATABASE_URL": f"sqlite:///{tmp_path / 'none.db'}"})
    with pytest.raises(Unavailable, match="no ledger at"):
        command_line(settings)(["staff"])


def test_the_gauges_say_what_waits_and_what_the_last_plan_expects() -> None:
    depths = [
        QueueDepth("SE", "sv", "review", ("deceptive",), False, 3, 1, 60.0, 2),
        QueueDepth("SE", "sv", "review", ("gambling",), False, 2, 0, 90.0, 0),
    ]
    week = date(2026, 3, 2)
    cell = PlannedCell(week=week, market="SE", kind="review", submissions=900, tasks=90, low=70, high=110, seconds=40)
    plan = PlanMade(
        name="x", change="as planned", cells=(cell,), weeks=(PlannedWeek(week=week, hours=1, fte=2.5, rostered=3, absence=0.1),),
        targets={}, operations="", counted=1, by="paul",
    )  # fmt: skip
    found = workload(depths, plan, date(2026, 3, 4))
    assert found.waiting == {("review", "SE", "sv"): (6, 90.0, 2)}
    assert found.expected == {("review", "SE"): (70, 90, 110)}
    assert (found.needed, found.rostered) == (2.5, 3)
    assert workload(depths, None, date(2026, 3, 4)).needed is None
