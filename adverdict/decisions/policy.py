"""A policy as it stands in one market and on one surface, after inheritance; and the book of all of them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache, cached_property
from typing import Any

from pydantic import TypeAdapter, ValidationError

from adverdict.decisions.strikes import MOST_DAYS, MOST_STRIKES, StrikeLimit
from adverdict.domain.errors import InvalidPolicy, Mistake
from adverdict.domain.identity import surface_key


class Severity(StrEnum):
    """How bad a violation is. Only a ``quality`` policy may let ads through unjudged."""

    ZERO_TOLERANCE = "zero_tolerance"
    SEVERE = "severe"
    SERIOUS = "serious"
    QUALITY = "quality"


class Stance(StrEnum):
    """What the market says about such ads."""

    PROHIBITED = "prohibited"
    """Not shown: approved, reviewed or rejected by the thresholds."""
    RESTRICTED = "restricted"
    """Shown on conditions no model can check: never rejected without a person."""
    ALLOWED = "allowed"
    """No rule to break."""


class WhenDegraded(StrEnum):
    """What becomes of an ad whose risk under this policy is not known."""

    HOLD = "hold"
    """Review, and marked: it stays back until the risk can be known."""
    REVIEW = "review"
    APPROVE = "approve"


class WhenUncertified(StrEnum):
    """What thresholds may do that carry no certificate, or one that has expired."""

    DECIDE = "decide"
    """Decide all the same; each decision says that they are uncertified."""
    REVIEW = "review"
    """Nothing: a person decides."""


class WhenUnfamiliar(StrEnum):
    """What becomes of an ad unlike those that the models learnt from: their risks say little of it."""

    REVIEW = "review"
    """A person decides, whichever way the risk points."""
    DECIDE = "decide"
    """The risk decides; the decision says that the ad is unfamiliar."""


class Licence(StrEnum):
    """Whether an advertiser needs a licence for such ads in this market."""

    REQUIRED = "required"
    """Restricted for its holders, prohibited for everybody known to hold none."""
    NONE = "none"


DEFAULT_AUDIT_SHARE = 0.01
"""Where no file says otherwise: one automatic decision in a hundred is also seen by a reviewer."""
DEFAULT_UNFAMILIAR_SHARE = 0.01
"""Where no file says otherwise: one honest ad in a hundred counts as unfamiliar."""
MAX_RISK = {Severity.QUALITY: 0.5, Severity.SERIOUS: 0.25, Severity.SEVERE: 0.1, Severity.ZERO_TOLERANCE: 0.05}
"""Where no file says otherwise: the risk from which no ad is approved without a person."""
MIN_RISK_REJECTED = 0.5
"""Where no file says otherwise: the risk below which no ad is rejected without a person."""


@dataclass(frozen=True, slots=True)
class Targets:
    """What automatic decisions may cost. Every field is a share in [0, 1]; ``confidence`` lies strictly between."""

    max_leakage: float
    """Largest P(violating | approved automatically)."""
    max_wrongful_reject: float
    """Largest P(not violating | rejected automatically)."""
    confidence: float
    """How sure a certificate must be of both."""

    def __post_init__(self) -> None:
        _require(0 <= self.max_leakage <= 1, "max_leakage", self.max_leakage, "a share from 0 to 1")
        _require(0 <= self.max_wrongful_reject <= 1, "max_wrongful_reject", self.max_wrongful_reject, "a share from 0 to 1")
        _require(0 < self.confidence < 1, "confidence", self.confidence, "a share above 0 and below 1")


@dataclass(frozen=True, slots=True)
class Thresholds:
    """``risk < approve_below`` approves, ``risk >= reject_at`` rejects, a person decides the rest. Both in [0, 1]."""

    approve_below: float
    reject_at: float
    certificate_id: str | None = None
    """None: nobody has shown that these thresholds keep any target."""
    expires_at: datetime | None = None
    """From when on the certificate no longer holds, in UTC. None: it has no end, or there is no certificate."""
    provisional: bool = False
    """Whether the certificate says that what is asked for is not shown yet. Such thresholds decide where the policy lets them."""
    audit_share: float | None = None
    """Share of what they decide that a reviewer must see too, for the certificate to be renewed or earned; None: the policy's is enough."""

    def __post_init__(self) -> None:
        ordered = 0 <= self.approve_below <= self.reject_at <= 1
        _require(ordered, "thresholds", [self.approve_below, self.reject_at], "0 <= approve_below <= reject_at <= 1")
        share = self.audit_share
        _require(share is None or 0 <= share <= 1, "audit_share", share, "a share from 0 to 1")
        _require(self.certificate_id is not None or not self.provisional, "provisional", True, "False: there is no certificate")
        if self.expires_at is not None:
            _require(self.certificate_id is not None, "expires_at", str(self.expires_at), "None: there is no certificate to expire")
            _require(self.expires_at.utcoffset() == timedelta(0), "expires_at", str(self.expires_at), "a time in UTC")

    def expired_at(self, moment: datetime) -> bool:
        """Whether there is a certificate and ``moment`` (aware) is not before its end."""
        return self.expires_at is not None and self.expires_at <= moment

    def certified_at(self, moment: datetime) -> bool:
        """Whether there is a certificate that still holds at ``moment`` (aware)."""
        return self.certificate_id is not None and not self.provisional and not self.expired_at(moment)


LIMITS = ("max_risk", "min_risk_rejected", "max_missed")
"""Fields of a policy that are None in books kept before there were any."""


@dataclass(frozen=True, slots=True)
class PolicyInForce:
    """One policy with every value settled for one market and surface."""

    name: str
    title: str
    severity: Severity
    stance: Stance
    targets: Targets
    thresholds: Thresholds | None
    """None: ``auto``, look them up in the solved thresholds."""
    when_degraded: WhenDegraded
    reason: str
    """The sentence an advertiser reads when this policy rejects the ad."""
    licence: Licence = Licence.NONE
    when_uncertified: WhenUncertified = WhenUncertified.DECIDE
    audit_share: float = DEFAULT_AUDIT_SHARE
    """Probability in [0, 1] that an ad decided automatically under this policy is also seen by a reviewer."""
    max_risk: float | None = None
    """No ad of this risk or more is approved without a person, whatever the thresholds. None: in books kept before there was a limit."""
    min_risk_rejected: float | None = None
    """No ad of less risk than this is rejected without a person. None as above."""
    max_missed: float | None = None
    """Largest P(approved automatically | violating) that a certificate must show; None: it is stated, and nothing is asked of it."""
    when_unfamiliar: WhenUnfamiliar = WhenUnfamiliar.REVIEW
    unfamiliar_share: float = DEFAULT_UNFAMILIAR_SHARE
    """Share in [0, 1] of the honest ads of new advertisers that are taken for unfamiliar; 0: none is."""
    strikes: StrikeLimit | None = None
    """How many rejections under it an advertiser may have; None: they are not counted."""

    def __post_init__(self) -> None:
        safe = self.when_degraded is not WhenDegraded.APPROVE or self.severity is Severity.QUALITY
        _require(safe, "when_degraded", self.when_degraded.value, f"hold or review, because the severity is {self.severity}")
        asks = self.licence is Licence.NONE or self.stance is Stance.RESTRICTED
        _require(asks, "licence", self.licence.value, f"none, because the stance is {self.stance}")
        for name in ("audit_share", "unfamiliar_share", *LIMITS):
            share = getattr(self, name)
            _require(share is None or 0 <= share <= 1, name, share, "a share from 0 to 1")
        if self.strikes is not None:
            _require(1 <= self.strikes.limit <= MOST_STRIKES, "strikes.limit", self.strikes.limit, f"1 to {MOST_STRIKES}")
            _require(1 <= self.strikes.days <= MOST_DAYS, "strikes.days", self.strikes.days, f"1 to {MOST_DAYS}")

    def limited(self, thresholds: Thresholds) -> Thresholds:
        """The same thresholds within ``max_risk`` and ``min_risk_rejected``: those that decide."""
        below = min(thresholds.approve_below, 1.0 if self.max_risk is None else self.max_risk)
        at = max(thresholds.reject_at, 0.0 if self.min_risk_rejected is None else self.min_risk_rejected)
        same = (below, at) == (thresholds.approve_below, thresholds.reject_at)
        return thresholds if same else replace(thresholds, approve_below=below, reject_at=at)

    def licence_held(self, market: str, licences: Collection[str] | None) -> bool | None:
        """Whether an advertiser with these ``policy:market`` licences holds the one asked for; None: none is asked for, or nobody knows."""
        if self.licence is Licence.NONE or licences is None:
            return None
        return f"{self.name}:{market}" in licences

    def may_reject(self, licence_held: bool | None) -> bool:
        """Whether a high risk rejects; where it may not, a person sees the ad. What is restricted is prohibited without its licence."""
        return self.stance is Stance.PROHIBITED or licence_held is False


@dataclass(frozen=True)
class MarketRules:
    """The policies of one market: those of each surface it names, and those of every other surface."""

    elsewhere: tuple[PolicyInForce, ...]
    by_surface: Mapping[str, tuple[PolicyInForce, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class PolicyBook:
    """Every policy of every market, settled when the files were read; looking one up computes nothing."""

    names: tuple[str, ...]
    """Every policy the default file defines, in its order, in force somewhere or not."""
    rules: Mapping[str, MarketRules]
    hash: str = field(init=False)
    """sha256 over what the book decides, not how it is written: comments, layout, the order of files and keys,
    and values that repeat what is inherited do not change it; any settled value does."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "hash", _hash(self.names, self.rules))

    @property
    def markets(self) -> tuple[str, ...]:
        return tuple(sorted(self.rules))

    def to_json(self) -> bytes:
        """For keeping what decisions were made by; people write YAML."""
        return _book_json().dump_json(self)

    @classmethod
    def from_json(cls, text: bytes) -> PolicyBook:
        """The book ``to_json`` wrote, with the same hash. Raises InvalidPolicy on anything else."""
        try:
            return _book_json().validate_json(text)
        except ValidationError as error:
            raise InvalidPolicy(f"not a kept policy book: {error}") from error

    def knows(self, market: str) -> bool:
        return market in self.rules

    @cached_property
    def counts_strikes(self) -> bool:
        """Whether any policy in force anywhere has a limit of strikes."""
        return any(policy.strikes is not None for _, _, policy in self.every())

    def in_force(self, market: str, surface: str | None) -> tuple[PolicyInForce, ...]:
        """The policies an ad must satisfy; empty for an unknown market. A surface no file names, or no surface, gets the general ones."""
        rules = self.rules.get(market)
        if rules is None:
            return ()
        return rules.by_surface.get(surface_key(surface), rules.elsewhere)

    def every(self) -> Iterator[tuple[str, str | None, PolicyInForce]]:
        """(market, surface, policy) for all that is in force; surface None stands for every surface not named."""
        for market in self.markets:
            rules = self.rules[market]
            tables: list[tuple[str | None, tuple[PolicyInForce, ...]]] = [(None, rules.elsewhere), *sorted(rules.by_surface.items())]
            for surface, policies in tables:
                for policy in policies:
                    yield market, surface, policy


@cache
def _book_json() -> TypeAdapter[PolicyBook]:
    return TypeAdapter(PolicyBook)


def _hash(names: tuple[str, ...], rules: Mapping[str, MarketRules]) -> str:
    content = {
        "schema": 2,
        "names": sorted(names),
        "markets": {
            market: {
                "elsewhere": _canonical(of.elsewhere),
                # A surface whose policies are the general ones decides nothing of its own.
                "surfaces": {s: _canonical(p) for s, p in of.by_surface.items() if _canonical(p) != _canonical(of.elsewhere)},
            }
            for market, of in rules.items()
        },
    }
    text = json.dumps(content, sort_keys=True, ensure_ascii=True, allow_nan=False, default=datetime.isoformat)
    return hashlib.sha256(text.encode()).hexdigest()


def _canonical(policies: tuple[PolicyInForce, ...]) -> dict[str, object]:
    """What books kept before there was such a value could not say is left out where nothing is said: their hash is on record."""
    return {policy.name: _said(asdict(policy)) for policy in policies}


def _said(fields: dict[str, Any]) -> dict[str, Any]:
    if fields["thresholds"] is not None:  # written by hand: those carry no certificate
        fields["thresholds"] = {key: value for key, value in fields["thresholds"].items() if key not in ("provisional", "audit_share")}
    told = {key: value for key, value in fields.items() if value is not None or key not in LIMITS}
    return {key: value for key, value in told.items() if key not in _LATER or value != _LATER[key]}


_LATER = {"when_unfamiliar": WhenUnfamiliar.REVIEW, "unfamiliar_share": DEFAULT_UNFAMILIAR_SHARE, "strikes": None}
"""Values that a policy has had since, with what is meant where nothing is said of them."""


def _require(holds: bool, what: str, value: object, expected: str) -> None:
    if not holds:
        raise InvalidPolicy("not a policy that can be in force", [Mistake(what, value, expected)])
