"""A model in service, and everything else that a request needs to know, each one object that is handed over whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from adverdict.certification.certificate import Certificate, Issued
from adverdict.domain.degraded import Degradation
from adverdict.scoring.scorer import Scorer


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A model in service."""

    scorer: Scorer
    source: str
    """What the name stood for, e.g. ``models:/adverdict/3``."""
    since: datetime
    folder: str = ""
    """Where its bundle lies."""
    certificates: str | None = None
    """sha256 of the certificates whose thresholds are used; None: those the bundle brings, which carry none."""
    issued: tuple[Certificate, ...] = ()
    """These certificates."""
    others: Mapping[str, str | None] = field(default_factory=dict)
    """Further sets of policies that it can decide by at once: hash -> sha256 of the certificates used under it."""

    def certified(self, digest: str | None, issued: Issued | None) -> LoadedModel:
        """The same, deciding by these certificates. Raises UntrustedBundle for another model's."""
        told = issued.certificates if issued else ()
        return replace(self, scorer=self.scorer.certified(issued), certificates=digest, issued=told)


@dataclass(frozen=True, slots=True)
class ServingState:
    """Everything a request needs to know, consistent because it is one object."""

    loaded: LoadedModel | None = None
    degraded: tuple[Degradation, ...] = ()
    checked_at: datetime | None = None
    """None until the first look at the registry has ended, well or badly."""
    swaps: int = 0
