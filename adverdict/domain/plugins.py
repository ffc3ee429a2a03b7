"""What others add without a fork: named objects of installed packages, found by their entry points.

A bundle names those it was made with and is refused without them. Nothing is loaded that nobody named: installing a package changes no
risk by itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Literal, Protocol

from adverdict.domain.ad import Ad
from adverdict.domain.errors import InvalidSettings, Mistake, NotFound

SIGNALS, COMPONENTS = "adverdict.signals", "adverdict.components"
TRANSLATORS, SINKS = "adverdict.translators", "adverdict.sinks"


class Signal(Protocol):
    """A function of an ad that becomes a feature of its name. Depends on the ad alone: no clock, no network, no state, or training and
    serving would see different numbers."""

    kind: Literal["number", "category"]
    version: str
    """Raised when the same ad comes to give another value: models learnt from another one are refused."""

    def of(self, ad: Ad) -> float | str | None:
        """A finite number, or the name of a level; None: not known."""
        ...

    def in_words(self, value: float | str) -> str:
        """What this value says of an ad, as a reviewer reads it: ``it names 3 prices``."""
        ...


class Translator(Protocol):
    """Puts texts into another language, for a reviewer who does not read the ad's. Nothing is decided by what it says."""

    def translate(self, texts: Sequence[str], source: str | None, target: str) -> Sequence[str]:
        """As many texts, in order. ``source`` and ``target``: BCP 47; ``source`` None where the ad does not say."""
        ...


class Sink(Protocol):
    """Is told what has changed about what stands of ads, from the outbox: at least once, and in order for each ad."""

    def deliver(self, changes: Sequence[Mapping[str, Any]]) -> None:
        """Keeps them before it returns, all or none; each as ``docs/changes.md`` shows it, known by its ``seq``.

        Raises ValueError for what it does not take: they come one by one, and what is refused too often is held. Whatever else it raises
        says that it takes nothing now: all of them come again later.
        """
        ...


def installed(group: str) -> dict[str, EntryPoint]:
    """What installed packages offer in a group, by name."""
    return {one.name: one for one in entry_points(group=group)}


def plugin(group: str, name: str) -> Any:
    """The object behind a name, loaded once. Raises NotFound, with what there is."""
    try:
        return _loaded(group, name)
    except KeyError:
        raise NotFound(f"no plug-in {name} is installed ({group}); there is {', '.join(sorted(installed(group))) or 'none'}") from None


def known(group: str, names: Sequence[str], option: str) -> None:
    """Raises InvalidSettings for those that nobody offers, all at once, by the ``option`` that named them."""
    there = installed(group)
    expected = f"an installed plug-in of {group}: {', '.join(sorted(there)) or 'there is none'}"
    mistakes = [Mistake(option, name, expected) for name in names if name not in there]
    mistakes += [Mistake(option, name, "each name once") for name in sorted({name for name in names if names.count(name) > 1})]
    if mistakes:
        raise InvalidSettings("these plug-ins cannot be used:", mistakes)


def distribution_of(group: str, name: str) -> tuple[str, str]:
    """Name and version of the package that brings a plug-in; empty where it does not say. Raises KeyError."""
    found = installed(group)[name].dist
    return ("", "") if found is None else (found.metadata["Name"], found.version)


@cache
def _loaded(group: str, name: str) -> Any:
    return installed(group)[name].load()
