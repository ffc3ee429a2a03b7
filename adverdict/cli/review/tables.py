"""What the commands about review print."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from adverdict.cli.console import err, out, printable
from adverdict.cli.tables import columns
from adverdict.domain.formats import counted, number, with_interval

if TYPE_CHECKING:
    from adverdict.review.labels.export import Exported, Stratum
    from adverdict.review.quality.estimates import Estimate
    from adverdict.review.quality.prevalence import AuditShare
    from adverdict.review.quality.quality import QualityReport, ReviewerQuality
    from adverdict.review.queue import QueueDepth
    from adverdict.review.tasks.golden import Removed
    from adverdict.review.tasks.routing import Reviewer

LEFT = frozenset(
    {"policy", "market", "reviewer", "name", "markets", "language", "languages", "policies", "kind", "senior", "active", "of those"}
)
"""Columns of words."""
SPELLED = 2
"""Policies of a queue that are named."""
FEWEST = 10.0
"""Ads of known truth that a rate must be worth; below, it says what was supposed beforehand."""


def show_exported(done: Exported) -> None:
    sources = ", ".join(f"{count:,} {source}" for source, count in done.sources.items())
    written = f"{counted(done.ads, 'ad')} and {counted(done.labels, 'label')} ({sources or 'none'})"
    out.print(f"{written} written to {done.folder}", highlight=False, markup=False)
    for stratum in done.strata:
        decisions = "decision" if stratum.decisions == 1 else "decisions"
        out.print(f"  {stratum.verdict:<8} {stratum.decisions:>9,} {decisions}, {_reading(stratum)}", highlight=False)
    if not done.labels:
        err.print("no label yet: there is nothing to train on", style="yellow")


def _reading(stratum: Stratum) -> str:
    chance = "left to people" if stratum.verdict == "review" else f"drawn for an audit with probability {stratum.probability or 0:g}"
    return f"{stratum.chosen:,} {chance}, {stratum.labelled:,} of these labelled so far"


def show_removed(done: Removed, compact: bool) -> None:
    tasks = f"{counted(done.tasks, 'task')} on {'it' if done.items == 1 else 'them'} withdrawn"
    out.print(f"{counted(done.items, 'golden item')} removed, {tasks}", highlight=False)
    if done.traces:
        why = "somebody is using the database: 'adverdict ledger erase' writes it anew too" if compact else "because of --no-compact"
        err.print(f"pieces of deleted rows may be left in the database's files; {why}", style="yellow")


def show_reviewers(registered: Sequence[Reviewer]) -> None:
    if not registered:
        out.print("nobody is registered: every API key for review reads everything that needs no senior", highlight=False)
        return
    table = columns(("name", "markets", "languages", "policies", "senior", "active"), left=LEFT, title="Reviewers")
    for reviewer in registered:
        skills = (", ".join(named) for named in (reviewer.markets, reviewer.languages, reviewer.policies))
        _add(table, reviewer.name, *skills, "yes" if reviewer.senior else "", "" if reviewer.active else "no")
    _show(table)
    out.print("nothing named means all; others read everything that needs no senior", highlight=False)


def show_queues(depths: Sequence[QueueDepth]) -> None:
    if not depths:
        out.print("nothing waits for people")
        return
    table = columns(
        ("market", "language", "kind", "open", "leased", "oldest", "overdue", "policies"), left=LEFT, title="Waiting for people"
    )
    for depth in depths:
        kind = f"{depth.kind}, senior" if depth.senior and depth.kind != "senior" else depth.kind
        counts = (f"{depth.open:,}", f"{depth.leased:,}", _age(depth.oldest_seconds), f"{depth.overdue:,}" if depth.overdue else "")
        _add(table, depth.market, depth.language or "–", kind, *counts, _some(depth.policies))
    _show(table)


def _some(policies: Sequence[str]) -> str:
    """A few of them, so that a queue has one line."""
    more = len(policies) - SPELLED
    return ", ".join(policies) if more <= 0 else f"{', '.join(policies[:SPELLED])} +{more}"


def show_untaken(depths: Sequence[QueueDepth], declared: Sequence[Reviewer]) -> None:
    """A line for each queue that nobody declared may take, with the skill that is missing."""
    from adverdict.review.tasks.tasks import RoutingKey
    from adverdict.review.tasks.untaken import why_nobody

    for depth in depths:
        why = why_nobody(RoutingKey(depth.market, depth.language, depth.senior, depth.policies), declared)
        if why and depth.open:
            asked = ", ".join(part for part in (depth.market, depth.language, *depth.policies, "senior" if depth.senior else None) if part)
            said = f"{counted(depth.open, 'open task')} ({asked}) {'has' if depth.open == 1 else 'have'} no declared reviewer: {why}"
            err.print(printable(said), style="yellow", markup=False, highlight=False)


def show_quality(report: QualityReport) -> None:
    """Automatic decisions by policy, then reviewers by policy, then what each did."""
    for table in (_decisions(report), _reviewers(report.reviewers), _work(report)):
        if table.row_count:
            _show(table)
        else:
            out.print(f"{table.title}: nothing on record", highlight=False)
    for quality in (*report.policies, *report.markets):
        if quality.problem:
            err.print(printable(f"{quality.policy}: {quality.problem}"), style="yellow", markup=False, highlight=False)


def _decisions(report: QualityReport) -> Table:
    """What was approved and violates, and what was rejected and does not: one line each, so that no figure is cut off at 80 columns."""
    names = ("policy", "market", "of those", "wrong", "read", "unread")
    table = columns(names, left=LEFT, title="Automatic decisions, by audits (95 % intervals)")
    for quality in (*report.policies, *report.markets):
        where = quality.policy, quality.market or "all"
        _add(table, *where, "approved", *_share(quality.leakage, quality.approved), f"{quality.unread:,}")
        _add(table, "", "", "rejected", *_share(quality.wrongful_rejection, quality.rejected), "")
    return table


def _reviewers(reviewers: Sequence[ReviewerQuality]) -> Table:
    names = ("policy", "reviewer", "finds violations", "clears the rest", "read", "golden")
    title = "Reviewers (95 % intervals, then the ads of known truth they are worth)"
    table = columns(names, left=LEFT, title=title)
    for reviewer in reviewers:
        rated = reviewer.quality
        rates = [f"{_interval(rate)}, {rate.n:,.0f}" if rate.n >= FEWEST else "–" for rate in (rated.sensitivity, rated.specificity)]
        name = rated.reviewer if reviewer.settled else f"{rated.reviewer} (not settled)"
        _add(table, reviewer.policy, name, *rates, f"{rated.readings:,}", f"{rated.golden:,}")
    return table


def _work(report: QualityReport) -> Table:
    table = columns(
        ("reviewer", "tasks", "golden", "seconds", "agreement", "cases"),
        left=LEFT,
        title="Work (agreement: with seniors, where one decided)",
    )
    for workload in report.workload:
        seconds = number(workload.median_seconds)
        agreed = ("–", "0") if workload.agreement is None else (_interval(workload.agreement), f"{workload.agreement.n:,.0f}")
        _add(table, workload.reviewer, f"{workload.tasks:,}", f"{workload.golden:,}", seconds, *agreed)
    return table


def _share(share: AuditShare | None, decisions: int) -> tuple[str, str]:
    if share is None:
        return "–", f"0 of {decisions:,}"
    return with_interval(share.value, share.low, share.high, ".2%"), f"{share.audited:,} of {share.decisions:,}"


def _interval(rate: Estimate) -> str:
    return with_interval(rate.value, rate.low, rate.high, ".0%")


def _age(seconds: float) -> str:
    return f"{seconds / 60:,.0f} min" if seconds < 7200 else f"{seconds / 3600:,.0f} h"


def _add(table: Table, *cells: str) -> None:
    """A row as it is: names of strangers are no markup."""
    table.add_row(*(Text(printable(cell)) for cell in cells))


def _show(table: Table) -> None:
    """The title on a line of its own: rich breaks it to the table's width."""
    title, table.title = table.title, None
    out.print(title, style="italic", highlight=False)
    out.print(table, highlight=False)
