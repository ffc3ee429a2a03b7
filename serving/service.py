"""The BentoML service: typed endpoints that hand ads to the champion's scorer. The one file that knows BentoML."""

from __future__ import annotations

import asyncio
import json
import logging
import os
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import bentoml
import yaml
from _bentoml_sdk import Service
from bentoml.exceptions import BentoMLException

from domain.ad import Ad
from domain.decision import Decision
from domain.errors import AdjudicateError
from serving import openapi, routes
from serving.asgi import App
from serving.bodies import Batch
from serving.errors import from_error, problem
from serving.messages import BatchRequest, BatchResult, RefusedAd
from serving.middleware import BATCH, PROBLEM, REQUEST, Gate
from serving.running import Desk, Running, assemble

log = logging.getLogger("adjudicate.service")

REQUEST_SECONDS = 30.0

desk = Desk()


class OpenApi(dict[str, Any]):
    """Our document, where BentoML expects its own."""

    def asdict(self) -> dict[str, Any]:
        return dict(self)


yaml.add_representer(OpenApi, lambda dumper, data: dumper.represent_dict(dict(data)))


class Told(BentoMLException):
    """Ends an endpoint whose caller is told why by the gate; nothing that BentoML should log."""


def worth_logging(record: logging.LogRecord) -> bool:
    """Not what a caller may bring about as often as it likes."""
    return not (record.exc_info and isinstance(record.exc_info[1], Told))


class AdjudicateService(Service[Any]):  # type: ignore[misc]
    """A BentoML service behind our gate, described by our document."""

    @property
    def openapi_spec(self) -> OpenApi:
        try:
            return OpenApi(openapi.document(version("adjudicate")))
        except PackageNotFoundError:
            return OpenApi(openapi.document("0"))

    def to_asgi(self, is_main: bool = True) -> App:
        # The gate is put around everything, not among BentoML's middleware: its time-outs and 404s must come out in our shape too.
        return Gate(super().to_asgi(is_main), desk, json.dumps(self.openapi_spec).encode())


@bentoml.service(
    name="adjudicate",
    service_class=AdjudicateService,
    metrics={"enabled": False},  # ours replace them: BentoML's label every path a stranger tries
    logging={"access": {"enabled": False}},
    traffic={"timeout": REQUEST_SECONDS},
)
class Adjudicate:
    """Loads and delegates; whatever is decided is decided in ``serving.scorer`` and below."""

    assemble = staticmethod(assemble)

    def __init__(self) -> None:
        self.running: Running = self.assemble(os.environ)

    @bentoml.on_startup  # type: ignore[untyped-decorator]  # BentoML ships no types
    def begin(self) -> None:
        logging.getLogger("bentoml._internal.server.http_app").addFilter(worth_logging)
        self.running.champion.start()
        self.running.intake.start()
        desk.running = self.running

    @bentoml.on_shutdown  # type: ignore[untyped-decorator]
    def end(self) -> None:
        desk.running = None
        self.running.intake.stop()
        self.running.champion.stop()
        self.running.close()
        self.running.metrics.close()

    @bentoml.api(route=routes.SCORE)  # type: ignore[untyped-decorator]
    async def score(self, ad: Ad, /, ctx: bentoml.Context) -> Decision:
        """Decide on one ad."""
        decision = (await self._decided([ad], ctx))[0]
        if decision is None:
            raise BentoMLException("an ad could not be scored")
        return decision

    @bentoml.api(route=routes.SCORE_BATCH)  # type: ignore[untyped-decorator]
    async def score_batch(self, batch: BatchRequest, /, ctx: bentoml.Context) -> BatchResult:
        """Decide on up to 256 ads, all by the same bundle."""
        decisions = await self._decided(batch.ads, ctx)
        failed = problem(500).detail()
        results = [decision or RefusedAd(ad_id=ad.ad_id, error=failed) for ad, decision in zip(batch.ads, decisions, strict=True)]
        checked: Batch = getattr(ctx.request.state, BATCH)
        return BatchResult(results=tuple(woven(results, checked.refused, checked.size)))

    async def _decided(self, ads: Sequence[Ad], ctx: bentoml.Context) -> Sequence[Decision | None]:
        """Off the event loop: probes and other callers are answered while an ad is scored."""
        try:
            return await asyncio.wrap_future(self.running.intake.ask(ads, getattr(ctx.request.state, REQUEST, None)))
        except AdjudicateError as error:
            setattr(ctx.request.state, PROBLEM, from_error(error))  # told by the gate, which knows the one shape of errors
            raise Told(error.code) from None


def woven(results: Sequence[Decision | RefusedAd], refused: Mapping[int, RefusedAd], size: int) -> list[Decision | RefusedAd]:
    """The results of the good ads and the refusals of the others, in the order of the request."""
    rest = iter(results)
    return [refused[position] if position in refused else next(rest) for position in range(size)]


def serve(host: str, port: int) -> None:
    """Serve until told to stop (SIGTERM, SIGINT): requests in flight are answered first."""
    # Workers import from here, not from the caller's folder, which may hold a models/ of its own.
    service: Any = Adjudicate
    service.working_dir = str(Path(__file__).resolve().parent.parent)
    service.serve_http(host=host, port=port)
