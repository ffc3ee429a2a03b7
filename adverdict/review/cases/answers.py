"""A reviewer's answer, what is wrong with it, and the labels it makes."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from pydantic import TypeAdapter, ValidationError

from adverdict.domain.ad import Label, OptionalText
from adverdict.domain.errors import InvalidInput, Mistake
from adverdict.domain.verdict import Verdict
from adverdict.ledger.bodies.emerging import Marked
from adverdict.ledger.entries import Answered
from adverdict.review.tasks.tasks import Task

Source = Literal["review", "audit", "appeal", "recheck"]
"""What the labels of an answer come from."""
VERDICTS = ("approve", "reject", "unsure", "escalate", "unseen")
SEVERITIES = ("mild", "moderate", "extreme")
TIER = re.compile(r"low|[a-z][a-z0-9_]{0,62}:(medium|high|floor)")
_REASON: TypeAdapter[str | None] = TypeAdapter(OptionalText)


@dataclass(frozen=True)
class Answer:
    """``approve``: violates none of the policies asked. ``unsure``: cannot tell. ``escalate``: somebody senior has to see this at once.
    ``unseen``: the picture is not there, or the language is not the reader's; it says nothing of the ad, and somebody else is asked."""

    verdict: Literal["approve", "reject", "unsure", "escalate", "unseen"]
    violated: tuple[str, ...] = ()
    """Of the policies asked; for a rejection, at least one."""
    severity: Literal["mild", "moderate", "extreme"] | None = None
    """Of the violation; rejections only."""
    reason: str | None = None
    seconds: float | None = None
    """From being shown to being answered."""
    tier: str | None = None
    """Of suitability: ``low``, or a category with its tier such as ``gambling:high``; None: not said. No label of a policy."""
    no_policy_fits: bool = False
    """Whether the ad is bad, though none of the policies forbids it: a mark, and no label of any policy."""


@dataclass(frozen=True)
class Outcome:
    """What an answer led to. The same when it is sent again."""

    task_id: str
    answer_id: str
    settled: Verdict | None = None
    """The ad's verdict that the answer settled; None: nothing changed, or others have to read the ad first."""
    by: Source | None = None
    ruling: Literal["upheld", "overturned"] | None = None
    opened: tuple[str, ...] = ()
    """Tasks it opened. Never tell a reviewer: it would show what kind of task it was."""
    copies: tuple[str, ...] = ()
    """Tasks about copies that were answered along with it."""


def check(answer: Answer, task: Task) -> None:
    """Raises InvalidInput with every mistake."""
    mistakes = list(_mistakes(answer, task))
    if mistakes:
        raise InvalidInput(f"the answer to {task.task_id} cannot be used:", mistakes)


def answered(answer: Answer, task: Task, source: Source | None, at: datetime) -> Answered:
    """The entry. ``source`` None: the answer makes no labels."""
    return Answered(
        decision_id=task.about,
        ad_id=task.ad_id,
        advertiser_id=task.advertiser_id,
        market=task.market,
        task_id=task.task_id,
        case_id=task.case_id,
        task_kind=task.kind,
        reviewer=task.reviewer or "",
        token=task.token,
        verdict=answer.verdict,
        asked=task.policies,
        violated=tuple(dict.fromkeys(answer.violated)),
        severity=answer.severity,
        reason=answer.reason,
        seconds=answer.seconds,
        tier=answer.tier,
        labels=labels(answer, task, source, at) if source else (),
    )


def labels(answer: Answer, task: Task, source: Source, at: datetime) -> tuple[Label, ...]:
    """Approving says something of every policy asked, rejecting only of those named: the others nobody looked for any more."""
    told = {"approve": task.policies, "reject": tuple(dict.fromkeys(answer.violated))}.get(answer.verdict, ())
    draws = task.drawn or {}
    return tuple(
        Label(
            ad_id=task.ad_id,
            policy=policy,
            violates=answer.verdict == "reject",
            labelled_at=at,
            rater_id=task.reviewer,
            severity=answer.severity,
            reason=answer.reason,
            source=source,
            design=draws[policy].design if policy in draws else None,
            inclusion_probability=draws[policy].probability if policy in draws else None,
        )
        for policy in told
    )


def mark(answer: Answer, task: Task) -> Marked | None:
    """The entry of the reviewer's mark; None: there is none, or the ad is one whose verdict is known."""
    if not answer.no_policy_fits or task.kind == "golden":
        return None
    return Marked(
        decision_id=task.about,
        ad_id=task.ad_id,
        advertiser_id=task.advertiser_id,
        market=task.market,
        task_id=task.task_id,
        reviewer=task.reviewer or "",
        reason=answer.reason,
    )


def same(answer: Answer, entry: Answered, reviewer: str, token: int) -> bool:
    """Whether an answer is one that was given already. Its time may differ: a client that asks again may count on."""
    reason = answer.reason if answer.reason and answer.reason.strip() else None  # a blank one was recorded as none
    given = (reviewer, token, answer.verdict, set(answer.violated), answer.severity, reason, answer.tier)
    return given == (entry.reviewer, entry.token, entry.verdict, set(entry.violated), entry.severity, entry.reason, entry.tier)


def _mistakes(answer: Answer, task: Task) -> Iterator[Mistake]:
    verdicts = VERDICTS[:2] if task.senior else VERDICTS
    if answer.verdict not in verdicts:
        yield Mistake("verdict", answer.verdict, " or ".join(verdicts) + (": a senior reviewer decides" if task.senior else ""))
    if answer.verdict == "reject" and answer.no_policy_fits:
        yield Mistake("no_policy_fits", True, "no such mark on an ad that is rejected: a policy fits it")
    if answer.verdict == "reject" and not answer.violated:
        yield Mistake("violated", [], "at least one policy: what the ad is rejected for")
    if answer.verdict != "reject":
        if answer.violated:
            yield Mistake("violated", list(answer.violated), "no policy, unless the ad is rejected")
        if answer.severity is not None:
            yield Mistake("severity", answer.severity, "no severity, unless the ad is rejected")
    for policy in answer.violated:
        if policy not in task.policies:
            yield Mistake("violated", policy, "one of the policies asked: " + ", ".join(task.policies))
    if answer.severity is not None and answer.severity not in SEVERITIES:
        yield Mistake("severity", answer.severity, ", ".join(SEVERITIES) + ", or none")
    if answer.tier is not None and not TIER.fullmatch(answer.tier):
        yield Mistake("tier", answer.tier, "low, or a category with its tier such as gambling:high")
    if answer.seconds is not None and not (math.isfinite(answer.seconds) and answer.seconds >= 0):
        yield Mistake("seconds", answer.seconds, "a number of seconds, at least 0")
    try:
        _REASON.validate_python(answer.reason)
    except ValidationError as error:
        yield Mistake("reason", answer.reason, "text: " + error.errors(include_url=False)[0]["msg"])
