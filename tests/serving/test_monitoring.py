"""What is watched, over HTTP: alarms with their life, detectors as they stood at the last look, launches; for keys that may know."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from pathlib import Path

from adverdict.ledger.store import Ledger
from adverdict.monitoring.watch import watch
from adverdict.review.tasks.routing import Reviewer
from tests.ledger.made import START, open_market, ring
from tests.monitoring.test_watch import BOOK, BUDGET, day
from tests.review.certificates import a_certificate
from tests.review.desk import Desk
from tests.serving.conftest import Serve

KEYS = ",".join(f"{name}:{name}:{hashlib.sha256(name.encode()).hexdigest()}" for name in ("score", "policy", "plan"))


def test_alarms_health_and_launches_are_told_to_keys_that_may_know(serve: Serve, tmp_path: Path) -> None:
    with serve(ADVERDICT_API_KEYS=KEYS) as client:
        opened = Ledger.open(f"sqlite:///{tmp_path / 'ledger.db'}", create=False)
        desk = Desk(opened)
        desk.staff(*(Reviewer(name) for name in ("rita", "sven", "tove")))
        desk.clock.now = START
        made = a_certificate(START)
        for _ in range(3):
            day(desk, made, 2, violating=1)
        watch(opened, [made], BOOK, BUDGET, lambda: START + timedelta(days=9))
        ring(opened)
        open_market(opened)
        end = opened.end()[0]
        opened.close()

        def get(path: str, key: str = "policy") -> dict[str, object]:
            answer = client.get(path, headers={"X-API-Key": key})
            assert answer.status_code == 200, answer.text
            return dict(answer.json())

        [alarm] = get("/v1/alarms")["alarms"]  # type: ignore[misc]
        assert (alarm["alarm"]["policy"], alarm["alarm"]["watched"], len(alarm["moves"])) == ("gambling", "leakage", 1)
        health = get("/v1/health")
        assert health["end"] == end
        assert {one["cell"].split("/")[0] for one in health["detectors"]} >= {"leakage"}  # type: ignore[attr-defined]
        assert get("/v1/launches", "plan")["launches"] == get("/v1/launches")["launches"]
        assert [client.get(path, headers={"X-API-Key": "plan"}).status_code for path in ("/v1/alarms", "/v1/health")] == [403, 403]
        assert client.get("/v1/launches", headers={"X-API-Key": "score"}).status_code == 403
