"""How clusters are named, and what scoring is told of an ad's copies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from adverdict.domain.ad import Ad


@dataclass(frozen=True, slots=True)
class CopyFacts:
    """What is known of the copies of one ad when it is scored."""

    cluster: str | None = None
    """Of the earlier ads it is a copy of; None: it is nobody's copy, and a cluster of its own."""
    rejected: tuple[tuple[str, str], ...] = ()
    """Policies under which people rejected the nearest of them, with the decision they rejected."""


class KnownCopies(Protocol):
    """Who knows of copies."""

    def of(self, ads: Sequence[Ad]) -> list[CopyFacts]:
        """One an ad, in order. Takes nothing in."""
        ...


def cluster_name(decision_id: str) -> str:
    """Of the cluster that begins with an ad first decided by this decision."""
    return f"clu-{decision_id.removeprefix('dec-')}"
