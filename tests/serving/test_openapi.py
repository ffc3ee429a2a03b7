"""The OpenAPI document says what the service does."""

from __future__ import annotations

from typing import Any

from starlette.testclient import TestClient

from adverdict.domain.ad import Ad, Label
from adverdict.domain.decision import Decision
from adverdict.serving.http import openapi
from adverdict.serving.http.errors import MEANING
from adverdict.serving.http.messages import ErrorBody
from adverdict.serving.http.routes import ROUTES

DOCUMENT = openapi.document("1.2.3")


def test_every_route_of_the_service_is_described_and_known_to_the_gate(service: Any) -> None:
    described = set(DOCUMENT["paths"])
    assert {api.route for api in service.apis.values()} <= described
    assert {path.partition("{")[0] for path in described} <= set(ROUTES)
    assert {path for path, route in ROUTES.items() if route.method == "POST"} <= described


def test_its_examples_are_true() -> None:
    Ad.model_validate(DOCUMENT["paths"]["/v1/score"]["post"]["requestBody"]["content"]["application/json"]["example"])
    Decision.model_validate(openapi.DECISION_EXAMPLE)
    ErrorBody.model_validate(openapi.ERROR_EXAMPLE)
    Label.model_validate(openapi.LABEL_EXAMPLE)


def test_the_error_example_is_what_the_service_says(client: TestClient) -> None:
    example = DOCUMENT["paths"]["/v1/score"]["post"]["requestBody"]["content"]["application/json"]["example"]
    answer = client.post(
        "/v1/score", json={**example, "market": "Sweden"}, headers={"x-request-id": openapi.ERROR_EXAMPLE["error"]["request_id"]}
    )
    assert answer.json() == openapi.ERROR_EXAMPLE


def test_it_is_served_and_its_page_loads_nothing_from_elsewhere(client: TestClient) -> None:
    served = client.get("/docs.json").json()
    assert served["paths"] == DOCUMENT["paths"]
    page = client.get("/docs").text
    assert "http" not in page
    for name in ("swagger-ui.css", "swagger-ui-bundle.js"):
        assert f"static_content/{name}" in page
        assert client.get(f"/static_content/{name}").status_code == 200


def test_every_error_a_scoring_address_gives_is_described() -> None:
    described = {int(status) for status in DOCUMENT["paths"]["/v1/score"]["post"]["responses"]} - {200}
    assert described == set(MEANING) - {405}
