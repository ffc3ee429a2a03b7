"""What is known about a launch, gathered: from policy files, certificates, the ledger, and what people declared."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time

import numpy as np
from sqlalchemy import func, select

from adverdict.certification.certificate import Certificate
from adverdict.certification.certificate import thresholds as solved_of
from adverdict.certification.words import Side
from adverdict.decisions.policy import PolicyBook, PolicyInForce, Stance, Thresholds, WhenUncertified
from adverdict.decisions.steering import Steering
from adverdict.domain.errors import InvalidInput
from adverdict.domain.identity import language_key
from adverdict.domain.progress import SILENT, Progress
from adverdict.features.text.language import UNKNOWN, language_of
from adverdict.ledger.in_force.rollouts import Rollouts, rollouts_at
from adverdict.ledger.in_force.steering import steering_at
from adverdict.ledger.schema import golden
from adverdict.ledger.store import Ledger
from adverdict.monitoring.launch.joint import Evidence, joint_limit
from adverdict.monitoring.launch.people import people_weeks, review_share
from adverdict.monitoring.launch.words import Launch, LaunchFacts, PeopleWeek, PolicyReady
from adverdict.review.tasks.routing import Reviewer, reviewers
from adverdict.workforce.operations.roster import Shift
from adverdict.workforce.outlook import Known
from adverdict.workforce.volume.history import WEEK_HOURS


@dataclass(frozen=True)
class Installed:
    """What is installed and declared, beside the ledger."""

    files: PolicyBook
    """The policy files."""
    in_force: PolicyBook
    certificates: tuple[Certificate, ...]
    model_languages: frozenset[str] | None
    known: Known
    """Of work and people."""
    freezes: tuple[tuple[str, date, date, tuple[str, ...]], ...] = ()
    """Name, begin, end and markets (empty: all)."""


def facts(
    ledger: Ledger, installed: Installed, launch: Launch, today: date, *, twin: bool = True, progress: Progress = SILENT
) -> LaunchFacts:
    """Everything that gates ask for. Raises Unavailable."""
    with ledger.look() as connection:
        steering, rollouts, staff = steering_at(connection), rollouts_at(connection), reviewers(connection)
        rows = connection.execute(select(golden.c.language, func.count()).group_by(golden.c.language)).all()
    items: dict[str, int] = {}
    for language, count in rows:
        key = language_key(language) or ""
        items[key] = items.get(key, 0) + int(count)
    ready = tuple(policies_ready(installed.files, installed.certificates, steering, launch))
    model = installed.model_languages
    strange = any(model is None or one not in model for one in launch.languages)
    all_read = {one.market for one in ready if not one.decides and one.state != "allowed"} | (set(launch.markets) if strange else set())
    targets = installed.known.operations.targets
    return LaunchFacts(
        today=today,
        files=frozenset(installed.files.markets),
        in_force=frozenset(installed.in_force.markets),
        signed=_signed(rollouts),
        policies=ready,
        model_languages=model,
        readers={one: sum(_reads(who, launch, one) for who in staff) for one in launch.languages},
        seniors={one: sum(_reads(who, launch, one) and who.senior for who in staff) for one in launch.languages},
        thin_hours=thin_hours(installed.known.operations.roster, launch),
        golden=items,
        weeks=_weeks(installed.known, launch, all_read, twin, progress),
        met_target=targets.met,
        in_time=targets.share("review"),
        review_share=1.0 if all_read >= set(launch.markets) else review_share(installed.known, launch),
        rollouts=_rollouts(rollouts, launch),
        freezes=tuple((name, begin, end) for name, begin, end, where in installed.freezes if not where or set(where) & set(launch.markets)),
        stopped=_brakes(steering, launch),
    )


def policies_ready(book: PolicyBook, certificates: Sequence[Certificate], steering: Steering, launch: Launch) -> Iterator[PolicyReady]:
    """Of each market and policy that looks at its ads; what is promised, of all of them at once."""
    every = list(_each(book, certificates, steering, launch))
    among = len({certificate.certificate_id for ready, certificate in every if ready.limit is not None and certificate is not None})
    for ready, certificate in every:
        shown = _shown(certificate) if certificate is not None and ready.limit is not None else None
        yield ready if shown is None else replace(ready, limit=joint_limit(shown, among))


def _shown(certificate: Certificate) -> Evidence | None:
    """None where other markets' labels speak for it, or its own are not what was tested: then its limit stands."""
    bound = certificate.bound(Side.APPROVE)
    if bound is None or bound.used is None or bound.strength == "borrowed":
        return None
    return Evidence(bound.used.rate * bound.used.draws, bound.used.draws, bound.limit, bound.level)


def _each(
    book: PolicyBook, certificates: Sequence[Certificate], steering: Steering, launch: Launch
) -> Iterator[tuple[PolicyReady, Certificate | None]]:
    solved, by_id = solved_of(certificates), {one.certificate_id: one for one in certificates}
    opens = datetime.combine(launch.opens, time(), UTC)
    for market in launch.markets:
        for policy in book.in_force(market, launch.surface):
            found = policy.thresholds or solved.find(policy.name, market, policy.targets)
            used = steering.applied(found, policy.audit_share) if found else None
            certificate = by_id.get(used.certificate_id or "") if used else None
            revoked = used is not None and used.certificate_id in steering.revoked
            yield _ready(policy, market, used, certificate, revoked, opens), certificate


def _ready(
    policy: PolicyInForce, market: str, used: Thresholds | None, certificate: Certificate | None, revoked: bool, opens: datetime
) -> PolicyReady:
    state: str
    if policy.stance is Stance.ALLOWED:
        state = "allowed"
    elif used is None:
        state = "not solved"
    elif revoked:
        state = "revoked"
    elif used.certificate_id is None:
        state = "by hand"
    elif used.expired_at(opens):
        state = "expired"
    else:
        state = "certified" if used.certified_at(opens) else "provisional"
    may = state == "certified" or policy.when_uncertified is WhenUncertified.DECIDE
    limited = policy.limited(used) if used is not None else None
    decides = limited is not None and may and state != "revoked" and (limited.approve_below > 0 or limited.reject_at < 1)
    bound = certificate.bound(Side.APPROVE) if certificate else None
    audits = max(policy.audit_share, (used.audit_share or 0.0) if used else 0.0)
    said, sure = language_of(policy.reason)
    return PolicyReady(
        policy=policy.name,
        market=market,
        severity=policy.severity,
        state=state,  # type: ignore[arg-type]  # one of those named
        decides=decides,
        max_leakage=policy.targets.max_leakage,
        confidence=policy.targets.confidence,
        audit_share=audits,
        reason_language=None if said == UNKNOWN or not sure else (language_key(said) or said),
        limit=bound.limit if bound is not None and state == "certified" and decides else None,
        labels_needed=bound.labels_needed if bound is not None else None,
    )


def thin_hours(roster: Sequence[Shift], launch: Launch) -> dict[str, float] | None:
    """Language -> of the hours in the week of the opening in which anybody who reads it is on duty, the share with fewer than two people;
    1 where nobody is. None: nobody is rostered."""
    if not roster:
        return None
    begin, found = datetime.combine(launch.opens, time(), UTC), {}
    for language in launch.languages:
        on = np.zeros(WEEK_HOURS)
        for shift in roster:
            if _reads(shift.skills, launch, language):
                on += shift.people * shift.hours_on(begin, WEEK_HOURS)
        there = on > 0
        found[language] = float((on[there] < 2 - 1e-9).mean()) if there.any() else 1.0
    return found


def _reads(who: Reviewer, launch: Launch, language: str) -> bool:
    """Whether they may read its ads in the language, in all of its markets."""
    known = {language_key(one) for one in who.languages}
    return who.active and (not known or language in known) and (not who.markets or set(launch.markets) <= set(who.markets))


def _weeks(known: Known, launch: Launch, all_read: Collection[str], twin: bool, progress: Progress) -> tuple[PeopleWeek, ...] | None:
    try:
        return people_weeks(known, launch, all_read, twin=twin, progress=progress) or None
    except InvalidInput:
        return None


def _signed(rollouts: Rollouts) -> tuple[str, ...]:
    if not rollouts.put:
        return ()
    last = rollouts.put[-1][1]
    signers = [
        sign.by for one in rollouts.by_id.values() if one.proposal.candidate.policies == last.policies for sign in one.agreed().values()
    ]
    return tuple(dict.fromkeys([last.by, *signers]))


def _rollouts(rollouts: Rollouts, launch: Launch) -> tuple[str, ...]:
    """That are proposed or under way in all of its markets."""
    return tuple(
        one.rollout_id
        for one in rollouts.by_id.values()
        if one.state in ("proposed", "under way") and (not one.proposal.markets or set(launch.markets) <= set(one.proposal.markets))
    )


def _brakes(steering: Steering, launch: Launch) -> tuple[str, ...]:
    return tuple(
        one.brake_id
        for one in steering.brakes
        if (one.market is None or one.market in launch.markets) and (one.surface is None or one.surface == launch.surface)
    )
