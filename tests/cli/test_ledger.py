"""``adverdict ledger``: what it prints, what it refuses, and how it ends."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from adverdict.cli.main import app
from adverdict.ledger.beside import COVERS, LEAVES
from adverdict.ledger.store import Ledger
from tests.ledger.made import an_ad, append_decisions, decided, every_kind

RUNNER = CliRunner()


@pytest.fixture
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ledger]:
    """A ledger with something of everything, in the home that the environment names."""
    monkeypatch.setenv("ADVERDICT_HOME", str(tmp_path))
    monkeypatch.delenv("ADVERDICT_DATABASE_URL", raising=False)
    opened = Ledger.open(f"sqlite:///{tmp_path / 'ledger.db'}")
    every_kind(opened)
    yield opened
    opened.close()


def run(*arguments: str) -> tuple[int, str]:
    result = RUNNER.invoke(app, ["ledger", *arguments])
    return result.exit_code, " ".join(result.output.split())


def end(ledger: Ledger) -> str:
    seq, last = ledger.end()
    return f"{seq}:{last.hex()}"


def test_verifying_prints_the_end_to_keep_elsewhere(ledger: Ledger, tmp_path: Path) -> None:
    code, said = run("verify", "--json", str(tmp_path / "found.json"))
    assert code == 0
    assert f"9 entries, 1 of them erased; nothing is wrong end {end(ledger)}" in said
    assert "not covered: reviewers and their skills, golden items, leases" in said
    found = json.loads((tmp_path / "found.json").read_text())
    told = {"rows": 9, "erased": 1, "problems": [], "found": 0, "end": end(ledger)}
    assert found == told | {"covers": COVERS, "does_not_cover": LEAVES}


def test_an_edited_row_ends_the_command_with_1(ledger: Ledger) -> None:
    with ledger.change() as connection:
        connection.execute(text("UPDATE entries SET at = at + 1 WHERE seq = 4"))
    code, said = run("verify")
    assert code == 1
    assert "4 its hash is not that of what it says after the entry before" in said
    assert "9 entries, 1 of them erased; 1 problem end " in said


def test_an_end_kept_elsewhere_is_held_against_the_chain(ledger: Ledger) -> None:
    kept = end(ledger)
    append_decisions(ledger, decided(an_ad(5)))
    assert run("verify", "--anchor", kept)[0] == 0
    code, said = run("verify", "--anchor", f"9:{'00' * 32}")
    assert code == 1
    assert "9 its hash is not the one noted elsewhere" in said


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["verify", "--anchor", "nine"], 2, "--anchor = 'nine'; expected SEQ:HASH"),
        (["erase", "--why", "asked to"], 2, "--advertiser, --before = '(none)'; expected at least one of them"),
        (["erase", "--why", "adv-7 asked", "--advertiser", "adv-7", "--yes"], 2, "does not name the advertiser"),
        (["erase", "--why", "old", "--before", "soon", "--yes"], 2, "--before = 'soon'"),
        (["erase", "--why", "old", "--before", "2999-01-01", "--yes"], 2, "a moment that has passed"),
    ],
)
def test_what_cannot_be_right_is_refused_with_the_value(ledger: Ledger, arguments: list[str], code: int, said: str) -> None:
    before = ledger.end()
    ended, told = run(*arguments)
    assert (ended, said in told) == (code, True), told
    assert ledger.end() == before


def test_erasing_asks_first(ledger: Ledger) -> None:
    result = RUNNER.invoke(app, ["ledger", "erase", "--advertiser", "adv-7", "--why", "asked to"], input="n\n")
    assert result.exit_code == 1
    assert "Erase everything about advertiser adv-7" in result.output
    assert ledger.end()[0] == 9


def test_erasing_says_what_it_erased(ledger: Ledger) -> None:
    code, said = run("erase", "--advertiser", "adv-7", "--why", "asked to", "--by", "dora", "--yes")
    assert code == 0, said
    assert "6 contents, 0 tasks and 0 idempotency keys erased recorded as ers-" in said
    assert run("verify")[0] == 0


def test_old_decisions_are_erased_by_day(ledger: Ledger) -> None:
    append_decisions(ledger, decided(an_ad(60 * 24 * 3)))
    code, said = run("erase", "--before", "2026-03-02", "--why", "retention", "--yes")
    assert code == 0, said
    assert "6 contents" in said
    assert ledger.find("dec-ad-4320").body is not None


def test_migrating_makes_the_tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADVERDICT_HOME", str(tmp_path))
    assert run("verify")[0] == 1, "there is no ledger"
    code, said = run("migrate")
    assert (code, "tables of version" in said) == (0, True)
    assert run("verify")[0] == 0


def test_without_a_database_there_is_no_ledger(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADVERDICT_DATABASE_URL", "none")
    code, said = run("verify")
    assert (code, "there is no ledger" in said) == (2, True)
