"""``adverdict certificate``: how what was certified stands."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from adverdict.certification.certificate import Issued
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


def test_where_nothing_is_certified_it_says_what_would_certify() -> None:
    assert "nothing is certified here: adverdict policy solve" in watched()
