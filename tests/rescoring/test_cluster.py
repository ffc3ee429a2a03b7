"""The engine of Ray: the same rows as the local one, the same blame, and a plain word where Ray is missing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from adverdict.domain.errors import NotFound
from adverdict.rescoring.deciding.progress import SilentProgress
from adverdict.rescoring.deciding.run import rescore
from tests.rescoring.deciding import Bench, files_of, in_process
from tests.scoring.fakes import open_fake

ROOT = Path(__file__).parent.parent.parent


def test_without_ray_the_extra_is_named_before_anything_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adverdict.rescoring.deciding.cluster.find_spec", lambda name: None)
    bench = Bench.make(tmp_path)
    with pytest.raises(NotFound, match=r"pip install 'adverdict\[ray\]'"):
        rescore(bench.options(engine="ray"), SilentProgress(), open_model=open_fake)
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_in_place_its_rows_are_those_of_the_local_engine_and_a_deadly_shard_is_blamed_exactly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("ray")
    bench = Bench.make(tmp_path)
    told = on_ray(tmp_path)
    assert told["quarantined"] == [["part-00000-00001", "3 workers died of it"]]
    with monkeypatch.context() as patch:
        in_process(patch)
        rescore(bench.options("local", workers=1), SilentProgress(), open_model=open_fake, now=lambda: told_moment(told))
    expected = files_of(tmp_path / "local")
    found = files_of(tmp_path / "out")
    assert found == {name: content for name, content in expected.items() if not name.endswith("part-00000-00001.parquet")}
    assert len(found) == 10


def told_moment(told: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(told["started_at"])


def on_ray(home: Path) -> dict[str, Any]:
    """In a process of its own: Ray deprecates what it itself uses, and a warning is an error here."""
    command = [sys.executable, "-m", "tests.rescoring.deciding", str(home), "ray"]
    environment = os.environ | {"ADVERDICT_HOME": str(home / "home"), "PYTHONPATH": os.environ["PYTHONPATH"]}
    environment.pop("RAY_ADDRESS", None)
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    assert "RayDeprecationWarning" not in done.stderr
    return dict(json.loads(done.stdout.splitlines()[-1]))
