"""What people and audits say of what may be decided automatically: brakes that are on, and how certificates have come to stand."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from adverdict.decisions.policy import Thresholds
from adverdict.domain.decision import Decision
from adverdict.domain.identity import surface_key
from adverdict.domain.standing import Standing
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
    cluster: str | None = None
    """Only copies of these ads: the name of their cluster, as of when it was put on."""

    def holds(self, policy: str, market: str, surface: str | None, clusters: Collection[str] = ()) -> bool:
        """For the verdict under this policy on an ad of this market and surface. ``clusters``: names of clusters that the ad is in."""
        return (
            self.policy in (None, policy)
            and self.market in (None, market)
            and (self.cluster is None or self.cluster in clusters)
            and (self.surface is None or surface_key(self.surface) == surface_key(surface))
        )


class Moved(NamedTuple):
    """How a certificate stands by its audits, and until when it is valid; UTC."""

    standing: Standing
    until: datetime


class Held(NamedTuple):
    """An advertiser none of whose ads is approved automatically, because of which notice, and until when; UTC."""

    notice: str
    until: datetime


@dataclass(frozen=True, slots=True)
class Steering:
    """All of it, as of one entry of the ledger."""

    brakes: tuple[Brake, ...] = ()
    """In the order in which they were put on."""
    revoked: frozenset[str] = frozenset()
    """Ids of certificates."""
    moved: Mapping[str, Moved] = field(default_factory=dict)
    """By id, how certificates have come to stand by their audits, short of being revoked."""
    held: Mapping[str, Held] = field(default_factory=dict)
    """By advertiser."""

    @property
    def clusters(self) -> frozenset[str]:
        """Those that a brake is on for."""
        return frozenset(one.cluster for one in self.brakes if one.cluster is not None)

    def applied(self, thresholds: Thresholds, audit_share: float) -> Thresholds:
        """Them, with the end that audits have given their certificate; more of what it decides is audited while there is doubt.

        ``audit_share``: what the policy asks.
        """
        moved = self.moved.get(thresholds.certificate_id or "")
        if moved is None:
            return thresholds
        share = thresholds.audit_share
        if moved.standing is Standing.DOUBTED:
            share = min(1.0, moved.standing.audits_times * max(audit_share, share or 0.0))
        return replace(thresholds, expires_at=moved.until, audit_share=share)

    def standing_of(self, thresholds: Thresholds, moment: datetime) -> Standing:
        """Where the certificate of a pair, as ``applied`` gives it, stands at ``moment`` (aware)."""
        name = thresholds.certificate_id
        if name is None:
            return Standing.NONE
        if name in self.revoked:
            return Standing.REVOKED
        if thresholds.expired_at(moment):
            return Standing.EXPIRED
        if thresholds.provisional:
            return Standing.PROVISIONAL
        return self.moved[name].standing if name in self.moved else Standing.CERTIFIED

    def stops(self, decision: Decision) -> bool:
        """Whether a decision made without knowing of it would not be made so now. Of clusters it knows the one that the decision names."""
        told = [one for one in decision.policies if one.verdict is not Verdict.REVIEW]
        braked = any(
            brake.side.stops(one.verdict)
            and brake.holds(one.policy, decision.market, decision.surface, (decision.cluster,) if decision.cluster else ())
            for brake in self.brakes
            for one in told
        )
        held = self.held.get(decision.advertiser_id)
        if held is not None and decision.verdict is Verdict.APPROVE and decision.decided_at < held.until:
            return True
        return decision.verdict is not Verdict.REVIEW and (braked or any(one.certificate_id in self.revoked for one in told))
