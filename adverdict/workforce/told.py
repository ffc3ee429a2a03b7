"""An outlook for machines: the same for the command line, HTTP and the console."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from adverdict.workforce.heads.ahead import Overdue, Waiting
from adverdict.workforce.heads.when import mostly
from adverdict.workforce.outlook import Outlook, Week, absent
from adverdict.workforce.volume.history import WEEK

SHIFTS = ("week", "team", "days", "starts", "ends", "zone", "people_on_duty", "people_needed", "people_rostered")


def told(made: Outlook) -> dict[str, Any]:
    """Numbers as they are, rounded for no reader."""
    past = made.forecast.past
    return {
        "change": made.change.name,
        "counted": made.known.seq,
        "operations": made.known.operations.digest,
        "rostered": made.known.rostered,
        "wape": past and past.wape(past.predicted),
        "wape_naive": past and past.wape(past.naive),
        "wape_floor": past and past.floor(),
        "weeks": [{**_week(made, week), "events": _events(made, week)} for week in made.weeks],
    }


def told_due(at: datetime, there: Sequence[Waiting], found: Sequence[Overdue]) -> dict[str, Any]:
    """What will be past due, for the page of the queues."""
    return {
        "at": at.isoformat(),
        "waiting": len(there),
        "overdue": sum(one.due <= 0 for one in there),
        "marks": [
            {
                "hours": one.hours,
                "p50": one.p50,
                "p90": one.p90,
                "queues": [
                    {"market": queue.market, "kind": queue.kind, "tasks": tasks}
                    for queue, tasks in sorted(one.by_queue.items(), key=lambda pair: -pair[1])
                ],
            }
            for one in found
        ],
    }


def shift_rows(made: Outlook) -> list[list[str]]:
    """For a roster tool: people on each shift of each week; none where all of a team are away."""
    from adverdict.workforce.operations.roster import DAYS

    found = []
    for week in made.weeks:
        needs = [(need.shift, need.on_duty, need.fte, need.rostered) for need in week.staffing.needs]
        needs += [(shift, 0.0, 0.0, 0.0) for shift in absent(made.known, week)]
        for shift, *people in needs:
            days = "+".join(DAYS[day] for day in shift.days)
            hours = f"{shift.starts:%H:%M}", f"{shift.ends:%H:%M}"
            found.append([week.start.isoformat(), shift.team, days, *hours, shift.zone, *(f"{one:.2f}" for one in people)])
    return found


def _events(made: Outlook, week: Week) -> list[str]:
    """Names of the declared events that touch the week, with their markets."""
    end = week.start + timedelta(days=WEEK)
    there = [one for one in made.known.operations.events if one.starts < end and one.ends >= week.start]
    return [f"{one.name} ({', '.join(one.markets) or 'all'})" for one in there]


def _week(made: Outlook, week: Week) -> dict[str, Any]:
    staffing, odds = week.staffing, week.odds
    return {
        "week": week.start.isoformat(),
        "tasks": week.tasks,
        "low": week.low,
        "high": week.high,
        "hours": week.hours,
        "people_needed": staffing.fte,
        "people_rostered": staffing.rostered,
        "decided_by": list(staffing.binds),
        "kept": None if odds is None else {"weeks": odds.met, "of": odds.draws, "interval": list(odds.interval()), "busy": odds.busy},
        "in_time": None if odds is None else dict(odds.in_time),
        "queues": [
            {
                "market": cell.queue.market,
                "kind": cell.queue.kind,
                "tasks": cell.tasks,
                "low": cell.low,
                "high": cell.high,
                "hours": cell.hours,
                "seconds": cell.took.seconds,
                "measured_on": cell.took.pool,
                "last_week": cell.naive,
                "least_error": cell.floor,
                "wait_p50_hours": None if odds is None else odds.wait_p50.get(cell.queue),
                "wait_p90_hours": None if odds is None else odds.wait_p90.get(cell.queue),
                "wait_target_hours": made.known.operations.targets.hours(cell.queue.kind),
            }
            for cell in week.cells
        ],
        "late": [
            {
                "market": lane.market,
                "language": lane.language,
                "senior": lane.senior,
                "share": share,
                "when": mostly(staffing.late_when[lane], week.start),
            }
            for lane, share in staffing.late
        ],
        "untaken": [
            {"market": lane.market, "language": lane.language, "senior": lane.senior, "hours": hours} for lane, hours in staffing.untaken
        ],
    }
