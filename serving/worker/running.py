"""One worker's parts, put together from the environment."""

from __future__ import annotations

import gc
import logging
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from starlette.types import ASGIApp

from adverdict.decisions.policy import PolicyBook
from adverdict.domain.errors import Unavailable
from adverdict.domain.settings import Settings, read_settings, use_registry
from adverdict.ledger.entropy import hexadecimal
from adverdict.ledger.store import Ledger
from adverdict.review.tasks.settings import ReviewSettings
from adverdict.scoring.recorder import Recorder
from adverdict.scoring.scorer import Model, Scorer, load_policies
from adverdict.serving.http.messages import Readiness
from adverdict.serving.worker.champion import Champion, Registry, Standing
from adverdict.serving.worker.intake import Intake
from adverdict.serving.worker.line import Answer
from adverdict.serving.worker.metrics import Metrics
from adverdict.serving.worker.post import Post

log = logging.getLogger("adverdict")


@dataclass(frozen=True)
class Running:
    """What a worker runs with."""

    settings: Settings
    champion: Champion
    intake: Intake
    ledger: Ledger | None
    """None: nothing is recorded."""
    metrics: Metrics
    book: PolicyBook
    console: ASGIApp | None = None
    """The pages for people; they need a ledger."""
    post: Post[Answer] = field(default_factory=Post)
    """By which the intake's answers reach the event loop."""

    def readiness(self) -> Readiness:
        standing = self.champion.standing
        loaded = standing.loaded
        recording, end = self._recording()
        model = loaded.scorer.model if loaded else None
        return Readiness(
            status=self._status(recording),
            model=self.champion.model,
            serving=loaded.source if loaded else None,
            bundle_version=model.version if model else None,
            certificates=loaded.certificates if loaded else None,
            certified_until=loaded.scorer.certified_until if loaded else None,
            policies=model.policies if model else (),
            policy_hash=self.book.hash,
            since=loaded.since if loaded else None,
            checked_at=standing.checked_at,
            degraded=standing.degraded,
            swaps=standing.swaps,
            ledger=end,
        )

    def _status(self, recording: bool) -> Literal["ready", "starting", "no_model", "no_ledger"]:
        if not recording:
            return "no_ledger"
        if self.champion.starting or (self.champion.standing.loaded and not self.intake.ready):
            return "starting"
        return "ready" if self.champion.standing.loaded else "no_model"

    def _recording(self) -> tuple[bool, int | None]:
        """Whether decisions can be written down, as far as reading tells, and the last entry."""
        if self.ledger is None:
            return True, None
        try:
            return True, self.ledger.end()[0]
        except Unavailable as error:
            log.warning("%s", error)
            return False, None

    def close(self) -> None:
        if self.ledger is not None:
            self.ledger.close()


class Desk:
    """Where the service leaves its parts for the gate in front of it; empty until the worker has started."""

    def __init__(self) -> None:
        self.running: Running | None = None


def assemble(
    environment: Mapping[str, str], registry: Registry | None = None, open_model: Callable[[Path], Model] | None = None
) -> Running:
    """Parts for this environment, nothing started yet. Raises InvalidSettings or InvalidPolicy with every mistake.

    ``registry`` and ``open_model`` (folder -> model) are MLflow's and the bundle's own unless given.
    """
    settings = read_settings(environment)
    use_registry(settings)
    speak_up()
    book = load_policies(settings.policies)
    metrics = Metrics(book)

    def watch(standing: Standing) -> None:
        if metrics.stand(standing):
            quieten_collector()
            intake.warm()

    registry, opener = registry or _mlflow(settings), open_model or _bundle
    ledger = Ledger.open(settings.ledger_url) if settings.ledger_url else None
    champion = Champion(
        settings.model,
        registry,
        lambda folder: Scorer(opener(folder), book, ids=new_id),
        settings.cache,
        fallback=Scorer(None, book, ids=new_id),
        poll_seconds=settings.poll_seconds,
        watch=watch,
    )
    if not settings.api_keys:
        log.warning("no API keys are configured (ADVERDICT_API_KEYS): only callers on this machine are served")
    recorder = Recorder(ledger, review_settings(settings)) if ledger else None
    intake = Intake(champion.current, recorder, metrics.count, settings.max_wait_ms / 1000)
    pages = _console(settings, ledger, book, champion, registry) if ledger else None
    return Running(settings, champion, intake, ledger, metrics, book, pages)


def new_id() -> str:
    """Of a decision."""
    return f"dec-{hexadecimal()}"


def review_settings(settings: Settings) -> ReviewSettings:
    return ReviewSettings(
        lease_seconds=settings.review_lease_seconds, double_share=settings.review_double_share, golden_share=settings.review_golden_share
    )


def _console(settings: Settings, ledger: Ledger, book: PolicyBook, champion: Champion, registry: Registry) -> ASGIApp:
    from adverdict.review.queue import Queue
    from adverdict.serving.console.app import Parts, console

    queue = Queue(ledger, book, review_settings(settings))
    return console(Parts(ledger, queue, book, champion, settings.api_keys, settings.registry_uri, registry.resolve))


def _mlflow(settings: Settings) -> Registry:
    from adverdict.serving.worker.registry import MlflowRegistry

    return MlflowRegistry(settings.certificates)


def _bundle(folder: Path) -> Model:
    from adverdict.scoring.opened import open_bundle

    return open_bundle(folder)


def quieten_collector() -> None:
    """Take what is loaded out of the collector's sight: walking a bundle's objects stops every request for 200 ms and frees nothing."""
    gc.unfreeze()
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)


def speak_up() -> None:
    """Send the service's log to standard error, unless somebody has already arranged for it."""
    if log.level == logging.NOTSET:
        log.setLevel(logging.INFO)
    if not log.handlers and not logging.getLogger().handlers:
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s [%(process)d] %(name)s: %(message)s"))
        log.addHandler(handler)
