"""What the commands of workforce print."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from math import ceil
from typing import TYPE_CHECKING

from adverdict.cli.tables import aligned, say
from adverdict.domain.formats import counted

if TYPE_CHECKING:
    from adverdict.review.tasks.tasks import RoutingKey
    from adverdict.workforce.forecast.submissions import EventEffect
    from adverdict.workforce.heads.ahead import Overdue, Waiting
    from adverdict.workforce.operations.read import Operations
    from adverdict.workforce.operations.roster import Shift
    from adverdict.workforce.operations.rules import Targets
    from adverdict.workforce.outlook import Known, Outlook, Week
    from adverdict.workforce.practice import Practice
    from adverdict.workforce.scenario import Scenario
    from adverdict.workforce.suggest import Suggestion
    from adverdict.workforce.volume.waits import TimeToDecision

FORECAST = ("week", "market", "kind", "tasks", "P10", "P90", "hours", "seconds a task", "measured on", "last week", "least error")


def show(rows: Sequence[Sequence[str]], words: int = 1) -> None:
    for number, line in enumerate(aligned(rows, words)):
        say(line.rstrip(), None if number else "bold")


def show_due(there: Sequence[Waiting], found: Sequence[Overdue]) -> None:
    say(f"{counted(len(there), 'task')} unanswered, {sum(one.due <= 0 for one in there):,} of them past due", "bold")
    rows = [("in", "past due then", "P90", "most of them")]
    for one in found:
        worst = sorted(one.by_queue.items(), key=lambda pair: -pair[1])[:3]
        words = ", ".join(f"{queue.market} {queue.kind} {tasks:,.0f}" for queue, tasks in worst if tasks >= 0.5)
        rows.append((f"{one.hours} h", f"{one.p50:,.0f}", f"{one.p90:,.0f}", words))
    show(rows)


def forecast_rows(made: Outlook, markets: Collection[str]) -> list[list[str]]:
    return [
        [
            week.start.isoformat(),
            cell.queue.market,
            cell.queue.kind,
            f"{cell.tasks:,.0f}",
            f"{cell.low:,.0f}",
            f"{cell.high:,.0f}",
            f"{cell.hours:,.1f}",
            f"{cell.took.seconds:,.0f}",
            cell.took.pool,
            f"{cell.naive:,.0f}",
            f"{cell.floor:.0%}",
        ]
        for week in made.weeks
        for cell in week.cells
        if cell.queue.market in markets
    ]


def show_forecast(made: Outlook, markets: Collection[str]) -> None:
    names = ("week", "market", "kind", "tasks", "P10", "P90", "hours", "s/task", "before", "chance")
    rows = forecast_rows(made, markets)
    pool = FORECAST.index("measured on")
    show([names, *([*row[:pool], *row[pool + 1 :]] for row in rows)], 3)
    say("s/task: mean seconds a task takes; before: as many as in the last week; chance: the least error that chance alone leaves")
    for where in dict.fromkeys(row[pool] for row in rows):
        queues = dict.fromkeys(f"{row[1]} {row[2]}" for row in rows if row[pool] == where)
        say(f"seconds of {', '.join(queues)}: measured on {where}")
    show_quality(made)
    show_declared(made.known.operations)


def show_quality(made: Outlook) -> None:
    """How far such forecasts were off before, beside what is free and what is possible."""
    past = made.forecast.past
    for effect in made.forecast.effects:
        say(f"event {effect.kind}: {_effect(effect)}")
    ours = past.wape(past.predicted) if past else None
    if past is None or ours is None:
        say("how far such forecasts are off is not known yet: bands are a guess of 15 % until some weeks are over", "yellow")
        return
    naive, floor = past.wape(past.naive) or 0.0, past.floor() or 0.0
    say(
        f"over the last {len(past.actual)} weeks such forecasts were off by {ours:.1%} of a queue's week; repeating the last week "
        f"by {naive:.1%}; chance alone leaves {floor:.1%}"
    )


def _effect(effect: EventEffect) -> str:
    if effect.days:
        beside = "times what its owner expected" if effect.expected else "times the usual"
        return f"{effect.factor:.2f} {beside}, seen on {effect.days:,} days of a market and surface"
    if effect.expected:
        return "none is on record yet; the factor that its owner declared is used as it is"
    return "none is on record yet and no factor is declared, so days like the usual are expected"


def show_declared(operations: Operations) -> None:
    if operations.missing:
        say(f"not declared: {', '.join(operations.missing)}; events that nobody declares are what forecasts miss most", "yellow")


def show_volume(rows: Sequence[Sequence[str]], practice: Practice, waits: Sequence[TimeToDecision], targets: Targets) -> None:
    show([("week", "market", "submissions", "review", "audit", "double", "senior", "appeal"), *rows], 2)
    if practice.learning:
        say("")
        say("new reviewers, beside those of long standing")
        told = [
            (
                f"from answer {one.since:,}",
                f"{one.factor:.2f} x",
                f"{one.low:.2f}-{one.high:.2f}",
                f"{one.people} people",
                f"{one.answers:,} answers",
            )
            for one in practice.learning
        ]
        show([("stage", "time", "95 %", "", ""), *told])
    if waits:
        say("")
        say("hours from submission, or appeal, to the last word")
        show([("market", "decided by", "p50", "p90", "target", "decided", "waiting"), *(_wait(one, targets) for one in waits)], 2)


def _wait(one: TimeToDecision, targets: Targets) -> tuple[str, ...]:
    times = ["not reached" if hours is None else f"{hours:,.1f}" for hours in (one.p50, one.p90)]
    aim = targets.hours(one.how) if one.how in ("review", "appeal") else None
    missed = aim is not None and (one.p90 is None or one.p90 > aim)
    told = "-" if aim is None else f"{aim:,.1f} {'missed' if missed else 'kept'}"
    return (one.market or "all", one.how, *times, told, f"{one.decided:,}", f"{one.waiting:,}")


def show_staff(made: Outlook) -> None:
    show([("week", "tasks", "P10", "P90", "hours", "needed", "rostered", "kept", "busy"), *map(_staff, made.weeks)])
    causes = [", ".join(week.staffing.binds) or "work" for week in made.weeks]
    for cause in dict.fromkeys(causes):
        weeks = [week.start.isoformat() for week, its in zip(made.weeks, causes, strict=True) if its == cause]
        say(f"people needed are decided by {cause}: {'every week' if len(weeks) == len(causes) else ', '.join(weeks)}")
    for week in made.weeks[:1]:
        show_week(week, made.known)
    say(
        "people: full-time contracts with shrinkage, for the P90 of tasks; kept: simulated weeks in which every kind was in time with the "
        "roster"
    )
    if not made.known.rostered:
        say("nobody is rostered: as if shifts of eight hours around the clock, with every skill", "yellow")


def _staff(week: Week) -> tuple[str, ...]:
    kept = "-" if week.odds is None else f"{week.odds.met} of {week.odds.draws}"
    busy = "-" if week.odds is None else f"{week.odds.busy:.0%}"
    people = f"{week.staffing.fte:,.1f}", f"{week.staffing.rostered:,.1f}"
    figures = (f"{week.tasks:,.0f}", f"{week.low:,.0f}", f"{week.high:,.0f}", f"{week.hours:,.1f}")
    return (week.start.isoformat(), *figures, *people, kept, busy)


def show_week(week: Week, known: Known) -> None:
    """Shift by shift, and whom the first week lacks."""
    from adverdict.workforce.outlook import absent

    staffing, targets = week.staffing, known.operations.targets
    say("")
    say(f"week of {week.start.isoformat()}, shift by shift")
    rows = [
        (
            *_shift(need.shift),
            f"{ceil(need.on_duty - 1e-6):,}",
            f"{need.busy:.0%}" if need.on_duty > 1e-6 else "-",
            f"{need.fte:,.1f}",
            f"{need.rostered:,.1f}",
        )
        for need in staffing.needs
    ]
    rows += [(*_shift(shift), "away", "-", "0.0", "0.0") for shift in absent(known, week)]
    show([("team", "days", "hours", "heads", "busy", "needed", "rostered"), *rows], 3)
    show_gaps(week)
    if week.odds is not None:
        for queue, p90 in sorted(week.odds.wait_p90.items(), key=lambda one: -one[1])[:6]:
            aim = targets.hours(queue.kind)
            late, beside = aim is not None and p90 > aim, "" if aim is None else f"; target {aim:,.1f} h"
            times = f"half within {week.odds.wait_p50[queue]:,.1f} h, nine in ten within {p90:,.1f} h{beside}"
            say(f"{queue.kind} in {queue.market}: {times}", "red" if late else None)


def _shift(shift: Shift) -> tuple[str, str, str]:
    return shift.team, _days(shift.days), f"{shift.starts:%H:%M}-{shift.ends:%H:%M} {shift.zone}"


def show_gaps(week: Week) -> None:
    """What no number of people on these shifts mends; the week is named above it."""
    from adverdict.workforce.heads.when import mostly

    for lane, share in week.staffing.late:
        when = mostly(week.staffing.late_when[lane], week.start)
        say(f"{_lane(lane)}: {share:.1%} of the week's work comes due while nobody who may take it is there ({when})", "yellow")
    if week.staffing.late:
        say("that is late however many people work these shifts: it takes other hours, or later deadlines", "yellow")
    for lane, hours in week.staffing.untaken:
        say(f"{_lane(lane)}: nobody on the roster may take it; {hours:,.1f} hours a week", "red")


def _lane(lane: RoutingKey) -> str:
    about = f" about {', '.join(lane.policies)}" if lane.policies else ""
    return f"{lane.market}{f' in {lane.language}' if lane.language else ''}{' (senior)' if lane.senior else ''}{about}"


def _days(days: tuple[int, ...]) -> str:
    from adverdict.workforce.operations.roster import DAYS

    return (
        "+".join(DAYS[day] for day in days)
        if days != tuple(range(days[0], days[-1] + 1)) or len(days) < 3
        else f"{DAYS[days[0]]}-{DAYS[days[-1]]}"
    )


def show_scenario(found: Scenario) -> None:
    from adverdict.workforce.scenario import launch_notes

    say(f"{found.after.change.name}, beside the plan as it is", "bold")
    names = ("week", "tasks", "with it", "hours", "with it", "people", "with it", "kept", "with it")
    rows = []
    for week in found.weeks:
        both = week.before, week.after
        rows.append(
            (
                week.start.isoformat(),
                *(f"{one.tasks:,.0f}" for one in both),
                *(f"{one.hours:,.1f}" for one in both),
                *(f"{one.staffing.fte:,.1f}" for one in both),
                *("-" if one.odds is None else f"{one.odds.met}/{one.odds.draws}" for one in both),
            )
        )
    show([names, *rows])
    last = found.weeks[-1]
    tasks = f"{last.tasks:+,.0f} tasks ({last.after.low:,.0f} to {last.after.high:,.0f} in all)"
    say(f"in the last week: {tasks}, {last.hours:+,.1f} hours, {last.fte:+,.1f} people")
    _say_slowest(found)
    for note in launch_notes(found):
        say(note, "yellow")
    if last.after.staffing.late or last.after.staffing.untaken:
        say(f"week of {last.start.isoformat()}, with it")
        show_gaps(last.after)


def _say_slowest(found: Scenario) -> None:
    """Of the week in which reviews take longest with the change: the market in which they do, with it and without."""
    asked = [(slowest, week) for week in found.weeks if (slowest := _slowest(week.after)) is not None]
    if asked:
        (hours, market), week = max(asked, key=lambda one: one[0][0])
        before = _slowest(week.before)
        beside = f"; without it within {before[0]:,.1f} h in {before[1]}" if before else ""
        where = f"in the week of {week.start.isoformat()}: nine in ten within {hours:,.1f} h in {market}, the slowest market"
        say(f"reviews wait longest {where}{beside}")


def _slowest(week: Week) -> tuple[float, str] | None:
    """Hours within which nine in ten reviews are answered, and the market in which that takes longest."""
    told = [(hours, queue.market) for queue, hours in week.odds.wait_p90.items() if queue.kind == "review"] if week.odds else []
    return max(told) if told else None


def show_suggestions(found: Sequence[Suggestion]) -> None:
    if not found:
        say("every day is explained by its weekday, its level and the declared events")
        return
    say("days that nothing declared explains; lines for events.csv, with a kind and a name that say what happened:", "bold")
    say("name,kind,starts,ends,markets,surfaces,expected_factor")
    for one in found:
        name = one.holiday or f"what happened on {one.starts.isoformat()}?"
        kind, markets = "holiday" if one.holiday else "unknown", "+".join(one.markets)
        say(f"{name},{kind},{one.starts.isoformat()},{one.ends.isoformat()},{markets},,{one.factor:.2f}")
