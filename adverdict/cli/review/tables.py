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

LEFT = frozenset({"policy", "market", "reviewer", "name", "markets", "language", "languages", "policies", "kind", "senior", "active"})
"""Columns of words."""


def show_exported(done: Exported) -> None:
    sources = ", ".join(f"{count:,} {source}" for source, count in done.sources.items())
    written = f"{counted(done.ads, 'ad')} and {counted(done.labels, 'label')} ({sources or 'none'})"
    out.print(f"{written} written to {done.folder}", highlight=False, markup=False)
    for one in done.strata:
        decisions = "decision" if one.decisions == 1 else "decisions"
        out.print(f"  {one.verdict:<8} {one.decisions:>9,} {decisions}, {_reading(one)}", highlight=False)
    if not done.labels:
        err.print("no label yet: there is nothing to train on", style="yellow")


def _reading(one: Stratum) -> str:
    chance = "left to people" if one.verdict == "review" else f"drawn for an audit with probability {one.probability or 0:g}"
    return f"{one.chosen:,} {chance}, {one.labelled:,} of these labelled so far"


def show_removed(done: Removed, compact: bool) -> None:
    tasks = f"{counted(done.tasks, 'task')} on {'it' if done.items == 1 else 'them'} withdrawn"
    out.print(f"{counted(done.items, 'golden item')} removed, {tasks}", highlight=False)
    if done.traces:
        why = "somebody is using the database: 'adverdict ledger erase' writes it anew too" if compact else "because of --no-compact"
        err.print(f"pieces of deleted rows may be left in the database's files; {why}", style="yellow")


def show_reviewers(found: Sequence[Reviewer]) -> None:
    if not found:
        out.print("nobody is registered: every API key for review reads everything that needs no senior", highlight=False)
        return
    table = columns(("name", "markets", "languages", "policies", "senior", "active"), left=LEFT, title="Reviewers")
    for one in found:
        skills = (", ".join(named) for named in (one.markets, one.languages, one.policies))
        _add(table, one.name, *skills, "yes" if one.senior else "", "" if one.active else "no")
    _show(table)
    out.print("nothing named means all; others read everything that needs no senior", highlight=False)


def show_queues(depths: Sequence[QueueDepth]) -> None:
    if not depths:
        out.print("nothing waits for people")
        return
    table = columns(
        ("market", "language", "kind", "policies", "open", "leased", "oldest", "overdue"), left=LEFT, title="Waiting for people"
    )
    for one in depths:
        kind = f"{one.kind}, senior" if one.senior and one.kind != "senior" else one.kind
        counts = (f"{one.open:,}", f"{one.leased:,}", _age(one.oldest_seconds), f"{one.overdue:,}" if one.overdue else "")
        _add(table, one.market, one.language or "–", kind, ", ".join(one.policies), *counts)
    _show(table)


def show_quality(found: QualityReport) -> None:
    """Automatic decisions by policy, then reviewers by policy, then what each did."""
    for table in (_decisions(found), _reviewers(found.reviewers), _work(found)):
        if table.row_count:
            _show(table)
        else:
            out.print(f"{table.title}: nothing on record", highlight=False)
    for one in (*found.policies, *found.markets):
        if one.problem:
            err.print(printable(f"{one.policy}: {one.problem}"), style="yellow", markup=False, highlight=False)


def _decisions(found: QualityReport) -> Table:
    names = ("policy", "market", "violating of approved", "read", "harmless of rejected", "read", "unread")
    table = columns(names, left=LEFT, title="Automatic decisions, by audits (95 % intervals)")
    for one in (*found.policies, *found.markets):
        shares = (*_share(one.leakage, one.approved), *_share(one.wrongful_rejection, one.rejected))
        _add(table, one.policy, one.market or "all", *shares, f"{one.unread:,}")
    return table


def _reviewers(found: Sequence[ReviewerQuality]) -> Table:
    names = ("policy", "reviewer", "finds violations", "worth", "clears the rest", "worth", "readings", "golden")
    table = columns(names, left=LEFT, title="Reviewers (95 % intervals; worth: ads of known truth)")
    for one in found:
        rated = one.quality
        rates = [text for rate in (rated.sensitivity, rated.specificity) for text in (_interval(rate), f"{rate.n:,.0f}")]
        name = rated.reviewer if one.settled else f"{rated.reviewer} (not settled)"
        _add(table, one.policy, name, *rates, f"{rated.readings:,}", f"{rated.golden:,}")
    return table


def _work(found: QualityReport) -> Table:
    table = columns(
        ("reviewer", "tasks", "golden", "seconds", "agreement", "cases"),
        left=LEFT,
        title="Work (agreement: with seniors, where one decided)",
    )
    for one in found.workload:
        seconds = number(one.median_seconds)
        agreed = ("–", "0") if one.agreement is None else (_interval(one.agreement), f"{one.agreement.n:,.0f}")
        _add(table, one.reviewer, f"{one.tasks:,}", f"{one.golden:,}", seconds, *agreed)
    return table


def _share(found: AuditShare | None, decisions: int) -> tuple[str, str]:
    if found is None:
        return "–", f"0 of {decisions:,}"
    return with_interval(found.value, found.low, found.high, ".2%"), f"{found.audited:,} of {found.decisions:,}"


def _interval(rate: Estimate) -> str:
    return with_interval(rate.value, rate.low, rate.high)


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
