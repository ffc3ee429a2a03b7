"""``adverdict monitor``: what was followed, verified, found new, and how people read, on a ledger of three weeks."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update
from typer.testing import CliRunner, Result

from adverdict.cli.main import app
from adverdict.ledger.bodies.probing import ProbingNoticed
from adverdict.ledger.in_force.cases import open_case
from adverdict.ledger.in_force.probing import notice
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


def test_who_tries_out_what_is_approved_is_listed_and_ended_with_a_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def probing(*told: str) -> tuple[int, str]:
        done = CliRunner().invoke(app, ["probing", *told])
        return done.exit_code, " ".join(done.output.split())

    monkeypatch.setenv("ADVERDICT_HOME", str(tmp_path))
    ledger = Ledger.open(f"sqlite:///{tmp_path / 'ledger.db'}")
    assert "nobody is noticed" in probing("list")[1]
    at = now()
    seen = ProbingNoticed(advertiser_id="adv-7", until=at + timedelta(days=7), says="5 changed copies came.", as_of=0, by="monitor")
    with ledger.write() as writing:
        probing_id = notice(writing, seen, at) or ""
    ledger.close()
    code, said = probing("list", "--json", str(tmp_path / "p.json"))
    assert (code, "adv-7: held until" in said, "5 changed copies" in said) == (0, True, True)
    assert json.loads((tmp_path / "p.json").read_text())["notices"][0]["probing_id"] == probing_id
    code, said = probing("end", probing_id, "--outcome", "bad", "--why", " ")
    assert (code, "evasion, harmless" in said, "a reason" in said) == (2, True, True)
    assert probing("end", probing_id, "--outcome", "harmless", "--why", "variants")[0] == 0
    assert "nobody is noticed" in probing("list")[1]
    assert "harmless, by" in probing("list", "--all")[1]
