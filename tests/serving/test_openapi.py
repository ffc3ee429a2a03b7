"""The OpenAPI document says what the service does."""

from __future__ import annotations

from typing import Any

from starlette.testclient import TestClient

from adverdict.domain.ad import Ad, Label
from adverdict.domain.decision import Decision
from adverdict.serving.http import examples, openapi
from adverdict.serving.http.app import ENDPOINTS
from adverdict.serving.http.endpoint import Call, Endpoints, RequestBody, ResponseBody
from adverdict.serving.http.errors import MEANING
from adverdict.serving.http.messages import ErrorBody, LabelsRecorded, LabelsRequest

DOCUMENT = openapi.document(ENDPOINTS, "1.2.3")


def test_every_endpoint_is_described_with_every_model_it_takes_and_gives() -> None:
    described = {(path, method.upper()) for path, methods in DOCUMENT["paths"].items() for method in methods}
    assert described == {(endpoint.path.replace(":path", ""), endpoint.method) for endpoint in ENDPOINTS}
    models = {endpoint.takes.model for endpoint in ENDPOINTS if endpoint.takes}
    models |= {gives.model for endpoint in ENDPOINTS for gives in endpoint.gives if gives.model}
    assert {model.__name__ for model in models} <= set(DOCUMENT["components"]["schemas"])


def test_a_new_endpoint_is_described_by_its_declaration_alone() -> None:
    endpoints = Endpoints()

    @endpoints.post(
        "/v1/things/{name}",
        "label",
        takes=RequestBody(LabelsRequest, LabelsRequest.model_validate_json, {"labels": [examples.LABEL]}),
        gives=ResponseBody("done", LabelsRecorded),
        summary="Does things",
        errors=(404,),
    )
    async def things(call: Call, body: LabelsRequest) -> LabelsRecorded:
        return LabelsRecorded(labels=len(body.labels), entries=())

    described = openapi.document([*endpoints], "1.2.3")
    operation = described["paths"]["/v1/things/{name}"]["post"]
    assert (operation["operationId"], operation["summary"], operation["description"][:12]) == ("things", "Does things", "Scope: label")
    assert set(operation["responses"]) == {"200", "400", "401", "403", "404", "408", "409", "413", "415", "500"}
    assert {"LabelsRequest", "LabelsRecorded", "ErrorBody"} <= set(described["components"]["schemas"])


def test_what_bentoml_declares_is_described_under_the_same_addresses(service: Any) -> None:
    assert {api.route for api in service.apis.values()} == {"/v1/score", "/v1/score/batch"} <= set(DOCUMENT["paths"])


def test_its_examples_are_true() -> None:
    Ad.model_validate(DOCUMENT["paths"]["/v1/score"]["post"]["requestBody"]["content"]["application/json"]["example"])
    Decision.model_validate(examples.DECISION)
    ErrorBody.model_validate(examples.ERROR)
    Label.model_validate(examples.LABEL)


def test_the_error_example_is_what_the_service_says(client: TestClient) -> None:
    example = DOCUMENT["paths"]["/v1/score"]["post"]["requestBody"]["content"]["application/json"]["example"]
    answer = client.post("/v1/score", json={**example, "market": "Sweden"}, headers={"x-request-id": examples.ERROR["error"]["request_id"]})
    assert answer.json() == examples.ERROR


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
