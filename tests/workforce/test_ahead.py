"""What will be past due, who is known to be away, and plans worked through once more."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from adverdict.decisions.files.read import read_policies
from adverdict.domain.errors import InvalidInput, NotFound
from adverdict.ledger.store import Ledger
from adverdict.review.tasks.settings import ReviewSettings
from adverdict.workforce.forecast.forecast import point
from adverdict.workforce.heads.ahead import MARKS, overdue, waiting
from adverdict.workforce.known import known
from adverdict.workforce.operations.availability import Away, without
from adverdict.workforce.operations.read import Operations, read_operations
from adverdict.workforce.operations.roster import Shift
from adverdict.workforce.outlook import Known, outlook
from adverdict.workforce.plans.simulated import simulated, work_of
from adverdict.workforce.plans.store import plan_on_record, save
from tests.workforce.conftest import TODAY

NOW = datetime.combine(TODAY, time(9), UTC)


def team(people: float, begins: int = 0, **told: object) -> Shift:
    values = {"days": tuple(range(7)), "starts": time(begins), "ends": time((begins + 12) % 24), "zone": "UTC", "weekly_hours": 84.0}
    return Shift(**{"team": "all", "people": people, "senior": True, **values, **told})  # type: ignore[arg-type]


def of(ledger: Ledger, *roster: Shift) -> Known:
    return known(ledger, Operations(roster=roster), read_policies(None), ReviewSettings(), NOW)


def test_without_people_everything_that_waits_is_late_by_its_due_moment_and_with_many_nothing(lived_ledger: Ledger) -> None:
    base = of(lived_ledger, team(3.0), team(3.0, 12))
    coming = point(base.history, (), 14)
    many = overdue(waiting(lived_ledger, NOW), coming, base.shapes, base.seconds, base.operations, NOW, variation=0.8)
    assert [one.hours for one in many] == list(MARKS)
    assert max(one.p50 for one in many) <= 1
    nobody = overdue([], coming, base.shapes, base.seconds, Operations(), NOW, variation=0.8)
    assert nobody[-1].p50 > 3
    assert [one.p50 for one in nobody] == sorted(one.p50 for one in nobody)
    assert sum(nobody[-1].by_queue.values()) == pytest.approx(nobody[-1].p50, rel=0.5)


def test_people_who_are_known_to_be_away_are_not_on_the_roster_on_those_days() -> None:
    roster = (team(3.0), team(1.0, 12), team(2.0, team="other"))
    first = date(2026, 12, 21)
    cut = without(roster, [Away("all", 2.0, first, first + timedelta(days=6))])
    begin = datetime.combine(first - timedelta(days=7), time(), UTC)
    hours = sum(shift.people * shift.hours_on(begin, 21 * 24) for shift in cut)
    usual = sum(shift.people * shift.hours_on(begin, 21 * 24) for shift in roster)
    week = slice(7 * 24, 14 * 24)
    assert np.array_equal(np.delete(hours, np.r_[week]), np.delete(usual, np.r_[week]))
    assert hours[week].sum() == pytest.approx(usual[week].sum() - 2 * 12 * 7)


def test_an_absence_of_nobody_s_team_or_of_more_people_than_there_are_is_refused_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "roster.csv").write_text("team,people,days,starts,ends,weekly_hours\nnorth,2,mon-fri,09:00,17:00,40\n")
    lines = "team,people,from,until\nsouth,1,2026-12-21,2026-12-22\nnorth,3,2026-12-21,2026-12-01\n"
    (tmp_path / "availability.csv").write_text(lines)
    with pytest.raises(InvalidInput) as caught:
        read_operations(tmp_path)
    found = {(one.field, one.where) for one in caught.value.mistakes}
    assert found == {("team", "availability.csv:2"), ("people", "availability.csv:3"), ("until", "availability.csv:3")}
    (tmp_path / "availability.csv").unlink()
    bodies = {"events.csv": b"", "roster.csv": (tmp_path / "roster.csv").read_bytes(), "shrinkage.yaml": b"", "targets.yaml": b""}
    usual = sha256(b"".join(f"{name}:{len(body)}:".encode() + body for name, body in bodies.items())).hexdigest()
    assert read_operations(tmp_path).digest == usual, "plans on record name it"
    (tmp_path / "availability.csv").write_text("team,people,from,until\nnorth,2,2026-12-21,2026-12-25\n")
    read = read_operations(tmp_path)
    assert read.digest != usual
    assert [shift.people for shift in read.roster] == [2.0, 2.0]
    assert "availability.csv" not in read.missing


def test_a_plan_on_record_is_worked_through_with_the_roster_of_now(lived_ledger: Ledger) -> None:
    base = of(lived_ledger, team(2.0), team(2.0, 12))
    plan_id = save(lived_ledger, outlook(base, 2, twin=False), "spring", "paul", NOW)
    body = plan_on_record(lived_ledger, plan_id)
    work = work_of(base, body, body.weeks[0].week)
    assert work.hourly.sum() == pytest.approx(sum(cell.tasks for cell in body.cells if cell.week == body.weeks[0].week), rel=1e-3)
    [(start, enough)] = simulated(base, body, 1)
    assert (start, enough.share) == (TODAY, 1.0)
    few = replace(base, operations=Operations(roster=(team(0.01, days=(0,)),)))
    [(_, late)] = simulated(few, body, 1)
    assert late.share < 1.0
    with pytest.raises(NotFound, match="no plan pln-none"):
        plan_on_record(lived_ledger, "pln-none")
