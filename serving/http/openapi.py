"""The OpenAPI 3.1 document, made from the same models that check requests and shape answers.

BentoML writes one too, but it knows nothing of the gate's errors, of API keys or of examples.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from adverdict.domain.ad import Ad
from adverdict.domain.decision import Decision
from adverdict.serving.http import routes
from adverdict.serving.http.errors import MEANING
from adverdict.serving.http.incoming import MOST_TIMEOUT_MS
from adverdict.serving.http.messages import (
    AppealRecorded,
    AppealRequest,
    BatchRequest,
    BatchResult,
    DecisionRecord,
    ErrorBody,
    LabelsRecorded,
    LabelsRequest,
    Readiness,
)

TITLE = "Adverdict"
_MODELS: list[tuple[type[BaseModel], JsonSchemaMode]] = [
    (Ad, "validation"),
    (BatchRequest, "validation"),
    (Decision, "serialization"),
    (BatchResult, "serialization"),
    (ErrorBody, "serialization"),
    (Readiness, "serialization"),
    (DecisionRecord, "serialization"),
    (LabelsRequest, "validation"),
    (LabelsRecorded, "serialization"),
    (AppealRequest, "validation"),
    (AppealRecorded, "serialization"),
]
DECISION_EXAMPLE: dict[str, Any] = {
    "decision_id": "dec-0b0e6c8c1d7f4c0c9a2f5c9f7a1d2e3f",
    "ad_id": "ad-1001",
    "advertiser_id": "adv-77",
    "market": "SE",
    "surface": "feed",
    "decided_at": "2026-03-01T09:30:01Z",
    "verdict": "reject",
    "policies": [
        {
            "policy": "deceptive",
            "verdict": "reject",
            "risk": {"policy": "deceptive", "p": 0.972, "p_low": 0.951, "p_high": 0.984},
            "approve_below": 0.04,
            "reject_at": 0.93,
            "certificate_id": "cert-5d41402abc4b2a76",
            "because": "risk 0.972 is at least 0.930: rejected automatically (certificate cert-5d41402abc4b2a76)",
            "advertiser_reason": "The ad promises something it cannot keep.",
        }
    ],
    "reasons": [
        {
            "policy": "deceptive",
            "kind": "phrase",
            "signal": "guaranteed returns",
            "text": 'the text says "guaranteed returns"',
            "effect": 2.4,
        }
    ],
    "degraded": [],
    "uncertified": False,
    "audit": {"probability": 0.01, "chosen": False},
    "bundle_version": "9f86d081884c7d65",
    "policy_hash": "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae",
    "threshold_set": "fcde2b2edba56bf408601fb721fe9b5c338d10ee429ea04fae5511b68fbf8fb9",
    "history_seq": 120417,
    "as_of": None,
    "exit": "full",
    "exit_certificate": "exit-72705b95a0adeee1",
}
LABEL_EXAMPLE: dict[str, Any] = {
    "ad_id": "ad-1001",
    "policy": "deceptive",
    "violates": True,
    "rater_id": "reviewer-12",
    "severity": "moderate",
    "source": "review",
    "labelled_at": "2026-03-01T11:02:00Z",
}
IDEMPOTENCY_KEY: dict[str, Any] = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "The same key and body get the same answer, also after a lost connection; another body under the same key is a 409.",
    "schema": {"type": "string", "pattern": "^[\\x21-\\x7e]{1,200}$"},
}
TIMEOUT: dict[str, Any] = {
    "name": "X-Request-Timeout-Ms",
    "in": "header",
    "required": False,
    "description": "How long the caller waits for the answer. When that is too short for the whole model, the ad may be left to review, "
    "with `deadline` in `degraded`; when it is too short for any answer, the request is refused with `deadline_missed`.",
    "schema": {"type": "integer", "minimum": 1, "maximum": MOST_TIMEOUT_MS},
}
ERROR_EXAMPLE: dict[str, Any] = {
    "error": {
        "code": "invalid_input",
        "message": "not an ad",
        "field": "market",
        "value": "Sweden",
        "expected": "an ISO 3166-1 alpha-2 code such as SE",
        "mistakes": [{"field": "market", "value": "Sweden", "expected": "an ISO 3166-1 alpha-2 code such as SE"}],
        "request_id": "5f1d7a84db8e4cf6bba1d6c2b7ab9a0e",
    }
}


def document(version: str) -> dict[str, Any]:
    """The whole document. ``version``: of the software."""
    _, definitions = models_json_schema(_MODELS, ref_template="#/components/schemas/{model}")
    return {
        "openapi": "3.1.0",
        "info": {"title": TITLE, "version": version, "description": "Decides which ads may run: approve, reject or human review."},
        "servers": [{"url": "/"}],
        "paths": _paths(),
        "components": {
            "schemas": definitions["$defs"],
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "description": "an API key with the scope of the address"},
                "apiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "the same key, in a header of its own"},
            },
        },
    }


def _paths() -> dict[str, Any]:
    ad_example = Ad.model_json_schema()["examples"][0]
    ready = {"description": "serving", "content": _json("Readiness")}
    return {
        routes.SCORE: {"post": _score("score", "Decide on one ad", "Ad", ad_example, "Decision", DECISION_EXAMPLE)},
        routes.SCORE_BATCH: {
            "post": _score(
                "score_batch",
                "Decide on up to 256 ads; one that breaks the data contract is refused alone",
                "BatchRequest",
                {"ads": [ad_example]},
                "BatchResult",
                {"results": [DECISION_EXAMPLE]},
            )
        },
        routes.DECISIONS + "{decision_id}": {"get": _recorded_decision()},
        routes.LABELS: {
            "post": _post(
                "labels",
                "Bring labels on ads that were decided here: all of them are recorded, or none",
                "LabelsRequest",
                {"labels": [LABEL_EXAMPLE]},
                "LabelsRecorded",
                {"labels": 1, "entries": ["lab-5f1d7a84db8e4cf6bba1d6c2b7ab9a0e"]},
                scope="label",
            )
        },
        routes.APPEALS: {
            "post": _post(
                "appeals",
                "Appeal against a rejection: somebody who has not seen the case decides",
                "AppealRequest",
                {"decision_id": DECISION_EXAMPLE["decision_id"], "statement": "We are licensed; the claim is in our prospectus."},
                "AppealRecorded",
                {"appeal_id": "app-9b1c2d3e4f5a4b6c8d7e9f0a1b2c3d4e", "decision_id": DECISION_EXAMPLE["decision_id"]},
            )
        },
        routes.LIVEZ: {"get": _get("livez", "Is the process alive?", {"200": _object("alive"), "503": _object("restart it")})},
        routes.READYZ: {
            "get": _get(
                "readyz", "Is a model in service?", {"200": ready, "503": {"description": "not yet", "content": _json("Readiness")}}
            )
        },
        routes.METRICS: {"get": _get("metrics", "Prometheus metrics", {"200": _text("metrics"), **_errors(401, 403, 500)}, secured=True)},
    }


def _recorded_decision() -> dict[str, Any]:
    return {
        "operationId": "decision",
        "summary": "A decision on record, and what became of it: what people found, appeals, the statement of reasons",
        "description": "Scope: score.",
        "security": [{"bearer": []}, {"apiKey": []}, {}],
        "parameters": [
            {
                "name": "decision_id",
                "in": "path",
                "required": True,
                "schema": {"type": "string"},
                "example": DECISION_EXAMPLE["decision_id"],
            }
        ],
        "responses": {
            "200": {"description": "on record", "content": _json("DecisionRecord")},
            **_errors(401, 403, 404, 500, 503),
        },
    }


def _score(name: str, summary: str, takes: str, takes_example: Any, gives: str, gives_example: Any) -> dict[str, Any]:
    """A post that waits in line."""
    post = _post(name, summary, takes, takes_example, gives, gives_example)
    return {**post, "parameters": [*post["parameters"], TIMEOUT], "responses": {**post["responses"], **_errors(429)}}


def _post(name: str, summary: str, takes: str, takes_example: Any, gives: str, gives_example: Any, scope: str = "score") -> dict[str, Any]:
    return {
        "operationId": name,
        "summary": summary,
        "description": f"Scope: {scope}. Without configured keys only callers on the same machine are served.",
        "security": [{"bearer": []}, {"apiKey": []}, {}],
        "parameters": [IDEMPOTENCY_KEY],
        "requestBody": {"required": True, "content": _json(takes, takes_example)},
        "responses": {
            "200": {"description": "decided", "content": _json(gives, gives_example)},
            **_errors(400, 401, 403, 404, 408, 409, 413, 415, 500, 503, 504),
        },
    }


def _get(name: str, summary: str, responses: dict[str, Any], *, secured: bool = False) -> dict[str, Any]:
    security = {"security": [{"bearer": []}, {"apiKey": []}, {}], "description": "Scope: admin, except from the same machine."}
    return {"operationId": name, "summary": summary, "responses": responses, **(security if secured else {})}


def _errors(*statuses: int) -> dict[str, Any]:
    return {
        str(status): {"description": MEANING[status][1], "content": _json("ErrorBody", ERROR_EXAMPLE if status == 400 else None)}
        for status in statuses
    }


def _json(model: str, example: Any = None) -> dict[str, Any]:
    media: dict[str, Any] = {"schema": {"$ref": f"#/components/schemas/{model}"}}
    return {"application/json": media | ({"example": example} if example is not None else {})}


def _object(description: str) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": {"type": "object"}}}}


def _text(description: str) -> dict[str, Any]:
    return {"description": description, "content": {"text/plain": {"schema": {"type": "string"}}}}
