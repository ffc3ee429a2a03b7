"""``adverdict workforce``: each command, on a ledger of three weeks, says what a planner needs to read."""

from __future__ import annotations

import csv
import json
import re
import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from adverdict.cli.main import app
from adverdict.ledger.store import Ledger
from tests.workforce.conftest import TODAY
from tests.workforce.ledgers import lived

ROSTER = "team,people,days,starts,ends,weekly_hours,markets,senior\nall,1,mon-sun,00:00,12:00,40,,yes\n"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("home")
    opened = Ledger.open(f"sqlite:///{folder / 'ledger.db'}")
    lived(opened, TODAY, days=16, ads_a_day=3.0)
    opened.close()
    (folder / "operations").mkdir()
    (folder / "operations" / "roster.csv").write_text(ROSTER)
    return folder


@pytest.fixture
def run(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copy(home / "ledger.db", tmp_path / "ledger.db")
    shutil.copytree(home / "operations", tmp_path / "operations")
    monkeypatch.setenv("ADVERDICT_HOME", str(tmp_path))
    monkeypatch.setenv("ADVERDICT_OPERATIONS", str(tmp_path / "operations"))
    return tmp_path


def workforce(*told: str) -> Result:
    return CliRunner().invoke(app, ["workforce", *told])


def rows(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))


def test_volume_forecast_and_staff_say_tasks_people_and_what_they_rest_on(run: Path) -> None:
    volume = workforce("volume", "--weeks", "2", "--csv", str(run / "v.csv"))
    assert volume.exit_code == 0, volume.output
    assert "hours from submission" in volume.output
    assert len(rows(run / "v.csv")) == 4
    forecast = workforce("forecast", "--weeks", "1", "--market", "SE", "--json", str(run / "f.json"))
    assert forecast.exit_code == 0, forecast.output
    assert "not declared: events.csv, shrinkage.yaml, targets.yaml" in forecast.output
    staff = workforce("staff", "--weeks", "1", "--csv", str(run / "s.csv"), "--json", str(run / "s.json"))
    assert staff.exit_code == 0, staff.output
    told, foreseen = (json.loads((run / name).read_text())["weeks"][0] for name in ("s.json", "f.json"))
    assert told["tasks"] == pytest.approx(foreseen["tasks"])
    assert told["kept"]["of"] == 20
    assert rows(run / "s.csv")[0]["team"] == "all"
    assert workforce("forecast", "--market", "XX").exit_code == 2


def test_a_scenario_names_one_change_and_says_what_it_costs(run: Path) -> None:
    found = workforce("scenario", "--weeks", "1", "--reviews", "SE=5", "--json", str(run / "x.json"))
    assert found.exit_code == 0, found.output
    figures = json.loads((run / "x.json").read_text())
    assert figures["after"]["weeks"][0]["hours"] > 2 * figures["before"]["weeks"][0]["hours"]
    both = workforce("scenario", "--reviews", "SE=2", "--launch", "FI")
    assert both.exit_code == 2
    assert "one of --rollout, --policies, --rescoring, --launch, --reviews" in both.output
    unknown = workforce("scenario", "--rollout", "rol-none")
    assert unknown.exit_code != 0
    assert "there is no roll-out rol-none" in unknown.output
    assert "one change at a time" in both.output


def test_what_cannot_be_planned_is_refused_with_every_mistake_and_a_heading_that_says_what_is_wrong(run: Path) -> None:
    for market in ("ZZ", "xx", "Japan"):
        launch = workforce("scenario", "--launch", market, "--like", "QQ", "--ads-per-day", "inf")
        assert launch.exit_code == 2
        assert f"- launch = '{market}'; expected an ISO 3166-1 country code" in launch.output
        assert [launch.output.count(f"- {name} =") for name in ("like", "ads_per_day")] == [1, 1]
    reviews = workforce("scenario", "--reviews", "SE=-1", "--reviews", "QQ=2", "--reviews", "DE")
    assert reviews.exit_code == 2
    assert "the change cannot be planned" in reviews.output
    assert [one for one in ("'SE=-1'", "'QQ'", "'DE'") if one not in reviews.output] == []
    assert "no such market" in workforce("forecast", "--market", "ZZ").output


def test_a_launch_says_what_it_takes_from_other_markets_and_how_many_times_as_large_it_is(run: Path) -> None:
    large = workforce("scenario", "--weeks", "1", "--launch", "FI", "--like", "SE", "--ads-per-day", "300", "--json", str(run / "x.json"))
    assert large.exit_code == 0, large.output
    notes = json.loads((run / "x.json").read_text())["notes"]
    assert re.search(r"300 ads a day are \d+ times the \d+ a day of SE", notes[-1])
    assert "people who read sv, taken over from SE" in notes[0]
    assert "nine in ten within" in large.output
    small = workforce("scenario", "--weeks", "1", "--launch", "FI", "--like", "SE", "--ads-per-day", "3")
    assert "ads a day are" not in small.output


def test_tables_fit_a_terminal_of_80_columns(run: Path) -> None:
    commands = (("staff",), ("forecast",), ("scenario", "--reviews", "SE=90"))
    printed = [workforce(*one, "--weeks", "1").output.splitlines() for one in commands]
    tables = [line for lines in printed for line in lines if line.startswith(("week  ", "team  ", TODAY.isoformat()))]
    headings = [line for line in tables if not line.startswith(TODAY.isoformat())]
    assert [heading.split()[0] for heading in headings] == ["week", "team", "week", "week"], "how many queues have work depends on the day"
    assert len(tables) > len(headings)
    assert max(map(len, tables)) <= 80


def test_the_same_policy_folder_tried_on_past_ads_changes_nothing(run: Path) -> None:
    found = workforce("scenario", "--weeks", "1", "--policies", str(Path(__file__).parents[2] / "policies"))
    assert found.exit_code == 0, found.output
    assert "past ads" in found.output
    assert "in the last week: +0 tasks" in found.output


def test_plans_are_saved_listed_and_scored(run: Path) -> None:
    assert workforce("plan", "save", "--name", "spring", "--weeks", "1", "--by", "paul").exit_code == 0
    listed = workforce("plan", "list", "--json", str(run / "plans.json"))
    assert "spring: as planned, 1 week from" in listed.output
    assert json.loads((run / "plans.json").read_text())["plans"][0]["by"] == "paul"
    assert "adverdict workforce plan show ID" in listed.output
    assert "no week of a plan is over" in workforce("plan", "score").output
    assert "every target kept in" in workforce("simulate", "--seed", "3").output


def test_a_plan_with_a_change_is_saved_shown_in_words_worked_through_and_one_of_its_name_is_told(run: Path) -> None:
    def saved(*change: str) -> Result:
        return workforce("plan", "save", "--name", "FI", "--weeks", "1", "--by", "paul", "--json", str(run / "p.json"), *change)

    first = saved("--launch", "FI", "--like", "SE", "--ads-per-day", "4")
    assert first.exit_code == 0, first.output
    plan_id = json.loads((run / "p.json").read_text())["plan_id"]
    again = saved("--absence", "0.1")
    assert f"of the same name is {plan_id}" in again.output
    shown = workforce("plan", "show", plan_id)
    assert shown.exit_code == 0, shown.output
    told = ("FI: FI opens", "by paul", "in time default 95%", "people busy at most 85%")
    assert [one for one in told if one not in shown.output] == []
    assert re.search(r"FI +review", shown.output)
    assert not re.search(r"FI +review", workforce("plan", "show", plan_id, "--market", "SE").output)
    lived_again = workforce("simulate", "--plan", plan_id)
    assert lived_again.exit_code == 0, lived_again.output
    assert "FI has no task on record yet" in lived_again.output
    assert "is on record (10% more absence)" in again.output
    assert "no plan pln-none" in workforce("plan", "show", "pln-none").output
    assert "one change at a time" in saved("--launch", "FI", "--reviews", "SE=2").output


def test_the_operations_folder_is_checked_and_its_mistakes_end_the_command(run: Path) -> None:
    assert "0 events, 1 shift" in workforce("events", "check").output
    (run / "operations" / "events.csv").write_text("name,kind,starts,ends\nx,sale,2026-01-01,soon\n")
    for command in (("events", "check"), ("staff",)):
        wrong = workforce(*command)
        assert wrong.exit_code == 2
        assert "events.csv:2: ends = 'soon'" in wrong.output


def test_a_team_that_is_away_stands_at_nobody_and_makes_another_version_of_the_folder(run: Path) -> None:
    before = workforce("events", "check").output
    (run / "operations" / "roster.csv").write_text(f"{ROSTER}north,2,mon-fri,09:00,17:00,40,SE,\n")
    whole = workforce("events", "check").output
    until = TODAY + timedelta(days=30)
    (run / "operations" / "availability.csv").write_text(f"team,people,from,until\nnorth,2,{TODAY.isoformat()},{until.isoformat()}\n")
    away = workforce("events", "check").output
    assert "2 shifts" in whole
    assert "2 shifts" in away
    assert "1 absence (north)" in away
    assert len({told.split("digest ")[1][:16] for told in (before, whole, away)}) == 3
    staff = workforce("staff", "--weeks", "1", "--csv", str(run / "s.csv"))
    assert staff.exit_code == 0, staff.output
    (north,) = [row for row in rows(run / "s.csv") if row["team"] == "north"]
    assert (north["people_on_duty"], north["people_rostered"]) == ("0.00", "0.00")
    assert re.search(r"north +mon-fri .* away", staff.output)


def test_an_event_is_declared_listed_forecast_with_and_called_off(run: Path) -> None:
    today = TODAY.isoformat()
    declared = workforce("events", "declare", "Sale", "--kind", "sale", "--starts", today, "--market", "SE", "--factor", "4")
    assert declared.exit_code == 0, declared.output
    listed = workforce("events", "list", "--json", str(run / "e.json"))
    assert "on record" in listed.output
    assert json.loads((run / "e.json").read_text())["events"][0]["expected_factor"] == 4
    with_it, without = run / "with.json", run / "without.json"
    assert workforce("forecast", "--weeks", "1", "--json", str(with_it)).exit_code == 0
    assert workforce("events", "call-off", "Sale").exit_code == 0
    assert workforce("forecast", "--weeks", "1", "--json", str(without)).exit_code == 0
    told = [json.loads(path.read_text())["weeks"][0]["tasks"] for path in (with_it, without)]
    assert told[0] > 1.2 * told[1]
    unknown = workforce("events", "call-off", "Sale")
    assert unknown.exit_code != 0
    assert "no event Sale is on record" in unknown.output
    wrong = workforce("events", "declare", "Sale", "--kind", "Sale!", "--starts", today, "--factor", "0", "--market", "XX")
    assert [wrong.output.count(name) for name in ("- kind =", "- markets =", "- expected_factor =")] == [1, 1, 1]


def test_what_will_be_past_due_is_told_and_a_plan_is_worked_through_again(run: Path) -> None:
    due = workforce("due", "--json", str(run / "d.json"))
    assert due.exit_code == 0, due.output
    marks = json.loads((run / "d.json").read_text())["marks"]
    assert [one["hours"] for one in marks] == [2, 4, 8, 12, 24]
    assert all(one["p50"] <= one["p90"] for one in marks)
    assert workforce("plan", "save", "--name", "week", "--weeks", "1", "--json", str(run / "p.json")).exit_code == 0
    plan_id = json.loads((run / "p.json").read_text())["plan_id"]
    lived_again = workforce("simulate", "--plan", plan_id)
    assert lived_again.exit_code == 0, lived_again.output
    assert f"week of {TODAY.isoformat()}: every target kept in" in lived_again.output
    assert workforce("simulate", "--plan", "pln-none").exit_code != 0
