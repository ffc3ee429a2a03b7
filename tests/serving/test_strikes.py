"""Over HTTP: strikes are told and lifted, and a decision says that it was left to people because of them."""

from __future__ import annotations

from pathlib import Path

from adverdict.domain.verdict import Verdict
from adverdict.ledger.store import Ledger
from tests.ledger.made import an_ad, append_decisions, decided
from tests.ledger.test_strikes import certified
from tests.serving.conftest import Serve


def test_strikes_are_told_and_lifted_once_a_key(serve: Serve, tmp_path: Path) -> None:
    with serve() as client:
        ledger = Ledger.open(f"sqlite:///{tmp_path / 'ledger.db'}", create=False)
        append_decisions(ledger, certified(decided(an_ad(1, advertiser_id="a/b"), Verdict.REJECT)))
        ledger.close()
        told = client.get("/v1/strikes/a/b").json()
        assert [(one["policy"], one["ad_id"], one["by"], one["counts_by_itself"]) for one in told["strikes"]] == [
            ("deceptive", "ad-1", "model", True)
        ]
        assert told["limits"] == []
        body, key = {"advertiser_id": "a/b", "why": "a new owner"}, {"Idempotency-Key": "one"}
        answers = [client.post("/v1/strikes/lift", json=body, headers=key).json() for _ in range(2)]
        assert answers[0] == answers[1]
        assert client.get("/v1/strikes/a/b").json() == {"advertiser_id": "a/b", "strikes": [], "limits": []}
        assert client.post("/v1/strikes/lift", json=body).status_code == 404
        refused = client.post("/v1/strikes/lift", json={"advertiser_id": "a/b"})
        assert (refused.status_code, refused.json()["error"]["field"]) == (400, "why")
