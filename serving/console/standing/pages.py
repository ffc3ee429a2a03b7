"""The models page: what decides now, since when, by whose certificates, and what waits to replace it."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooSlow
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from urllib.parse import urlsplit, urlunsplit

from starlette.responses import Response

from adverdict.domain.errors import AdverdictError, NotFound
from adverdict.serving.console.parts import Parts
from adverdict.serving.console.standing.grid import SIGNS, WORDS, grid
from adverdict.serving.console.standing.measured import measured
from adverdict.serving.console.standing.reports import certificates_page, training_report
from adverdict.serving.console.visits import Visit

PATIENCE = 1.5
"""Seconds a page waits for the registry; a dead one takes MLflow far longer to give up on."""
FRESH = timedelta(seconds=20)


@dataclass(frozen=True)
class RegistryStatus:
    """What the registry says of a challenger."""

    state: Literal["there", "none", "silent", "no registry"]
    source: str = ""


class ChallengerWatch:
    """Asks the registry in a thread of its own, and again only when its last word is old."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="challenger")
        self._asked: Future[RegistryStatus] | None = None
        self._asked_at: datetime | None = None

    def look(self) -> RegistryStatus:
        name = challenger_of(self._parts.champion.model)
        if self._parts.resolve is None or name is None:
            return RegistryStatus("no registry")
        now = self._parts.clock()
        if self._asked is None or (self._asked.done() and (self._asked_at is None or now - self._asked_at >= FRESH)):
            self._asked, self._asked_at = self._pool.submit(self._ask, name), now
        try:
            return self._asked.result(timeout=PATIENCE)
        except TooSlow:
            return RegistryStatus("silent")

    def _ask(self, name: str) -> RegistryStatus:
        try:
            return RegistryStatus("there", self._parts.resolve(name)) if self._parts.resolve else RegistryStatus("no registry")
        except NotFound:
            return RegistryStatus("none")
        except (AdverdictError, OSError, ValueError, RuntimeError):
            return RegistryStatus("silent")


def challenger_of(model: str) -> str | None:
    """``models:/adverdict@challenger`` beside ``models:/adverdict@champion``; None beside a folder, which has none."""
    return f"{model.partition('@')[0]}@challenger" if model.startswith("models:/") and "@" in model else None


def link_to(registry: str) -> str:
    """The registry's address for a link, without a name or password that it may carry; empty when it is no http address."""
    where = urlsplit(registry)
    return urlunsplit(where._replace(netloc=where.netloc.rpartition("@")[2])) if where.scheme in ("http", "https") else ""


def show(visit: Visit) -> Response:
    champion, now = visit.parts.champion, visit.parts.clock()
    standing = champion.state
    loaded = standing.loaded
    model = loaded.scorer.model if loaded else None
    general, surfaces = grid(visit.parts.book, champion.current()[0].solved, now)
    waiting: ChallengerWatch = visit.request.app.state.challenger
    return visit.page(
        "models.html",
        "Models",
        asked=champion.model,
        standing=standing,
        loaded=loaded,
        model=model,
        until=loaded.scorer.certified_until if loaded else None,
        general=general,
        surfaces=surfaces,
        signs=SIGNS,
        words=WORDS,
        measured=measured(getattr(getattr(model, "manifest", None), "metrics", {})),
        report=training_report(visit) is not None,
        page=certificates_page(visit) is not None,
        degraded=[str(one) for one in standing.degraded],
        challenger=waiting.look(),
        book=visit.parts.book,
        mlflow=link_to(visit.parts.registry),
        now=now,
    )
