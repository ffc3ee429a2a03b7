"""A platform lives some weeks with the product's own service and queue; before the last of them a plan is made of what is on record."""

from __future__ import annotations

import tempfile
from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import select

from adverdict.benchmarks.shared.killable import write_policies
from adverdict.benchmarks.shared.testbed import SimulatedTestBed
from adverdict.benchmarks.world.platform import SimulatedPlatform
from adverdict.decisions.files.read import read_policies
from adverdict.domain.progress import Progress
from adverdict.ledger.moments import micros
from adverdict.ledger.schema import tasks as table
from adverdict.ledger.store import Ledger
from adverdict.review.tasks.settings import ReviewSettings
from adverdict.scoring.opened import open_bundle
from adverdict.scoring.scorer import Scorer
from adverdict.simulation.arrivals import FIRST_SALE, SALE, SALE_DAYS, SALE_EVERY
from adverdict.simulation.crew import SICK_OR_AWAY, Team, draw_crew, learning
from adverdict.simulation.marketplace import Marketplace
from adverdict.simulation.world import DAYS, MARKET_CODES
from adverdict.workforce.forecast.forecast import FLOOR
from adverdict.workforce.known import known
from adverdict.workforce.operations.events import Event
from adverdict.workforce.operations.read import Operations
from adverdict.workforce.operations.roster import Shift
from adverdict.workforce.operations.rules import Shrinkage
from adverdict.workforce.outlook import Known, outlook
from adverdict.workforce.plans.store import plan_of, realised_week
from adverdict.workforce.returns import WITHIN, returns
from adverdict.workforce.volume.history import WEEK
from adverdict.workforce.volume.opened import KINDS

THRESHOLDS = (0.13, 0.9)
"""By hand: many ads go to people, so that a small platform has queues."""
TEAMS = (
    Team("west", 2, 7, 2, languages=("en", "de", "sv", "pt", "el", "bg"), newcomers=2),
    Team("east", 2, 12, 2, languages=("en", "hi", "ar", "ja"), newcomers=1),
    Team("evening", 2, 17, 2, newcomers=2),
    Team("leads", 1, 10, 2, senior=True),
)


@dataclass(frozen=True)
class Lived:
    """How long, and with how many ads a day. The last ``ahead`` weeks are planned before they come."""

    weeks: int = 6
    ads_a_day: int = 100
    ahead: int = 2
    teams: tuple[Team, ...] = TEAMS
    seed: int = 0


def lived(platforms: int, job: Lived, progress: Progress) -> dict[str, Any]:
    """``platforms`` of them, one after the other, with one model."""
    with tempfile.TemporaryDirectory() as folder:
        progress.stage("training the platforms' model", 1)
        bundle = SimulatedTestBed(Path(folder), quick=True).bundle(False)
        progress.advance()
        found = [live(replace(job, seed=job.seed + number), bundle, progress) for number in range(platforms)]
    judged = sum(sum(one["judged"].values()) for one in found)
    figures = {
        "world_platforms": found,
        "world_ads": sum(one["ads"] for one in found),
        "world_answers": sum(one["answers"] for one in found),
        "world_judged": judged,
    }
    for name in ("in_time", "in_time_twin"):
        figures[f"world_{name}"] = sum(one[name][kind] * count for one in found for kind, count in one["judged"].items()) / judged
    for name in ("come_back", "absence", "tasks"):
        figures[f"world_{name}"] = [float(np.mean([one[name][side] for one in found])) for side in (0, 1)]
    return figures


def live(job: Lived, bundle: Path, progress: Progress) -> dict[str, Any]:
    """One of them. What is a pair is first what the product makes of its ledger, then what was true."""
    model = open_bundle(bundle)
    with tempfile.TemporaryDirectory() as made:
        book = read_policies(write_policies(Path(made) / "rules", model.policies, MARKET_CODES, THRESHOLDS))
        ledger = Ledger.open(f"sqlite:///{Path(made) / 'ledger.db'}", create=True)
        crew = draw_crew(job.teams, job.weeks * WEEK, job.seed)
        market = Marketplace(job.seed + 5, job.ads_a_day * DAYS)
        review = ReviewSettings(golden_share=0.0)
        platform = SimulatedPlatform(ledger, lambda clock: Scorer(model, book, clock=clock), market, crew, review, job.seed)
        progress.stage("living", job.weeks * WEEK)
        platform.live(job.weeks * WEEK, progress.advance)
        figures = _figures(job, platform, progress)
        ledger.close()
    return figures


def _figures(job: Lived, platform: SimulatedPlatform, progress: Progress) -> dict[str, Any]:
    begin = datetime.fromtimestamp(platform.begin, UTC)
    operations = Operations(
        events=_sales(job, begin), roster=tuple(map(_shift, job.teams)), shrinkage=Shrinkage({"sickness": SICK_OR_AWAY})
    )
    whole = known(platform.ledger, operations, platform.scorer.book, platform.review, platform.clock(), progress)
    planned_at = (job.weeks - job.ahead) * WEEK
    then = replace(whole, history=whole.history.until(planned_at))
    made = outlook(then, job.ahead, progress=progress)
    came = whole.history.opened[:, planned_at:].reshape(len(whole.history.queues), job.ahead, WEEK).sum(axis=2)
    told = made.forecast.tasks
    rows = _answered(platform, begin + timedelta(days=planned_at), begin + timedelta(days=job.weeks * WEEK))
    twin = {kind: float(np.mean([week.odds.in_time.get(kind, 1.0) for week in made.weeks if week.odds])) for kind in KINDS}
    return {
        "ads": platform.submitted,
        "answers": sum(platform.answers.values()),
        "answers_lost": sum(one.lost for one in platform.people),
        "wape": float(np.abs(told.sum(axis=1) - came.sum(axis=1)).sum() / came.sum()),
        "floor": FLOOR * float(np.sqrt(came.sum(axis=1)).sum() / came.sum()),
        "tasks": [float(told.sum()), float(came.sum())],
        "in_time": {kind: float(np.mean(there)) for kind, there in rows.items()},
        "in_time_twin": {kind: twin[kind] for kind in rows},
        "judged": {kind: len(there) for kind, there in rows.items()},
        "busy": float(np.mean([week.odds.busy for week in made.weeks if week.odds])),
        **_returned(platform, whole),
        **_learnt(platform, whole),
        **_away(job, platform, operations, whole, begin, planned_at),
    }


def _shift(team: Team) -> Shift:
    ends = time((team.starts + team.hours) % 24)
    weekly = float(team.hours * len(team.days))
    return Shift(
        team.name, float(team.people), team.days, time(team.starts), ends, "UTC", weekly, languages=team.languages, senior=team.senior
    )


def _sales(job: Lived, begin: datetime) -> tuple[Event, ...]:
    """As their owners declare them: to the day, and a tenth off."""
    rng = np.random.default_rng([job.seed, 41])
    first = [(begin + timedelta(days=day)).date() for day in range(FIRST_SALE, job.weeks * WEEK, SALE_EVERY)]
    guesses = SALE * np.exp(0.1 * rng.standard_normal(len(first)))
    return tuple(
        Event("sale", "sale", day, day + timedelta(days=SALE_DAYS - 1), expected_factor=float(guess))
        for day, guess in zip(first, guesses, strict=True)
    )


def _answered(platform: SimulatedPlatform, since: datetime, until: datetime) -> dict[str, list[bool]]:
    """By kind, whether each task that was due in a span was answered by then."""
    query = select(table.c.kind, table.c.due_at, table.c.closed_at, table.c.state).where(
        table.c.due_at >= micros(since), table.c.due_at < micros(until), table.c.state != "withdrawn", table.c.kind != "golden"
    )
    found: defaultdict[str, list[bool]] = defaultdict(list)
    with platform.ledger.look() as connection:
        for row in connection.execute(query):
            found[row.kind].append(row.state == "done" and row.closed_at <= row.due_at)
    return dict(found)


def _returned(platform: SimulatedPlatform, whole: Known) -> dict[str, Any]:
    """Ads that came back, as the product counts them ad by ad, beside what its marketplace did."""
    told = returns(platform.ledger, whole.history, whole.history.days)
    weeks = whole.history.days / WEEK
    true = platform.came_back / max(platform.rejected * (weeks - WITHIN.days / WEEK) / weeks, 1)
    return {"come_back": [told.come_back, min(true, 1.0)], "rejected": platform.rejected}


def _learnt(platform: SimulatedPlatform, whole: Known) -> dict[str, Any]:
    """How much longer the first answers took, as measured, beside what the reviewers were drawn with."""
    stages = whole.practice.learning
    if not stages:
        return {"learning": None}
    ends = [*(stage.since for stage in stages[1:]), None]
    true = [_true(platform, stage.since, end) for stage, end in zip(stages, ends, strict=True)]
    return {
        "learning": [
            {"since": stage.since, "measured": [stage.low, stage.factor, stage.high], "true": one / true[-1], "people": stage.people}
            for stage, one in zip(stages, true, strict=True)
        ]
    }


def _true(platform: SimulatedPlatform, since: int, until: int | None) -> float:
    """Mean over people who were there in a stage, by the answers they gave in it."""
    factors = []
    for one in platform.people:
        last = one.answers if until is None else min(one.answers, until)
        if last > since:
            factors.append(one.who.pace * float(np.mean([learning(one.who.given + n) for n in range(since, last)])))
    return float(np.mean(factors))


def _away(
    job: Lived, platform: SimulatedPlatform, operations: Operations, whole: Known, begin: datetime, planned_at: int
) -> dict[str, Any]:
    """Absence as scoring finds it, beside who really came."""
    body = plan_of(outlook(replace(whole, history=whole.history.until(planned_at)), job.ahead, twin=False), "lived", "benchmark")
    measured, true = [], []
    for number in range(job.ahead):
        day = planned_at + number * WEEK
        week = realised_week(
            platform.ledger, whole.history, operations.roster, (begin + timedelta(days=day)).date(), platform.review.lease_seconds, body
        )
        there = sum(one.who.there(n, n % 7) * one.who.team.hours for one in platform.people for n in range(day, day + WEEK))
        meant = sum(one.who.team.hours * len(one.who.team.days) for one in platform.people)
        measured.append(week.absence if week.absence is not None else float("nan"))
        true.append(1 - there / meant)
    return {"absence": [float(np.mean(measured)), float(np.mean(true))]}
