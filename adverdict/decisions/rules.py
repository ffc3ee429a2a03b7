"""The rules of a market and surface under one policy book and one set of thresholds, looked up once each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from adverdict.decisions import wording
from adverdict.decisions.policy import Licence, PolicyBook, PolicyInForce, Stance, Thresholds, WhenUncertified
from adverdict.decisions.steering import Steering
from adverdict.decisions.thresholds import SolvedThresholds
from adverdict.domain.standing import Standing
from adverdict.domain.verdict import Verdict

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


@dataclass(frozen=True, slots=True)
class PlainRule:
    """A rule by which a verdict hangs on nothing but the risk, as most do: no licence matters, the thresholds decide, nothing steers them.

    Everything but the risk is looked at and written once. What it says is what ``decide`` says by the rule itself.
    """

    thresholds: Thresholds
    """Within the policy's limits."""
    open_below: float
    """Where the thresholds alone would still approve; from there to ``thresholds.approve_below`` the policy's limit is what stops it."""
    open_from: float
    """Likewise where they alone would reject."""
    below: str
    at: str
    """Both thresholds with three decimals."""
    trust: str
    standing: Standing

    @classmethod
    def of(cls, rule: Rule, steering: Steering, now: datetime) -> PlainRule | None:
        """None: there is more to look at."""
        policy, thresholds, limited = rule.policy, rule.thresholds, rule.limited
        if thresholds is None or limited is None or policy.stance is not Stance.PROHIBITED or policy.licence is not Licence.NONE:
            return None
        if steering.applied(thresholds, policy.audit_share) is not thresholds or thresholds.expired_at(now):
            return None
        standing = steering.standing_of(thresholds, now)
        undecided = policy.when_uncertified is WhenUncertified.REVIEW and not thresholds.certified_at(now)
        if undecided or standing is Standing.REVOKED:
            return None
        told = f"{limited.approve_below:.3f}", f"{limited.reject_at:.3f}"
        return cls(limited, thresholds.approve_below, thresholds.reject_at, *told, wording.trust(limited, now), standing)

    def verdict(self, p: float) -> tuple[Verdict, str] | None:
        """With the sentence; None: it takes a closer look to say."""
        risk, used = f"{p:.3f}", self.thresholds
        if risk in (self.below, self.at):
            return None
        if p < used.approve_below:
            return Verdict.APPROVE, wording.approved_as_told(risk, self.below, self.trust)
        if p >= used.reject_at:
            return Verdict.REJECT, wording.rejected_as_told(risk, self.at, self.trust)
        if self.open_below <= p < self.open_from:
            return Verdict.REVIEW, wording.between_as_told(risk, self.below, self.at)
        return None


class RuleTable:
    """``book`` and ``solved`` never change, so what they come to is kept."""

    def __init__(self, book: PolicyBook, solved: SolvedThresholds) -> None:
        self.book = book
        self.solved = solved
        self._kept: dict[tuple[str, str | None], tuple[Rule, ...]] = {}
        self._plain: dict[tuple[str, str | None], tuple[PlainRule | None, ...]] = {}
        self._steering = Steering()
        """By which ``_plain`` is."""
        self._until: datetime | None = None
        """Up to when: one of its certificates ends then. None: none does."""

    def at(self, market: str, surface: str | None) -> tuple[Rule, ...]:
        """Those in force there; none in a market that no policy file knows."""
        rules = self._kept.get((market, surface))
        if rules is None:
            rules = tuple(self._rule(policy, market) for policy in self.book.in_force(market, surface))
            if len(self._kept) >= MOST_KEPT:
                self._kept.clear()
            self._kept[market, surface] = rules
        return rules

    def plain(self, market: str, surface: str | None, steering: Steering, now: datetime) -> tuple[PlainRule | None, ...]:
        """Of each of the rules in force there; None: there is more to look at than the risk."""
        ended = self._until is not None and now >= self._until
        if ended or (steering is not self._steering and steering != self._steering):
            self._plain, self._until = {}, None
        self._steering = steering
        found = self._plain.get((market, surface))
        if found is None:
            if len(self._plain) >= MOST_KEPT:
                self._plain.clear()
            found = tuple(PlainRule.of(rule, steering, now) for rule in self.at(market, surface))
            self._plain[market, surface] = found
            ends = [one.thresholds.expires_at for one in found if one is not None and one.thresholds.expires_at is not None]
            self._until = min([*ends, *([self._until] if self._until else [])], default=None)
        return found

    def _rule(self, policy: PolicyInForce, market: str) -> Rule:
        thresholds = policy.thresholds or self.solved.find(policy.name, market, policy.targets)
        return Rule(policy, thresholds, None if thresholds is None else policy.limited(thresholds))
