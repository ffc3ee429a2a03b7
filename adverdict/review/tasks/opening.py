"""How a task comes to be: from a decision that asks for a person, or from answers that do not settle it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from adverdict.decisions.policy import PolicyBook, Stance
from adverdict.domain.identity import language_key
from adverdict.domain.verdict import Verdict
from adverdict.ledger.entries import DecisionMade
from adverdict.ledger.store import Writing
from adverdict.review.tasks import tasks
from adverdict.review.tasks.draws import Draws, draw, draws_of
from adverdict.review.tasks.priority import due, harm_if_shown
from adverdict.review.tasks.settings import Kind, ReviewSettings
from adverdict.review.tasks.tasks import Task


def open_tasks(
    writing: Writing,
    made: Sequence[DecisionMade],
    book: PolicyBook,
    settings: ReviewSettings,
    now: datetime,
    audit_hours: Mapping[str, float] | None = None,
) -> list[str]:
    """Tasks for decisions that are appended in the same transaction; their ids.

    Verdict review: one task, and with probability ``double_share`` a second one of the same case, both read blind. An automatic verdict
    drawn for the audit stream: one task, with the probability of that draw. ``audit_hours``: roll-out -> until audits of both its arms are
    due, as nothing it does is seen before they are read; others wait as long as any.
    """
    draws = draws_of(writing.connection)
    opened = [task for one in made for task in _asked_for(one, book, settings, now, audit_hours or {}, draws)]
    tasks.add(writing.connection, opened)
    return [task.task_id for task in opened]


def review_task(
    one: DecisionMade, book: PolicyBook, settings: ReviewSettings, now: datetime, draws: Draws, origin: str = "", number: int = 0
) -> Task:
    """A task about what stopped the ad. ``origin``: what opens it, when that is not the decision."""
    asked = stopped_by(one, book)
    return _task(
        one, "review", asked, 1.0, harm_if_shown(one.ad, one.decision, asked, book, settings), settings, now, draws, origin, number
    )


def follow_ups(
    task: Task,
    kind: Kind,
    count: int,
    probability: float,
    settings: ReviewSettings,
    now: datetime,
    draws: Draws,
    *,
    urgent: bool,
    asked: tuple[str, ...] | None = None,
    senior: bool = False,
) -> list[Task]:
    """More tasks of an answered task's case. Not ``urgent``: their harm does not move them, so that what still waits is chance.

    ``asked``: the policies; None: those of the answered task. ``senior``: only for senior reviewers, whatever the kind.
    """
    made = []
    for number in range(count):
        fresh = Task(
            task_id=draws.task_id(task.task_id, number),
            case_id=task.case_id,
            kind=kind,
            about=task.about,
            ad_id=task.ad_id,
            advertiser_id=task.advertiser_id,
            market=task.market,
            language=task.language,
            policies=task.policies if asked is None else asked,
            senior=senior or kind == "senior" or kind == "appeal",
            probability=probability,
            harm=task.harm,
            opened_at=now,
            due_at=due(now, kind, task.harm if urgent else 0.0, settings),
            drawn=task.drawn,
        )
        made.append(fresh)
    return made


def stopped_by(one: DecisionMade, book: PolicyBook) -> tuple[str, ...]:
    """The policies under which the ad was not approved; all there are where the decision names none."""
    named = tuple(policy.policy for policy in one.decision.policies if policy.verdict is not Verdict.APPROVE)
    return named or in_question(one, book)


def in_question(one: DecisionMade, book: PolicyBook) -> tuple[str, ...]:
    """Every policy the decision looked at that the ad can break."""
    allowed = {policy.name for policy in book.in_force(one.ad.market, one.ad.surface) if policy.stance is Stance.ALLOWED}
    named = tuple(policy.policy for policy in one.decision.policies)
    return tuple(name for name in named if name not in allowed) or named or book.names


def _asked_for(
    one: DecisionMade, book: PolicyBook, settings: ReviewSettings, now: datetime, audit_hours: Mapping[str, float], draws: Draws
) -> list[Task]:
    decision = one.decision
    if decision.verdict is Verdict.REVIEW:
        first = review_task(one, book, settings, now, draws)
        if draw("double", decision.decision_id) >= settings.double_share:
            return [first]
        return [first, replace(first, task_id=draws.task_id(decision.decision_id, 1), kind="double", probability=settings.double_share)]
    if decision.audit is not None and decision.audit.chosen:
        asked = in_question(one, book)
        harm = harm_if_shown(one.ad, decision, asked, book, settings)
        task = _task(one, "audit", asked, decision.audit.probability, harm, settings, now, draws)
        # The same wait for all: which audits are read first must not depend on how risky the ad is, or what has been read is no sample.
        arm = decision.arm
        hours = audit_hours.get(arm.rollout) if arm is not None and arm.side != "outside" else None
        waits = due(now, "audit", 0.0, settings)
        return [replace(task, due_at=waits if hours is None else min(waits, now + timedelta(hours=hours)))]
    return []


def _task(
    one: DecisionMade,
    kind: Kind,
    asked: tuple[str, ...],
    probability: float,
    harm: float,
    settings: ReviewSettings,
    now: datetime,
    draws: Draws,
    origin: str = "",
    number: int = 0,
) -> Task:
    decision = one.decision
    return Task(
        task_id=draws.task_id(origin or decision.decision_id, number),
        case_id=decision.decision_id,
        kind=kind,
        about=decision.decision_id,
        ad_id=one.ad.ad_id,
        advertiser_id=one.ad.advertiser_id,
        market=one.ad.market,
        language=language_key(one.ad.language),
        policies=asked,
        senior=False,
        probability=probability,
        harm=harm,
        opened_at=now,
        due_at=due(now, kind, harm, settings),
    )
