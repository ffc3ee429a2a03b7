"""A benchmark of several parts: one after the other, and no figure is lost with a run that is stopped."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

Figures = dict[str, Any]
Write = Callable[[Figures], None]


def in_turn(
    parts: Sequence[str],
    measure: Callable[[str, Write], Figures],
    told: Callable[[Mapping[str, Figures]], Figures],
    write: Write,
) -> Figures:
    """What ``told`` makes of the parts' figures. ``write`` gets it whenever there is more; a part not done yet has ``complete`` false."""
    found: dict[str, Figures] = {}
    for part in parts:

        def unfinished(some: Figures, part: str = part) -> None:
            write(told({**found, part: {**some, "complete": False}}))

        found[part] = measure(part, unfinished)
        write(told(found))
    return told(found)


def headlined(parts: Mapping[str, Figures], headlines: Mapping[str, str]) -> Figures:
    """What is asked for first, by name (``headlines``: figure -> its part), the reasons for what is missing, and all there is beneath."""
    first = {name: parts[part][name] for name, part in headlines.items() if name in parts.get(part, {})}
    left_out = {f"{part}: {name}": why for part, found in parts.items() for name, why in found.get("left_out", {}).items()}
    return {**first, "left_out": left_out, "parts": dict(parts)}
