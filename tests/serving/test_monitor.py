"""One worker at a time has the detectors looked at, in a process of its own, and tells what they say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from adverdict.domain.settings import read_settings
from adverdict.ledger.store import Ledger
from adverdict.monitoring.kinds import look_for_kinds
from adverdict.serving.worker.metrics import Metrics
from adverdict.serving.worker.planner import command_line
from adverdict.serving.worker.watches.monitor import HELD, KINDS, LOOK, MonitorWatch
from tests.decisions.build import POLICY, book
from tests.review.desk import Clock
from tests.serving.test_metrics import key, samples

CELL = {"watched": "leakage", "policy": "deceptive", "evidence": 30.0, "rings_at": 20.0, "open": "alm-1", "alarm": None}


class Command:
    """Counts how often it ran."""

    def __init__(self) -> None:
        self.ran: list[tuple[str, ...]] = []

    def __call__(self, arguments: Sequence[str]) -> Mapping[str, Any]:
        self.ran.append(tuple(arguments))
        return {"cells": [CELL]}


def test_the_worker_that_came_first_looks_until_it_has_been_gone_for_a_while(ledger: Ledger) -> None:
    clock, first, second, told = Clock(), Command(), Command(), list[Mapping[str, Any]]()
    one, other = MonitorWatch(ledger, first, told.append, clock), MonitorWatch(ledger, second, told.append, clock)
    assert [one.look(), other.look(), one.look()] == [True, False, True]
    clock.now += HELD
    assert [other.look(), one.look()] == [True, False]
    assert (first.ran, second.ran, len(told)) == ([LOOK, KINDS] * 2, [LOOK, KINDS], 3)


def test_new_kinds_are_looked_for_once_a_day(ledger: Ledger) -> None:
    clock, command = Clock(), Command()
    look_for_kinds(ledger, clock=clock)
    watch = MonitorWatch(ledger, command, lambda told: None, clock)
    watch.look()
    clock.on(86_400)
    watch.look()
    assert command.ran == [LOOK, LOOK, KINDS]


def test_metrics_tell_what_rings_and_what_is_watched_no_more() -> None:
    metrics = Metrics(book([POLICY]))
    metrics.rang({"cells": [CELL, {**CELL, "evidence": None, "rings_at": None, "open": None}]})
    found = samples(metrics.render().decode())
    assert found[key("alarms", watched="leakage", policy="deceptive")] == 1
    assert found[key("detector_level", watched="leakage", policy="deceptive")] == 1.5
    metrics.rang({"cells": []})
    assert samples(metrics.render().decode())[key("alarms", watched="leakage", policy="deceptive")] == 0


def test_the_command_itself_follows_the_ledger_of_the_service(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'ledger.db'}"
    Ledger.open(url, create=True).close()
    settings = read_settings({"ADVERDICT_HOME": str(tmp_path), "ADVERDICT_DATABASE_URL": url, "ADVERDICT_MODEL": str(tmp_path / "none")})
    told = command_line(settings, "monitor")(("verify",))
    assert (told["seq"], told["equal"]) == (0, True)
