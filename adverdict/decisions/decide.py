"""What happens to an ad. Read from the top: this is the whole of it, and no model is needed to test it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, NamedTuple

from adverdict.decisions import wording
from adverdict.decisions.audit import audit
from adverdict.decisions.disclosure import rule as disclosure
from adverdict.decisions.disclosure.rule import with_disclosure
from adverdict.decisions.policy import Licence, PolicyBook, PolicyInForce, Stance, Thresholds, WhenDegraded, WhenUncertified, WhenUnfamiliar
from adverdict.decisions.rules import PlainRule, Rule, RuleTable
from adverdict.decisions.steering import BrakeSide, Held, Steering
from adverdict.decisions.strikes import Strike, StrikesReached, strikes_reached
from adverdict.decisions.thresholds import SolvedThresholds, verdict_at
from adverdict.domain.ad import Ad
from adverdict.domain.decision import RECORD, Arm, Decision, PolicyVerdict, Reason
from adverdict.domain.degraded import Cause, Degradation
from adverdict.domain.familiarity import Familiarity
from adverdict.domain.risk import RiskScore
from adverdict.domain.standing import Standing
from adverdict.domain.verdict import Verdict, most_severe


@dataclass(frozen=True, slots=True)
class DecisionContext:
    """What a decision carries that its rules do not look at, but for ``degraded``, ``familiarity``, the moment, and what steers them."""

    decision_id: str
    decided_at: datetime
    """With a time zone."""
    bundle_version: str | None
    degraded: tuple[Degradation, ...] = ()
    """What was missing or stale while scoring."""
    familiarity: Familiarity | None = None
    """How much the ad is like those that the models learnt from; None: not measured."""
    reasons: tuple[Reason, ...] = ()
    steering: Steering = field(default_factory=Steering)
    """Brakes that are on, and how certificates stand."""
    arm: Arm | None = None
    """The side of a roll-out that the ad's advertiser is on; None: none is on."""
    rejected_copies: Mapping[str, str] = field(default_factory=dict)
    """Policies under which people have rejected a copy of the ad, with the decision they rejected."""
    clusters: Collection[str] = ()
    """Names of clusters of copies that the ad is in, of those that a brake is on for."""
    strikes: Sequence[Strike] = ()
    """Against the advertiser, that stand and were not lifted."""
    audit_share: float = 0.0
    """Of decisions of this arm that a reviewer reads, at least."""
    audit_secret: bytes | None = field(default=None, repr=False)
    """By which ads are drawn for the audit stream; None: by a hash that everybody can compute."""
    told: Mapping[str, Any] = field(default_factory=dict)
    """Further fields of the decision that nothing here looks at, such as ``history_seq``."""


class _Ruling(NamedTuple):
    verdict: Verdict
    because: str
    thresholds: Thresholds | None = None
    """Those that were used."""
    degraded: tuple[Degradation, ...] = ()
    standing: Standing | None = None
    """Of the thresholds that were looked at, used or not."""


def decide(
    ad: Ad,
    risks: Mapping[str, RiskScore],
    book: PolicyBook,
    solved: SolvedThresholds,
    *,
    context: DecisionContext,
    rules: RuleTable | None = None,
) -> Decision:
    """The most severe verdict over the policies in force on the ad's market and surface; review where there is nothing to go by.

    ``risks`` by policy name. A risk for a policy that is defined but not in force here changes nothing; one for a policy that no file
    defines means review: the model knows of a rule that the policy folder does not. ``rules``: those of ``book`` and ``solved``, for who
    decides on many ads.
    """
    risks = with_disclosure(ad, risks, disclosure.POLICY in book.names)
    rules = rules or RuleTable(book, solved)
    in_force = rules.at(ad.market, ad.surface)
    policies = {rule.policy.name: rule.policy for rule in in_force}
    plain = rules.plain(ad.market, ad.surface, context.steering, context.decided_at)
    rulings = _rulings(ad, risks, book, in_force, plain, solved, context)
    general = _general_degradations(ad, book, policies)
    degraded = (*context.degraded, *general, *(degradation for ruling in rulings.values() for degradation in ruling.degraded))
    used = {name: ruling.thresholds for name, ruling in rulings.items() if ruling.thresholds is not None}
    verdict = most_severe([ruling.verdict for ruling in rulings.values()])
    return Decision(
        decision_id=context.decision_id,
        ad_id=ad.ad_id,
        advertiser_id=ad.advertiser_id,
        market=ad.market,
        surface=ad.surface,
        decided_at=context.decided_at,
        verdict=verdict,
        policies=tuple(_told(name, ruling, risks.get(name), policies.get(name)) for name, ruling in rulings.items()),
        unused_risks=tuple(risk for name, risk in risks.items() if name not in rulings and _usable(risk, name)),
        reasons=context.reasons,
        degraded=tuple(dict.fromkeys(map(str, degraded))),
        uncertified=any(not thresholds.certified_at(context.decided_at) for thresholds in used.values()),
        audit=audit(ad, verdict, policies.values(), used.values(), context.audit_secret, context.audit_share),
        bundle_version=context.bundle_version,
        policy_hash=book.hash,
        threshold_set=solved.digest if any(policies[name].thresholds is None for name in used) else None,
        familiarity=None if context.familiarity is None else context.familiarity.p,
        arm=context.arm,
        record=RECORD,
        **context.told,
    )


def _rulings(
    ad: Ad,
    risks: Mapping[str, RiskScore],
    book: PolicyBook,
    rules: Sequence[Rule],
    plain: Sequence[PlainRule | None],
    solved: SolvedThresholds,
    context: DecisionContext,
) -> dict[str, _Ruling]:
    """One ruling for each policy that has a say, in the default file's order, policies unknown to the files last."""
    stopped = [degradation for degradation in context.degraded if not degradation.cause.still_decides]
    struck = strikes_reached([rule.policy for rule in rules], context.strikes, context.decided_at)
    rulings: dict[str, _Ruling] = {}
    if not book.knows(ad.market):
        rulings = {name: _Ruling(Verdict.REVIEW, f"no policy file for market {ad.market}: a person decides") for name in book.names}
    for rule, short in zip(rules, plain, strict=True):
        policy = rule.policy
        risk = risks.get(policy.name)
        if stopped:
            rulings[policy.name] = _while_stopped(policy, stopped)
        elif risk is None or not _usable(risk, policy.name):
            rulings[policy.name] = _without_risk(policy)
        elif short is not None and (told := short.verdict(risk.p)) is not None:
            rulings[policy.name] = _Ruling(*told, short.thresholds, (), short.standing)
        else:
            rulings[policy.name] = _by_risk(rule, risk.p, ad, solved, context)
        if context.familiarity is not None and context.familiarity.p <= policy.unfamiliar_share and not stopped:
            rulings[policy.name] = _with_familiarity(policy, rulings[policy.name], context.familiarity)
        if policy.name in context.rejected_copies:
            rulings[policy.name] = _copied(policy, rulings[policy.name], context.rejected_copies[policy.name])
        if context.steering.brakes:
            rulings[policy.name] = _braked(policy, rulings[policy.name], ad, context)
        if context.steering.held:
            rulings[policy.name] = _held(rulings[policy.name], context.steering.held.get(ad.advertiser_id), context.decided_at)
        if struck:
            rulings[policy.name] = _struck(rulings[policy.name], struck)
    for name in sorted(risks.keys() - book.names):
        unknown = Degradation(Cause.UNKNOWN_POLICY, name)
        rulings[name] = _Ruling(Verdict.REVIEW, f"no policy file defines {name}: a person decides", degraded=(unknown,))
    return rulings


def _by_risk(rule: Rule, p: float, ad: Ad, solved: SolvedThresholds, context: DecisionContext) -> _Ruling:
    policy, thresholds = rule.policy, rule.thresholds
    if policy.stance is Stance.ALLOWED:
        return _Ruling(Verdict.APPROVE, f"allowed in {ad.market}")
    if thresholds is None:
        because = wording.not_solved(policy.targets, for_others=solved.concerns(policy.name))
        return _Ruling(Verdict.REVIEW, because, degraded=(Degradation(Cause.NOT_SOLVED, policy.name),))
    now = context.decided_at
    thresholds = context.steering.applied(thresholds, policy.audit_share)
    standing = context.steering.standing_of(thresholds, now)
    if standing is Standing.REVOKED:
        revoked = (Degradation(Cause.CERTIFICATE_REVOKED, policy.name),)
        return _Ruling(Verdict.REVIEW, wording.revoked(thresholds), degraded=revoked, standing=standing)
    expired = (Degradation(Cause.CERTIFICATE_EXPIRED, policy.name),) if thresholds.expired_at(now) else ()
    if policy.when_uncertified is WhenUncertified.REVIEW and not thresholds.certified_at(now):
        lacking = expired or (Degradation(Cause.UNCERTIFIED, policy.name),)
        return _Ruling(Verdict.REVIEW, wording.uncertified(thresholds, now), degraded=lacking, standing=standing)
    ruling = _by_thresholds(rule, p, ad, thresholds, now)
    return _Ruling(ruling.verdict, ruling.because, ruling.thresholds, (*expired, *ruling.degraded), standing)


def _by_thresholds(rule: Rule, p: float, ad: Ad, thresholds: Thresholds, now: datetime) -> _Ruling:
    """By the thresholds within the policy's limits: from ``max_risk`` on none is approved, below ``min_risk_rejected`` none rejected."""
    policy, limited = rule.policy, rule.within_limits(thresholds)
    verdict = verdict_at(p, limited.approve_below, limited.reject_at)
    held = policy.licence_held(ad.market, ad.advertiser_licences)
    licence = wording.licence(policy.name, ad.market) if policy.licence is not Licence.NONE else None
    if verdict is Verdict.APPROVE:
        return _Ruling(Verdict.APPROVE, wording.approved(p, limited, now), limited)
    if p < thresholds.approve_below:
        return _Ruling(Verdict.REVIEW, wording.above_max_risk(p, policy), limited)
    if not policy.may_reject(held):
        matters = licence if held is None and verdict is Verdict.REJECT else None
        because = wording.restricted(p, limited, ad.market, holds=licence if held else None, unknown=matters)
        return _Ruling(Verdict.REVIEW, because, limited, (Degradation(Cause.LICENCE_UNKNOWN, policy.name),) if matters else ())
    if verdict is Verdict.REJECT:
        return _Ruling(Verdict.REJECT, wording.rejected(p, limited, now, unlicensed=licence), limited)
    if p >= thresholds.reject_at:
        return _Ruling(Verdict.REVIEW, wording.below_min_risk_rejected(p, policy), limited)
    return _Ruling(Verdict.REVIEW, wording.between(p, limited, unlicensed=licence), limited)


def _with_familiarity(policy: PolicyInForce, ruling: _Ruling, familiarity: Familiarity) -> _Ruling:
    """The same for ads like those learnt from. Of others a person decides unless the policy lets risks decide, and either is told."""
    if policy.stance is Stance.ALLOWED or familiarity.p > policy.unfamiliar_share:
        return ruling
    told = (*ruling.degraded, *(Degradation(Cause.UNFAMILIAR, cause) for cause in familiarity.causes))
    left_anyway = ruling.verdict is Verdict.REVIEW and ruling.thresholds is None
    if policy.when_unfamiliar is WhenUnfamiliar.DECIDE or left_anyway:
        return ruling._replace(degraded=told)
    return _Ruling(Verdict.REVIEW, wording.unfamiliar(familiarity, policy.unfamiliar_share), degraded=told, standing=ruling.standing)


def _copied(policy: PolicyInForce, ruling: _Ruling, decision_id: str) -> _Ruling:
    """The same, but an ad is not approved where people have rejected a copy of it."""
    if ruling.verdict is not Verdict.APPROVE or policy.stance is Stance.ALLOWED:
        return ruling
    told = (*ruling.degraded, Degradation(Cause.COPY_REJECTED, f"{policy.name}:{decision_id}"))
    return _Ruling(Verdict.REVIEW, wording.copy_rejected(policy.name, decision_id), ruling.thresholds, told, ruling.standing)


def _braked(policy: PolicyInForce, ruling: _Ruling, ad: Ad, context: DecisionContext) -> _Ruling:
    """The same, but what a brake stops is left to people: as by thresholds that approve, or reject, nothing."""
    holding = (one for one in context.steering.brakes if one.holds(policy.name, ad.market, ad.surface, context.clusters))
    on = [one for one in holding if one.side.stops(ruling.verdict)]
    causes = [Degradation(Cause.BRAKE, brake.brake_id) for brake in on]
    if not on:
        return ruling
    if any(brake.side is BrakeSide.BOTH for brake in on):
        stopped = _while_stopped(policy, causes)
        return stopped._replace(degraded=(*causes, *stopped.degraded), standing=ruling.standing)
    used = ruling.thresholds
    if used is not None:
        used = replace(used, approve_below=0.0) if ruling.verdict is Verdict.APPROVE else replace(used, reject_at=1.0)
    return _Ruling(Verdict.REVIEW, wording.braked(on), used, (*ruling.degraded, *causes), ruling.standing)


def _held(ruling: _Ruling, held: Held | None, now: datetime) -> _Ruling:
    """The same, but an advertiser who tries out what is approved is approved nothing automatically."""
    if held is None or now >= held.until or ruling.verdict is not Verdict.APPROVE:
        return ruling
    used = None if ruling.thresholds is None else replace(ruling.thresholds, approve_below=0.0)
    told = (*ruling.degraded, Degradation(Cause.PROBING, held.notice))
    return _Ruling(Verdict.REVIEW, wording.held(held.notice), used, told, ruling.standing)


def _struck(ruling: _Ruling, reached: Sequence[StrikesReached]) -> _Ruling:
    """The same, but nothing of an advertiser with too many strikes is decided automatically, either way and under any policy."""
    if ruling.verdict is Verdict.REVIEW:
        return ruling
    told = (*ruling.degraded, *(Degradation(Cause.STRIKES, one.policy) for one in reached))
    return _Ruling(Verdict.REVIEW, wording.struck(reached), degraded=told, standing=ruling.standing)


def _without_risk(policy: PolicyInForce) -> _Ruling:
    verdict = Verdict.APPROVE if policy.when_degraded is WhenDegraded.APPROVE else Verdict.REVIEW
    return _Ruling(verdict, wording.without_risk(policy.when_degraded), degraded=(Degradation(Cause.NO_RISK, policy.name), *_hold(policy)))


def _while_stopped(policy: PolicyInForce, causes: list[Degradation]) -> _Ruling:
    """Even ``when_degraded: approve`` does not approve here: it speaks of one risk that is missing, not of a model that is."""
    return _Ruling(Verdict.REVIEW, wording.stopped(causes, policy), degraded=_hold(policy))


def _hold(policy: PolicyInForce) -> tuple[Degradation, ...]:
    return (Degradation(Cause.HOLD, policy.name),) if policy.when_degraded is WhenDegraded.HOLD else ()


def _general_degradations(ad: Ad, book: PolicyBook, policies: Mapping[str, PolicyInForce]) -> tuple[Degradation, ...]:
    if not book.knows(ad.market):
        return (Degradation(Cause.UNKNOWN_MARKET, ad.market),)
    return () if policies else (Degradation(Cause.NO_POLICY),)


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
        standing=ruling.standing,
    )
