"""Plans on record: saved whole, so that nobody can say afterwards that they planned otherwise, and scored once a week is over."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import UTC, date, datetime, time, timedelta

from adverdict.domain.errors import InvalidInput, Mistake, NotFound
from adverdict.ledger.entries import Answered, PlanMade, PlannedCell, PlanScored
from adverdict.ledger.entries import PlannedWeek as WeekPlanned
from adverdict.ledger.entropy import hexadecimal
from adverdict.ledger.store import Ledger
from adverdict.review.period import Period, entries_in
from adverdict.workforce.handling import ENOUGH
from adverdict.workforce.operations.read import Operations
from adverdict.workforce.operations.roster import Shift
from adverdict.workforce.outlook import Outlook
from adverdict.workforce.plans.score import CAUSES, Part, PlannedWeek, RealisedWeek, Score, score
from adverdict.workforce.practice import Answer, Group, practice
from adverdict.workforce.volume.history import WEEK, WEEK_HOURS, History, Queue

DIGITS = 3
PAUSE = timedelta(hours=6)
"""Without an answer, after which somebody has come to another shift."""


def save(ledger: Ledger, made: Outlook, name: str, by: str, at: datetime) -> str:
    """The plan's id. Raises InvalidInput for a plan without a name."""
    if not name.strip():
        raise InvalidInput("no plan was saved:", [Mistake("name", name, "a name by which people will know it")])
    plan_id, body = f"pln-{hexadecimal()}", plan_of(made, name.strip(), by)
    with ledger.write() as writing:
        writing.append(plan_id, body, at)
    return plan_id


def plan_of(made: Outlook, name: str, by: str) -> PlanMade:
    """An outlook as it goes on record."""
    operations, cells, weeks = made.known.operations, list[PlannedCell](), list[WeekPlanned]()
    absence = _absence(operations, made.change.absence)
    for number, week in enumerate(made.weeks):
        days = slice(number * WEEK, (number + 1) * WEEK)
        by_market: defaultdict[str, float] = defaultdict(float)
        for row, series in enumerate(made.forecast.series):
            by_market[series.market] += float(made.forecast.submissions[row, days].sum())
        for cell in week.cells:
            figures = {"submissions": by_market[cell.queue.market], "tasks": cell.tasks, "low": cell.low, "high": cell.high}
            told = {key: round(value, DIGITS) for key, value in {**figures, "seconds": cell.took.seconds}.items()}
            cells.append(PlannedCell(week=week.start, market=cell.queue.market, kind=cell.queue.kind, **told))
        weeks.append(
            WeekPlanned(
                week=week.start,
                hours=round(week.hours, DIGITS),
                fte=round(week.staffing.fte, DIGITS),
                rostered=round(week.staffing.rostered, DIGITS),
                met=None if week.odds is None else week.odds.share,
                absence=round(absence, 4),
            )
        )
    targets = {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(operations.targets).items()}
    return PlanMade(
        name=name,
        change=made.change.name,
        cells=tuple(cells),
        weeks=tuple(weeks),
        targets=targets,
        operations=operations.digest,
        counted=made.known.seq,
        by=by,
    )


def plans(ledger: Ledger) -> list[tuple[str, datetime, PlanMade]]:
    """Id, when it was made, and the plan; oldest first."""
    return [(one.entry_id, one.at, one.body) for one in ledger.read(kinds=[PlanMade.kind]) if isinstance(one.body, PlanMade)]


def plan_on_record(ledger: Ledger, plan: str) -> PlanMade:
    """Raises NotFound."""
    return dated_plan(ledger, plan)[1]


def dated_plan(ledger: Ledger, plan: str) -> tuple[datetime, PlanMade]:
    """When it was made, and the plan. Raises NotFound."""
    for plan_id, at, body in plans(ledger):
        if plan_id == plan:
            return at, body
    raise NotFound(f"no plan {plan}: 'adverdict workforce plan list' shows those on record")


def scores(ledger: Ledger) -> dict[str, list[PlanScored]]:
    """By plan, its weeks in order."""
    found: defaultdict[str, list[PlanScored]] = defaultdict(list)
    for one in ledger.read(kinds=[PlanScored.kind]):
        if isinstance(one.body, PlanScored):
            found[one.body.plan].append(one.body)
    return {plan: sorted(told, key=lambda body: body.week) for plan, told in found.items()}


def score_plans(
    ledger: Ledger, history: History, operations: Operations, lease_seconds: float, by: str, at: datetime, plan: str | None = None
) -> list[PlanScored]:
    """Score every week that is over and was not scored yet, of one plan or all, and put it on record. Raises NotFound for no such plan."""
    known, there = plans(ledger), scores(ledger)
    if plan is not None and plan not in {plan_id for plan_id, _, _ in known}:
        raise NotFound(f"no plan {plan}: 'adverdict workforce plan list' shows those on record")
    made = []
    for plan_id, _, body in known:
        done = {one.week for one in there.get(plan_id, ())}
        for week in sorted({one.week for one in body.weeks} - done):
            if plan in (None, plan_id) and week + timedelta(days=WEEK) <= history.end and week >= history.start:
                realised = realised_week(ledger, history, operations.roster, week, lease_seconds, body)
                found = score(planned_week(body, week), realised)
                if found is not None:
                    made.append(_entry(plan_id, week, found, realised.absence, by))
    with ledger.write() as writing:
        for one in made:
            writing.append(f"scr-{one.plan}-{one.week.isoformat()}", one, at)
    return made


def planned_week(body: PlanMade, week: date) -> PlannedWeek:
    cells = [cell for cell in body.cells if cell.week == week]
    parts = {Queue(cell.market, cell.kind): Part(cell.tasks, cell.submissions, cell.seconds) for cell in cells}
    bands = {Queue(cell.market, cell.kind): (cell.low, cell.high) for cell in cells}
    return PlannedWeek(parts, bands, next(one.absence for one in body.weeks if one.week == week))


def realised_week(
    ledger: Ledger, history: History, roster: Iterable[Shift], week: date, lease_seconds: float, body: PlanMade
) -> RealisedWeek:
    """What came: tasks and submissions as counted, times of a queue where enough were answered, otherwise as planned."""
    begin, days = datetime.combine(week, time(), UTC), slice((week - history.start).days, (week - history.start).days + WEEK)
    answers, present = _answers(ledger, Period(begin, begin + timedelta(days=WEEK)), lease_seconds)
    told = practice(answers)
    counted: defaultdict[Queue, int] = defaultdict(int)
    for one in answers:
        counted[Queue(one.group.market, one.group.kind)] += 1
    planned = planned_week(body, week).parts
    parts = {}
    for row, queue in enumerate(history.queues):
        usual = planned[queue].seconds if queue in planned else told.told
        seconds = told.of(queue.kind, queue.market).seconds if counted[queue] >= ENOUGH else usual
        parts[queue] = Part(float(history.opened[row, days].sum()), float(history.of_market(queue.market)[days].sum()), seconds)
    rostered = sum(shift.people * len(shift.spans(begin, WEEK_HOURS)) for shift in roster)
    absence = max(0.0, min(0.999, 1 - present / rostered)) if rostered and present else None
    return RealisedWeek(parts, absence)


def _answers(ledger: Ledger, period: Period, lease_seconds: float) -> tuple[list[Answer], int]:
    """Answers of a period, and the shifts to which somebody came: runs of one person's answers with no pause as long as ``PAUSE``.

    Not the hours in which they answered: on a small platform people wait for tasks half of their time, and are there all the same.
    """
    found, people, seen, shifts = list[Answer](), dict[str, int](), dict[int, datetime](), 0
    for entry in entries_in(ledger, period, [Answered.kind]):
        body = entry.body
        if isinstance(body, Answered):
            person = people.setdefault(body.reviewer, len(people))
            shifts += person not in seen or entry.at - seen[person] >= PAUSE
            seen[person] = entry.at
            if body.task_kind != "golden" and body.seconds is not None and body.seconds <= lease_seconds:
                found.append(Answer(Group(body.task_kind, body.market, tuple(sorted(body.asked))), body.seconds, person))
    return found, shifts


def _absence(operations: Operations, more: float) -> float:
    """Of the roster as a whole, by its hours."""
    shrinkage = operations.shrinkage.with_absence(more) if more else operations.shrinkage
    weights: Mapping[str, float] = _hours(operations.roster)
    total = sum(weights.values())
    return sum(shrinkage.of(team) * hours for team, hours in weights.items()) / total if total else min(0.999, shrinkage.of(""))


def _hours(roster: Iterable[Shift]) -> dict[str, float]:
    found: defaultdict[str, float] = defaultdict(float)
    for shift in roster:
        found[shift.team] += shift.people * shift.hours * len(shift.days)
    return found


def _entry(plan: str, week: date, found: Score, absence: float | None, by: str) -> PlanScored:
    figures = {key: round(getattr(found, key), 6) for key in ("tasks", "wape", "bias", "fte_error")}
    causes = {str(one): round(found.by_cause[one], 6) for one in CAUSES}
    return PlanScored(
        plan=plan,
        week=week,
        covered=found.covered,
        queues=found.queues,
        by_cause=causes,
        cause=found.cause,
        absence=absence,
        by=by,
        **figures,
    )
