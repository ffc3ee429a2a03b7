"""Which policies have enough labels to learn from."""

from __future__ import annotations

from domain.errors import InvalidInput, Mistake
from training.dataset import Dataset

MIN_EACH = 10
"""Violating ads, and others, below which a policy is not trained: three folds would not even have four of each."""


def trainable(data: Dataset) -> tuple[Dataset, dict[str, str]]:
    """The data under the policies that can be trained, and for each other policy the reason why not.

    Raises InvalidInput when none is left.
    """
    skipped = {}
    for i, policy in enumerate(data.policies):
        violating, rated = int(data.positives[i]), len(data.labelled(i))
        if min(violating, rated - violating) < MIN_EACH:
            skipped[policy] = f"{violating} violating and {rated - violating} other ads; at least {MIN_EACH} of each are needed"
    kept = [policy for policy in data.policies if policy not in skipped]
    if not kept:
        raise InvalidInput("no policy has enough labels", [Mistake("policy", policy, reason) for policy, reason in skipped.items()])
    return data.with_policies(kept), skipped
