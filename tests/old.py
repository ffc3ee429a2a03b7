"""What version 0.1 wrote, unpacked so that its registry finds its artifacts: see tests/fixtures/README.md."""

from __future__ import annotations

import json
import shutil
import sqlite3
import tarfile
from pathlib import Path
from typing import Any

ARCHIVE = Path(__file__).parent / "fixtures" / "adjudicate-0.1.tar.xz"
ADDRESS = "/adjudicate-0.1/"
"""With which the addresses in the archive begin."""
ADDED = ("unused_risks", "familiarity", "arm", "cluster", "steered_seq", "record")
"""Fields that a decision has had since."""
ADDRESSES = {
    "experiments": "artifact_location",
    "runs": "artifact_uri",
    "logged_models": "artifact_location",
    "model_versions": "storage_location",
}
"""Tables of MLflow with the column that says where files lie."""


def unpack(folder: Path) -> Path:
    """The archive's one folder, under ``folder``."""
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(folder, filter="data")
    unpacked = folder / "adjudicate-0.1"
    with sqlite3.connect(unpacked / "home" / "mlflow.db") as registry:
        for table, column in ADDRESSES.items():
            registry.execute(f"UPDATE {table} SET {column} = replace({column}, ?, ?)", (ADDRESS, f"{unpacked}/"))
    registry.close()
    for file in unpacked.rglob("MLmodel"):
        file.write_text(file.read_text().replace(ADDRESS, f"{unpacked}/"))
    for file in unpacked.rglob("run.json"):
        text = file.read_text()
        file.write_text(text.replace(json.loads(text)["root"], str(unpacked / "ads")))  # where its ads lay
    return unpacked


def home_of(unpacked: Path, folder: Path, *, ledger: bool) -> Path:
    """A copy to write to of the home that version 0.1 left. The registry's artifacts stay where they were unpacked."""
    folder.mkdir()
    for name in ("mlflow.db", "ledger.db") if ledger else ("mlflow.db",):
        shutil.copy(unpacked / "home" / name, folder)
    return folder


def decisions(file: Path) -> list[dict[str, Any]]:
    """The decisions in a file of them, one a line, without what differs each time a decision is made: its id and its moment."""
    return [without_id(json.loads(line)) for line in file.read_text(encoding="utf-8").splitlines()]


def without_id(decision: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in decision.items() if name not in ("decision_id", "decided_at")}


def as_then(decision: dict[str, Any]) -> dict[str, Any]:
    """As much of a decision as version 0.1 recorded: what it said is compared, and no more."""
    told = {name: value for name, value in without_id(decision).items() if name not in ADDED}
    told["policies"] = [{name: value for name, value in one.items() if name != "standing"} for one in told["policies"]]
    return told | {"audit": told["audit"] and {name: told["audit"][name] for name in ("probability", "chosen")}}


def differences(now: Any, then: Any, within: float = 1e-6, at: str = "") -> list[str]:
    """Where two JSON values differ; numbers may by what another processor makes of the last digits of float32."""
    if isinstance(now, dict) and isinstance(then, dict):
        names = sorted({*now, *then})
        return [one for name in names for one in differences(now.get(name), then.get(name), within, f"{at}.{name}")]
    if isinstance(now, list | tuple) and isinstance(then, list | tuple) and len(now) == len(then):
        return [one for i, pair in enumerate(zip(now, then, strict=True)) for one in differences(*pair, within, f"{at}[{i}]")]
    same = abs(now - then) <= within if isinstance(now, float) and isinstance(then, float) else now == then
    return [] if same else [f"{at}: {now!r}, then {then!r}"]
