"""``adverdict workforce scenario``: what a change does to tasks, hours and people."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from adverdict.cli.options import Json
from adverdict.cli.workforce.shared import OperationsFolder, Weeks, knowing

if TYPE_CHECKING:
    from adverdict.domain.verdict import Verdict
    from adverdict.ledger.store import Ledger
    from adverdict.workforce.change import Change
    from adverdict.workforce.effects import Shares
    from adverdict.workforce.outlook import Known


def scenario_command(
    weeks: Weeks = 8,
    rollout: Annotated[str | None, typer.Option("--rollout", metavar="ID", help="What it does, by its shadow or by past ads.")] = None,
    share: Annotated[float, typer.Option("--share", min=0.01, max=1.0, help="Of advertisers that --rollout decides for.")] = 1.0,
    policies: Annotated[Path | None, typer.Option("--policies", help="Another folder of policy files, tried on past ads.")] = None,
    rescoring: Annotated[
        str | None, typer.Option("--rescoring", metavar="OUT", help="Reviews that applying it opens; with --launch, that market's ads.")
    ] = None,
    launch: Annotated[str | None, typer.Option("--launch", metavar="MARKET", help="A market that is to open.")] = None,
    like: Annotated[str | None, typer.Option("--like", metavar="M1,M2", help="Markets it will be like.")] = None,
    ads_per_day: Annotated[float | None, typer.Option("--ads-per-day", help="Of the new market, once it has grown up.")] = None,
    absence: Annotated[float, typer.Option("--absence", min=0.0, max=0.9, help="Share of paid hours that people are away besides.")] = 0.0,
    reviews: Annotated[list[str] | None, typer.Option("--reviews", metavar="SE=1.2", help="Times as many reviews there. Repeat.")] = None,
    days: Annotated[int, typer.Option("--days", min=1, max=90, help="Days of past ads that --policies or --rollout is tried on.")] = 14,
    operations: OperationsFolder = None,
    json: Json = None,
) -> None:
    """Tasks, hours, people and waits by week, without a change and with it: a roll-out, policies, a rescoring, a launch, absence."""
    with knowing(operations) as (ledger, known):
        from adverdict.cli.console import Bars, write_json
        from adverdict.cli.workforce.tables import show_scenario
        from adverdict.domain.errors import InvalidSettings, Mistake
        from adverdict.workforce.scenario import launch_of, refusal_beside, scenario
        from adverdict.workforce.told import told

        alone = None if launch else rescoring  # with --launch it says what becomes of the new market's ads
        asked = [
            name
            for name, value in {
                "--rollout": rollout,
                "--policies": policies,
                "--rescoring": alone,
                "--launch": launch,
                "--reviews": reviews,
            }.items()
            if value
        ]
        if len(asked) > 1 or not (asked or absence):
            expected = "one of --rollout, --policies, --rescoring, --launch, --reviews, and --absence with any or alone"
            heading = "one change at a time:" if asked else "no change was named:"
            raise InvalidSettings(heading, [Mistake("scenario", " ".join(asked) or "(none)", expected)])
        if rollout:
            change = _rollout(ledger, known, rollout, share, days)
        elif policies:
            change = _policies(ledger, known, policies, days)
        elif alone:
            change = _rescoring(ledger, alone)
        elif launch:
            decided = _decided(ledger, rescoring, launch) if rescoring else None
            named = tuple(one.strip() for one in (like or "").split(",") if one.strip())
            change = _named(f"{launch} opens", launch=launch_of(known.history, launch, named, ads_per_day, decided))
        else:
            change = _reviews(known, reviews) if reviews else _named(f"{absence:.0%} more absence")
        from dataclasses import replace

        change = replace(change, absence=absence)
        with Bars() as bars:
            found = scenario(known, weeks, change, progress=bars)
        show_scenario(found)
        why = refusal_beside(found)
        if why:
            from adverdict.cli.tables import say

            say(f"the roster cannot carry it: {why}", "red")
        if json:
            write_json(json, {"before": told(found.before), "after": told(found.after), "refusal": why})


def _named(name: str, **parts: object) -> Change:
    from adverdict.workforce.change import Change

    return Change(name, **parts)  # type: ignore[arg-type]  # fields of it


def _reviews(known: Known, told: list[str]) -> Change:
    """Raises InvalidInput with every mistake, what is no number among them."""
    from adverdict.domain.errors import InvalidInput, Mistake
    from adverdict.workforce.scenario import of_reviews

    found, wrong = dict[str, float](), []
    for one in told:
        market, _, factor = one.partition("=")
        try:
            found[market] = float(factor)
        except ValueError:
            wrong.append(Mistake("reviews", one, "a market and how many times as many reviews, such as SE=1.2"))
    try:
        change = of_reviews(known.history, found)
    except InvalidInput as refused:
        wrong += refused.mistakes
    if wrong:
        raise InvalidInput("the change cannot be planned:", wrong)
    return change


def _policies(ledger: Ledger, known: Known, folder: Path, days: int) -> Change:
    """Both folders on the risks of ads on record."""
    import os
    from datetime import UTC, datetime, time, timedelta

    from adverdict.decisions.files.read import read_policies
    from adverdict.domain.settings import read_settings
    from adverdict.ledger.store import now
    from adverdict.review.period import Period
    from adverdict.workforce.effects import change_of
    from adverdict.workforce.redecided import Rules, shares
    from adverdict.workforce.returns import returns

    end = datetime.combine(known.history.end, time(), UTC)
    period = Period(end - timedelta(days=days), now())
    found = shares(ledger, period, Rules(read_policies(read_settings(os.environ).policies)), Rules(read_policies(folder)))
    _say_shares(found, "past ads")
    back = returns(ledger, known.history)
    return change_of(f"policies of {folder}", found, rejected_by_people=back.rejected_by_people, come_back=back.come_back)


def _rollout(ledger: Ledger, known: Known, rollout_id: str, share: float, days: int) -> Change:
    """Of the candidate, for a share of the advertisers."""
    from adverdict.cli.tables import say
    from adverdict.ledger.in_force.rollouts import rollouts_now
    from adverdict.workforce.effects import partly
    from adverdict.workforce.trial import of_rollout

    change, tried = of_rollout(ledger, known.history, known.practice, rollouts_now(ledger)[rollout_id], days)
    _say_shares(tried.shares, "ads that came since its shadow began" if tried.shadow else "past ads")
    taken = f"took {tried.seconds:.2f} times as long as others" if tried.seconds != 1 else "say too little of how long such ads take"
    say(f"the {tried.read:,} readings of ads that it decides otherwise {taken}")
    return partly(change, share)


def _say_shares(found: Sequence[Shares], which: str) -> None:
    from adverdict.cli.tables import say

    for one in found:
        say(
            f"{one.market}: of {one.ads:,} {which} {one.reviewed_before:,} went to people, {one.reviewed_after:,} would; "
            f"{one.rejected_before:,} were rejected automatically, {one.rejected_after:,} would be"
        )


def _decided(ledger: Ledger, out: str, market: str) -> dict[Verdict, int]:
    """What became of a new market's ads, none of which is on record, in a rescoring of them."""
    from collections import Counter

    from adverdict.rescoring.diff.diff import diff
    from adverdict.rescoring.diff.record import LedgerRecord
    from adverdict.rescoring.folder.manifest import RunFolder
    from adverdict.workforce.handling import HandlingTimes

    found = diff(RunFolder.open(out), LedgerRecord.now(ledger), HandlingTimes())
    counted = Counter[Verdict]()
    for one in found.unrecorded:
        if one.market == market:
            counted[one.verdict] += one.ads
    return dict(counted)


def _rescoring(ledger: Ledger, out: str) -> Change:
    """What applying would open, also of ads not on record yet."""
    from adverdict.rescoring.diff.diff import diff
    from adverdict.rescoring.diff.record import LedgerRecord
    from adverdict.rescoring.folder.manifest import RunFolder
    from adverdict.workforce.change import Change
    from adverdict.workforce.handling import HandlingTimes
    from adverdict.workforce.volume.history import Queue

    found = diff(RunFolder.open(out), LedgerRecord.now(ledger), HandlingTimes())
    once = {Queue(one.market, "review"): float(one.opened + one.first - one.closed) for one in found.reviews}
    return Change(f"rescoring {found.run.run_id} applied", once={queue: max(0.0, tasks) for queue, tasks in once.items()})
