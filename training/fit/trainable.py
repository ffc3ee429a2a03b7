"""Which policies have enough labels to learn from."""

from __future__ import annotations

from adverdict.domain.errors import InvalidInput, Mistake
from adverdict.training.dataset import Dataset

MIN_EACH = 10
"""Violating ads, and others, below which a policy is not trained: three folds would not even have four of each."""
MIN_ADVERTISERS = 6
"""And advertisers behind them: folds are made of advertisers, and one that holds all violations leaves none to learn from elsewhere."""


def trainable(data: Dataset) -> tuple[Dataset, dict[str, str]]:
    """The data under the policies that can be trained, and for each other policy the reason why not.

    Raises InvalidInput when none is left.
    """
    skipped = {}
    for i, policy in enumerate(data.policies):
        rated = data.labelled(i)
        violating = data.targets[rated, i] >= 0.5
        ads = int(violating.sum()), int((~violating).sum())
        advertisers = tuple(len({data.groups[row] for row in rated[side]}) for side in (violating, ~violating))
        if min(ads) < MIN_EACH or min(advertisers) < MIN_ADVERTISERS:
            skipped[policy] = (
                f"{ads[0]} violating and {ads[1]} other ads of {advertisers[0]} and {advertisers[1]} advertisers; "
                f"at least {MIN_EACH} ads of {MIN_ADVERTISERS} advertisers on each side are needed"
            )
    kept = [policy for policy in data.policies if policy not in skipped]
    if not kept:
        raise InvalidInput("no policy has enough labels", [Mistake("policy", policy, reason) for policy, reason in skipped.items()])
    return data.with_policies(kept), skipped
