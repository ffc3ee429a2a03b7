"""The OpenAPI 3.1 document, made from the endpoints: from the models that check their requests and shape their answers.

BentoML writes one too, but it knows nothing of our errors, of API keys or of examples.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema
from starlette.responses import Response

from adverdict.serving.http import examples
from adverdict.serving.http.endpoint import JSON, PUBLIC, Call, Endpoint, Endpoints, ResponseBody
from adverdict.serving.http.errors import MEANING
from adverdict.serving.http.incoming import MOST_TIMEOUT_MS
from adverdict.serving.http.messages import ErrorBody

TITLE = "Adverdict"
NO_KEYS = "Without configured keys only callers on the same machine are served."
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
EXPLAIN: dict[str, Any] = {
    "name": "explain",
    "in": "query",
    "required": False,
    "description": "Which decisions are answered with `reasons`, and put on record with them. They take about as long as deciding. Without "
    "them nothing is lost: `GET /v1/decisions/{decision_id}` and the console make the same reasons when somebody looks.",
    "schema": {"type": "string", "enum": ["none", "stopped", "all"], "default": "none"},
}
DOCS_PAGE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Adverdict API</title><link rel="stylesheet" href="static_content/swagger-ui.css"></head>
<body><div id="api"></div><script src="static_content/swagger-ui-bundle.js"></script>
<script>SwaggerUIBundle({url: "docs.json", dom_id: "#api", validatorUrl: null});</script></body>
</html>
"""


def documentation(described: Sequence[Endpoint], version: str) -> Endpoints:
    """The document of these endpoints, and a page to read it in."""
    endpoints = Endpoints()
    written = json.dumps(document(described, version))

    @endpoints.get("/docs", PUBLIC)
    async def docs(call: Call) -> Response:
        return Response(DOCS_PAGE, media_type="text/html")

    @endpoints.get("/docs.json", PUBLIC)
    async def docs_json(call: Call) -> Response:
        return Response(written, media_type=JSON)

    return endpoints


def document(endpoints: Sequence[Endpoint], version: str) -> dict[str, Any]:
    """The whole document. ``version``: of the software."""
    _, definitions = models_json_schema(_models(endpoints), ref_template="#/components/schemas/{model}")
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in endpoints:
        paths.setdefault(re.sub(r":\w+}", "}", endpoint.path), {})[endpoint.method.lower()] = _operation(endpoint)
    return {
        "openapi": "3.1.0",
        "info": {"title": TITLE, "version": version, "description": "Decides which ads may run: approve, reject or human review."},
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": definitions["$defs"],
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "description": "an API key with the scope of the address"},
                "apiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "the same key, in a header of its own"},
            },
        },
    }


def _models(endpoints: Sequence[Endpoint]) -> list[tuple[type[BaseModel], JsonSchemaMode]]:
    taken: list[tuple[type[BaseModel], JsonSchemaMode]] = [(endpoint.takes.model, "validation") for endpoint in endpoints if endpoint.takes]
    given: list[tuple[type[BaseModel], JsonSchemaMode]] = [
        (gives.model, "serialization") for endpoint in endpoints for gives in endpoint.gives if gives.model
    ]
    return list(dict.fromkeys([*taken, *given, (ErrorBody, "serialization")]))


def _operation(endpoint: Endpoint) -> dict[str, Any]:
    answers = {str(gives.status): {"description": gives.words, "content": _content(gives)} for gives in endpoint.gives}
    operation: dict[str, Any] = {
        "operationId": endpoint.handler.__name__,
        "summary": endpoint.summary,
        "responses": answers | _errors(endpoint),
    }
    parameters = _parameters(endpoint)
    if parameters:
        operation["parameters"] = parameters
    if endpoint.scoped:
        without = ", except from the same machine." if endpoint.open_here else f". {NO_KEYS}"
        operation["description"] = f"Scope: {' or '.join(endpoint.scopes)}{without}"
        operation["security"] = [{"bearer": []}, {"apiKey": []}, {}]
    if endpoint.takes:
        operation["requestBody"] = {"required": True, "content": _json(endpoint.takes.model, endpoint.takes.example)}
    return operation


def _parameters(endpoint: Endpoint) -> list[dict[str, Any]]:
    named = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}, "example": example}
        for name, example in endpoint.examples.items()
    ]
    named += [dict(one) for one in endpoint.asks]
    return [*named, *([IDEMPOTENCY_KEY] if endpoint.takes else []), *([TIMEOUT, EXPLAIN] if endpoint.waits else [])]


def _errors(endpoint: Endpoint) -> dict[str, Any]:
    """Those its guards give, and its own."""
    scoped = (401, 403, 500) if endpoint.scoped else ()
    takes = (400, 408, 409, 413, 415) if endpoint.takes else ()
    waits = (429,) if endpoint.waits else ()
    return {
        str(status): {"description": MEANING[status][1], "content": _json(ErrorBody, examples.ERROR if status == 400 else None)}
        for status in sorted({*scoped, *takes, *waits, *endpoint.errors})
    }


def _content(gives: ResponseBody[Any]) -> dict[str, Any]:
    if gives.model:
        return _json(gives.model, gives.example)
    return {gives.media: {"schema": {"type": "object" if gives.media == JSON else "string"}}}


def _json(model: type[BaseModel], example: Any = None) -> dict[str, Any]:
    media: dict[str, Any] = {"schema": {"$ref": f"#/components/schemas/{model.__name__}"}}
    return {JSON: media | ({"example": example} if example is not None else {})}
