"""``adverdict brake``: on, listed, off."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from adverdict.cli.main import app
from adverdict.ledger.store import Ledger


@pytest.fixture(autouse=True)
def home(tmp_path: Path, policy_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADVERDICT_HOME", str(tmp_path))
    monkeypatch.setenv("ADVERDICT_POLICIES", str(policy_folder))
    monkeypatch.delenv("ADVERDICT_DATABASE_URL", raising=False)
    Ledger.open(f"sqlite:///{tmp_path / 'ledger.db'}").close()


def run(*arguments: str, fails: bool = False) -> str:
    result = CliRunner().invoke(app, ["brake", *arguments])
    assert (result.exit_code != 0) == fails, result.output
    return re.sub(r"\s+", " ", result.output)


def test_a_brake_is_put_on_listed_and_released(tmp_path: Path) -> None:
    told = run("on", "--side", "reject", "--market", "SE", "--policy", "gambling", "--why", "wrong rejections", "--by", "olga")
    assert "rejecting under gambling in SE is left to people from entry 1 on" in told
    listed = run("list", "--json", str(tmp_path / "brakes.json"))
    assert "rejecting under gambling in SE" in listed
    assert "by olga: wrong rejections" in listed
    [one] = json.loads((tmp_path / "brakes.json").read_text())["brakes"]
    assert (one["side"], one["policy"], one["market"], one["surface"], one["seq"]) == ("reject", "gambling", "SE", None, 1)
    assert f"{one['brake_id']} is off from entry 2 on" in run("off", one["brake_id"], "--why", "the model is rolled back")
    assert "no brake is on" in run("list")


def test_what_would_hold_nowhere_is_refused_with_all_that_is_wrong() -> None:
    told = run("on", "--side", "stop", "--market", "FR", "--policy", "gambing", "--why", "x", fails=True)
    assert [one for one in ("side = 'stop'", "market = 'FR'", "policy = 'gambing'", "gambling") if one not in told] == []


def test_what_is_not_on_cannot_be_released() -> None:
    assert "no entry" in run("off", "brk-0", "--why", "x", fails=True)
