"""``adverdict workforce scenario``: what a change does to tasks, hours and people."""

from __future__ import annotations

from adverdict.cli.options import Json
from adverdict.cli.workforce import changes
from adverdict.cli.workforce.shared import OperationsFolder, Weeks, knowing


def scenario_command(
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
    json: Json = None,
) -> None:
    """Tasks, hours, people and waits by week, without a change and with it: a roll-out, policies, a rescoring, a launch, absence."""
    asked = changes.Asked(rollout, share, policies, rescoring, launch, like, ads_per_day, absence, reviews, days)
    with knowing(operations) as (ledger, known):
        from adverdict.cli.console import Bars, write_json
        from adverdict.cli.tables import say
        from adverdict.cli.workforce.tables import show_scenario
        from adverdict.domain.errors import InvalidSettings, Mistake
        from adverdict.workforce.scenario import launch_notes, refusal_beside, scenario
        from adverdict.workforce.told import told

        change = asked.change(ledger, known)
        if change is None:
            raise InvalidSettings("no change was named:", [Mistake("change", "(none)", changes.EXPECTED)])
        with Bars() as bars:
            found = scenario(known, weeks, change, progress=bars)
        show_scenario(found)
        why = refusal_beside(found)
        if why:
            say(f"the roster cannot carry it: {why}", "red")
        if json:
            write_json(json, {"before": told(found.before), "after": told(found.after), "refusal": why, "notes": launch_notes(found)})
