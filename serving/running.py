"""One worker's parts, put together from the environment."""

from __future__ import annotations

import gc
import logging
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from serving.champion import Champion, Registry, Standing
from serving.messages import Readiness
from serving.metrics import Metrics
from serving.scorer import Model, Scorer, load_policies
from serving.settings import Settings, read_settings, use_registry

log = logging.getLogger("adjudicate")


@dataclass(frozen=True)
class Running:
    """What a worker runs with."""

    settings: Settings
    champion: Champion
    metrics: Metrics
    policy_hash: str

    def readiness(self) -> Readiness:
        standing = self.champion.standing
        loaded = standing.loaded
        model = loaded.scorer.model if loaded else None
        return Readiness(
            status="ready" if loaded else "starting" if self.champion.starting else "no_model",
            model=self.champion.model,
            serving=loaded.source if loaded else None,
            bundle_version=model.version if model else None,
            certificates=loaded.certificates if loaded else None,
            certified_until=loaded.scorer.certified_until if loaded else None,
            policies=model.policies if model else (),
            policy_hash=self.policy_hash,
            since=loaded.since if loaded else None,
            checked_at=standing.checked_at,
            degraded=standing.degraded,
            swaps=standing.swaps,
        )


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

    registry, opener = registry or _mlflow(settings), open_model or _bundle
    champion = Champion(
        settings.model,
        registry,
        lambda folder: Scorer(opener(folder), book),
        settings.cache,
        fallback=Scorer(None, book),
        poll_seconds=settings.poll_seconds,
        watch=watch,
    )
    if not settings.api_keys:
        log.warning("no API keys are configured (ADJUDICATE_API_KEYS): only callers on this machine are served")
    return Running(settings, champion, metrics, book.hash)


def _mlflow(settings: Settings) -> Registry:
    from serving.registry import MlflowRegistry

    return MlflowRegistry(settings.certificates)


def _bundle(folder: Path) -> Model:
    from serving.bundle_model import open_bundle

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
