"""What people, and the audits, have taken out of automatic hands: brakes that are on, certificates that were revoked."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from adverdict.decisions.policy import surface_key
from adverdict.domain.decision import Decision
from adverdict.domain.verdict import Verdict


class BrakeSide(StrEnum):
    """What a brake stops."""

    APPROVE = "approve"
    REJECT = "reject"
    BOTH = "both"

    def stops(self, verdict: Verdict) -> bool:
        return self is BrakeSide.BOTH or self.value == verdict.value


@dataclass(frozen=True, slots=True)
class Brake:
    """Nothing of this side is decided automatically where it holds. A scope of None means everywhere."""

    brake_id: str
    side: BrakeSide
    policy: str | None = None
    market: str | None = None
    surface: str | None = None

    def holds(self, policy: str, market: str, surface: str | None) -> bool:
        """For the verdict under this policy on an ad of this market and surface."""
        return (
            self.policy in (None, policy)
            and self.market in (None, market)
            and (self.surface is None or surface_key(self.surface) == surface_key(surface))
        )


@dataclass(frozen=True, slots=True)
class Steering:
    """All of it, as of one entry of the ledger."""

    brakes: tuple[Brake, ...] = ()
    """In the order in which they were put on."""
    revoked: frozenset[str] = frozenset()
    """Ids of certificates."""

    def stops(self, decision: Decision) -> bool:
        """Whether a decision made without knowing of it would not be made so now."""
        told = [one for one in decision.policies if one.verdict is not Verdict.REVIEW]
        braked = any(
            brake.side.stops(one.verdict) and brake.holds(one.policy, decision.market, decision.surface)
            for brake in self.brakes
            for one in told
        )
        return decision.verdict is not Verdict.REVIEW and (braked or any(one.certificate_id in self.revoked for one in told))
