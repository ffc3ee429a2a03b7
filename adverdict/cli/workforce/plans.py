"""``adverdict workforce plan``: plans kept on record and scored when their weeks are over."""

from __future__ import annotations

import getpass
from typing import Annotated

import typer

from adverdict.cli.door import door, ledger_of
from adverdict.cli.options import Json
from adverdict.cli.workforce import changes
from adverdict.cli.workforce.shared import By, OperationsFolder, Weeks, knowing

app = typer.Typer(help="Plans kept on record, and scored when their weeks are over.", no_args_is_help=True)


@app.command("save")
def save_command(
    name: Annotated[str, typer.Option("--name", help="By which people will know it.")],
    weeks: Weeks = 8,
    rollout: changes.Rollout = None,
    share: changes.Share = 1.0,
    policies: changes.Policies = None,
    rescoring: changes.Rescoring = None,
    launch: changes.Launching = None,
    like: changes.Like = None,
    ads_per_day: changes.AdsPerDay = None,
    absence: changes.Absence = 0.0,
    reviews: changes.Reviews = None,
    days: changes.Days = 14,
    operations: OperationsFolder = None,
    by: By = None,
    json: Json = None,
) -> None:
    """Put the plan of the next weeks on record, with a change or as it is: what is forecast, for whom, and with which targets."""
    asked = changes.Asked(rollout, share, policies, rescoring, launch, like, ads_per_day, absence, reviews, days)
    with knowing(operations) as (ledger, known):
        from adverdict.cli.console import Bars, write_json
        from adverdict.cli.tables import say
        from adverdict.ledger.store import now
        from adverdict.workforce.outlook import outlook
        from adverdict.workforce.plans.store import plans, save

        change = asked.change(ledger, known)
        with Bars() as bars:
            made = outlook(known, weeks, change, progress=bars)
        same = [plan for plan, _, body in plans(ledger) if body.name == name.strip()]
        plan_id = save(ledger, made, name, by or getpass.getuser(), now())
        say(f"{plan_id} is on record ({made.change.name}); 'adverdict workforce plan score' says later what it was worth")
        if same:
            say(f"of the same name {'are' if len(same) > 1 else 'is'} {', '.join(same)}; every one is kept, and scored", "yellow")
        if json:
            write_json(json, {"plan_id": plan_id})


@app.command("show")
def show_command(
    plan: Annotated[str, typer.Argument(help="As 'adverdict workforce plan list' shows it.")],
    market: Annotated[list[str] | None, typer.Option("--market", help="Only this market's queues. Repeat for several.")] = None,
    json: Json = None,
) -> None:
    """A plan on record: its weeks and queues, by which targets, by whom and when, and its scores."""
    with door() as settings, ledger_of(settings) as ledger:
        from adverdict.cli.console import write_json
        from adverdict.cli.workforce.shown import show_plan
        from adverdict.domain.errors import InvalidSettings, Mistake
        from adverdict.workforce.plans.store import dated_plan, scores

        at, body = dated_plan(ledger, plan)
        there = sorted({cell.market for cell in body.cells})
        wrong = [Mistake("--market", one, f"a market of this plan: {', '.join(there)}") for one in market or () if one not in there]
        if wrong:
            raise InvalidSettings("no such market:", wrong)
        show_plan(plan, at, body, market or there, scores(ledger).get(plan, []))
        if json:
            write_json(json, {"plan_id": plan, "at": at.isoformat(), **body.model_dump(mode="json")})


@app.command("list")
def list_command(json: Json = None) -> None:
    """Plans on record, each with the scores of the weeks that are over."""
    with door() as settings, ledger_of(settings) as ledger:
        from adverdict.cli.console import write_json
        from adverdict.cli.workforce.shown import show_plans
        from adverdict.workforce.plans.store import plans, scores

        found, scored = plans(ledger), scores(ledger)
        show_plans(found, scored)
        if json:
            told = [
                {
                    "plan_id": plan,
                    "at": at.isoformat(),
                    **body.model_dump(mode="json"),
                    "scores": [one.model_dump(mode="json") for one in scored.get(plan, [])],
                }
                for plan, at, body in found
            ]
            write_json(json, {"plans": told})


@app.command("score")
def score_command(
    plan: Annotated[str | None, typer.Option("--plan", help="As 'adverdict workforce plan list' shows it; all otherwise.")] = None,
    operations: OperationsFolder = None,
    by: By = None,
) -> None:
    """Score the weeks that are over: how far off they were, and whether volume, conversion, time or absence was the cause."""
    with knowing(operations) as (ledger, known):
        from adverdict.cli.tables import say
        from adverdict.cli.workforce.shown import show_scores
        from adverdict.ledger.store import now
        from adverdict.workforce.plans.store import score_plans

        made = score_plans(ledger, known.history, known.operations, known.lease_seconds, by or getpass.getuser(), now(), plan)
        for plan_id in dict.fromkeys(one.plan for one in made):
            say(plan_id, "bold")
            show_scores([one for one in made if one.plan == plan_id])
        if not made:
            say("no week of a plan is over that was not scored already")


def simulate_command(
    weeks: Weeks = 1,
    plan: Annotated[str | None, typer.Option("--plan", help="One on record, instead of what is forecast now.")] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="The same seed draws the same weeks.")] = 0,
    operations: OperationsFolder = None,
) -> None:
    """Let the twin of the queue work through the next weeks, or a plan's, with the roster: who waits how long, and how many are in time."""
    with knowing(operations) as (ledger, known):
        from dataclasses import replace

        from adverdict.cli.tables import say
        from adverdict.cli.workforce.tables import show
        from adverdict.workforce.outlook import outlook
        from adverdict.workforce.plans.simulated import simulated
        from adverdict.workforce.plans.store import plan_on_record

        known.must_be_rostered()
        seeded = replace(known, seed=seed)
        body = None if plan is None else plan_on_record(ledger, plan)
        lived = ((week.start, week.odds) for week in outlook(seeded, weeks).weeks) if body is None else simulated(seeded, body, weeks)
        there = {queue.market for queue in known.shapes}
        for market in sorted({cell.market for cell in body.cells} - there if body else ()):
            say(f"{market} has no task on record yet: the languages and hours of its tasks are taken from another market", "yellow")
        for start, odds in lived:
            assert odds is not None, "there is a roster"
            kept = f"every target kept in {odds.met} of {odds.draws} simulated weeks"
            say(f"week of {start.isoformat()}: {kept}, people busy {odds.busy:.0%}", "bold")
            say(", ".join(f"{kind} {share:.1%} in time" for kind, share in odds.in_time.items()))
            rows = [
                (queue.market, queue.kind, f"{odds.wait_p50[queue]:,.1f}", f"{p90:,.1f}") for queue, p90 in sorted(odds.wait_p90.items())
            ]
            show([("market", "kind", "p50 hours", "p90 hours"), *rows], 2)
