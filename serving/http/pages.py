"""The answers that need no model: probes, metrics, documentation."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from adverdict.serving.http import routes
from adverdict.serving.worker.metrics import CONTENT_TYPE
from adverdict.serving.worker.running import Running

JSON = "application/json"
DOCS_PAGE = b"""<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Adverdict API</title><link rel="stylesheet" href="static_content/swagger-ui.css"></head>
<body><div id="api"></div><script src="static_content/swagger-ui-bundle.js"></script>
<script>SwaggerUIBundle({url: "docs.json", dom_id: "#api", validatorUrl: null});</script></body>
</html>
"""


@dataclass(frozen=True, slots=True)
class Page:
    """A finished answer."""

    status: int
    body: bytes
    content_type: str = JSON


async def livez(running: Running) -> Page:
    """Fails when nobody follows the champion or decides any more: only a restart brings those threads back."""
    if not running.champion.alive:
        return Page(503, b'{"status":"the champion is no longer followed"}')
    return Page(200, b'{"status":"alive"}') if running.intake.alive else Page(503, b'{"status":"nobody decides any more"}')


async def readyz(running: Running) -> Page:
    readiness = await asyncio.to_thread(running.readiness)
    return Page(200 if readiness.status == "ready" else 503, readiness.model_dump_json().encode())


async def metrics(running: Running) -> Page:
    return Page(200, await asyncio.to_thread(running.metrics.render), CONTENT_TYPE)


async def docs(running: Running) -> Page:
    return Page(200, DOCS_PAGE, "text/html; charset=utf-8")


PAGES: dict[str, Callable[[Running], Awaitable[Page]]] = {
    routes.LIVEZ: livez,
    routes.READYZ: readyz,
    routes.METRICS: metrics,
    routes.DOCS: docs,
}
