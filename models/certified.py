"""The thresholds of a model once certificates belong to it."""

from __future__ import annotations

from pathlib import Path

from adverdict.certification.certificate import Issued, thresholds
from adverdict.certification.exits.solve import Doubt, solve_exits
from adverdict.decisions.exits import ExitRule
from adverdict.decisions.policy import PolicyBook
from adverdict.decisions.thresholds import SolvedThresholds
from adverdict.domain.errors import UntrustedBundle
from adverdict.models.cascade import Cascade


def certified_thresholds(issued: Issued, version: str) -> SolvedThresholds:
    """What a bundle decides by under these certificates. Raises UntrustedBundle when they are another bundle's."""
    others = sorted(issued.versions - {version})
    if others:
        raise UntrustedBundle(f"these certificates are for bundle {', '.join(others)}, and the bundle in use is {version}")
    return thresholds(issued.certificates)


def exit_rule(issued: Issued, book: PolicyBook, solved: SolvedThresholds, doubt: Doubt | None) -> ExitRule | None:
    """By which ads leave the bundle early under the thresholds in force; None: it has no early exit, or nothing to certify it by.

    ``doubt``: the bundle's. Raises UntrustedBundle for evidence about other policies.
    """
    if issued.exits is None or doubt is None:
        return None
    try:
        return solve_exits(issued.exits, book, solved, doubt).rule
    except ValueError as error:
        raise UntrustedBundle(f"what the early exit was to be certified by is of another model: {error}") from error


def exits_of(bundle: Path, issued: Issued | None, book: PolicyBook, solved: SolvedThresholds) -> ExitRule | None:
    """The same for a bundle that was checked and is not loaded here."""
    cascade = Cascade.load(bundle) if issued and issued.exits else None
    return None if issued is None or cascade is None else exit_rule(issued, book, solved, cascade.doubt)
