"""Plans on record, as the commands print them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from adverdict.cli.tables import say
from adverdict.cli.workforce.tables import show
from adverdict.domain.formats import counted, moment

if TYPE_CHECKING:
    from datetime import datetime

    from pydantic import JsonValue

    from adverdict.ledger.entries import PlanMade, PlanScored


def show_plans(found: Sequence[tuple[str, datetime, PlanMade]], scored: dict[str, list[PlanScored]]) -> None:
    if not found:
        say("no plan is on record; to save one: adverdict workforce plan save --name …")
    for plan_id, at, body in found:
        weeks = f"{counted(len(body.weeks), 'week')} from {body.weeks[0].week.isoformat()}"
        say(f"{plan_id}  {body.name}: {body.change}, {weeks}, by {body.by}, {moment(at)}")
        show_scores(scored.get(plan_id, []))
    if found:
        say("weeks, queues and targets of one: adverdict workforce plan show ID")


def show_scores(found: Sequence[PlanScored]) -> None:
    if not found:
        return
    rows = [
        (
            one.week.isoformat(),
            f"{one.tasks:,.0f}",
            f"{one.wape:.1%}",
            f"{one.bias:+.1%}",
            f"{one.covered} of {one.queues}",
            f"{one.fte_error:+.1%}",
            one.cause or "none",
        )
        for one in found
    ]
    show([("  week", "tasks", "off by", "bias", "in band", "people", "cause"), *rows])
    causes = ("volume", "conversion", "time", "absence")
    say("  of which, on the people planned:")
    show([("  week", *causes), *((one.week.isoformat(), *(f"{one.by_cause[cause]:+.1%}" for cause in causes)) for one in found)])


def show_plan(plan_id: str, at: datetime, body: PlanMade, markets: Collection[str], scored: Sequence[PlanScored]) -> None:
    say(f"{plan_id}  {body.name}: {body.change}", "bold")
    say(f"by {body.by}, {moment(at)}, from the ledger up to entry {body.counted:,}; operations {body.operations[:16] or 'none declared'}")
    rows = [
        (
            one.week.isoformat(),
            f"{sum(cell.tasks for cell in body.cells if cell.week == one.week):,.0f}",
            f"{one.hours:,.1f}",
            f"{one.fte:,.1f}",
            f"{one.rostered:,.1f}",
            "-" if one.met is None else f"{one.met:.0%}",
            f"{one.absence:.0%}",
        )
        for one in body.weeks
    ]
    show([("week", "tasks", "hours", "people needed", "rostered", "kept", "away"), *rows])
    say("")
    cells = [cell for cell in body.cells if cell.market in markets]
    queues = [
        (
            cell.week.isoformat(),
            cell.market,
            cell.kind,
            *(f"{value:,.0f}" for value in (cell.tasks, cell.low, cell.high, cell.seconds, cell.submissions)),
        )
        for cell in cells
    ]
    show([("week", "market", "kind", "tasks", "P10", "P90", "seconds a task", "submissions"), *queues], 3)
    say("")
    say("; ".join(_targets(body.targets)))
    say("weeks are of all queues; kept: simulated weeks in which every kind was in time; away: share of paid hours")
    show_scores(scored)


def _targets(told: Mapping[str, JsonValue]) -> list[str]:
    """In words, as ``Targets`` has them; what says nothing is left out."""
    from adverdict.workforce.operations.rules import USUAL, Targets

    def words(by_kind: JsonValue, form: str) -> str:
        return ", ".join(f"{kind} {form.format(value)}" for kind, value in by_kind.items()) if isinstance(by_kind, dict) else ""

    in_time = told.get("in_time")
    shares_in_time: dict[str, JsonValue] = {USUAL: Targets().share(USUAL), **(in_time if isinstance(in_time, dict) else {})}
    found = [f"targets: in time {words(shares_in_time, '{:.0%}')}"]
    if hours := words(told.get("decided_hours"), "{:g} h"):
        found.append(f"nine in ten decided within {hours}")
    minutes = told.get("severe_minutes")
    if isinstance(minutes, (int, float)):
        found.append(f"severe content at most {minutes:g} minutes a day of anybody")
    shares = {"people busy at most": told.get("occupancy"), "kept with probability": told.get("met")}
    found += [f"{name} {value:.0%}" for name, value in shares.items() if isinstance(value, (int, float))]
    return found
