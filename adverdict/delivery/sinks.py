"""Plug-ins that changes are delivered to: those that ``ADVERDICT_SINKS`` names, of the entry points ``adverdict.sinks``."""

from __future__ import annotations

from collections.abc import Sequence

from adverdict.delivery.channels import Channel, plugged_in
from adverdict.domain.errors import InvalidSettings, Mistake
from adverdict.domain.plugins import SINKS, Sink, known, plugin

VARIABLE = "ADVERDICT_SINKS"


def sinks_named(names: Sequence[str]) -> list[Channel]:
    """One channel a plug-in. Raises InvalidSettings for those that nobody offers or that cannot be used, all at once: one that were left
    out would miss changes, and nobody would notice."""
    known(SINKS, names, VARIABLE)
    channels, mistakes = [], []
    for name in names:
        try:
            channels.append(plugged_in(name, _sink(name)))
        except Exception as error:  # somebody else's code
            mistakes.append(Mistake(VARIABLE, name, f"a plug-in that can be loaded ({type(error).__name__}: {error})"))
    if mistakes:
        raise InvalidSettings("these plug-ins cannot be told of changes:", mistakes)
    return channels


def _sink(name: str) -> Sink:
    offered = plugin(SINKS, name)
    sink: Sink = offered() if isinstance(offered, type) else offered
    if not callable(getattr(sink, "deliver", None)):
        raise TypeError("it has no deliver(changes)")
    return sink
