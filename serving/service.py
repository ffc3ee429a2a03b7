"""The BentoML service: processes, workers, start and stop, packaging. The one file that knows BentoML; the gate answers requests."""

from __future__ import annotations

import json
import os
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import bentoml
import yaml
from _bentoml_sdk import Service

from adverdict.domain.ad import Ad
from adverdict.domain.decision import Decision
from adverdict.serving.asgi import App
from adverdict.serving.assembly import assemble
from adverdict.serving.http import openapi, routes
from adverdict.serving.http.gate import Gate
from adverdict.serving.http.messages import BatchRequest, BatchResult
from adverdict.serving.worker.running import Desk, Running

desk = Desk()


class OpenApi(dict[str, Any]):
    """Our document, where BentoML expects its own."""

    def asdict(self) -> dict[str, Any]:
        return dict(self)


yaml.add_representer(OpenApi, lambda dumper, data: dumper.represent_dict(dict(data)))


class AnsweredAtTheGate(NotImplementedError):
    """Somebody went past ``serving.http.gate``, which alone knows callers, limits and errors."""


class AdverdictService(Service[Any]):  # type: ignore[misc]
    """A BentoML service behind our gate, described by our document."""

    @property
    def openapi_spec(self) -> OpenApi:
        try:
            return OpenApi(openapi.document(version("adverdict")))
        except PackageNotFoundError:
            return OpenApi(openapi.document("0"))

    def to_asgi(self, is_main: bool = True) -> App:
        # Around everything, not among BentoML's middleware: what that does for each request costs more than deciding on an ad.
        return Gate(super().to_asgi(is_main), desk, json.dumps(self.openapi_spec).encode())


@bentoml.service(
    name="adverdict",
    service_class=AdverdictService,
    metrics={"enabled": False},  # ours replace them: BentoML's label every path a stranger tries
    logging={"access": {"enabled": False}},
)
class Adverdict:
    """Starts and stops a worker's parts; whatever is decided is decided in ``scoring.scorer`` and below."""

    assemble = staticmethod(assemble)

    def __init__(self) -> None:
        self.running: Running = self.assemble(os.environ)

    @bentoml.on_startup  # type: ignore[untyped-decorator]  # BentoML ships no types
    def begin(self) -> None:
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

    # These two say what a bento offers, in its manifest and to BentoML's clients. The gate answers their addresses, so nothing calls them.

    @bentoml.api(route=routes.SCORE)  # type: ignore[untyped-decorator]
    async def score(self, ad: Ad, /) -> Decision:
        """Decide on one ad."""
        raise AnsweredAtTheGate

    @bentoml.api(route=routes.SCORE_BATCH)  # type: ignore[untyped-decorator]
    async def score_batch(self, batch: BatchRequest, /) -> BatchResult:
        """Decide on up to 256 ads, all by the same bundle."""
        raise AnsweredAtTheGate


def serve(host: str, port: int) -> None:
    """Serve until told to stop (SIGTERM, SIGINT): requests in flight are answered first."""
    # Workers import from here, not from the caller's folder, which may hold an adverdict/ of its own. The folder that holds the package,
    # never one inside it, whose rooms would be top-level packages.
    service: Any = Adverdict
    service.working_dir = str(Path(__file__).parents[2])
    service.serve_http(host=host, port=port)
