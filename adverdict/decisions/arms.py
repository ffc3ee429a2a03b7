"""Which side of a roll-out an advertiser is on: a function of the advertiser and of what the chain says, of nothing else.

Every advertiser lies somewhere in [0, 1), drawn anew for each roll-out by a secret salt. The candidate decides for those below its share,
the control twin are as many from one half on, and the rest are outside. A larger share only adds: whom the candidate decides for, it goes
on deciding for. The salt is secret because whoever could compute the number would open accounts until one lies in the laxer arm.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from typing import Literal

from adverdict.domain.decision import Arm

ArmSide = Literal["control", "candidate", "outside"]
TWIN = 0.5
"""Where the control twin begins."""
SALT_BYTES = 32
_PERSON = b"adverdict-arm"
"""Sets this hash apart from every other use of the same ids (BLAKE2, RFC 7693); changing it would move advertisers on a replay."""
_BITS = 53
"""Of the hash: as many as a float64 holds exactly, so that the result is never rounded up to 1."""


@dataclass(frozen=True, slots=True)
class Arms:
    """The arms of one roll-out as they are now."""

    rollout: str
    base: str
    """Hash of the policies that the control decides by."""
    candidate: str
    """Hash of those that the candidate decides by."""
    share: float
    """Of advertisers that the candidate decides for, in [0, 1]: at most ``TWIN`` while it is on trial, 1 once it decides for all but
    the twin."""
    control: float
    """Size of the twin, in [0, 1 - TWIN]."""
    markets: frozenset[str] = frozenset()
    """Where it is on; empty: everywhere."""
    audit_share: float = 0.0
    """Of the automatic decisions of both arms that a reviewer reads at least, in [0, 1]."""
    audit_hours: float | None = None
    """Until such an audit is due; None: as long as any other."""
    until: datetime | None = None
    """The candidate decides nothing from then on unless somebody says otherwise before; None: it has no end."""
    salt: bytes = field(default=b"", repr=False)
    base_bundle: str | None = None
    """Version of the bundle that the control is scored by; None: whichever is the champion."""
    candidate_bundle: str | None = None
    sources: tuple[tuple[str, str], ...] = ()
    """Where these bundles are had from: version, and the registered model."""

    def hold(self, market: str) -> bool:
        """Whether it is on in this market."""
        return not self.markets or market in self.markets

    def ended(self, at: datetime) -> bool:
        """Whether its lease has run out at that moment (aware)."""
        return self.until is not None and at >= self.until

    def arm(self, advertiser: str, at: datetime) -> Arm:
        """The advertiser's at that moment; once the lease is over, outside, the candidate's share being 0."""
        drawn = bucket(self.salt, advertiser)
        share, control = (0.0, 0.0) if self.ended(at) else (self.share, self.control)
        return Arm(rollout=self.rollout, side=side(drawn, share, control), bucket=drawn, share=share)

    def policies(self, arm: Arm) -> str:
        """Hash of the policies that decide for it."""
        return self.candidate if arm.side == "candidate" else self.base

    def bundle(self, arm: Arm) -> str | None:
        """Version of the bundle that scores for it; None: the champion's."""
        return {"candidate": self.candidate_bundle, "control": self.base_bundle}.get(arm.side)


@dataclass(frozen=True, slots=True)
class InForce:
    """What decides, as of one entry of the chain."""

    policies: str | None = None
    """Hash of the set in force; None: the chain does not say."""
    arms: tuple[Arms, ...] = ()
    """Of the roll-outs that have arms now: at most one a market."""

    @property
    def sources(self) -> dict[str, str]:
        """Bundle -> the registered model it is had from, of every bundle that is tried, or tried against."""
        return dict(pair for one in self.arms for pair in one.sources)

    def arms_in(self, market: str) -> Arms | None:
        return next((one for one in self.arms if one.hold(market)), None)

    @property
    def needed(self) -> tuple[str, ...]:
        """Hashes of every set that decides now, the one in force first."""
        arms = [digest for one in self.arms for digest in (one.base, one.candidate)]
        return tuple(dict.fromkeys([*([self.policies] if self.policies else []), *arms]))


@dataclass(frozen=True, slots=True)
class Choice:
    """By what one ad is to be decided."""

    policies: str | None = None
    """Hash of the policies; None: those of the files."""
    bundle: str | None = None
    """Version of the bundle; None: the champion's."""
    arm: Arm | None = None
    audit_share: float = 0.0
    """Of automatic decisions like this one that a reviewer reads at least."""


def choose(in_force: InForce, market: str, advertiser: str, at: datetime) -> Choice:
    """For an ad of this advertiser, decided at that moment (aware)."""
    arms = in_force.arms_in(market)
    if arms is None:
        return Choice(in_force.policies)
    arm = arms.arm(advertiser, at)
    return Choice(arms.policies(arm), arms.bundle(arm), arm, 0.0 if arm.side == "outside" else arms.audit_share)


def bucket(salt: bytes, advertiser: str) -> float:
    """A number in [0, 1), uniform over advertisers: keyed BLAKE2b of the id."""
    digest = blake2b(advertiser.encode(), digest_size=8, person=_PERSON, key=salt).digest()
    return (int.from_bytes(digest) >> (64 - _BITS)) / (1 << _BITS)


def side(drawn: float, share: float, control: float) -> ArmSide:
    """Of the advertiser drawn in [0, 1). ``share`` of the candidate, ``control`` the size of its twin; both in [0, 1]."""
    if TWIN <= drawn < TWIN + control:
        return "control"
    return "candidate" if drawn < share else "outside"


def overlapping(arms: Sequence[Arms], markets: frozenset[str]) -> Arms | None:
    """A roll-out among these that is on in one of the markets already; None: none is. Empty ``markets``: everywhere."""
    return next((one for one in arms if not markets or not one.markets or one.markets & markets), None)
