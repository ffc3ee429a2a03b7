"""What happens to an ad. Read from the top: this is the whole of it, and no model is needed to test it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from decisions.policy import PolicyBook, PolicyInForce, Stance, Thresholds, WhenDegraded
from decisions.thresholds import SolvedThresholds
from domain.ad import Ad
from domain.decision import Decision, PolicyVerdict, Reason
from domain.risk import RiskScore
from domain.verdict import Verdict, most_severe

STILL_DECIDES = frozenset({"registry_unreachable", "champion_not_found", "bundle_refused"})
"""Degradations under which risks still count: the last good bundle is as good as it was. Any other one leaves everything to people."""


@dataclass(frozen=True, slots=True)
class DecisionContext:
    """What a decision carries that its rules do not look at, but for ``degraded``."""

    decision_id: str
    decided_at: datetime
    bundle_version: str | None
    degraded: tuple[str, ...] = ()
    """What was missing or stale while scoring, as ``cause`` or ``cause:detail``."""
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class _Ruling:
    verdict: Verdict
    because: str
    thresholds: Thresholds | None = None
    """Those that were used."""
    degraded: tuple[str, ...] = ()


def decide(ad: Ad, risks: Mapping[str, RiskScore], book: PolicyBook, solved: SolvedThresholds, *, context: DecisionContext) -> Decision:
    """The most severe verdict over the policies in force on the ad's market and surface; review where there is nothing to go by.

    ``risks`` by policy name. A risk for a policy that is defined but not in force here changes nothing; one for a policy that no file
    defines means review: the model knows of a rule that the policy folder does not.
    """
    policies = {policy.name: policy for policy in book.in_force(ad.market, ad.surface)}
    rulings = _rulings(ad, risks, book, solved, context)
    general = _general_degradations(ad, book, policies)
    used = {name: ruling.thresholds for name, ruling in rulings.items() if ruling.thresholds is not None}
    return Decision(
        decision_id=context.decision_id,
        ad_id=ad.ad_id,
        advertiser_id=ad.advertiser_id,
        market=ad.market,
        surface=ad.surface,
        decided_at=context.decided_at,
        verdict=most_severe(ruling.verdict for ruling in rulings.values()),
        policies=tuple(_told(name, ruling, risks.get(name), policies.get(name)) for name, ruling in rulings.items()),
        reasons=context.reasons,
        degraded=(*context.degraded, *general, *(flag for ruling in rulings.values() for flag in ruling.degraded)),
        uncertified=any(thresholds.certificate_id is None for thresholds in used.values()),
        bundle_version=context.bundle_version,
        policy_hash=book.hash,
        threshold_set=solved.digest if any(policies[name].thresholds is None for name in used) else None,
    )


def _rulings(
    ad: Ad, risks: Mapping[str, RiskScore], book: PolicyBook, solved: SolvedThresholds, context: DecisionContext
) -> dict[str, _Ruling]:
    """One ruling for each policy that has a say, in the default file's order, policies unknown to the files last."""
    stopped = [flag for flag in context.degraded if flag.split(":")[0] not in STILL_DECIDES]
    rulings: dict[str, _Ruling] = {}
    if not book.knows(ad.market):
        rulings = {name: _Ruling(Verdict.REVIEW, f"no policy file for market {ad.market}: a person decides") for name in book.names}
    for policy in book.in_force(ad.market, ad.surface):
        risk = risks.get(policy.name)
        if stopped:
            rulings[policy.name] = _while_stopped(policy, stopped)
        elif risk is None or not _usable(risk, policy.name):
            rulings[policy.name] = _without_risk(policy)
        else:
            rulings[policy.name] = _by_risk(policy, risk.p, ad.market, solved)
    for name in sorted(set(risks) - set(book.names)):
        rulings[name] = _Ruling(Verdict.REVIEW, f"no policy file defines {name}: a person decides", degraded=(f"unknown_policy:{name}",))
    return rulings


def _by_risk(policy: PolicyInForce, p: float, market: str, solved: SolvedThresholds) -> _Ruling:
    if policy.stance is Stance.ALLOWED:
        return _Ruling(Verdict.APPROVE, f"allowed in {market}")
    thresholds = policy.thresholds or solved.find(policy.name, market, policy.targets)
    if thresholds is None:
        return _without_thresholds(policy, solved)
    trust = "uncertified threshold" if thresholds.certificate_id is None else f"certificate {thresholds.certificate_id}"
    risk, below, at = _told_apart(p, thresholds.approve_below, thresholds.reject_at)
    if p < thresholds.approve_below:
        return _Ruling(Verdict.APPROVE, f"risk {risk} is below {below}: approved automatically ({trust})", thresholds)
    if policy.stance is Stance.RESTRICTED:
        return _Ruling(Verdict.REVIEW, f"restricted in {market}, and risk {risk} is at least {below}: a person decides", thresholds)
    if p >= thresholds.reject_at:
        return _Ruling(Verdict.REJECT, f"risk {risk} is at least {at}: rejected automatically ({trust})", thresholds)
    return _Ruling(Verdict.REVIEW, f"risk {risk} is at least {below} and below {at}: a person decides", thresholds)


def _without_thresholds(policy: PolicyInForce, solved: SolvedThresholds) -> _Ruling:
    targets = policy.targets
    stated = f"max_leakage {targets.max_leakage:g}, max_wrongful_reject {targets.max_wrongful_reject:g}, confidence {targets.confidence:g}"
    why = f"none were solved for the targets in force ({stated})" if solved.concerns(policy.name) else "none were solved for this policy"
    return _Ruling(Verdict.REVIEW, f"thresholds are auto, and {why}: a person decides", degraded=(f"thresholds_not_solved:{policy.name}",))


def _without_risk(policy: PolicyInForce) -> _Ruling:
    missing = f"no_risk:{policy.name}"
    match policy.when_degraded:
        case WhenDegraded.APPROVE:
            because = "no risk is known: approved unjudged, as the policy says (when_degraded: approve)"
            return _Ruling(Verdict.APPROVE, because, degraded=(missing,))
        case WhenDegraded.HOLD:
            because = "no risk is known: held for a person (when_degraded: hold)"
            return _Ruling(Verdict.REVIEW, because, degraded=(missing, f"hold:{policy.name}"))
        case WhenDegraded.REVIEW:
            because = "no risk is known: a person decides (when_degraded: review)"
            return _Ruling(Verdict.REVIEW, because, degraded=(missing,))


def _while_stopped(policy: PolicyInForce, causes: list[str]) -> _Ruling:
    """Even ``when_degraded: approve`` does not approve here: it speaks of one risk that is missing, not of a model that is."""
    held = policy.when_degraded is WhenDegraded.HOLD
    because = f"nothing is decided automatically ({', '.join(causes)}): {'held for a person' if held else 'a person decides'}"
    return _Ruling(Verdict.REVIEW, because, degraded=(f"hold:{policy.name}",) if held else ())


def _general_degradations(ad: Ad, book: PolicyBook, policies: Mapping[str, PolicyInForce]) -> tuple[str, ...]:
    if not book.knows(ad.market):
        return (f"unknown_market:{ad.market}",)
    return () if policies else ("no_policy_in_force",)


def _usable(risk: RiskScore, name: str) -> bool:
    """False for NaN, which lies in no interval, and for another policy's risk."""
    return 0 <= risk.p <= 1 and risk.policy == name


def _told(name: str, ruling: _Ruling, risk: RiskScore | None, policy: PolicyInForce | None) -> PolicyVerdict:
    thresholds = ruling.thresholds
    return PolicyVerdict(
        policy=name,
        verdict=ruling.verdict,
        risk=risk if risk is not None and _usable(risk, name) else None,
        approve_below=thresholds.approve_below if thresholds else None,
        reject_at=thresholds.reject_at if thresholds else None,
        certificate_id=thresholds.certificate_id if thresholds else None,
        because=ruling.because,
        advertiser_reason=policy.reason if policy and ruling.verdict is Verdict.REJECT else None,
    )


def _told_apart(p: float, *thresholds: float) -> tuple[str, ...]:
    """The numbers with three decimals, or as many as it takes to see on which side of each threshold the risk lies."""
    numbers = (p, *thresholds)
    for digits in range(3, 18):
        shown = tuple(f"{number:.{digits}f}" for number in numbers)
        if all(text != shown[0] for number, text in zip(numbers, shown, strict=True) if number != p):
            break
    return shown
