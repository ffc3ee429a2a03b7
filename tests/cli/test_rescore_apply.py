"""``adverdict rescore apply`` and ``undo``: what they print, what they refuse, and how they end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from adverdict.cli.main import app
from adverdict.cli.rescore.apply import show_applied, undo_command
from adverdict.ledger.store import Ledger
from adverdict.rescoring.applying.apply import Applied, Change
from adverdict.rescoring.applying.judging import SkipReason
from adverdict.storage.tables.pack import write_ads
from tests.golden import Golden
from tests.rescoring.applying.world import APPROVE, REJECT, REVIEW, World, live_ad

RUNNER = CliRunner()


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """In the home that the environment names."""
    monkeypatch.setenv("ADVERDICT_HOME", str(tmp_path))
    monkeypatch.delenv("ADVERDICT_DATABASE_URL", raising=False)
    ledger = Ledger.open(f"sqlite:///{tmp_path / 'ledger.db'}")
    yield World(ledger, tmp_path)
    ledger.close()


def rescore(*arguments: str) -> tuple[int, str]:
    result = RUNNER.invoke(app, ["rescore", *arguments])
    return result.exit_code, result.output


def test_applying_tells_the_step_and_how_to_undo_it(world: World, tmp_path: Path) -> None:
    world.decide({1: APPROVE, 2: REVIEW})
    world.run({1: REJECT, 2: REVIEW, 3: REVIEW})
    code, said = rescore("apply", "--out", str(tmp_path / "out"), "--list", str(tmp_path / "list.csv"))
    assert code == 0, said
    step = next(iter(world.ledger.read(kinds=["rescoring"]))).entry_id
    assert f"step   {step}" in said
    assert f"adverdict rescore undo --step {step} --why" in said
    assert "2 ads in" in said
    lines = (tmp_path / "list.csv").read_text().splitlines()
    assert (lines[0], len(lines)) == ("ad_id,decision_id,before,now,market", 3)
    code, said = rescore("undo", "--step", step, "--why", "too many")
    assert (code, f"step {step} is undone: 2 decisions of it do not stand any more" in said) == (0, True)
    code, said = rescore("undo", "--step", step, "--why", "again")
    assert (code, "nothing changed" in said) == (0, True)
    code, said = rescore("apply", "--out", str(tmp_path / "out"))
    assert (code, "is not applied again" in " ".join(said.split())) == (1, True)


def test_undoing_lists_what_stands_instead(world: World, tmp_path: Path) -> None:
    world.decide({1: APPROVE})
    step = world.apply(world.run({1: REJECT})).step
    undo_command(step=step, why="too many", listed=tmp_path / "list.jsonl")
    assert '"before": "reject", "now": "approve"' in (tmp_path / "list.jsonl").read_text()


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("--only", "maybe"), "--only = 'maybe'; expected approve, review, reject"),
        (("--market", "xx"), "--market = 'XX'; expected one that the run decided: DE"),
        (("--list", "list.xlsx"), "expected a file that ends in .parquet, .csv, .jsonl"),
        (("--list", "/dev/null/list.csv"), "--list = '/dev/null/list.csv'; expected a file in a folder that can be written to"),
    ],
)
def test_a_mistake_ends_with_2_and_changes_nothing(world: World, tmp_path: Path, arguments: tuple[str, ...], expected: str) -> None:
    world.run({1: REJECT})
    code, said = rescore("apply", "--out", str(tmp_path / "out"), *arguments)
    assert (code, world.ledger.end()[0]) == (2, 0)
    assert expected in " ".join(said.split())


def test_refused_ads_end_with_3(world: World, tmp_path: Path) -> None:
    world.run({1: REJECT})
    write_ads(tmp_path / "ads of out" / "ads.parquet", [live_ad(1, title="another")])
    code, said = rescore("apply", "--out", str(tmp_path / "out"))
    assert code == 3
    assert "1 decision refused: rescore those ads anew" in said


def test_what_was_applied_is_told_by_market_and_verdict(golden: Golden, capsys: pytest.CaptureFixture[str]) -> None:
    changes = {("DE", APPROVE, REJECT): 1204, ("DE", None, REVIEW): 3, ("BR", REVIEW, APPROVE): 17, ("DE", APPROVE, REVIEW): 89}
    done = Applied(
        "stp-0123456789abcdef0123456789abcdef",
        Counter({Change(*change): ads for change, ads in changes.items()}),
        Counter({SkipReason.UNCHANGED: 98_213, SkipReason.PERSON: 41, SkipReason.APPEAL: 2, SkipReason.DEGRADED: 7}),
        opened=92,
        closed=17,
        in_step=1500,
        unfinished=1,
    )
    show_applied(done)
    golden.check("rescore_apply.txt", capsys.readouterr().out)
