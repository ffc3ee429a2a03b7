"""``adverdict advertiser``: strikes shown and lifted."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from adverdict.cli.main import app
from adverdict.domain.verdict import Verdict
from adverdict.ledger.store import Ledger
from tests.ledger.made import an_ad, append_decisions, decided
from tests.ledger.test_strikes import certified
from tests.scoring.policies import POLICY

LIMIT = "    strikes: {limit: 2, days: 3650, then: hold}\n"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    policies = tmp_path / "policies"
    policies.mkdir()
    (policies / "default.yaml").write_text(f"policies:\n  deceptive:{POLICY.format(name='deceptive')}{LIMIT}", encoding="utf-8")
    (policies / "SE.yaml").write_text("extends: default\n", encoding="utf-8")
    monkeypatch.setenv("ADVERDICT_HOME", str(tmp_path))
    monkeypatch.setenv("ADVERDICT_POLICIES", str(policies))
    monkeypatch.delenv("ADVERDICT_DATABASE_URL", raising=False)
    ledger = Ledger.open(f"sqlite:///{tmp_path / 'ledger.db'}")
    append_decisions(ledger, *(certified(decided(an_ad(number), Verdict.REJECT)) for number in (1, 2, 200)))
    ledger.close()


def run(*arguments: str, fails: bool = False) -> str:
    result = CliRunner().invoke(app, ["advertiser", *arguments])
    assert (result.exit_code != 0) == fails, result.output
    return re.sub(r"\s+", " ", result.output)


def test_strikes_are_shown_with_the_limit_they_reach_and_lifted(tmp_path: Path) -> None:
    shown = run("strikes", "adv-7", "--json", str(tmp_path / "strikes.json"))
    assert "adv-7: 3 strikes, of which 2 count by themselves" in shown
    assert "people decide all of its ads in SE until somebody lifts it" in shown
    told = json.loads((tmp_path / "strikes.json").read_text())
    assert [(one["ad_id"], one["counts_by_itself"]) for one in told["strikes"]] == [("ad-200", True), ("ad-2", False), ("ad-1", True)]
    assert [(one["policy"], one["then"], one["until"]) for one in told["limits"]] == [("deceptive", "hold", None)]
    assert "the strikes of adv-7 count no more from entry 4 on" in run("lift", "adv-7", "--why", "a new owner", "--by", "lea")
    assert "no strike counts against this advertiser" in run("strikes", "adv-7")


def test_nothing_to_lift_and_no_reason_are_refused() -> None:
    assert "advertiser adv-8 has no strike that counts" in run("lift", "adv-8", "--why", "x", fails=True)
    assert "why = ' '" in run("lift", "adv-7", "--why", " ", fails=True)
