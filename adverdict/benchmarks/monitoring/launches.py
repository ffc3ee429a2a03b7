"""Markets that open in a simulated world: whether those called *go* keep what was claimed of them, and those called *no go* had to wait.

A *go* is wrong where the first month breaks what was claimed, a *no go* where the first month would have kept every target.

Past days of three markets -> what is known before the fourth opens -> the gates, as ``adverdict launch check`` has them -> the verdict,
beside what comes in its first four weeks: leakage of what is approved, and reviews in time by the people who are there.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from adverdict.benchmarks.monitoring.streams import Risks
from adverdict.benchmarks.workforce.worlds import START, VARIATION, events_of, history_of, shapes_of
from adverdict.certification.statistics.intervals import clopper_pearson
from adverdict.certification.thresholds.sequence import Counts, LabelledAds, Side, fixed_sequence_test
from adverdict.decisions.policy import Severity
from adverdict.domain.progress import Progress
from adverdict.ledger.bodies.launch import GateStatus, LaunchVerdict
from adverdict.monitoring.launch.gates import gates, verdict
from adverdict.monitoring.launch.joint import Evidence, joint_limit
from adverdict.monitoring.launch.people import people_weeks, review_share
from adverdict.monitoring.launch.words import WEEKS, Launch, LaunchFacts, PolicyReady
from adverdict.simulation.arrivals import WEEK_OF_HOURS
from adverdict.simulation.demand import KINDS, SECONDS, Demand, Setup, simulate
from adverdict.workforce.heads.odds import on_duty
from adverdict.workforce.heads.twin import answered
from adverdict.workforce.heads.week import LEAD, LEAD_DAYS, WeekWork, draw
from adverdict.workforce.operations.read import Operations
from adverdict.workforce.operations.roster import Shift
from adverdict.workforce.operations.rules import Shrinkage, Targets
from adverdict.workforce.outlook import Known
from adverdict.workforce.practice import Group, Practice, Took
from adverdict.workforce.volume.history import WEEK, WEEK_HOURS, Queue

KNOWN, OPENS = 84, 91
"""Days on record, and the day on which the market opens."""
MARKETS, NEW = 4, 3
ADS_A_DAY = 1_500.0
SLOW = 12.0
"""Times the usual handling times: as many people with a twelfth of the tasks."""
PROMISED = 0.15
"""Standard deviation of the logarithm of what was stated beside what comes."""
POLICIES, LIMIT, CONFIDENCE, AUDITED = 3, 0.02, 0.95, 0.05
LABELS = (0, 300, 1_000, 3_000)
TARGETS = Targets(met=0.9)
FEW = 5_000
"""Risks of a population from which samples and the first month are drawn."""
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class _Market:
    """How the policies of the new market stand, and what leaks."""

    policies: tuple[PolicyReady, ...]
    leaks: bool
    """Whether under any certificate that decides more is let through than is claimed, in truth or of the ads of a month."""


def launches(count: int, seed: int, progress: Progress) -> dict[str, Any]:
    progress.stage("launches", count)
    rows = []
    for number in range(count):
        rows.append(_launch(np.random.default_rng([seed, 37, number]), 10_000 * seed + number))
        progress.advance()
    go = [row for row in rows if row["verdict"] != LaunchVerdict.NO_GO]
    wrong = [row for row in go if row["broke"]]
    no_go = [row for row in rows if row["verdict"] == LaunchVerdict.NO_GO]
    needless = [row for row in no_go if not row["missed"]]
    return {
        "launch_go_wrong": len(wrong),
        "launch_nogo_wrong": len(needless) / max(len(no_go), 1),
        "launches": {
            "count": count,
            "go": sum(row["verdict"] == LaunchVerdict.GO for row in rows),
            "people": sum(row["verdict"] == LaunchVerdict.PEOPLE for row in rows),
            "no_go": len(no_go),
            "go_wrong_high": clopper_pearson(len(wrong), len(go))[1],
            "nogo_wrong_interval": list(clopper_pearson(len(needless), len(no_go))) if no_go else None,
            "rows": rows,
        },
    }


def _launch(rng: np.random.Generator, seed: int) -> dict[str, Any]:
    setup = Setup(seed=seed, days=OPENS + WEEKS * WEEK, ads_a_day=ADS_A_DAY, markets=MARKETS)
    truth = simulate(replace(setup, opened={NEW: OPENS}, ramp_days=float(rng.uniform(8, 12))))
    level = float(simulate(setup).submissions[NEW, :, OPENS:].sum(axis=0).mean())
    new, others = truth.markets[NEW], truth.markets[:NEW]
    opens = START + timedelta(days=OPENS)
    launch = Launch("market", new, (new,), level * float(np.exp(PROMISED * rng.standard_normal())), opens, ("ja",), others)
    market = _market(new, launch.ads_per_day, rng)
    read_all = any(not one.decides for one in market.policies)
    known = _known(truth, others, _people(truth, launch, read_all, rng))
    facts = _facts(known, launch, market.policies, read_all, rng)
    told = gates(launch, facts)
    happened = _in_time(truth, known, read_all, rng)
    missing = [one.name for one in told if one.status is GateStatus.MISSING]
    return {
        "verdict": verdict(told),
        "missing": missing,
        "in_time": happened,
        "leaks": market.leaks,
        "broke": happened < facts.in_time_claimed or market.leaks or not _may_open(facts, launch),
        "missed": happened < facts.in_time or market.leaks or not _may_open(facts, launch),
    }


def _may_open(facts: LaunchFacts, launch: Launch) -> bool:
    """Without a policy file its ads are judged by nobody's rule, and without readers by nobody: whatever the queue does, that breaks."""
    return launch.name in facts.in_force and facts.readers["ja"] >= 2 and facts.seniors["ja"] >= 1


def _market(name: str, ads_a_day: float, rng: np.random.Generator) -> _Market:
    """Its policies are certified as far as its labels go, or left to people; its ads violate more or less often than the model thinks."""
    found, leaks = list[PolicyReady](), False
    cells = list[tuple[float, Evidence | None, NDArray[np.bool_]]]()
    labelled = int(rng.choice(LABELS, p=(0.3, 0.2, 0.25, 0.25)))
    for _ in range(POLICIES):
        risks = Risks(prevalence=float(rng.uniform(0.005, 0.03)))
        risk, truth = risks.draw(FEW, rng, odds=float(np.exp(0.4 * rng.standard_normal())))
        below, shown = _certified(risk, truth, labelled, rng)
        cells.append((below, shown, truth[risk < below]))
    among = sum(shown is not None for _, shown, _ in cells)
    for number, (below, shown, approved) in enumerate(cells):
        limit = None if shown is None else joint_limit(shown, among)
        if limit is not None:
            month = max(1, int(ads_a_day * WEEKS * WEEK * len(approved) / FEW))
            leaks |= bool(rng.binomial(month, approved.mean()) / month > limit) or bool(approved.mean() > limit)
        state: Any = "certified" if below > 0 else "not solved"
        found.append(PolicyReady(f"policy_{number}", name, Severity.SEVERE, state, below > 0, LIMIT, CONFIDENCE, AUDITED, "ja", limit))
    return _Market(tuple(found), leaks)


def _certified(risk: Floats, truth: NDArray[np.bool_], labelled: int, rng: np.random.Generator) -> tuple[float, Evidence | None]:
    """The boldest threshold that so many labels show, by the product's own test, and what they show there; 0: none."""
    if not labelled:
        return 0.0, None
    rows = rng.choice(len(risk), labelled, replace=True)
    sample = LabelledAds(risk[rows], truth[rows], np.arange(labelled), alike=1.0)
    last = fixed_sequence_test(Counts(sample, Side.APPROVE), LIMIT, 1 - CONFIDENCE, furthest=0.25).last
    return (last.threshold, Evidence(last.errors, last.ads, LIMIT, 1 - CONFIDENCE)) if last else (0.0, None)


def _people(truth: Demand, launch: Launch, read_all: bool, rng: np.random.Generator) -> Shift:
    """On duty from 7 to 23: from far too few to more than enough for what was stated."""
    month = slice(KNOWN - 28, KNOWN)
    hours = float((truth.opened[:NEW, :, month] * truth.seconds[:NEW, :, month]).sum()) / 4 * SLOW / 3600
    reads = launch.ads_per_day * (1.0 if read_all else 0.11) * 1.1
    hours += reads * WEEK * SECONDS["review"] * SLOW / 3600
    people = hours / (16 * WEEK * 0.85) * float(np.exp(rng.uniform(np.log(0.6), np.log(2.2))))
    return Shift("everybody", people, tuple(range(WEEK)), time(7), time(23), "UTC", 40.0, senior=True)


def _known(truth: Demand, others: tuple[str, ...], shift: Shift) -> Known:
    history = history_of(truth).until(KNOWN).only(lambda market: market in others)
    means = {Group(kind): Took(SLOW * SECONDS[kind], None, None, 10_000, "all") for kind in KINDS}
    for column, kind in enumerate(KINDS):
        for row, market in enumerate(others):
            means[Group(kind, market)] = Took(SLOW * float(truth.seconds[row, column, KNOWN - 1]), None, None, 10_000, market)
    operations = Operations(events=events_of(truth), roster=(shift,), targets=TARGETS)
    return Known(history, shapes_of(history), Practice(means, variation=VARIATION), operations)


def _facts(known: Known, launch: Launch, ready: tuple[PolicyReady, ...], read_all: bool, rng: np.random.Generator) -> LaunchFacts:
    """Mostly everything else is there; where it is not, it is the file, the readers or the senior one."""
    there = rng.random(3) > 0.07
    where = frozenset({launch.name} if there[0] else ())
    return LaunchFacts(
        today=known.history.end,
        files=where,
        in_force=where,
        signed=("petra",),
        policies=ready,
        model_languages=frozenset({"ja"}),
        readers={"ja": 4 if there[1] else 1},
        seniors={"ja": 1 if there[2] else 0},
        thin_hours={"ja": 0.0},
        golden={"ja": 100},
        weeks=people_weeks(known, launch, launch.markets if read_all else ()),
        met_target=TARGETS.met,
        in_time=TARGETS.share("review"),
        review_share=1.0 if read_all else review_share(known, launch),
        rollouts=("rol-1",),
    )


def _in_time(truth: Demand, known: Known, read_all: bool, rng: np.random.Generator) -> float:
    """Of the reviews that were due in its first four weeks, the share that the people who are there answered in time."""
    whole = history_of(truth)
    opened = whole.opened.copy()
    if read_all:
        new = truth.markets[NEW]
        ads = truth.submissions[NEW].sum(axis=0)
        opened[whole.queues.index(Queue(new, "review"))] = ads
        opened[whole.queues.index(Queue(new, "double"))] = rng.binomial(ads.astype(np.int64), 0.05)
        opened[whole.queues.index(Queue(new, "audit"))] = 0
    shapes = shapes_of(whole)

    def seconds(queue: Queue, _: object) -> float:
        return SLOW * float(truth.seconds[truth.markets.index(queue.market), KINDS.index(queue.kind), OPENS])

    [shift] = known.operations.roster
    kept = due = 0
    for week in range(WEEKS):
        first = OPENS + week * WEEK
        hourly = _hourly(opened[:, first - LEAD_DAYS : first + WEEK], first - LEAD_DAYS)
        exact = WeekWork(whole.queues, hourly[:, LEAD:], hourly[:, :LEAD], np.zeros(len(whole.queues)), 0.0, 1.0)
        drawn = draw(exact, shapes, seconds, VARIATION, rng)
        hours = LEAD_DAYS * 24 + WEEK_HOURS
        begin = datetime.combine(START + timedelta(days=first - LEAD_DAYS), time(), UTC)
        people = on_duty([shift], begin, hours + WEEK_HOURS, Shrinkage())
        done = answered(drawn.tasks, people, drawn.lanes, [shift.skills], hours + WEEK_HOURS).done
        kinds = np.array([queue.kind for queue in whole.queues])[drawn.queue]
        judged = (drawn.tasks.due >= LEAD_DAYS * 24) & (drawn.tasks.due < hours) & (kinds == "review")
        kept += int((done <= drawn.tasks.due)[judged].sum())
        due += int(judged.sum())
    return kept / max(due, 1)


def _hourly(daily: Floats, first: int) -> Floats:
    """Tasks by the hour, float64 (queues, days x 24), as the simulator's week has them."""
    shape = WEEK_OF_HOURS.reshape(WEEK, 24)[(START.weekday() + first + np.arange(daily.shape[1])) % WEEK]
    spread = shape / np.maximum(shape.sum(axis=1, keepdims=True), 1e-12)
    return np.asarray((daily[:, :, None] * spread[None]).reshape(len(daily), -1))
