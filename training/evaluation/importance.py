"""What a bundle goes by: how far each fact moves its risks, on average over some ads."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from adverdict.domain.ad import Ad
from adverdict.models.bundle import Bundle
from adverdict.models.explain import reasons

ADS = 100
"""Enough for the order of what matters, and about a second."""
EVERYTHING = 10_000
MOST = 10


@dataclass(frozen=True)
class Importance:
    """``effect``: mean over ads of how far ``signal`` moves the log-odds of a violation, without sign; ``share``: of ads it moves at all
    (by 0.05 or more)."""

    signal: str
    effect: float
    share: float


def sample(ads: Sequence[Ad], n: int = ADS) -> Sequence[Ad]:
    """At most ``n`` of them, evenly spread."""
    return ads[:: max(1, -(-len(ads) // n))]


def importance(bundle: Bundle, some: Sequence[Ad]) -> Mapping[str, Sequence[Importance]]:
    """By policy, the strongest first, over ``some`` ads. What words do is not in it: they differ from ad to ad. Nor is
    what the transformer makes of a text, which has no parts that could be named."""
    if not some:
        return {}
    scores = bundle.score(some)
    sums: dict[str, dict[str, list[float]]] = {policy: defaultdict(list) for policy in bundle.policies}
    for row, ad in enumerate(some):
        for reason in reasons(bundle, ad, scores, row, bundle.policies, top=EVERYTHING):
            if reason.kind == "fact":
                sums[reason.policy][reason.signal].append(abs(reason.effect))
    found = {}
    for policy, effects in sums.items():
        every = [Importance(signal, sum(moved) / len(some), len(moved) / len(some)) for signal, moved in effects.items()]
        found[policy] = sorted(every, key=lambda one: (-one.effect, one.signal))[:MOST]
    return found
