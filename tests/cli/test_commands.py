"""Commands: they say what they do, refuse with the value, and together make ads into decisions."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from adverdict.cli import console
from adverdict.cli.main import app
from adverdict.decisions.policy import PolicyBook
from adverdict.ledger.store import Ledger
from adverdict.review.tasks.settings import ReviewSettings
from adverdict.scoring.opened import open_bundle
from adverdict.scoring.recorder import DecidedRequest, Recorder
from adverdict.scoring.scorer import Scorer
from adverdict.storage.tables.pack import read_ads

RUNNER = CliRunner()
ROOT = Path(__file__).parent.parent.parent


def _commands() -> list[str]:
    found = []
    for name, command in get_command(app).commands.items():  # type: ignore[attr-defined]
        inner = getattr(command, "commands", None)
        found += [f"{name} {sub}" for sub in inner] if inner else [name]
    return found


@pytest.mark.parametrize("command", _commands())
def test_every_command_explains_itself_and_is_documented(command: str) -> None:
    result = RUNNER.invoke(app, [*command.split(), "--help"])
    assert result.exit_code == 0, result.output
    docs = "\n".join(path.read_text(encoding="utf-8") for path in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))])
    assert f"adverdict {command}" in docs


def test_every_option_of_train_is_documented() -> None:
    train = get_command(app).commands["train"]  # type: ignore[attr-defined]
    docs = (ROOT / "docs" / "training.md").read_text(encoding="utf-8")
    for parameter in train.params:
        assert parameter.opts[0] in docs


def test_help_imports_nothing_heavy() -> None:
    import subprocess
    import sys

    heavy = ("torch", "mlflow", "bentoml", "sklearn", "polars", "lightgbm", "numpy")
    code = f"import sys; import adverdict.cli.main; print([name for name in {heavy} if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT).stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["train", "--data", "nowhere", "--no-register"], 1, "no such folder: nowhere"),
        (["evaluate", "--model", "nowhere", "--data", "nowhere"], 1, "no model nowhere"),
        (["score", "--ads", "nowhere.csv", "--out", "out.jsonl", "--model", "nowhere"], 1, "nowhere"),
        (["policy", "check", "nowhere"], 2, "--policies = 'nowhere'; expected a folder that exists"),
        (["simulate", "--ads", "0"], 2, "--ads"),
        (["explain", "--ad", "nowhere.json"], 1, "no such file: nowhere.json"),
        (["explain"], 2, "--ad, --decision = None; expected one of them: an ad's file, or a decision's id"),
    ],
)
def test_a_mistake_ends_a_command_with_a_sentence_and_no_stack_trace(
    arguments: list[str], code: int, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = RUNNER.invoke(app, arguments)
    assert result.exit_code == code, result.output
    assert said in re.sub(r"\s+", " ", result.output)
    assert "Traceback" not in result.output


def test_a_decision_on_record_is_explained_though_it_was_made_without_reasons(
    tiny_bundle: Path, marketplace: Path, book: PolicyBook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ADVERDICT_HOME", str(tmp_path))
    url = f"sqlite:///{tmp_path / 'ledger.db'}"
    monkeypatch.setenv("ADVERDICT_DATABASE_URL", url)
    scorer, ad = Scorer(open_bundle(tiny_bundle), book), read_ads(marketplace)[0]
    [with_reasons] = scorer.score([ad], explain="all")
    ledger = Ledger.open(url)
    recorder = Recorder(ledger, ReviewSettings())
    known = recorder.known(scorer)
    [decision] = scorer.score([ad], explain="none", known=known)
    recorder.record([DecidedRequest([ad], [decision])], scorer)
    ledger.close()
    monkeypatch.setattr(console.out, "width", 10_000)
    said = RUNNER.invoke(app, ["explain", "--decision", decision.decision_id, "--bundle", str(tiny_bundle)])
    assert said.exit_code == 0, said.output
    assert decision.reasons == ()
    assert with_reasons.reasons
    assert all(" ".join(reason.text.split()) in re.sub(r"\s+", " ", said.output) for reason in with_reasons.reasons)
    assert "differs" not in said.output


def test_ads_become_decisions_and_one_of_them_is_explained(tiny_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert RUNNER.invoke(app, ["simulate", "--ads", "60", "--seed", "3", "--out", "pack"]).exit_code == 0
    scored = RUNNER.invoke(app, ["score", "--model", str(tiny_bundle), "--ads", "pack", "--out", "decisions.jsonl"])
    assert scored.exit_code == 0, scored.output
    decisions = [json.loads(line) for line in Path("decisions.jsonl").read_text().splitlines()]
    assert len(decisions) == 60
    assert {decision["verdict"] for decision in decisions} <= {"approve", "review", "reject"}
    assert all(decision["uncertified"] for decision in decisions if decision["market"] == "SE")

    ad = {
        "ad_id": "a",
        "advertiser_id": "b",
        "market": "SE",
        "submitted_at": "2026-03-01T00:00:00Z",
        "title": "Win cash",
        "surface": "feed",
    }
    Path("ad.json").write_text(json.dumps(ad))
    explained = RUNNER.invoke(app, ["explain", "--model", str(tiny_bundle), "--ad", "ad.json"])
    assert explained.exit_code == 0, explained.output
    assert "gambling" in explained.output
    Path("ad.json").write_text(json.dumps({**ad, "market": "Sweden", "impressions": -1}))
    refused = RUNNER.invoke(app, ["explain", "--model", str(tiny_bundle), "--ad", "ad.json"])
    assert refused.exit_code == 2
    assert "market = 'Sweden'" in refused.output
    assert "impressions = -1" in refused.output


def test_the_packaged_policies_are_right() -> None:
    result = RUNNER.invoke(app, ["policy", "check"])
    assert result.exit_code == 0
    assert "8 markets" in re.sub(r"\s+", " ", result.output)
