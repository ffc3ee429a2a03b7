"""``adverdict certificate``: how what was certified stands."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from adverdict.certification.certificate import Issued, sealed
from adverdict.cli.main import app
from adverdict.ledger.store import Ledger
from tests.review.certificates import a_certificate


@pytest.fixture(autouse=True)
def home(tmp_path: Path, policy_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADVERDICT_HOME", str(tmp_path))
    monkeypatch.setenv("ADVERDICT_POLICIES", str(policy_folder))
    monkeypatch.setenv("ADVERDICT_MODEL", str(tmp_path))
    monkeypatch.delenv("ADVERDICT_DATABASE_URL", raising=False)
    Ledger.open(f"sqlite:///{tmp_path / 'ledger.db'}").close()


def watched(*options: str) -> str:
    result = CliRunner().invoke(app, ["certificate", "watch", "--once", *options])
    assert result.exit_code == 0, result.output
    return result.output


def test_each_certificate_is_told_with_its_standing_its_evidence_and_since_when(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = a_certificate(datetime.now(UTC) - timedelta(days=3))
    (tmp_path / "certificates.json").write_text(Issued((made,)).to_json(), encoding="utf-8")
    monkeypatch.setenv("ADVERDICT_CERTIFICATES", str(tmp_path / "certificates.json"))
    told = watched("--json", str(tmp_path / "told.json"))
    assert f"{made.certificate_id}  deceptive in SE: certified since {made.solved_at:%Y-%m-%d}" in told
    assert "No audit of what it approves is settled yet." in told
    assert "(20 revokes), for 1 (40 shows it)" in told
    (one,) = json.loads((tmp_path / "told.json").read_text())["certificates"]
    assert (one["certificate_id"], one["standing"], one["audited"]) == (made.certificate_id, "certified", 0)


def test_a_certificate_raised_and_named_anew_is_refused_in_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    raised = sealed(a_certificate().model_copy(update={"approve_below": 0.9}))
    (tmp_path / "certificates.json").write_text(Issued((raised,)).to_json(), encoding="utf-8")
    monkeypatch.setenv("ADVERDICT_CERTIFICATES", str(tmp_path / "certificates.json"))
    result = CliRunner().invoke(app, ["certificate", "watch", "--once"])
    said = " ".join(result.output.split())
    assert result.exit_code == 1, said
    assert f"certificate {raised.certificate_id} of deceptive does not follow from its own evidence: it approves below 0.9" in said
    assert "Traceback" not in said


def test_where_nothing_is_certified_it_says_what_would_certify() -> None:
    assert "nothing is certified here: adverdict policy solve" in watched()
