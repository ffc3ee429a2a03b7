"""The service with a bundle trained for real: it says what the library says, and refuses what is not a bundle."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from adverdict import Scorer
from adverdict.domain.ad import Ad
from adverdict.domain.decision import Decision
from adverdict.domain.degraded import Cause, Degradation
from adverdict.domain.errors import NotFound, Unavailable
from adverdict.models.opening import MlflowRegistry
from adverdict.serving.assembly import assemble
from adverdict.storage.tables.pack import read_ads
from tests.serving.conftest import HERE, until

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def ads(marketplace: Path) -> list[Ad]:
    return read_ads(marketplace)[-40:]


@pytest.fixture(scope="module")
def caller(service: Any, app: Any, tiny_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    environment = {"ADVERDICT_HOME": str(tmp_path_factory.mktemp("home")), "ADVERDICT_MODEL": str(tiny_bundle)}
    environment["ADVERDICT_DATABASE_URL"] = "none"  # the bundle's own history, as the library reads it
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(service.inner, "assemble", staticmethod(lambda _: assemble(environment)))
        patch.setenv("MLFLOW_TRACKING_URI", "unused")
        with TestClient(app, base_url="http://127.0.0.1:8377", client=HERE) as client:
            until(lambda: client.get("/readyz").json()["status"] == "ready", seconds=60)
            yield client


@pytest.fixture(scope="module")
def scorer(tiny_bundle: Path) -> Iterator[Scorer]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", "")
        patch.setenv("ADVERDICT_DATABASE_URL", "none")
        yield Scorer.load(tiny_bundle)


def words(decision: Decision) -> dict[str, Any]:
    """All that is no number and does not differ between two decisions on the same ad."""
    said = decision.model_dump(exclude={"decision_id", "decided_at", "policies", "reasons"})
    verdicts = [(verdict.policy, verdict.verdict, verdict.because) for verdict in decision.policies]
    return {**said, "verdicts": verdicts, "reasons": [(reason.policy, reason.text) for reason in decision.reasons]}


def numbers(decision: Decision) -> list[float]:
    risks = [verdict.risk for verdict in decision.policies if verdict.risk]
    return [number for risk in risks for number in (risk.p, risk.p_low, risk.p_high)] + [reason.effect for reason in decision.reasons]


def test_an_ad_gets_the_same_decision_by_http_alone_in_a_batch_and_from_python(caller: TestClient, scorer: Scorer, ads: list[Ad]) -> None:
    bodies = [ad.model_dump(mode="json") for ad in ads]
    batch = [
        Decision.model_validate(answer) for answer in caller.post("/v1/score/batch?explain=all", json={"ads": bodies}).json()["results"]
    ]
    single = [Decision.model_validate(caller.post("/v1/score?explain=all", json=body).json()) for body in bodies]
    for by_python, in_batch, alone in zip(scorer.score(ads), batch, single, strict=True):
        assert words(in_batch) == words(by_python) == words(alone)
        # The encoder computes in 32 bits, and how texts are put together moves its last digits.
        assert numbers(in_batch) == pytest.approx(numbers(by_python), abs=1e-6)
        assert numbers(alone) == pytest.approx(numbers(by_python), abs=1e-6)


def test_every_decision_has_a_reason_in_words_when_something_moved_it(scorer: Scorer, ads: list[Ad]) -> None:
    decisions = scorer.score(ads)
    assert any(decision.reasons for decision in decisions)
    assert all(reason.text for decision in decisions for reason in decision.reasons)


def test_one_flipped_byte_keeps_a_bundle_out_of_service(tiny_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "unused")
    bundle = Path(shutil.copytree(tiny_bundle, tmp_path / "bundle"))
    file = next(bundle.glob("*.safetensors"))
    raw = bytearray(file.read_bytes())
    raw[-1] ^= 1
    file.write_bytes(raw)
    champion = assemble({"ADVERDICT_HOME": str(tmp_path), "ADVERDICT_MODEL": str(bundle)}).champion
    champion.check()
    assert (champion.state.loaded, champion.state.degraded) == (None, (Degradation(Cause.BUNDLE_REFUSED, "bundle"),))
    assert bundle.is_dir()  # a folder somebody named is never removed


def test_a_registry_that_is_down_is_unavailable_and_said_so_soon(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(Unavailable):
        MlflowRegistry().resolve("models:/adverdict@champion")


def test_a_folder_that_is_not_there_is_no_model() -> None:
    with pytest.raises(NotFound, match="neither a registered name"):
        MlflowRegistry().resolve("/no/such/bundle")
