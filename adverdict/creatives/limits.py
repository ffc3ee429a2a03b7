"""How much of a creative is ever looked at. An advertiser chose the file: nothing about it is believed."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """One creative's."""

    most_bytes: int = 64 * 1024 * 1024
    """Of a file as it lies there; a longer one is not shown by its beginning."""
    page_bytes: int = 2 * 1024 * 1024
    """Of an HTML page."""
    seconds: float = 20.0
    """From asking for a file to having it, redirects included."""
    redirects: int = 3
    pictures_of_a_page: int = 4
    """Addresses that an HTML page names and that are tried, until one is a picture."""
    making_seconds: float = 30.0
    """Until pictures are made of it, by the clock; as many seconds of a processor."""
    memory: int = 2 * 1024**3
    """Bytes of address space of the process that makes them."""
    reading_seconds: float = 60.0
    """The same for reading the text in them."""
    frame_bytes: int = 600_000
    """Of one picture that was made."""


FRAMES = 6
"""Most pictures that are made of one creative."""
