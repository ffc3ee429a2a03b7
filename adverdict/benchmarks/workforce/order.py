"""The twin's rules beside the queue's own code: the same reviewers claim at the same moments, and every one has to get the same task."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import islice, product
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import Connection, update

from adverdict.benchmarks.workforce.worlds import START
from adverdict.domain.progress import Progress
from adverdict.ledger.moments import micros
from adverdict.ledger.schema import tasks as table
from adverdict.ledger.store import Ledger
from adverdict.review.tasks import claims, priority, tasks
from adverdict.review.tasks.draws import unkeyed_task_id
from adverdict.review.tasks.routing import Reviewer, register
from adverdict.review.tasks.settings import Kind, ReviewSettings
from adverdict.review.tasks.tasks import RoutingKey, Task, routing_key_of
from adverdict.workforce.heads.pool import Pool

BACKLOG = 400
"""Tasks that wait, about."""
TURN = 200
"""Claims in one transaction."""
LANES = (("SE", "sv"), ("SE", "en"), ("DE", "de"), ("DE", None), ("US", "en"), ("BG", "bg"))
POLICIES = ((), ("gambling",), ("gambling", "deceptive"))
REVIEWERS = (
    Reviewer("all"),
    Reviewer("senior", senior=True),
    Reviewer("nordic", markets=("SE",)),
    Reviewer("english", languages=("en",)),
    Reviewer("gambling", policies=("gambling",)),
    Reviewer("german-senior", markets=("DE",), senior=True),
)
OFTEN = (0.35, 0.25, 0.1, 0.1, 0.1, 0.1)
"""How often each profile claims: those who may take anything the most, or there is often nothing for the others."""
EACH = 5
"""People of each profile."""
KINDS: tuple[Kind, ...] = ("review", "review", "review", "review", "audit", "senior", "appeal")


def order(count: int, seed: int, progress: Progress) -> dict[str, Any]:
    """``count`` claims."""
    progress.stage("claims, real and twin", count)
    rng, settings = np.random.default_rng(seed), ReviewSettings()
    keys = [
        RoutingKey(market, language, senior, policies) for market, language in LANES for senior in (False, True) for policies in POLICIES
    ]
    made = list(islice(_made(rng, settings), count + 2 * BACKLOG))
    ranked = sorted(made, key=lambda task: (task.due_at, task.task_id))
    ranks = {task.task_id: rank for rank, task in enumerate(ranked)}
    pool, lanes = Pool(keys, REVIEWERS, len(made), [task.about for task in ranked]), {key: number for number, key in enumerate(keys)}
    same = nothing = 0
    with tempfile.TemporaryDirectory() as folder:
        ledger = Ledger.open(f"sqlite:///{Path(folder) / 'ledger.db'}")
        with ledger.change() as connection:
            for one, number in product(REVIEWERS, range(EACH)):
                register(connection, replace(one, name=f"{one.name}-{number}"))
        waiting = come = 0
        for turn in range(0, count, TURN):
            with ledger.change() as connection:
                fresh = made[come : come + max(0, BACKLOG + TURN // 2 - waiting)]
                tasks.add(connection, fresh)
                for task in fresh:
                    pool.add(ranks[task.task_id], lanes[routing_key_of(task)])
                waiting, come = waiting + len(fresh), come + len(fresh)
                for _ in range(min(TURN, count - turn)):
                    profile = int(rng.choice(len(REVIEWERS), p=OFTEN))
                    who = replace(REVIEWERS[profile], name=f"{REVIEWERS[profile].name}-{int(rng.integers(EACH))}")
                    real, twin = _claimed(connection, who), pool.take(profile, who.name)
                    same += real == (ranked[twin].task_id if twin >= 0 else None)
                    nothing += real is None
                    waiting -= real is not None
                    progress.advance()
        ledger.close()
    return {"order_claims": count, "order_same": same, "order_share": same / count, "order_nothing_to_take": nothing}


def _claimed(connection: Connection, who: Reviewer) -> str | None:
    """As ``Queue.claim`` takes a task and ``Queue.answer`` closes it, without the answer's entry."""
    now = datetime(START.year + 1, 1, 1).astimezone()
    task = claims.best(connection, who, now, locked=True)
    if task is None:
        return None
    leased = tasks.lease(connection, task, who.name, now + timedelta(minutes=15))
    connection.execute(update(table).where(tasks.under(task.task_id, who.name, leased.token)).values(state="done", closed_at=micros(now)))
    return task.task_id


def _made(rng: np.random.Generator, settings: ReviewSettings) -> Iterator[Task]:
    """Tasks in the order in which they come, one in twelve with a second reading; due by the product's own rule."""
    number, at = 0, datetime(START.year, 1, 1).astimezone()
    while True:
        number += 1
        at += timedelta(seconds=float(rng.exponential(30)))
        (market, language), kind = LANES[int(rng.integers(len(LANES)))], KINDS[int(rng.integers(len(KINDS)))]
        policies, harm = POLICIES[int(rng.integers(len(POLICIES)))], float(np.exp(rng.normal(3, 3)))
        for reading in range(2 if rng.random() < 1 / 12 else 1):
            yield Task(
                task_id=unkeyed_task_id(f"dec-{number}", reading),
                case_id=f"dec-{number}",
                kind="double" if reading else kind,
                about=f"dec-{number}",
                ad_id=f"ad-{number}",
                advertiser_id="adv",
                market=market,
                language=language,
                policies=policies,
                senior=kind in ("senior", "appeal"),
                probability=1.0,
                harm=harm,
                opened_at=at,
                due_at=priority.due(at, kind, harm, settings) + timedelta(microseconds=reading),
            )
