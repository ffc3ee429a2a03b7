"""The sentences under ``because``: which rule gave a verdict, in words a reviewer and an appeal can rest on."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from adverdict.decisions.policy import PolicyInForce, Targets, Thresholds, WhenDegraded
from adverdict.decisions.steering import Brake, BrakeSide
from adverdict.decisions.strikes import StrikesReached
from adverdict.domain.degraded import Degradation
from adverdict.domain.familiarity import Familiarity, in_brackets


def approved(p: float, thresholds: Thresholds, now: datetime) -> str:
    risk, below, _ = _told_apart(p, thresholds)
    return approved_as_told(risk, below, trust(thresholds, now))


def approved_as_told(risk: str, below: str, trust: str) -> str:
    """The same of numbers that are written already, and what the threshold is worth."""
    return f"risk {risk} is below {below}: approved automatically ({trust})"


def rejected(p: float, thresholds: Thresholds, now: datetime, *, unlicensed: str | None) -> str:
    """``unlicensed``: the licence that is missing; None where none is needed."""
    risk, _, at = _told_apart(p, thresholds)
    return rejected_as_told(risk, at, trust(thresholds, now), _no_licence(unlicensed))


def rejected_as_told(risk: str, at: str, trust: str, unlicensed: str = "") -> str:
    return f"{unlicensed}risk {risk} is at least {at}: rejected automatically ({trust})"


def between(p: float, thresholds: Thresholds, *, unlicensed: str | None) -> str:
    risk, below, at = _told_apart(p, thresholds)
    return between_as_told(risk, below, at, _no_licence(unlicensed))


def between_as_told(risk: str, below: str, at: str, unlicensed: str = "") -> str:
    return f"{unlicensed}risk {risk} is at least {below} and below {at}: a person decides"


def above_max_risk(p: float, policy: PolicyInForce) -> str:
    """Of an ad that the thresholds alone would approve."""
    risk, limit = _told_from(p, 1.0 if policy.max_risk is None else policy.max_risk)
    return f"risk {risk} is not below max_risk {limit}: a person decides, whatever the thresholds"


def below_min_risk_rejected(p: float, policy: PolicyInForce) -> str:
    """Of an ad that the thresholds alone would reject."""
    risk, limit = _told_from(p, 0.0 if policy.min_risk_rejected is None else policy.min_risk_rejected)
    return f"risk {risk} is below min_risk_rejected {limit}: a person decides, whatever the thresholds"


def restricted(p: float, thresholds: Thresholds, market: str, *, holds: str | None, unknown: str | None) -> str:
    """``holds``: the licence on record; ``unknown``: the licence that would matter, and that nobody told of."""
    risk, below, _ = _told_apart(p, thresholds)
    licence = f", a {holds} is on record" if holds else f", whether there is a {unknown} is not known" if unknown else ""
    return f"restricted in {market}{licence}, and risk {risk} is at least {below}: a person decides"


def licence(policy: str, market: str) -> str:
    return f"{policy} licence for {market}"


def uncertified(thresholds: Thresholds, now: datetime) -> str:
    lacking = "the thresholds carry no certificate"
    if thresholds.expired_at(now):
        lacking = f"certificate {thresholds.certificate_id} expired on {thresholds.expires_at:%Y-%m-%d}"
    elif thresholds.provisional:
        lacking = f"certificate {thresholds.certificate_id} is provisional, not everything it is asked for is shown"
    return f"{lacking}: a person decides (when_uncertified: review)"


def revoked(thresholds: Thresholds) -> str:
    next_step = "label a sample (adverdict policy sample), then adverdict policy solve"
    return f"certificate {thresholds.certificate_id} was revoked: a person decides until it is certified again ({next_step})"


def held(notice: str) -> str:
    return f"the advertiser tries out what is approved ({notice}): a person decides"


def braked(brakes: Sequence[Brake]) -> str:
    """``brakes``: those of one side that stop what would have been decided."""
    on = ", ".join(brake.brake_id for brake in brakes)
    done = "approved" if brakes[0].side is BrakeSide.APPROVE else "rejected"
    return f"nothing is {done} automatically (brake:{on}): a person decides"


def copy_rejected(policy: str, decision_id: str) -> str:
    return f"people rejected a copy of this ad under {policy} (decision {decision_id}): a person decides"


def struck(reached: Sequence[StrikesReached]) -> str:
    lifted = any(one.until is None for one in reached)
    how = "a person decides until somebody lifts it" if lifted else "a person decides"
    return f"the advertiser has {'; '.join(map(str, reached))}: {how}"


def unfamiliar(familiarity: Familiarity, share: float) -> str:
    why = f"familiarity {familiarity.p:.2g} is not above unfamiliar_share {share:g}"
    return f"the model has hardly seen texts like this{in_brackets(familiarity.causes)}, {why}: a person decides (when_unfamiliar: review)"


def not_solved(targets: Targets, *, for_others: bool) -> str:
    stated = f"max_leakage {targets.max_leakage:g}, max_wrongful_reject {targets.max_wrongful_reject:g}, confidence {targets.confidence:g}"
    why = f"none were solved for the targets in force ({stated})" if for_others else "none were solved for this policy"
    return f"thresholds are auto, and {why}: a person decides"


def without_risk(when: WhenDegraded) -> str:
    match when:
        case WhenDegraded.APPROVE:
            return "no risk is known: approved unjudged, as the policy says (when_degraded: approve)"
        case WhenDegraded.HOLD:
            return "no risk is known: held for a person (when_degraded: hold)"
        case WhenDegraded.REVIEW:
            return "no risk is known: a person decides (when_degraded: review)"


def stopped(causes: Sequence[Degradation], policy: PolicyInForce) -> str:
    held = policy.when_degraded is WhenDegraded.HOLD
    return f"nothing is decided automatically ({', '.join(map(str, causes))}): {'held for a person' if held else 'a person decides'}"


def trust(thresholds: Thresholds, now: datetime) -> str:
    if thresholds.certificate_id is None:
        return "uncertified threshold"
    provisional = "provisional " if thresholds.provisional else ""
    expired = f", expired on {thresholds.expires_at:%Y-%m-%d}" if thresholds.expired_at(now) else ""
    return f"{provisional}certificate {thresholds.certificate_id}{expired}"


def for_outsiders(because: str) -> str:
    """A rule's sentence without what it says of certificates: that is between a platform and its policies."""
    return because.rpartition(" (")[0] if because.endswith(")") else because


def _no_licence(unlicensed: str | None) -> str:
    return f"no {unlicensed} is on record, and " if unlicensed else ""


def _told_from(p: float, limit: float) -> tuple[str, str]:
    """A risk with three decimals, or as many as it takes to see on which side of a limit it lies, and the limit as a file has it."""
    shown = (f"{p:.{digits}f}" for digits in range(3, 18))
    return next((text for text in shown if (float(text) > limit, float(text) < limit) == (p > limit, p < limit)), repr(p)), str(limit)


def _told_apart(p: float, thresholds: Thresholds) -> tuple[str, ...]:
    """Risk and both thresholds with three decimals, or as many as it takes to see on which side of each threshold the risk lies."""
    numbers = (p, thresholds.approve_below, thresholds.reject_at)
    shown: tuple[str, ...] = (f"{p:.3f}", f"{numbers[1]:.3f}", f"{numbers[2]:.3f}")
    if shown[0] not in shown[1:]:
        return shown
    for digits in range(3, 18):
        shown = tuple(f"{number:.{digits}f}" for number in numbers)
        if all(text != shown[0] for number, text in zip(numbers, shown, strict=True) if number != p):
            break
    return shown
