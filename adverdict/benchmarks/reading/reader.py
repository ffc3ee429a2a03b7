"""A scripted reviewer who clears a queue, one card after the other, with or without one answer for copies that wait.

What somebody makes of an ad, and how long reading it takes, are drawn once for each ad, so that both ways meet the same reader.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from adverdict.benchmarks.reading.worlds import NOW, SETTINGS, Waiting
from adverdict.benchmarks.world.people import SPREAD
from adverdict.decisions.policy import PolicyBook
from adverdict.domain.errors import AdverdictError
from adverdict.ledger.store import Ledger
from adverdict.review.cases.answers import Answer
from adverdict.review.queue import LeasedTask, Queue
from adverdict.review.tasks.copies import contradicted, earlier, waiting
from adverdict.review.tasks.routing import Reviewer, register
from adverdict.simulation.crew import Colleague
from adverdict.simulation.demand import SECONDS

NAME = "reader"


@dataclass(frozen=True)
class Opinions:
    """Of one reader: decision -> whether they would reject the ad, and what reading it takes of the usual time."""

    rejects: Mapping[str, bool]
    scatter: Mapping[str, float]


@dataclass
class Cleared:
    """A queue that has been read."""

    cards: int = 0
    """Decisions that the reader gave."""
    along: int = 0
    """Tasks that an answer to another did for."""
    seconds: float = 0.0
    """Reading; looking over the copies that an answer is to do for is not in it."""
    told: int = 0
    """Answers after which the page said that a copy was answered the other way; one by one it says nothing of copies."""
    verdicts: dict[str, bool] = field(default_factory=dict)
    """Decision -> rejected."""


def opinions(told: Mapping[str, Waiting], who: Colleague, rng: np.random.Generator) -> Opinions:
    rejects, scatter = {}, {}
    for decision_id, ad in told.items():
        drawn = rng.random()
        rejects[decision_id] = bool(drawn < who.sensitivity) if ad.violates else bool(drawn >= who.specificity)
        scatter[decision_id] = float(np.exp(SPREAD * rng.standard_normal() - SPREAD**2 / 2))
    return Opinions(rejects, scatter)


def clear(ledger: Ledger, book: PolicyBook, who: Colleague, thinks: Opinions, *, together: bool) -> Cleared:
    """At the product's own queue until nothing waits. ``together``: an answer does for the copies that the page has ticked."""
    queue, found = Queue(ledger, book, SETTINGS, lambda: NOW), Cleared()
    with ledger.change() as connection:
        register(connection, Reviewer(NAME))
    while (leased := queue.claim(NAME)) is not None:
        about = leased.task.about
        seconds = SECONDS["review"] * who.factor(found.cards) * thinks.scatter[about]
        rejects = thinks.rejects[about]
        answer = Answer(
            "reject" if rejects else "approve",
            leased.task.policies[:1] if rejects else (),
            severity="moderate" if rejects else None,
            seconds=seconds,
        )
        copies = _shown(ledger, leased) if together else {}
        done = queue.answer(leased.task.task_id, NAME, leased.token, answer, copies=tuple(copies)).copies
        found.cards += 1
        found.seconds += seconds
        found.along += len(done)
        found.verdicts |= {about: rejects, **{copies[one]: rejects for one in done}}
        found.told += together and _is_told(ledger, leased, answer)
    return found


def _shown(ledger: Ledger, leased: LeasedTask) -> dict[str, str]:
    """Task -> decision, of the copies that the card says the answer would do for."""
    with ledger.look() as connection:
        return {one.task.task_id: one.task.about for one in waiting(connection, leased.task, Reviewer(NAME))}


def _is_told(ledger: Ledger, leased: LeasedTask, answer: Answer) -> bool:
    with ledger.look() as connection:
        return bool(contradicted(earlier(connection, leased.task), answer.verdict))


def finished(found: Cleared, told: Mapping[str, Waiting]) -> Cleared:
    """Raises AdverdictError where a task was left out: then nothing was compared."""
    if found.verdicts.keys() != told.keys() or found.cards + found.along != len(told):
        raise AdverdictError(f"{len(told)} tasks waited, {found.cards} were read and {found.along} answered along")
    return found
