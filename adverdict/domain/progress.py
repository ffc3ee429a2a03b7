"""How far a long job is, told to whoever wants to know."""

from __future__ import annotations

from typing import Protocol, runtime_checkable


class Progress(Protocol):
    """A seam for progress bars: ``stage`` opens a bar of ``total`` steps (the one before is done), ``advance`` moves it."""

    def stage(self, name: str, total: int) -> None: ...

    def advance(self, steps: int = 1) -> None: ...


@runtime_checkable
class Curves(Protocol):
    """Progress that also takes what a step comes to, such as the loss after an epoch."""

    def point(self, name: str, value: float, step: int) -> None: ...


def point(progress: Progress, name: str, value: float, step: int) -> None:
    """Tell a point of a curve to whoever takes any."""
    if isinstance(progress, Curves):
        progress.point(name, value, step)


class Silent:
    """Tells nobody."""

    def stage(self, name: str, total: int) -> None:
        pass

    def advance(self, steps: int = 1) -> None:
        pass


SILENT = Silent()
"""Where nobody asked to be told."""


class Named:
    """Says which part of a job a stage belongs to."""

    def __init__(self, inner: Progress, name: str) -> None:
        self.inner, self.name = inner, name

    def stage(self, name: str, total: int) -> None:
        self.inner.stage(f"{self.name}: {name}", total)

    def advance(self, steps: int = 1) -> None:
        self.inner.advance(steps)

    def point(self, name: str, value: float, step: int) -> None:
        point(self.inner, f"{self.name}.{name}", value, step)
