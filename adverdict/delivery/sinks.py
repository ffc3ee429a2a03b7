"""Plug-ins that changes are delivered to: what is installed under the entry-point group ``adverdict.sinks``."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from importlib.metadata import EntryPoint, entry_points

from adverdict.delivery.channels import Channel, Sink, plugged_in

GROUP = "adverdict.sinks"
log = logging.getLogger("adverdict.delivery")


def installed(found: Iterable[EntryPoint] | None = None) -> list[Channel]:
    """One channel a plug-in, by name. One that cannot be loaded is told in the log and left out: the others, and the webhook, go on."""
    return [plugged_in(name, sink) for name, sink in _loaded(entry_points(group=GROUP) if found is None else found)]


def _loaded(found: Iterable[EntryPoint]) -> Iterator[tuple[str, Sink]]:
    for one in sorted(found, key=lambda point: point.name):
        try:
            told = one.load()
            sink = told() if isinstance(told, type) else told
            if not callable(getattr(sink, "deliver", None)):
                raise TypeError("it has no deliver(changes)")
        except Exception as error:  # somebody else's code
            log.warning("the plug-in %s takes no changes: %s: %s", one.name, type(error).__name__, error)
            continue
        yield one.name, sink
