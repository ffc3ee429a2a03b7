"""Every error this software raises on purpose.

    AdverdictError
    ├── InvalidInput            the caller's mistake; asking again unchanged fails again
    │   ├── InvalidTable        mistakes in a table of ads or labels
    │   ├── InvalidPolicy       mistakes in a policy file
    │   └── InvalidSettings     mistakes in the environment or on the command line
    ├── UntrustedBundle         a bundle's files are not what its manifest promises
    ├── ContractMismatch        features computed here are not those the model was trained on
    ├── GateRefused             a challenger is not good enough to promote
    ├── NotFound                no such model, version, folder, file or entry
    ├── Conflict                somebody else was first; what was asked no longer applies
    └── Unavailable             somebody else's outage; asking again later may work

Only ``Unavailable`` is worth a retry.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

SHOWN = 40
"""Mistakes spelled out in a message; the rest are counted."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing wrong with what came in: where, what came, what was expected."""

    field: str
    value: Any
    expected: str
    where: str = ""
    """File and line, or table and row; empty for a single ad."""

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        return f"{place}{self.field} = {shorten(self.value)}; expected {self.expected}"


class AdverdictError(Exception):
    """Base of every error raised on purpose; ``code`` is stable, for machines."""

    code = "error"
    retryable = False


class InvalidInput(AdverdictError):
    """The caller sent something that cannot be right. Carries every mistake found, not only the first."""

    code = "invalid_input"

    def __init__(self, what: str, mistakes: Sequence[Mistake] = ()) -> None:
        self.what = what
        self.mistakes = tuple(mistakes)
        super().__init__("\n".join([what, *_shown(self.mistakes)]))


class InvalidTable(InvalidInput):
    code = "invalid_table"


class InvalidPolicy(InvalidInput):
    code = "invalid_policy"


class InvalidSettings(InvalidInput):
    code = "invalid_settings"


class UntrustedBundle(AdverdictError):
    """A bundle differs from its manifest, or holds something that must never be loaded."""

    code = "untrusted_bundle"


class ContractMismatch(AdverdictError):
    """The features of this installation differ from those a model was trained on."""

    code = "contract_mismatch"


class GateRefused(AdverdictError):
    """A challenger failed a gate; the message says which and by how much."""

    code = "gate_refused"


class NotFound(AdverdictError):
    code = "not_found"


class Conflict(AdverdictError):
    """What the caller wants to change has changed meanwhile: a lease has passed on, a key was used for something else."""

    code = "conflict"


class Unavailable(AdverdictError):
    """A part this software depends on does not answer; retry later."""

    code = "unavailable"
    retryable = True


def shorten(value: Any, limit: int = 80) -> str:
    """``repr`` of a value, cut to ``limit`` characters, safe to print whatever came in."""
    text = repr(value[: limit + 1] if isinstance(value, str | bytes) else value)
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def _shown(mistakes: Sequence[Mistake]) -> list[str]:
    lines = [f"  - {mistake}" for mistake in mistakes[:SHOWN]]
    if len(mistakes) > SHOWN:
        lines.append(f"  … and {len(mistakes) - SHOWN} more")
    return lines
