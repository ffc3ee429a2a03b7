"""The documented backup: what was copied while it was in use is whole again elsewhere in time, ledger, registry and artifacts together."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import mlflow
import pandas as pd
import pytest

from adverdict.ledger.store import Ledger
from adverdict.ledger.verify import verify
from adverdict.training.tracking.aliases import CHAMPION, aliased, promote
from adverdict.training.tracking.store import Store
from tests.ledger.made import an_ad, append_decisions, decided
from tests.training.test_tracking import SCRIPT, train


def backed_up(database: Path, to: Path) -> None:
    """As ``sqlite3 DATABASE ".backup TO"``."""
    with sqlite3.connect(database) as source, sqlite3.connect(to) as target:
        source.backup(target)


@pytest.mark.slow
def test_a_backup_is_restored_whole(tmp_path: Path, store: Store, empty_ledger: Path) -> None:
    (tmp_path / "bundle").mkdir()
    (tmp_path / "bundle" / "manifest.json").write_text("hello")
    (tmp_path / "script.py").write_text(SCRIPT)
    promote(train(store, tmp_path / "bundle").version)
    shutil.copy(empty_ledger, tmp_path / "ledger.db")
    ledger = Ledger.open(f"sqlite:///{tmp_path / 'ledger.db'}", create=False)
    append_decisions(ledger, *(decided(an_ad(number)) for number in range(3)))
    end = ledger.end()

    kept = tmp_path / "kept"
    kept.mkdir()
    backed_up(tmp_path / "ledger.db", kept / "ledger.bak")
    backed_up(tmp_path / "mlflow.db", kept / "mlflow.bak")
    shutil.copytree(tmp_path / "artifacts", kept / "artifacts")
    append_decisions(ledger, decided(an_ad(9)))
    ledger.close()

    for name in ("ledger.db", "ledger.db-wal", "ledger.db-shm"):
        (tmp_path / name).unlink(missing_ok=True)
    shutil.copy(kept / "ledger.bak", tmp_path / "ledger.db")
    shutil.rmtree(tmp_path / "artifacts")
    shutil.copytree(kept / "artifacts", tmp_path / "artifacts")
    backed_up(kept / "mlflow.bak", tmp_path / "mlflow.db")

    again = Ledger.open(f"sqlite:///{tmp_path / 'ledger.db'}", create=False)
    assert again.end() == end
    assert verify(again).found == 0
    again.close()
    assert aliased(CHAMPION) == "1"
    assert mlflow.pyfunc.load_model(f"models:/adverdict@{CHAMPION}").predict(pd.DataFrame({"ad_id": ["a"]}))["said"].tolist() == ["hello"]
