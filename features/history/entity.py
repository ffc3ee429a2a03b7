"""What happened to one entity, event by event: an advertiser, a creative, a domain or a market."""

from __future__ import annotations

from array import array
from bisect import bisect_left, insort
from collections.abc import Sequence
from typing import Protocol

from adverdict.features.history.known import NEVER, WINDOWS


class Timeline(Protocol):
    """What is known of one entity, however it is kept."""

    def before(self, at: int, policies: Sequence[str]) -> list[int]:
        """One row of ``EntityCounts.from_table``: what happened strictly before a moment, in microseconds."""
        ...


class EntityTimeline:
    """What happened to one entity: sorted times, in microseconds. A dictionary or an array exists only once there is something in it."""

    __slots__ = ("ads", "labels", "violating")

    def __init__(self) -> None:
        self.ads: array[int] | None = None
        self.labels: dict[str, array[int]] | None = None
        """By policy."""
        self.violating: dict[str, array[int]] | None = None
        """Those of ``labels`` that say violating."""

    def observe_ad(self, at: int) -> None:
        if self.ads is None:
            self.ads = array("q")
        _insert(self.ads, at)

    def observe_label(self, policy: str, violates: bool, at: int) -> None:
        if self.labels is None:
            self.labels = {}
        _insert(self.labels.setdefault(policy, array("q")), at)
        if violates:
            if self.violating is None:
                self.violating = {}
            _insert(self.violating.setdefault(policy, array("q")), at)

    def retract_label(self, policy: str, violates: bool, at: int) -> None:
        """As if the label had never been observed. Raises ValueError when it was not."""
        _remove(self.labels, policy, at)
        self.labels = self.labels or None
        if violates:
            _remove(self.violating, policy, at)
            self.violating = self.violating or None

    def before(self, at: int, policies: Sequence[str]) -> list[int]:
        """One row of ``EntityCounts.from_table``."""
        ads = _EMPTY if self.ads is None else self.ads
        ever = bisect_left(ads, at)
        recent = [ever - bisect_left(ads, at - window, 0, ever) for window in WINDOWS]
        labels = _before(self.labels, at)
        violating = _before(self.violating, at)
        return [
            1,
            *recent,
            ever,
            ads[0] if ever else NEVER,
            ads[ever - 1] if ever else NEVER,
            sum(labels.values()),
            sum(violating.values()),
            *[labels.get(policy, 0) for policy in policies],
            *[violating.get(policy, 0) for policy in policies],
        ]


_EMPTY: array[int] = array("q")


def _before(by_policy: dict[str, array[int]] | None, at: int) -> dict[str, int]:
    """How many of each policy's times come before a moment."""
    return {policy: bisect_left(times, at) for policy, times in by_policy.items()} if by_policy else {}


def _remove(by_policy: dict[str, array[int]] | None, policy: str, at: int) -> None:
    times = (by_policy or {}).get(policy, _EMPTY)
    index = bisect_left(times, at)
    if by_policy is None or index == len(times) or times[index] != at:
        raise ValueError(f"no label under {policy} at {at} was observed")
    del times[index]
    if not times:
        del by_policy[policy]


def _insert(times: array[int], at: int) -> None:
    if not times or at >= times[-1]:
        times.append(at)
    else:
        insort(times, at)
