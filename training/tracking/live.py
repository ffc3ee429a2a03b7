"""A training while it runs, as its run in MLflow shows it: the stage it is in, how far that is, and what epochs come to."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable
from typing import Protocol

from adverdict.domain.errors import AdverdictError
from adverdict.domain.progress import Progress, point

log = logging.getLogger("adverdict.training")
EVERY = 5.0
"""Seconds between two figures of how far a stage is: as often as MLflow's pages look."""


class Told(Protocol):
    """As much of a run as is told while it goes on."""

    def tell(self, name: str, value: float, step: int) -> None:
        """A point of a curve. Raises Unavailable."""
        ...

    def tag(self, name: str, value: str) -> None:
        """Raises Unavailable."""
        ...


class Followed:
    """Progress that a run is told of as well: tag ``stage``, metric ``stage_done`` (share of the stage at hand, by its number), and
    ``seconds.STAGE`` when it is over. A store that does not answer meanwhile stops no training: what it misses is said in the log."""

    def __init__(self, inner: Progress, run: Told, clock: Callable[[], float] = time.monotonic) -> None:
        self._inner, self._run, self._clock = inner, run, clock
        self._name, self._total, self._done, self._number = "", 1, 0, 0
        self._began = self._said = clock()

    def stage(self, name: str, total: int) -> None:
        self._inner.stage(name, total)
        self.finish()
        self._name, self._total, self._done = name, max(total, 1), 0
        self._number += 1
        self._began = self._said = self._clock()
        self._try(lambda: self._run.tag("stage", name))

    def advance(self, steps: int = 1) -> None:
        self._inner.advance(steps)
        self._done += steps
        now = self._clock()
        if now - self._said >= EVERY:
            self._said = now
            share, number = min(1.0, self._done / self._total), self._number
            self._try(lambda: self._run.tell("stage_done", share, number))

    def point(self, name: str, value: float, step: int) -> None:
        point(self._inner, name, value, step)
        self._try(lambda: self._run.tell(name, value, step))

    def finish(self) -> None:
        """The stage at hand is over."""
        if self._name:
            seconds, name, number = self._clock() - self._began, self._name, self._number
            self._try(lambda: self._run.tell(f"seconds.{as_name(name)}", seconds, number))
        self._name = ""

    def ended(self) -> None:
        """All of it is over, and well."""
        self.finish()
        self._try(lambda: self._run.tag("stage", "done"))

    @staticmethod
    def _try(tell: Callable[[], None]) -> None:
        try:
            tell()
        except AdverdictError as error:
            log.warning("the run in MLflow was not told: %s", error)


def as_name(words: str) -> str:
    """Words as a part of a metric's name."""
    return re.sub(r"[^a-z0-9]+", "_", words.lower()).strip("_")
