"""Both ends over HTTP: a draft is checked without going on record, viewers report, and what the platform sees puts an ad back in line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from adverdict.ledger.schema import probes, tasks
from adverdict.ledger.store import Ledger
from adverdict.monitoring.drafts import AN_HOUR
from tests.serving.conftest import Serve
from tests.serving.test_doors import AD


def opened(tmp_path: Path) -> Ledger:
    return Ledger.open(f"sqlite:///{tmp_path / 'ledger.db'}", create=False)


def test_a_draft_is_told_the_rules_it_meets_and_leaves_no_entry_and_no_task(serve: Serve, tmp_path: Path) -> None:
    with serve() as client:
        ledger = opened(tmp_path)
        before = ledger.end()[0]
        answer = client.post("/v1/check", json=AD)
        assert answer.status_code == 200, answer.text
        told: Any = answer.json()
        assert told["left"] == AN_HOUR - 1
        assert all(set(one) == {"policy", "rule", "words"} for one in told["meets"]), "no risk, no threshold, no verdict"
        assert ledger.end()[0] == before
        with ledger.look() as connection:
            assert connection.execute(select(func.count()).select_from(tasks)).scalar_one() == 0
            assert connection.execute(select(func.count()).select_from(probes)).scalar_one() == 1
            assert AD["title"] not in str(connection.execute(select(probes)).all())
        for _ in range(AN_HOUR - 1):
            assert client.post("/v1/check", json=AD).status_code == 200
        spent = client.post("/v1/check", json=AD)
        assert (spent.status_code, spent.json()["error"]["code"]) == (429, "checks_spent")
        assert 0 < int(spent.headers["retry-after"]) <= 3600
        assert client.post("/v1/check", json={**AD, "advertiser_id": "adv-other"}).status_code == 200
        assert client.post("/v1/check", json={**AD, "market": "Sweden"}).status_code == 400
        ledger.close()


def test_reports_and_signs_about_ads_on_record_are_taken_and_others_refused(serve: Serve, tmp_path: Path) -> None:
    with serve() as client:
        assert client.post("/v1/score", json=AD).status_code == 200
        report = {"ad_id": AD["ad_id"], "reporter": "viewer-1", "statement": "It never arrived."}
        answer = client.post("/v1/reports", json={"reports": [report, report]})
        assert answer.status_code == 200, answer.text
        assert [one["counts"] for one in answer.json()["reports"]] == [True, False]
        wrong = client.post("/v1/reports", json={"reports": [{**report, "ad_id": "ad-none"}, {**report, "policy": "no_such"}]})
        assert (wrong.status_code, [one["field"] for one in wrong.json()["error"]["mistakes"]]) == (
            400,
            ["reports[0].ad_id", "reports[1].policy"],
        )
        seen = client.post("/v1/signals", json={"signals": [{"ad_id": AD["ad_id"], "sign": "landing_page"}]})
        assert seen.status_code == 200, seen.text
        assert len(seen.json()["tasks"]) == 1
        assert client.post("/v1/signals", json={"signals": [{"ad_id": AD["ad_id"], "sign": "weather"}]}).status_code == 400
        ledger = opened(tmp_path)
        [first, _] = ledger.read(kinds=["report"])
        assert first.body is not None
        assert "viewer-1" not in first.body.model_dump_json()
        ledger.close()
