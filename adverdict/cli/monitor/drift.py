"""``adverdict monitor inputs``, ``reviewers`` and ``drift``: what comes in, who reads it, and what a risk means, beside before."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from adverdict.cli.door import door, ledger_of
from adverdict.cli.options import Json, Model, PolicyFiles
from adverdict.cli.workforce.shared import OperationsFolder

app = typer.Typer()


@app.command("inputs")
def inputs_command(operations: OperationsFolder = None, json: Json = None) -> None:
    """What comes in otherwise than in the four weeks before: missing fields, languages, formats, by caller; and volume against forecast."""
    from adverdict.cli.console import out, printable, write_json
    from adverdict.cli.workforce.shared import knowing

    with knowing(operations) as (ledger, known):
        from adverdict.ledger.store import now
        from adverdict.monitoring.following.follower import follow
        from adverdict.monitoring.inputs import input_changes, volume_weeks

        changes = input_changes(follow(ledger, now()))
        weeks = volume_weeks(known.history, known.operations.events)
        for change in changes:
            out.print(printable(change.sentence), highlight=False, markup=False)
        if not changes:
            out.print("nothing came in otherwise, as far as days with 20 ads of a caller in a market tell")
        for week in weeks:
            if week.off:
                told = (
                    f"{week.came:,.0f} ads came in {week.market} in the last week on record, and {week.forecast:,.0f} were to be expected"
                )
                out.print(f"{told}: adverdict workforce events suggest", highlight=False)
        if json:
            volumes = [{**asdict(one), "off": one.off} for one in weeks]
            write_json(json, {"changes": [{**asdict(one), "says": one.sentence} for one in changes], "volumes": volumes})


@app.command("reviewers")
def reviewers_command(
    weeks: Annotated[int, typer.Option("--weeks", min=3, max=26, help="The last two are compared with those before.")] = 8,
    json: Json = None,
) -> None:
    """Golden tasks and second readings by week, and whose reading has become worse."""
    from adverdict.cli.console import out, printable, write_json
    from adverdict.cli.tables import columns

    with door() as settings:
        from adverdict.ledger.store import now
        from adverdict.monitoring.readers import reader_changes, reader_weeks

        with ledger_of(settings) as ledger:
            found = reader_weeks(ledger, now(), weeks)
        changes = reader_changes(found)
        if found:
            names = (
                "reviewer",
                "answers",
                *(f"{weeks - number - 1} weeks ago" if number < weeks - 1 else "last week" for number in range(weeks)),
            )
            table = columns(names, left=names[:2])
            for reviewer, told in sorted(found.items()):
                table.add_row(reviewer, "golden, right", *(f"{one.right}/{one.golden}" if one.golden else "" for one in told))
                table.add_row("", "read twice, agreed", *(f"{one.agreed}/{one.read_twice}" if one.read_twice else "" for one in told))
            out.print(table)
        for change in changes:
            out.print(printable(change.sentence), highlight=False, markup=False)
        if not changes:
            out.print("nobody's reading has become worse, as far as 20 answers before and since tell")
        if json:
            by_week = {name: [asdict(one) for one in told] for name, told in found.items()}
            write_json(json, {"weeks": by_week, "changes": [{**asdict(one), "says": one.sentence} for one in changes]})


@app.command("drift")
def drift_command(
    policy: Annotated[str, typer.Option("--policy", help="Whose risks are compared.")],
    since: Annotated[str, typer.Option("--since", help="From when on something may have changed: a day, or a time; UTC.")],
    market: Annotated[str | None, typer.Option("--market", help="Only this market; all of them otherwise.")] = None,
    days: Annotated[int, typer.Option("--days", min=1, max=400, help="Before that, to compare with.")] = 90,
    model: Model = None,
    policy_files: PolicyFiles = None,
    json: Json = None,
) -> None:
    """What has changed since a day: the ads, how many violate, what a risk means, nothing, or that it cannot be told."""
    from adverdict.cli.console import out, write_json
    from adverdict.cli.moments import moment

    with door(model=model, policies=policy_files) as settings:
        from adverdict.decisions.files.fields import one_of
        from adverdict.domain.errors import InvalidSettings, Mistake
        from adverdict.monitoring.compare import compare
        from adverdict.scoring.bootstrap import bootstrap

        installation = bootstrap(settings)
        book = installation.book
        mistakes = [] if policy in book.names else [Mistake("--policy", policy, f"a policy that is in force: {one_of(book.names, policy)}")]
        if market is not None and not book.knows(market):
            mistakes.append(Mistake("--market", market, f"a market with a file: {one_of(book.markets, market)}"))
        if mistakes:
            raise InvalidSettings("nothing to compare", mistakes)
        changed = moment("--since", since)
        issued = installation.find().issued(book.hash)
        ours = [one for one in issued.certificates if one.policy == policy and market in (None, *one.served)] if issued else []
        below = max((one.approve_below for one in ours), default=0.0)
        with ledger_of(settings) as ledger:
            found = compare(ledger, policy, market, changed, days, below)
        told = found.attribution
        out.print(f"{told.drift}: {told.sentence}", highlight=False)
        read = f"people judged the first ads of {told.labels[0]:,} and {told.labels[1]:,} of them"
        out.print(f"{found.before:,} advertisers before, {found.since:,} since; {read}", highlight=False)
        alike = f"risks mean what they did, p = {told.p_meaning:.2g}; they are spread as they were, p = {told.p_spread:.2g}"
        out.print(alike, highlight=False)
        if json:
            short = {str(zone): n for zone, n in told.short.items()}
            figures = {
                "drift": str(told.drift),
                "level": told.level,
                "labels": list(told.labels),
                "short": short,
                "p_meaning": told.p_meaning,
            }
            write_json(json, {**figures, "p_spread": told.p_spread, "advertisers": [found.before, found.since]})
