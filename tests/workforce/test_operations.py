"""The operations folder: what people declare is read as they meant it, and every mistake is told with its file and line."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pytest

from adverdict.domain.errors import InvalidInput, NotFound
from adverdict.workforce.operations.read import read_operations

EVENTS = "name,kind,starts,ends,markets,expected_factor\nBlack Friday,sale,2026-11-27,2026-11-30,SE+DE,2.5\n"
ROSTER = (
    "team,people,days,starts,ends,zone,weekly_hours,markets,languages,senior\n"
    "north,6,mon-fri,09:00,17:00,Europe/Stockholm,40,SE,sv,\n"
    "night,2.5,sat+sun,22,06:00,UTC,30,,,yes\n"
)
SHRINKAGE = "default:\n  leave: 0.10\n  sickness: 0.04\nteams:\n  night:\n    sickness: 0.08\n"
TARGETS = "in_time:\n  default: 0.95\n  appeal: 0.99\noccupancy: 0.8\nsevere_minutes_a_day: 120\ndecided_hours:\n  review: 12\n"


def folder(path: Path, **changes: str) -> Path:
    usual = {"events.csv": EVENTS, "roster.csv": ROSTER, "shrinkage.yaml": SHRINKAGE, "targets.yaml": TARGETS}
    for name, text in {**usual, **{key.replace("__", "."): value for key, value in changes.items()}}.items():
        (path / name).write_text(text, encoding="utf-8")
    return path


def test_what_is_declared_is_read(tmp_path: Path) -> None:
    found = read_operations(folder(tmp_path))
    (sale,) = found.events
    assert (sale.kind, sale.starts, sale.markets, sale.expected_factor) == ("sale", date(2026, 11, 27), ("SE", "DE"), 2.5)
    assert sale.concerns("SE", "feed")
    assert not sale.concerns("GB", "feed")
    north, night = found.roster
    assert (north.days, north.hours, north.skills.languages) == ((0, 1, 2, 3, 4), 8.0, ("sv",))
    assert (night.hours, night.senior, night.people) == (8.0, True, 2.5)
    assert found.shrinkage.of("north") == pytest.approx(0.14)
    assert found.shrinkage.of("night") == pytest.approx(0.18)
    assert found.shrinkage.with_absence(0.1).of("night") == pytest.approx(0.28)
    assert (found.targets.share("review"), found.targets.share("appeal"), found.targets.severe_minutes) == (0.95, 0.99, 120)
    assert found.missing == ()


def test_hours_on_duty_follow_the_zone_and_its_summer_time(tmp_path: Path) -> None:
    north, night = read_operations(folder(tmp_path)).roster
    winter = north.hours_on(datetime(2026, 1, 5, tzinfo=UTC), 24)
    assert np.flatnonzero(winter).tolist() == list(range(8, 16)), "09:00 in Stockholm is 08:00 UTC"
    summer = north.hours_on(datetime(2026, 7, 6, tzinfo=UTC), 24)
    assert np.flatnonzero(summer).tolist() == list(range(7, 15))
    weekend = night.hours_on(datetime(2026, 1, 5, tzinfo=UTC), 168)
    assert weekend[:6].sum() == 6, "Sunday's night goes on into Monday"
    assert weekend.sum() == 6 + 8 + 2


def test_every_mistake_is_told_at_once_with_file_and_line(tmp_path: Path) -> None:
    path = folder(
        tmp_path,
        events__csv="name,kind,starts,ends,markets\nA,Sale,2026-11-27,2026-11-20,SE\nB,sale,soon,2026-12-01,XX\n",
        roster__csv="team,people,days,starts,ends,weekly_hours\nnorth,-1,mon-fry,09:00,25:00,40\n",
        shrinkage__yaml="default:\n  leave: 1.2\n  holiday: 0.1\n",
        targets__yaml="occupancy: high\nin_tyme: 1\n",
    )
    (path / "shifts.csv").write_text("team\n")
    with pytest.raises(InvalidInput) as caught:
        read_operations(path)
    told = {(mistake.where, mistake.field) for mistake in caught.value.mistakes}
    assert told == {
        ("shifts.csv", "file"),
        ("events.csv:2", "kind"),
        ("events.csv:2", "ends"),
        ("events.csv:3", "starts"),
        ("events.csv:3", "markets"),
        ("roster.csv:2", "people"),
        ("roster.csv:2", "days"),
        ("roster.csv:2", "ends"),
        ("shrinkage.yaml:2", "leave"),
        ("shrinkage.yaml:3", "key"),
        ("targets.yaml:1", "occupancy"),
        ("targets.yaml:2", "key"),
    }
    assert "did you mean in_time?" in str(caught.value)


def test_a_team_that_is_not_on_the_roster_has_no_shrinkage(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"shrinkage.yaml: teams = 'east'; expected a team of roster.csv: night, north"):
        read_operations(folder(tmp_path, shrinkage__yaml="teams:\n  east:\n    leave: 0.1\n"))


def test_a_folder_without_files_says_nothing_and_one_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    found = read_operations(tmp_path)
    assert (found.events, found.roster, found.shrinkage.of("x")) == ((), (), 0.0)
    assert len(found.missing) == 4
    with pytest.raises(NotFound):
        read_operations(tmp_path / "nowhere")
