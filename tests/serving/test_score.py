"""One ad and many over HTTP."""

from __future__ import annotations

from typing import Any

from domain.ad import Ad
from domain.decision import Decision
from tests.serving.conftest import Serve

AD: dict[str, Any] = Ad.model_json_schema()["examples"][0]


def test_an_ad_gets_a_decision(serve: Serve) -> None:
    with serve() as client:
        answer = client.post("/v1/score", json=AD)
        print(answer.headers, answer.text)
        assert answer.status_code == 200
        assert Decision.model_validate(answer.json()).verdict == "approve"
        b = client.post("/v1/score/batch", json={"ads": [AD, {"ad_id": "x"}, AD]})
        print(b.text)
        for p in ("/readyz", "/livez", "/metrics", "/nope", "/v1/score", "/docs.json","/docs","/static_content/swagger-ui.css"):
            r = client.get(p)
            print(p, r.status_code, r.headers, r.text[:1500])
        assert 0
