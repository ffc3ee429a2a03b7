"""How clusters are named, and what scoring is told of an ad's copies."""

from __future__ import annotations

from collections.abc import Collection, Sequence
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
    same_as: int | None = None
    """The place, among those asked about together, of the first that it is a copy of; None: of none, or an earlier ad tells."""
    among: tuple[str, ...] = ()
    """Of the clusters that were asked about, those it is in, by the names they had then."""


class KnownCopies(Protocol):
    """Who knows of copies."""

    def of(self, ads: Sequence[Ad], among: Collection[str] = ()) -> list[CopyFacts]:
        """One an ad, in order. Takes nothing in. ``among``: names of clusters to tell of whether the ad is in them."""
        ...


def cluster_name(decision_id: str) -> str:
    """Of the cluster that begins with an ad first decided by this decision."""
    return f"clu-{decision_id.removeprefix('dec-')}"
