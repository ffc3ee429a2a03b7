"""``adverdict history``: the store is built, told of and checked in words that say what to do next."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from adverdict.cli.main import app
from adverdict.ledger.store import Ledger
from adverdict.ledger.stored.folder import HistoryFolder
from tests.features.history.worlds import START, an_ad
from tests.ledger.test_history import record

runner = CliRunner()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ADVERDICT_HOME", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "200")
    ledger = Ledger.open(f"sqlite:///{tmp_path / 'ledger.db'}")
    record(ledger, [an_ad("a", START, advertiser_id="gone"), an_ad("b", START, creative_id="c1")])
    ledger.close()
    return tmp_path


def _said(*arguments: str, code: int = 0) -> str:
    ran = runner.invoke(app, list(arguments))
    assert ran.exit_code == code, ran.output
    return ran.output


def test_a_store_is_built_shown_and_checked(home: Path) -> None:
    assert "there is no history store of this ledger" in _said("history", "show")
    assert "2 entries of 2, 2 entries more than before" in _said("history", "build")
    _said("history", "show", "--json", str(home / "told.json"))
    told = json.loads((home / "told.json").read_text())
    assert (told["seq"], told["entities"]["advertiser"], told["entities"]["creative"]) == (2, 2, 1)
    assert told["digest"] in _said("history", "check")
    assert "stands on entry 2 of this chain" in _said("ledger", "verify")
    assert "0 entries more" in _said("history", "build", "--if-due")


def test_what_was_erased_is_said_to_be_in_the_files_until_the_next_build(home: Path) -> None:
    _said("history", "build")
    said = _said("ledger", "erase", "--advertiser", "gone", "--why", "asked to", "--yes")
    assert "still hold hashes of what was erased" in said
    assert "nobody counts it" in _said("history", "show")
    _said("history", "check", code=1)
    folder = HistoryFolder(home / "history")
    before = folder.current
    _said("history", "build", "--if-due")
    _said("history", "check")
    assert [one.name for one in (home / "history").glob("store-*")] == [folder.current]
    assert folder.current != before


def test_a_store_that_is_damaged_or_of_another_ledger_is_not_used_and_built_anew(home: Path) -> None:
    _said("history", "build")
    (file,) = (home / "history").glob("store-*/advertiser.ads.npy")
    octets = bytearray(file.read_bytes())
    octets[-1] ^= 1
    file.write_bytes(octets)
    assert "not of this ledger, or damaged" in _said("ledger", "verify")
    _said("history", "build")
    assert "stands on entry 2" in _said("ledger", "verify")
    other = Ledger.open(f"sqlite:///{home / 'other.db'}")
    record(other, [an_ad("z", START + timedelta(days=1)), an_ad("y", START)])
    assert HistoryFolder(home / "history").standing(other).seq == 0
    other.close()


def test_an_empty_ledger_has_no_history_to_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADVERDICT_HOME", str(tmp_path))
    Ledger.open(f"sqlite:///{tmp_path / 'ledger.db'}").close()
    ran = runner.invoke(app, ["history", "build"])
    assert ran.exit_code != 0
    assert "nothing is on record yet" in ran.output


def test_a_memory_that_is_none_is_refused_with_its_value(home: Path) -> None:
    ran = runner.invoke(app, ["history", "build", "--limit-memory", "much"])
    assert ran.exit_code == 2
    assert "much" in ran.output
