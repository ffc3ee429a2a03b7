"""How much an ad is like those that the models learnt from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Familiarity:
    """A conformal p-value: of honest ads like those learnt from, of advertisers new to the models, at most a share ``p`` has one as low."""

    p: float
    """In (0, 1]."""
    causes: tuple[str, ...]
    """What is strange where ``p`` is low: ``language:zh``, ``script:HANGUL``, or ``text`` where it is neither. At least one."""


def in_brackets(causes: Iterable[str]) -> str:
    """`` (language zh, script HANGUL)``; empty where it is the text alone."""
    named = ", ".join(cause.replace(":", " ") for cause in causes if ":" in cause)
    return f" ({named})" if named else ""
