"""``adjudicate rescore diff``: what it prints and writes, and what it refuses."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.main import app
from cli.rescore_diff import show
from domain.verdict import Verdict
from ledger.store import Ledger
from rescoring.difference import Difference
from tests.golden import Golden
from tests.ledger.made import an_ad
from tests.rescoring.differences import difference, empty, unchanged
from tests.rescoring.inventories import decided, rescored
from tests.review.story import Story

RUNNER = CliRunner()
APPROVE, REVIEW, REJECT = Verdict.APPROVE, Verdict.REVIEW, Verdict.REJECT


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ADJUDICATE_HOME", str(tmp_path / "var"))
    monkeypatch.delenv("ADJUDICATE_DATABASE_URL", raising=False)
    return tmp_path


def run(*arguments: str, code: int = 0) -> str:
    result = RUNNER.invoke(app, ["rescore", "diff", *arguments])
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output
    return result.output


@pytest.mark.parametrize(
    ("name", "made"),
    [("rescore_diff.txt", difference), ("rescore_diff_same.txt", unchanged), ("rescore_diff_empty.txt", empty)],
)
def test_what_is_printed(name: str, made: Callable[[], Difference], golden: Golden, capsys: pytest.CaptureFixture[str]) -> None:
    show(made())
    said = capsys.readouterr()
    golden.check(name, re.sub(r" +$", "", f"{said.out}\n--- warnings\n{said.err}", flags=re.M))


def test_nothing_an_ad_says_steers_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    show(difference())
    said = capsys.readouterr().out
    assert "\x1b" not in said
    assert "\u202e" not in said
    assert r"[bold]" in said
    assert r"\x1b[31m" in said


def test_it_compares_with_the_ledger_and_writes_the_page_and_the_figures(home: Path) -> None:
    ledger = Ledger.open(f"sqlite:///{home / 'var' / 'ledger.db'}")
    ads = [an_ad(number) for number in range(1, 4)]
    for ad in ads:
        Story(ledger).decide(ad, APPROVE)
    rescored(home / "run", [(ad, decided(ad, deceptive=one)) for ad, one in zip(ads, (REJECT, REVIEW, APPROVE), strict=True)])
    said = run("--out", "run/out", "--json", "diff.json", "--page", "pages/diff.html", "--handling-seconds", "90")
    assert "2 of 3 verdicts of the model would change (66.67 %)" in said
    assert f"adjudicate rescore apply --out {home}/run/out --market SE --only reject --max 100" in said
    told = Difference.model_validate_json((home / "diff.json").read_text())
    assert (told.flipped, told.reviews[0].handling.seconds, told.against.seq) == (2, 90, 3)
    assert "What would change" in (home / "pages" / "diff.html").read_text()
    assert json.loads((home / "diff.json").read_text())["run"]["as_of"] == "2026-04-01T12:00:00Z"


def test_it_compares_with_another_rescoring_without_any_ledger(home: Path) -> None:
    ad = an_ad()
    for name, verdict in (("old", APPROVE), ("new", REJECT)):
        rescored(home / name, [(ad, decided(ad, deceptive=verdict))])
    assert "1 of 1 verdicts of the model would change" in run("--out", "new/out", "--against", "old/out")
    assert not (home / "var").exists()


@pytest.mark.parametrize("url", [None, "none", "sqlite:////nowhere/at/all.db"])
def test_without_a_ledger_it_says_what_could_be_compared_with(url: str | None, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if url is not None:
        monkeypatch.setenv("ADJUDICATE_DATABASE_URL", url)
    rescored(home / "run", [])
    said = run("--out", "run/out", code=2)
    assert "there is nothing to compare with" in said
    assert "--against" in said
    assert "ADJUDICATE_DATABASE_URL" in said
    assert not (home / "var").exists()


def test_a_folder_without_a_rescoring_and_an_amount_that_is_none_are_refused(home: Path) -> None:
    assert "no rescoring" in run("--out", "nowhere", code=1)
    rescored(home / "run", [])
    assert "--limit-memory" in run("--out", "run/out", "--against", "run/out", "--limit-memory", "much", code=2)
    assert "at least 256 MiB" in run("--out", "run/out", "--against", "run/out", "--limit-memory", "64MiB", code=2)
