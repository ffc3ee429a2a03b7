"""``adverdict workforce``: how much work comes, how many people it needs, and what a change does to both."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from adverdict.cli.options import Json
from adverdict.cli.workforce import events, plans, scenarios
from adverdict.cli.workforce.shared import Csv, InTime, Market, Occupancy, OperationsFolder, Weeks, knowing, markets, write_csv

if TYPE_CHECKING:
    from adverdict.workforce.outlook import Known

app = typer.Typer(help="How much work comes, how many people it needs, and what a change does to both.", no_args_is_help=True)
app.add_typer(events.app, name="events")
app.add_typer(plans.app, name="plan")
app.command("scenario")(scenarios.scenario_command)
app.command("simulate")(plans.simulate_command)


@app.command("volume")
def volume_command(
    weeks: Annotated[int, typer.Option("--weeks", min=1, max=52, help="Whole weeks back.")] = 8,
    market: Market = None,
    operations: OperationsFolder = None,
    rebuild: Annotated[bool, typer.Option("--rebuild", help="Count the whole ledger anew first.")] = False,
    csv: Csv = None,
) -> None:
    """What came: submissions and tasks by week and market, how long reviews take, and how long advertisers wait."""
    from datetime import UTC, datetime, time, timedelta

    with knowing(operations) as (ledger, known):
        from adverdict.cli.workforce.tables import show_volume
        from adverdict.ledger.store import now
        from adverdict.review.period import Period
        from adverdict.workforce.volume import projection, waits

        if rebuild:
            projection.rebuild(ledger)
        chosen = markets(known, market)
        rows = _weeks(known, weeks, chosen)
        end = datetime.combine(known.history.end, time(), UTC)
        waited = waits.measured(ledger, Period(end - timedelta(days=7 * weeks), now()), now())
        show_volume(rows, known.practice, [one for one in waited if not one.market or one.market in chosen], known.operations.targets)
        if csv:
            write_csv(csv, ["week", "market", "submissions", "review", "audit", "double", "senior", "appeal"], rows)


def _weeks(known: Known, weeks: int, chosen: frozenset[str]) -> list[list[str]]:
    """Whole weeks up to the last midnight, latest last."""
    from datetime import timedelta

    history, found = known.history, []
    for back in range(min(weeks, history.days // 7), 0, -1):
        days = slice(history.days - 7 * back, history.days - 7 * (back - 1))
        for market in sorted(chosen):
            tasks = {queue.kind: history.opened[row, days].sum() for row, queue in enumerate(history.queues) if queue.market == market}
            counts = (
                history.of_market(market)[days].sum(),
                *(tasks.get(kind, 0) for kind in ("review", "audit", "double", "senior", "appeal")),
            )
            found.append([(history.end - timedelta(days=7 * back)).isoformat(), market, *(f"{count:.0f}" for count in counts)])
    return found


@app.command("forecast")
def forecast_command(
    weeks: Weeks = 8, market: Market = None, operations: OperationsFolder = None, csv: Csv = None, json: Json = None
) -> None:
    """Tasks of the next weeks by market and kind, with bands, beside the last week and the least error anybody could have."""
    with knowing(operations) as (_, known):
        from adverdict.cli.console import write_json
        from adverdict.cli.workforce.tables import FORECAST, forecast_rows, show_forecast
        from adverdict.workforce.outlook import outlook
        from adverdict.workforce.told import told

        chosen = markets(known, market)
        made = outlook(known, weeks, twin=False)
        show_forecast(made, chosen)
        if csv:
            write_csv(csv, list(FORECAST), [[cell.replace(",", "") for cell in row] for row in forecast_rows(made, chosen)])
        if json:
            write_json(json, told(made))


@app.command("due")
def due_command(operations: OperationsFolder = None, json: Json = None) -> None:
    """What will be past due in the next hours: tasks that wait and tasks that come, with the people on the roster."""
    with knowing(operations) as (ledger, known):
        from adverdict.cli.console import write_json
        from adverdict.cli.workforce.tables import show_due
        from adverdict.ledger.store import now
        from adverdict.workforce.forecast.forecast import point
        from adverdict.workforce.heads.ahead import overdue, waiting
        from adverdict.workforce.told import told_due

        known.must_be_rostered()
        at, there = now(), waiting(ledger, now())
        coming = point(known.history, known.operations.events, 14)
        found = overdue(there, coming, known.shapes, known.seconds, known.operations, at, variation=known.practice.variation)
        show_due(there, found)
        if json:
            write_json(json, told_due(at, there, found))


@app.command("staff")
def staff_command(
    weeks: Weeks = 8,
    target: InTime = None,
    occupancy: Occupancy = None,
    operations: OperationsFolder = None,
    csv: Csv = None,
    json: Json = None,
) -> None:
    """People needed on each shift, beside the roster; how likely it keeps its targets, who is missing, and what decides it."""
    with knowing(operations, target, occupancy) as (_, known):
        from adverdict.cli.console import Bars, write_json
        from adverdict.cli.workforce.tables import show_declared, show_staff
        from adverdict.workforce.outlook import outlook
        from adverdict.workforce.told import SHIFTS, shift_rows, told

        with Bars() as bars:
            made = outlook(known, weeks, progress=bars)
        show_staff(made)
        show_declared(known.operations)
        if csv:
            write_csv(csv, list(SHIFTS), shift_rows(made))
        if json:
            write_json(json, told(made))
