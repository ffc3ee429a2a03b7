"""Why a decision was made with less than there should have been: the causes, made and taken apart here.

On record and over HTTP a degradation is its text, ``cause`` or ``cause:about``. Only this file knows that form.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Cause(StrEnum):
    """What was missing or stale."""

    NO_MODEL = "no_model"
    """No model is loaded: nothing is decided automatically."""
    DEADLINE = "deadline"
    """The caller could not wait: the costly models did not run, and might have changed the decision."""
    UNREACHABLE = "registry_unreachable"
    NOT_FOUND = "champion_not_found"
    CERTIFICATES_REFUSED = "certificates_refused"
    BUNDLE_REFUSED = "bundle_refused"
    """About: its version."""
    UNKNOWN_MARKET = "unknown_market"
    """No policy file tells of the market. About: its name."""
    NO_THRESHOLD = "no_usable_threshold"
    """No policy of any market has thresholds that decide anything. About: why. Told of a service, not of a decision."""
    NO_POLICY = "no_policy_in_force"
    UNKNOWN_POLICY = "unknown_policy"
    """The model knows a risk that no policy file defines. About, here and below: the policy."""
    NO_RISK = "no_risk"
    HOLD = "hold"
    """The policy asks for the ad to be held until a person has seen it."""
    NOT_SOLVED = "thresholds_not_solved"
    UNCERTIFIED = "uncertified"
    CERTIFICATE_EXPIRED = "certificate_expired"
    CERTIFICATE_REVOKED = "certificate_revoked"
    LICENCE_UNKNOWN = "licence_unknown"
    UNFAMILIAR = "unfamiliar"
    """The models have hardly seen texts like the ad's. About: what is strange, such as ``language:zh``, ``script:HANGUL`` or ``text``."""
    ARM_MISSING = "arm_missing"
    """The policies, or the bundle, that should have decided could not be had: those before did. About: the beginning of their hash."""
    ARM_FAILED = "arm_failed"
    """A model is tried against another, and the one of the ad's arm failed on it. People decide."""
    CLOCK_BEHIND = "clock_behind"
    """This machine's clock is behind what is on record. About: how far. People decide."""
    LEDGER_REPLACED = "ledger_replaced"
    """The ledger is not the one that was read before, so nothing is recorded. About: why. Told of a service, not of a decision."""
    LEDGER_UNWRITABLE = "ledger_unwritable"
    """It can be read, and not be written. About: why. Told of a service, not of a decision."""
    PROBING = "probing"
    """The advertiser tries out what is approved: near copies of rejected ads, again and again. People decide. About: the notice."""
    COPY_REJECTED = "copy_rejected"
    """People have rejected a copy of the ad, so that it is not approved without them. About: the policy, and the decision they rejected."""
    STRIKES = "strikes"
    """So many ads of the advertiser were rejected that people decide all of them. About: the policy whose limit it is."""
    BRAKE = "brake"
    """Somebody has stopped automatic decisions of this side. About: the brake."""

    @property
    def still_decides(self) -> bool:
        """Whether risks decide as before when this is known before scoring: what is loaded stays in service, and decisions say so."""
        return self in _STILL_DECIDE


_CAUSES = {cause.value: cause for cause in Cause}
_STILL_DECIDE = frozenset({Cause.UNREACHABLE, Cause.NOT_FOUND, Cause.CERTIFICATES_REFUSED, Cause.BUNDLE_REFUSED, Cause.ARM_MISSING})


@dataclass(frozen=True, slots=True)
class Degradation:
    """One cause, and about what: a policy, a market, a version; None where the cause says all."""

    cause: Cause
    about: str | None = None

    def __str__(self) -> str:
        return self.cause.value if self.about is None else f"{self.cause.value}:{self.about}"


def degradations(recorded: Iterable[str]) -> tuple[Degradation, ...]:
    """What a decision's ``degraded`` says, in order, but for causes of other versions, of which nothing is known here."""
    found = (text.partition(":") for text in recorded)
    return tuple(Degradation(_CAUSES[cause], about if colon else None) for cause, colon, about in found if cause in _CAUSES)
