"""Policies that no model scores, and risks that no policy is about: what would otherwise send every ad to people without a word."""

from __future__ import annotations

from collections.abc import Collection

from adverdict.decisions.disclosure import rule as disclosure
from adverdict.decisions.policy import PolicyBook


def unmatched(book: PolicyBook, scored: Collection[str]) -> str | None:
    """One sentence; None where every policy in force has a risk, and every risk a policy. ``scored``: the model's policies."""
    in_force = sorted({policy.name for _, _, policy in book.every()})
    unscored = [name for name in in_force if name not in scored and name != disclosure.POLICY]  # a rule says its risk
    unruled = sorted(set(scored) - set(in_force))
    told = []
    if unscored:
        told.append(f"in force but not scored by the model: {', '.join(unscored)} (people decide every ad that these policies apply to)")
    if unruled:
        told.append(f"scored but in force nowhere: {', '.join(unruled)} (nothing is decided by these risks)")
    return "policies " + "; ".join(told) if told else None
