"""A ledger of some weeks: ads decided day by day, those left to people answered through the queue, by a clock that runs ahead."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Literal

import numpy as np

from adverdict.decisions.files.read import read_policies
from adverdict.domain.verdict import Verdict
from adverdict.ledger.store import Ledger
from adverdict.review.cases.answers import Answer
from adverdict.review.queue import Queue
from adverdict.review.tasks.opening import open_tasks
from adverdict.review.tasks.settings import ReviewSettings
from tests.ledger.made import an_ad, decided

PEOPLE = ("ann", "bob", "cid")
MARKETS = {"SE": ("sv", 2.0), "DE": ("de", 1.0)}


def lived(
    ledger: Ledger, end: date, *, days: int = 35, seed: int = 1, review: float = 0.3, sale: date | None = None, ads_a_day: float = 5.0
) -> int:
    """Fill the ledger with ``days`` days up to ``end`` (excluded): how many ads. On the day ``sale`` three times as many come."""
    rng, book, settings = np.random.default_rng(seed), read_policies(None), ReviewSettings(golden_share=0.0, double_share=0.05)
    clock = [datetime.now(UTC)]
    queue, number = Queue(ledger, book, settings, lambda: clock[0]), 0
    for back in range(days, 0, -1):
        day = end - timedelta(days=back)
        quiet = 0.5 if day.weekday() >= 5 else 1.0
        for market, (language, part) in MARKETS.items():
            count = int(rng.poisson(ads_a_day * part * quiet * (3 if day == sale else 1)))
            for at in sorted(rng.uniform(7, 21, count)):
                number += 1
                clock[0] = datetime.combine(day, time(), UTC) + timedelta(hours=float(at))
                verdict = Verdict.REVIEW if rng.random() < review else Verdict.REJECT if rng.random() < 0.1 else Verdict.APPROVE
                made = decided(an_ad(number, market=market, language=language, submitted_at=clock[0]), verdict)
                with ledger.write() as writing:
                    writing.append(made.decision.decision_id, made, clock[0])
                    open_tasks(writing, [made], book, settings, clock[0])
        clock[0] = datetime.combine(day, time(22), UTC)
        _worked(queue, clock, rng)
    return number


def _worked(queue: Queue, clock: list[datetime], rng: np.random.Generator) -> None:
    """Everything that waits is answered before midnight."""
    who = 0
    while (task := queue.claim(PEOPLE[who % len(PEOPLE)])) is not None:
        seconds = float(rng.lognormal(np.log(60) - 0.18, 0.6))
        clock[0] += timedelta(seconds=seconds / len(PEOPLE))
        verdict: Literal["approve", "reject"] = "reject" if rng.random() < 0.2 else "approve"
        violated = task.task.policies[:1] if verdict == "reject" else ()
        answer = Answer(
            verdict=verdict,
            violated=violated,
            severity="mild" if violated else None,
            reason="as the test says" if violated else None,
            seconds=seconds,
        )
        queue.answer(task.task.task_id, PEOPLE[who % len(PEOPLE)], task.token, answer)
        who += 1
