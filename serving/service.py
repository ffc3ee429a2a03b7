"""The BentoML service: processes, workers, start and stop, packaging. The one file that knows BentoML; ``http.app`` answers requests."""

from __future__ import annotations

import os
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated, Any

import bentoml
from pydantic import BaseModel, ConfigDict, Field
from starlette.applications import Starlette

from adverdict.domain.ad import Ad
from adverdict.domain.decision import Decision
from adverdict.serving.assembly import assemble
from adverdict.serving.http import score
from adverdict.serving.http.app import application
from adverdict.serving.http.bodies import Batch
from adverdict.serving.http.endpoint import Call
from adverdict.serving.http.messages import MAX_BATCH, BatchResult
from adverdict.serving.worker.runtime import RuntimeSlot, WorkerRuntime

slot = RuntimeSlot()


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
        return application(slot, super().to_asgi(is_main), _version())


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
        self.runtime: WorkerRuntime = self.assemble(os.environ)

    @bentoml.on_startup  # type: ignore[untyped-decorator]
    def begin(self) -> None:
        self.runtime.champion.start()
        self.runtime.intake.start()
        if self.runtime.evidence:
            self.runtime.evidence.start()
        if self.runtime.rollouts:
            self.runtime.rollouts.start()
        if self.runtime.monitor:
            self.runtime.monitor.start()
        if self.runtime.creatives:
            self.runtime.creatives.start()
        slot.runtime = self.runtime

    @bentoml.on_shutdown  # type: ignore[untyped-decorator]
    def end(self) -> None:
        slot.runtime = None
        if self.runtime.evidence:
            self.runtime.evidence.stop()
        if self.runtime.rollouts:
            self.runtime.rollouts.stop()
        if self.runtime.monitor:
            self.runtime.monitor.stop()
        if self.runtime.creatives:
            self.runtime.creatives.stop()
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


def serve(host: str, port: int) -> None:
    """Serve until told to stop (SIGTERM, SIGINT): requests in flight are answered first."""
    # Workers import from here, not from the caller's folder, which may hold an adverdict/ of its own. The folder that holds the package,
    # never one inside it, whose rooms would be top-level packages.
    service: Any = Adverdict
    service.working_dir = str(Path(__file__).parents[2])
    service.serve_http(host=host, port=port)


def _version() -> str:
    try:
        return version("adverdict")
    except PackageNotFoundError:
        return "0"
