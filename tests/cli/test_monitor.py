"""``adverdict monitor``: what was followed, verified, found new, and how people read, on a ledger of three weeks."""

from __future__ import annotations

import json
from pathlib import Path

from sqlalchemy import update
from typer.testing import CliRunner, Result

from adverdict.cli.main import app
from adverdict.ledger.in_force.cases import open_case
from adverdict.ledger.schema import monitoring_tallies
from adverdict.ledger.store import Ledger, now
from tests.cli.test_workforce import home, run
from tests.ledger.made import CASE

__all__ = ["home", "run"]


def monitor(*told: str) -> Result:
    return CliRunner().invoke(app, ["monitor", *told])


def test_the_ledger_is_followed_and_what_was_kept_is_held_against_it(run: Path) -> None:
    before = monitor("status")
    assert "followed to entry 0" in before.output, before.output
    assert "nobody has looked yet" in before.output
    inputs = monitor("inputs", "--json", str(run / "i.json"))
    assert inputs.exit_code == 0, inputs.output
    assert json.loads((run / "i.json").read_text())["changes"] == []
    status = monitor("status", "--json", str(run / "s.json"))
    told = json.loads((run / "s.json").read_text())
    assert told["seq"] == told["end"] > 0, status.output
    verified = monitor("verify")
    assert verified.exit_code == 0, verified.output
    assert "what is kept is what the ledger says" in verified.output
    ledger = Ledger.open(f"sqlite:///{run / 'ledger.db'}")
    with ledger.change() as connection:
        connection.execute(update(monitoring_tallies).values(number=monitoring_tallies.c.number + 1))
    ledger.close()
    changed = monitor("verify")
    assert changed.exit_code == 1
    assert "what is kept is not what the ledger says" in changed.output
    assert monitor("verify", "--rebuild").exit_code == 0


def test_new_kinds_are_looked_for_listed_shown_and_moved(run: Path) -> None:
    looked = monitor("emerging", "look", "--json", str(run / "l.json"))
    assert looked.exit_code == 0, looked.output
    assert "ads were read" in looked.output
    assert "no case is open" in monitor("emerging", "list").output
    ledger = Ledger.open(f"sqlite:///{run / 'ledger.db'}")
    with ledger.write() as writing:
        case = open_case(writing, CASE, now())
    ledger.close()
    assert case is not None
    shown = monitor("emerging", "show", case)
    assert "an example: decision dec-1" in shown.output
    moved = monitor("emerging", "move", case, "--to", "explained", "--why", "a campaign", "--by", "olga")
    assert moved.exit_code == 0, moved.output
    assert "explained" in monitor("emerging", "list", "--all").output
    wrong = monitor("emerging", "move", case, "--to", "forgotten", "--why", "x")
    assert wrong.exit_code == 2
    assert "one of labelling, braked, policy, explained, closed" in " ".join(wrong.output.split())


def test_how_reviewers_read_is_told_by_week(run: Path) -> None:
    told = monitor("reviewers", "--weeks", "4", "--json", str(run / "r.json"))
    assert told.exit_code == 0, told.output
    assert json.loads((run / "r.json").read_text())["changes"] == []
