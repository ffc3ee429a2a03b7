"""What a reviewer is shown of a task. The same for every kind of task: nothing tells a golden one or a second reading from a first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select

from adverdict.decisions.policy import PolicyInForce
from adverdict.domain.ad import ON_RECORD, Ad
from adverdict.domain.decision import Decision, Reason
from adverdict.domain.errors import AdverdictError, NotFound
from adverdict.domain.suitability import TIERS, Tier
from adverdict.ledger.entries import Answered, Appealed, DecisionMade
from adverdict.ledger.schema import golden
from adverdict.ledger.store import about, find
from adverdict.review.cases.answers import VERDICTS
from adverdict.review.reasons.marking import Piece, pieces
from adverdict.review.tasks.draws import draws_of
from adverdict.review.tasks.tasks import Task
from adverdict.scoring.scorer import Explained
from adverdict.serving.console.bars import Bar, bar
from adverdict.serving.console.card import Card, card
from adverdict.serving.console.creative import Picture, picture
from adverdict.serving.console.parts import Parts
from adverdict.serving.console.tasks.advertiser import AdvertiserHistory, Similar, past, similar
from adverdict.serving.console.tasks.copies import CopiesView, copies_of
from adverdict.serving.console.tasks.spoken import speaks
from adverdict.serving.console.translating import Translation, left_out

MOST_FACTS = 5
NOTED = ("unsure", "escalate", "unseen")
"""Answers that leave the ad to the next reader, who sees what was written with them."""


@dataclass(frozen=True)
class Question:
    """A policy the reviewer is asked about."""

    number: int
    """Its key, from 1."""
    name: str
    title: str
    severity: str
    stance: str
    text: str
    """The sentence an advertiser reads."""
    licence: bool
    """Whether one is needed here."""
    bar: Bar | None
    facts: tuple[Reason, ...]
    """What moved this risk, strongest first."""


@dataclass(frozen=True)
class TaskView:
    """A task, ready to be drawn."""

    task_id: str
    kind: str
    """review, senior or appeal: what its reviewer may know."""
    card: Card
    picture: Picture | None
    questions: tuple[Question, ...]
    others: tuple[Question, ...]
    """Policies in force that nobody asks about here."""
    past: AdvertiserHistory
    similar: tuple[Similar, ...]
    statement: tuple[Piece, ...]
    """What the advertiser says against the decision; appeals only."""
    notes: tuple[tuple[Piece, ...], ...]
    """What earlier readers wrote for a senior one."""
    verdicts: tuple[str, ...]
    """What may be answered."""
    translation: Translation | None
    """The ad in the reviewers' language, by a machine; None of most tasks."""
    copies: CopiesView
    tiers: tuple[tuple[str, str], ...]
    """What may be said of where the ad may stand: the answer and its words; empty where no file of tiers is set."""
    degraded: tuple[str, ...]
    """What the decision says of why its risks may say little; nothing where the reviewer must not be told what the model thinks."""


def shown(parts: Parts, connection: Connection, task: Task) -> TaskView:
    """Raises NotFound when the ad was erased."""
    ad, decision, reasons = _matter(parts, connection, task)
    if task.drawn is not None:
        decision, reasons = None, ()  # who measures the model must not be told what it thinks
    in_force = {policy.name: policy for policy in parts.book.in_force(ad.market, ad.surface)}
    asked = tuple(_question(i, name, in_force.get(name), decision, reasons) for i, name in enumerate(task.policies, start=1))
    rest = [name for name in in_force if name not in task.policies]
    appeal, notes = _said(connection, task)
    translation = parts.translate(ad)  # also where it is left out, which takes no less long
    return TaskView(
        task_id=task.task_id,
        kind=task.shown_kind,
        card=card(ad, reasons),
        picture=picture(parts, connection, task.about, ad),
        questions=asked,
        others=tuple(_question(0, name, in_force[name], decision, reasons) for name in rest),
        past=past(connection, ad),
        similar=similar(connection, ad),
        statement=pieces(appeal),
        notes=tuple(pieces(note) for note in notes),
        verdicts=VERDICTS[:2] if task.senior else VERDICTS,
        translation=None if left_out(draws_of(connection), task.kind, task.task_id) else translation,
        copies=copies_of(connection, task),
        tiers=_tiers(parts),
        degraded=decision.degraded if decision else (),
    )


def _tiers(parts: Parts) -> tuple[tuple[str, str], ...]:
    if parts.grader is None:
        return ()
    above = [tier for tier in TIERS if tier is not Tier.LOW]
    told = [(f"{category}:{tier}", f"{tier}: {category.replace('_', ' ')}") for category in parts.grader.rules.categories for tier in above]
    return (("low", "low: nothing of any category"), *told)


def _matter(parts: Parts, connection: Connection, task: Task) -> tuple[Ad, Decision | None, Sequence[Reason]]:
    if task.kind == "golden":
        row = connection.execute(select(golden.c.ad).where(golden.c.golden_id == task.about)).one_or_none()
        if row is None:
            raise NotFound("the ad of this task is there no more")
        ad = Ad.model_validate_json(row.ad, context=ON_RECORD)
        explain = _explained(parts, task, ad)
        scored = parts.check(task.about, ad, explain) if parts.check else _scored(parts, ad, explain)
        return ad, scored, scored.reasons if scored else ()
    body = find(connection, task.about).body
    if not isinstance(body, DecisionMade):
        raise NotFound("the ad of this task was erased")
    return body.ad, body.decision, parts.explain(body).reasons if task.drawn is None else ()


def _explained(parts: Parts, task: Task, ad: Ad) -> Explained:
    """As the task is explained whose place a golden one takes: a review asks about policies that stopped its ad, and has reasons for each;
    an audit about all of them, and has some for the riskiest."""
    everything = {policy.name for policy in parts.book.in_force(ad.market, ad.surface)} <= set(task.policies)
    return "all" if everything else tuple(task.policies)


def _scored(parts: Parts, ad: Ad, explain: Explained) -> Decision | None:
    """A golden ad as the model in service sees it: without risks it would be known for what it is."""
    scorer, degraded = parts.champion.current()
    try:
        return scorer.score([ad], explain=explain, degraded=degraded)[0]
    except (AdverdictError, ArithmeticError, ValueError, KeyError):
        return None


def _question(number: int, name: str, policy: PolicyInForce | None, decision: Decision | None, reasons: Sequence[Reason]) -> Question:
    found = next((one for one in decision.policies if one.policy == name), None) if decision else None
    moved = sorted((one for one in reasons if one.policy == name and speaks(one)), key=lambda reason: -abs(reason.effect))
    return Question(
        number=number,
        name=name,
        title=policy.title if policy else name,
        severity=policy.severity.value if policy else "",
        stance=policy.stance.value if policy else "not in force here",
        text=policy.reason if policy else "",
        licence=policy is not None and policy.licence.value == "required",
        bar=bar(found),
        facts=tuple(moved[:MOST_FACTS]),
    )


def _said(connection: Connection, task: Task) -> tuple[str | None, tuple[str, ...]]:
    """The advertiser's statement for an appeal; for a senior reader, what those before asked them to look at, not what they decided."""
    if task.kind != "appeal" and not task.senior:
        return None, ()
    bodies = [entry.body for entry in about(connection, task.about)]
    appeals = [body.statement for body in bodies if isinstance(body, Appealed)]
    notes = [body.reason for body in bodies if isinstance(body, Answered) and body.verdict in NOTED and body.reason]
    return (appeals[-1] if appeals and task.kind == "appeal" else None), (tuple(notes) if task.senior else ())
