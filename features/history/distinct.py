"""How many different things were used before a moment, whatever the order in which the uses are observed."""

from __future__ import annotations

from array import array
from bisect import bisect_left, insort
from collections.abc import Sequence


class Distinct:
    """Each thing with the time it was first used. Most entities only ever use one thing: that one costs no dictionary."""

    __slots__ = ("_many", "_only")

    def __init__(self) -> None:
        self._only: tuple[str, int] | None = None
        self._many: tuple[dict[str, int], array[int]] | None = None
        """First uses by thing, and their times sorted."""

    def add(self, what: str, at: int) -> None:
        if self._many is not None:
            _add(*self._many, what, at)
        elif self._only is None:
            self._only = (what, at)
        elif self._only[0] != what:
            self._many = dict([self._only]), array("q", [self._only[1]])
            _add(*self._many, what, at)
        elif at < self._only[1]:
            self._only = (what, at)

    def discard(self, what: str) -> bool:
        """As if the thing had never been used; whether anything is left."""
        left = [(thing, at) for thing, at in self.first_uses() if thing != what]
        rest = Distinct.of([thing for thing, _ in left], [at for _, at in left])
        self._only, self._many = rest._only, rest._many
        return bool(left)

    def before(self, at: int) -> int:
        """How many different things were first used strictly before ``at``."""
        if self._many is not None:
            return bisect_left(self._many[1], at)
        return int(self._only is not None and self._only[1] < at)

    def first_uses(self) -> list[tuple[str, int]]:
        """Every thing and when it was first used, by name."""
        if self._many is not None:
            return sorted(self._many[0].items())
        return [] if self._only is None else [self._only]

    @classmethod
    def of(cls, things: Sequence[str], times: Sequence[int]) -> Distinct:
        """From different things and when each was first used."""
        distinct = cls()
        if len(things) == 1:
            distinct._only = (things[0], times[0])
        elif things:
            distinct._many = dict(zip(things, times, strict=True)), array("q", sorted(times))
        return distinct


def _add(first: dict[str, int], times: array[int], what: str, at: int) -> None:
    known = first.get(what)
    if known is not None:
        if known <= at:
            return
        del times[bisect_left(times, known)]
    first[what] = at
    insort(times, at)
