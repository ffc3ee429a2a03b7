"""The rules of a market and surface under one policy book and one set of thresholds, looked up once each."""

from __future__ import annotations

from dataclasses import dataclass

from adverdict.decisions.policy import PolicyBook, PolicyInForce, Thresholds
from adverdict.decisions.thresholds import SolvedThresholds

MOST_KEPT = 4096
"""Markets and surfaces: a surface is whatever a caller writes."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A policy in force, and the thresholds it decides by unless something steers them."""

    policy: PolicyInForce
    thresholds: Thresholds | None
    """Its own or those solved for it; None: none were solved."""
    limited: Thresholds | None
    """The same within the policy's limits."""

    def within_limits(self, thresholds: Thresholds) -> Thresholds:
        """These thresholds, mostly the rule's own, within the policy's limits."""
        return self.limited if thresholds is self.thresholds and self.limited is not None else self.policy.limited(thresholds)


class RuleTable:
    """``book`` and ``solved`` never change, so what they come to is kept."""

    def __init__(self, book: PolicyBook, solved: SolvedThresholds) -> None:
        self.book = book
        self.solved = solved
        self._kept: dict[tuple[str, str | None], tuple[Rule, ...]] = {}

    def at(self, market: str, surface: str | None) -> tuple[Rule, ...]:
        """Those in force there; none in a market that no policy file knows."""
        rules = self._kept.get((market, surface))
        if rules is None:
            rules = tuple(self._rule(policy, market) for policy in self.book.in_force(market, surface))
            if len(self._kept) >= MOST_KEPT:
                self._kept.clear()
            self._kept[market, surface] = rules
        return rules

    def _rule(self, policy: PolicyInForce, market: str) -> Rule:
        thresholds = policy.thresholds or self.solved.find(policy.name, market, policy.targets)
        return Rule(policy, thresholds, None if thresholds is None else policy.limited(thresholds))
