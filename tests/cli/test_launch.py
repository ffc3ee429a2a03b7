"""``adverdict launch``: what is missing before a market opens, on a ledger of three weeks; on record, listed, and scored in time."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from typer.testing import CliRunner, Result

from adverdict.cli.main import app
from tests.cli.test_workforce import home, run

OPENS = datetime.now(UTC).date() + timedelta(days=2)

__all__ = ["home", "run"]


def launch(*told: str) -> Result:
    return CliRunner().invoke(app, ["launch", *told])


def test_a_market_that_nothing_is_ready_for_is_no_go_with_what_is_missing_and_is_on_record(run: Path) -> None:
    (run / "operations" / "roster.csv").unlink()
    asked = ("--market", "JP", "--ads-per-day", "5", "--date", OPENS.isoformat(), "--languages", "ja", "--json", str(run / "j.json"))
    checked = launch("check", *asked, "--by", "paul")
    assert checked.exit_code == 1, checked.output
    assert "nobody is rostered" in " ".join(checked.output.split())
    assert "no go" in checked.output
    assert "fewer than 2 reviewers read ja" in " ".join(checked.output.split())
    told = json.loads((run / "j.json").read_text())
    assert {gate["name"]: gate["status"] for gate in told["gates"]}["languages"] == "missing"
    assert (told["outcome"], told["claims"], told["by"]) == ("no go", {}, "paul")
    listed = launch("list")
    assert listed.exit_code == 0, listed.output
    assert "market JP in JP" in listed.output
    early = launch("score", told["launch_id"])
    assert early.exit_code != 0
    assert f"is scored from {OPENS + timedelta(weeks=4)} on" in " ".join(early.output.split())
    assert "no launch is due" in launch("score").output


def test_every_mistake_in_what_is_asked_is_told_at_once(run: Path) -> None:
    wrong = launch("check", "--ads-per-day", "-4", "--date", "tomorrow", "--languages", "", "--like", "XX")
    assert wrong.exit_code == 2, wrong.output
    said = " ".join(wrong.output.split())
    for expected in ("one of --market, --surface, --product", "above 0", "such as 2027-03-01", "such as ja", "a market on record"):
        assert expected in said
