"""The BentoML service: processes, workers, start and stop, packaging. The one file that knows BentoML; ``http.app`` answers requests."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Annotated, Any

import bentoml
from pydantic import BaseModel, ConfigDict, Field
from starlette.applications import Starlette

from adverdict.domain.ad import Ad
from adverdict.domain.decision import Decision
from adverdict.serving.assembly import assemble
from adverdict.serving.draining import MARK, Draining, leave
from adverdict.serving.http import protocol
from adverdict.serving.http.app import application
from adverdict.serving.http.bodies import Batch
from adverdict.serving.http.endpoint import Call
from adverdict.serving.http.endpoints import score
from adverdict.serving.http.messages import MAX_BATCH, BatchResult
from adverdict.serving.listening import listening
from adverdict.serving.tracing import tracer_of
from adverdict.serving.worker.runtime import RuntimeSlot, WorkerRuntime

slot = RuntimeSlot()
protocol.use()


class PlainAd(Ad):
    """An ad without its example, at which BentoML's OpenAPI generator fails."""

    model_config = ConfigDict(json_schema_extra={})


class PlainBatch(BaseModel):
    """A batch of them: ``BatchRequest`` by its field."""

    model_config = ConfigDict(extra="forbid")

    ads: Annotated[list[PlainAd], Field(min_length=1, max_length=MAX_BATCH)]


class AdverdictService(bentoml.Service[Any]):  # type: ignore[misc]  # BentoML ships no types
    """A BentoML service behind our application."""

    def to_asgi(self, is_main: bool = True) -> Starlette:
        # Around everything, not mounted or among BentoML's middleware: what that does for each request costs more than deciding on an ad.
        return application(slot, super().to_asgi(is_main), _version(), Draining.of(os.environ), tracer_of(os.environ))


@bentoml.service(
    name="adverdict",
    service_class=AdverdictService,
    metrics={"enabled": False},  # ours replace them: BentoML's label every path a stranger tries
    logging={"access": {"enabled": False}},
    **listening(os.environ),
)
class Adverdict:
    """Starts and stops a worker's parts; whatever is decided is decided in ``scoring.scorer`` and below."""

    assemble = staticmethod(assemble)

    def __init__(self) -> None:
        self.runtime: WorkerRuntime = self.assemble(os.environ)

    @bentoml.on_startup  # type: ignore[untyped-decorator]
    def begin(self) -> None:
        self.runtime.champion.start()
        self.runtime.intake.start()
        for watch in self.runtime.watches:
            watch.start()
        slot.runtime = self.runtime

    @bentoml.on_shutdown  # type: ignore[untyped-decorator]
    def end(self) -> None:
        slot.runtime = None
        for watch in self.runtime.watches:
            watch.stop()
        self.runtime.intake.stop()
        self.runtime.champion.stop()
        self.runtime.close()
        self.runtime.metrics.close()

    # By these a bento describes itself. Over HTTP our application answers their addresses; who calls them in this process gets the same.

    @bentoml.api(route="/v1/score")  # type: ignore[untyped-decorator]
    async def score(self, ad: PlainAd, /) -> Decision:
        """Decide on one ad."""
        return await score.score(Call(self.runtime), ad)

    @bentoml.api(route="/v1/score/batch")  # type: ignore[untyped-decorator]
    async def score_batch(self, batch: PlainBatch, /) -> BatchResult:
        """Decide on up to 256 ads, all by the same bundle."""
        return await score.score_batch(Call(self.runtime), Batch(batch.ads, {}, len(batch.ads)))


def serve(host: str, port: int, mark: Path, drain_seconds: float) -> None:
    """Serve until told to stop: at SIGINT at once, at SIGTERM after having said for ``drain_seconds`` (by ``mark``, see ``draining``) that
    this server leaves. Requests in flight are answered first. A second signal hurries."""
    # Workers import from here, not from the caller's folder, which may hold an adverdict/ of its own. The folder that holds the package,
    # never one inside it, whose rooms would be top-level packages.
    service: Any = Adverdict
    service.working_dir = str(Path(__file__).parents[2])
    os.environ[MARK] = str(mark)
    told: SimpleQueue[int] = SimpleQueue()
    # In a thread of its own, so that signals are ours: BentoML's would close the socket while people still come.
    server = service.serve_http(host=host, port=port, threaded=True)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, _: told.put(number))
    first = told.get()

    def hurried(seconds: float) -> None:
        with suppress(Empty):
            told.get(timeout=seconds)

    leave(mark, drain_seconds if first == signal.SIGTERM else 0.0, port, hurried)
    server.stop()


def _version() -> str:
    try:
        return version("adverdict")
    except PackageNotFoundError:
        return "0"
