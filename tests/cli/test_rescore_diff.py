"""``adverdict rescore diff``: what it prints and writes, and what it refuses."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from adverdict.cli.main import app
from adverdict.cli.rescore.diff import POLICIES, show
from adverdict.domain.verdict import Verdict
from adverdict.ledger.store import Ledger
from adverdict.rescoring.diff.difference import Baseline, Difference, Handling, PolicyFlip, Reviews, Unrecorded, flips
from tests.golden import Golden
from tests.ledger.made import an_ad
from tests.rescoring.differences import change, counted, difference, empty, example, unchanged, versions
from tests.rescoring.inventories import decided, rescored
from tests.review.story import Story

RUNNER = CliRunner()
APPROVE, REVIEW, REJECT = Verdict.APPROVE, Verdict.REVIEW, Verdict.REJECT


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ADVERDICT_HOME", str(tmp_path / "var"))
    monkeypatch.delenv("ADVERDICT_DATABASE_URL", raising=False)
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


def test_a_narrow_terminal_cuts_no_figure_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adverdict.cli.console.out", Console(file=(said := StringIO()), width=40, force_terminal=True, color_system=None))
    show(difference())
    assert "…" not in said.getvalue()
    for figure in ("9,600,400", "100 of 120", "13.04 %", "0.0302 → 0.3315"):
        assert figure in said.getvalue()


def test_all_markets_are_summed_below_those_that_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    show(difference())
    said = re.sub(r" +", " ", capsys.readouterr().out)
    assert "all approve → review 124 0.25 % 49,964 1,250,000 100 of 124" in said
    assert "all 135 1.5 73 0.8 +62 9" in said
    assert "all 880 9 11 900" in said


def test_beside_another_rescoring_nothing_is_said_of_the_record(capsys: pytest.CaptureFixture[str]) -> None:
    other = Baseline(kind="rescoring", words="rescoring run-1", versions=versions())
    show(difference().model_copy(update={"against": other}))
    said = capsys.readouterr().out
    assert "not in the other, by their new verdict" in said
    assert "900 not in the other, 101 there in a later version" in said
    assert "not on record" not in said


def test_a_policy_without_thresholds_shows_none(capsys: pytest.CaptureFixture[str]) -> None:
    allowed = change("gambling", now="approve", approve_below=None, reject_at=None)
    show(empty(examples=(example(1, REVIEW, APPROVE, changes=(allowed,)),)))
    assert "risk 0.0312 → 0.9713\n" in capsys.readouterr().out


def test_one_market_has_no_sum_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    compared = (counted("SE", APPROVE, REJECT, 2), counted("SE", APPROVE, APPROVE, 2))
    reviews = (Reviews(market="SE", opened=0, closed=0, first=3, handling=Handling(seconds=45, source="told")),)
    show(
        empty(
            compared=compared, flips=flips(compared, "model"), reviews=reviews, unrecorded=(Unrecorded(market="SE", verdict=REVIEW, ads=3),)
        )
    )
    assert not re.search(r"^all ", capsys.readouterr().out, re.M)


def test_of_many_rows_by_policy_those_with_most_ads_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    rows = tuple(
        PolicyFlip(policy=f"policy_{ads:02}", market="SE", was="approve", now="reject", ads=ads, of=99, risk_before=0.1, risk_after=0.9)
        for ads in range(1, POLICIES + 3)
    )
    compared = (counted("SE", APPROVE, REJECT, 99),)
    show(empty(inventory=unchanged().inventory, compared=compared, flips=flips(compared, "model"), policies=rows))
    said = capsys.readouterr().out
    assert re.findall(r"policy_(\d+)", said) == [f"{ads:02}" for ads in range(POLICIES + 2, 2, -1)]
    assert "… and 2 more rows: --page and --json have all" in said


def test_it_compares_with_the_ledger_and_writes_the_page_and_the_figures(home: Path) -> None:
    ledger = Ledger.open(f"sqlite:///{home / 'var' / 'ledger.db'}")
    ads = [an_ad(number) for number in range(1, 4)]
    for ad in ads:
        Story(ledger).decide(ad, APPROVE)
    rescored(home / "run", [(ad, decided(ad, deceptive=one)) for ad, one in zip(ads, (REJECT, REVIEW, APPROVE), strict=True)])
    said = run("--out", "run/out", "--json", "diff.json", "--page", "pages/diff.html", "--handling-seconds", "90")
    assert "2 of 3 verdicts of the model would change (66.67 %)" in said
    assert "written to diff.json" in said
    assert f"adverdict rescore apply --out {home}/run/out --market SE --only reject --max 100" in said
    told = Difference.model_validate_json((home / "diff.json").read_text())
    assert (told.flipped, told.reviews[0].handling.seconds, told.against.seq) == (2, 90, 3)
    assert "What would change" in (home / "pages" / "diff.html").read_text()
    assert json.loads((home / "diff.json").read_text())["run"]["as_of"] == "2026-04-01T12:00:00Z"


def test_it_compares_with_another_rescoring_without_any_ledger(home: Path) -> None:
    ad = an_ad()
    for name, verdict in (("old", APPROVE), ("new", REJECT)):
        rescored(home / name, [(ad, decided(ad, deceptive=verdict))])
    said = run("--out", "new/out", "--against", "old/out")
    assert "1 of 1 verdicts of the model would change" in said
    assert "rescore apply" not in said, "without a ledger it does not work"
    assert not (home / "var").exists()


@pytest.mark.parametrize("url", [None, "none", "sqlite:////nowhere/at/all.db"])
def test_without_a_ledger_it_says_what_could_be_compared_with(url: str | None, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if url is not None:
        monkeypatch.setenv("ADVERDICT_DATABASE_URL", url)
    rescored(home / "run", [])
    said = run("--out", "run/out", code=2)
    assert "there is nothing to compare with" in said
    assert "--against" in said
    assert "ADVERDICT_DATABASE_URL" in said
    assert not (home / "var").exists()


def test_what_could_not_be_written_is_refused_before_anything_is_compared(home: Path) -> None:
    rescored(home / "run", [])
    (home / "file").touch()
    (home / "there").mkdir()
    said = run("--out", "run/out", "--against", "run/out", "--json", "file/diff.json", "--page", "there", code=2)
    assert "nothing was compared" in said
    assert "--json = 'file/diff.json'" in said
    assert "--page = 'there'" in said


def test_a_folder_without_a_rescoring_and_an_amount_that_is_none_are_refused(home: Path) -> None:
    assert "no rescoring" in run("--out", "nowhere", code=1)
    rescored(home / "run", [])
    assert "--limit-memory" in run("--out", "run/out", "--against", "run/out", "--limit-memory", "much", code=2)
    assert "at least 256 MiB" in run("--out", "run/out", "--against", "run/out", "--limit-memory", "64MiB", code=2)
