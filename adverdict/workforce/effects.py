"""From what was measured of a change, in a shadow, a backtest or a rescoring, to what it does to the queues."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from adverdict.workforce.change import OF_REVIEWS, Change
from adverdict.workforce.volume.history import Queue


@dataclass(frozen=True)
class Shares:
    """What became of a market's ads before, and would become of the same ads after a change."""

    market: str
    ads: int
    """That were looked at both ways."""
    reviewed_before: int
    reviewed_after: int
    rejected_before: int
    """Automatically."""
    rejected_after: int
    seconds: float = 1.0
    """Times as long a review takes, by those read of the ads decided otherwise."""


def change_of(
    name: str,
    measured: Sequence[Shares],
    *,
    rejected_by_people: float = 0.0,
    come_back: float = 0.0,
    once: Mapping[Queue, float] | None = None,
) -> Change:
    """``rejected_by_people``: share of reviews that end in a rejection. ``come_back``: submissions more for each ad rejected."""
    tasks: dict[Queue, float] = {}
    seconds: dict[Queue, float] = {}
    submissions: dict[str, float] = {}
    spread = []
    for one in measured:
        reviews = _ratio(one.reviewed_after, one.reviewed_before)
        before = one.rejected_before + rejected_by_people * one.reviewed_before
        after = one.rejected_after + rejected_by_people * one.reviewed_after
        for kind in OF_REVIEWS:
            tasks[Queue(one.market, kind)] = reviews
            seconds[Queue(one.market, kind)] = one.seconds
        tasks[Queue(one.market, "audit")] = _ratio(one.ads - one.reviewed_after, one.ads - one.reviewed_before)
        tasks[Queue(one.market, "appeal")] = _ratio(after, before)
        submissions[one.market] = 1 + come_back * (after - before) / max(one.ads, 1)
        # The same ads both ways: only those whose way differs are chance.
        differing = abs(one.reviewed_after - one.reviewed_before)
        spread.append(np.sqrt(differing) / max(one.reviewed_after, 1))
    doubt = float(np.mean(spread)) if spread else 0.0
    return Change(name, submissions=submissions, tasks=tasks, seconds=seconds, once=dict(once or {}), doubt=doubt)


def partly(change: Change, share: float) -> Change:
    """The change for a part of the advertisers, as in a stage of a roll-out; ``share`` in [0, 1]. What happens once
    happens in that part.
    """

    def part(factor: float) -> float:
        return 1 + share * (factor - 1)

    return replace(
        change,
        name=change.name if share == 1 else f"{change.name}, for {share:.0%} of advertisers",
        submissions={market: part(factor) for market, factor in change.submissions.items()},
        tasks={queue: part(factor) for queue, factor in change.tasks.items()},
        seconds={queue: part(factor) for queue, factor in change.seconds.items()},
        once={queue: share * tasks for queue, tasks in change.once.items()},
        absence=change.absence,
        doubt=share * change.doubt,
    )


def _ratio(after: float, before: float) -> float:
    return after / before if before > 0 else 1.0
