"""What ads, drafts, reports, appeals and labels say stands in no log line, metric, address or error, also when parts fail."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from adverdict.domain.ad import Ad
from adverdict.domain.errors import Unavailable
from adverdict.features.history.known import History
from tests.scoring.ads import AD, ad
from tests.scoring.fakes import FakeModel, FakeRegistry, FakeRisks
from tests.serving.conftest import served, until, usual

CANARY = "canary7f3a91"
TEXTS = ("title", "body", "call_to_action", "creative_ocr_text", "creative_category", "creative_id")


class Repeating(FakeModel):
    """A model whose library repeats what it stumbles over, as native ones do."""

    def score(self, ads: Sequence[Ad], history: History | None = None) -> FakeRisks:
        if any("stumble" in (one.title or "") for one in ads):
            raise ValueError(f"cannot read {ads[0].title!r} {ads[0].body!r}")
        return super().score(ads, history)


def speaking(**changes: Any) -> dict[str, Any]:
    """An ad with the canary in every text."""
    told = {name: f"{CANARY} {name}" for name in TEXTS} | {"keywords": [CANARY], "landing_domain": f"{CANARY}.example"}
    return ad(**{**told, "creative_uri": f"https://{CANARY}.example/a.png", **changes})


@contextmanager
def blocked(place: Path) -> Iterator[None]:
    """Somebody else holds the database."""
    with closing(sqlite3.connect(place, isolation_level=None)) as blocker:
        blocker.execute("BEGIN IMMEDIATE")
        yield
        blocker.execute("ROLLBACK")


@pytest.fixture
def speaker(
    service: Any, app: Any, policy_folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[TestClient, FakeRegistry]]:
    monkeypatch.setattr("adverdict.ledger.database.BUSY_MS", 50)
    caplog.set_level(logging.DEBUG)
    registry = FakeRegistry()
    how = usual(tmp_path, policy_folder)
    context: AbstractContextManager[TestClient] = served(service, app, registry, how, open_model=lambda _: Repeating())
    with context as client:
        yield client, registry


def all_that_is_sent(client: TestClient, number: int) -> list[tuple[str, int, str]]:
    """Everything that takes text, once; what the answers say that are no success."""
    ads = [speaking(ad_id=f"ad-{number}-{one}", title=f"{CANARY} {title}") for one, title in enumerate(("scam", "bread", "stumble"))]
    answers = [client.post("/v1/score", json=one, headers={"idempotency-key": f"k-{one['ad_id']}"}) for one in ads]
    decided = next((one.json()["decision_id"] for one in answers if one.status_code == 200), "dec-none")
    report = {"ad_id": ads[0]["ad_id"], "reporter": "viewer", "policy": "deceptive", "statement": f"{CANARY} never came"}
    label = {
        "ad_id": ads[0]["ad_id"],
        "policy": "deceptive",
        "violates": True,
        "reason": f"{CANARY} says so",
        "labelled_at": AD["submitted_at"],
    }
    wrong = {**ads[0], "market": "nowhere", "impressions": -1}
    answers += [
        client.post("/v1/score/batch", json={"ads": ads}),
        client.post("/v1/check", json=ads[0]),
        client.post("/v1/appeals", json={"decision_id": decided, "statement": f"{CANARY} is not so"}),
        client.post("/v1/reports", json={"reports": [report]}),
        client.post("/v1/labels", json={"labels": [label]}),
        client.post("/v1/score", json=wrong),
        client.post("/v1/score", content=f'{{"title": "{CANARY}'.encode()),
        client.post("/v1/score", json={**ads[0], "surprise": 1}),
    ]
    return [(str(one.request.url), one.status_code, one.text) for one in answers]


def test_no_word_of_an_ad_stands_where_operators_and_strangers_read(
    speaker: tuple[TestClient, FakeRegistry], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    client, registry = speaker
    seen = all_that_is_sent(client, 1)
    registry.away = Unavailable("no answer")
    until(lambda: client.get("/readyz").json()["degraded"] != [])
    seen += all_that_is_sent(client, 2)
    registry.away = None
    with blocked(tmp_path / "ledger.db"):
        seen += all_that_is_sent(client, 3)
    assert {200, 400, 500, 503} <= {status for _, status, _ in seen}, "all that was meant to fail did"
    told = {
        "addresses": " ".join(address for address, _, _ in seen),
        "errors": " ".join(text for _, status, text in seen if status >= 400),
        "log": caplog.text,
        "metrics": client.get("/metrics").text,
        "readiness": client.get("/readyz").text,
    }
    assert {where: text[max(0, text.find(CANARY) - 300) :][:600] for where, text in told.items() if CANARY in text} == {}
