"""The endpoints that need no model: probes and metrics."""

from __future__ import annotations

import asyncio

from starlette.responses import JSONResponse, Response

from adverdict.serving.http.endpoint import JSON, PROBE, Call, Endpoints, ResponseBody
from adverdict.serving.worker.metrics import CONTENT_TYPE
from adverdict.serving.worker.readiness import Readiness

endpoints = Endpoints()


@endpoints.get("/livez", PROBE, gives=(ResponseBody("alive"), ResponseBody("restart it", status=503)), summary="Is the process alive?")
async def livez(call: Call) -> Response:
    """Fails when nobody follows the champion or decides any more: only a restart brings those threads back."""
    if not call.runtime.champion.alive:
        return JSONResponse({"status": "the champion is no longer followed"}, 503)
    return JSONResponse({"status": "alive"}) if call.runtime.intake.alive else JSONResponse({"status": "nobody decides any more"}, 503)


@endpoints.get(
    "/healthz",
    PROBE,
    gives=(ResponseBody("alive"), ResponseBody("restart it", status=503)),
    summary="The same as /livez, by the name that BentoML's own services have",
)
async def healthz(call: Call) -> Response:
    alive: Response = await livez(call)
    return alive


@endpoints.get(
    "/readyz",
    PROBE,
    gives=(ResponseBody("serving", Readiness), ResponseBody("not yet", Readiness, status=503)),
    summary="Is a model in service?",
)
async def readyz(call: Call) -> Response:
    readiness = await asyncio.to_thread(call.runtime.readiness)
    return Response(readiness.model_dump_json(), 200 if readiness.status == "ready" else 503, media_type=JSON)


@endpoints.get(
    "/metrics", "metrics", or_admin=True, gives=(ResponseBody("metrics", media="text/plain"),), summary="Prometheus metrics", open_here=True
)
async def metrics(call: Call) -> Response:
    return Response(await asyncio.to_thread(call.runtime.metrics.render), media_type=CONTENT_TYPE)
