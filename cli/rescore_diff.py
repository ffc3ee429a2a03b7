"""``adjudicate rescore diff``: what a rescoring would change, on the terminal, as a page and for machines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from rescoring.difference import Difference, Example, Flip
    from rescoring.handling import HandlingTimes
    from rescoring.record import Record

SHOWN = 3
"""Examples of a direction that are printed; the page has more."""
TITLE = 80
"""Characters of a title."""


def diff(
    out: str, against: str | None, json: Path | None, page: Path | None, handling_seconds: float | None, limit_memory: str | None
) -> None:
    """Compare, print, write. Nothing that stands is changed."""
    from cli.console import errors_end_the_command, write_json

    with errors_end_the_command():
        from rescoring import memory
        from rescoring.diff import diff as compare
        from rescoring.diff_page import write_page
        from rescoring.handling import USUAL_SECONDS
        from rescoring.manifest import RunFolder
        from rescoring.workbench import USUAL

        limit = USUAL if limit_memory is None else memory.parse(limit_memory)
        folder = RunFolder.open(out)
        with _record(against, USUAL_SECONDS if handling_seconds is None else handling_seconds) as (record, times):
            found = compare(folder, record, times, memory=limit)
        show(found)
        if json:
            write_json(json, found.model_dump(mode="json"))
        if page:
            write_page(page, found)
            _say(f"written to {page}")


@contextmanager
def _record(against: str | None, seconds: float) -> Iterator[tuple[Record, HandlingTimes]]:
    """What to compare with, and how long reviews take. Raises InvalidSettings where there is nothing."""
    from rescoring.handling import HandlingTimes, measured
    from rescoring.manifest import RunFolder
    from rescoring.record import LedgerRecord, RunRecord

    if against is not None:
        yield RunRecord(RunFolder.open(against)), HandlingTimes(seconds)
        return
    from cli.ledger import open_ledger
    from domain.errors import InvalidSettings, Mistake, NotFound

    try:
        ledger = open_ledger()
    except (InvalidSettings, NotFound) as error:
        wrong = [
            Mistake("--against", "(none)", "the folder of another rescoring"),
            Mistake("ADJUDICATE_DATABASE_URL", str(error).partition("\n")[0], "the ledger that says what stands"),
        ]
        raise InvalidSettings("there is nothing to compare with; one of these is needed:", wrong) from error
    try:
        yield LedgerRecord.now(ledger), measured(ledger, seconds)
    finally:
        ledger.close()


def show(found: Difference) -> None:
    """On the terminal. Warnings go to the error stream."""
    _head(found)
    _warn(found)
    if found.flips:
        _say("\nverdicts of the model that would change", bold=True)
        _flips(found.flips)
        _policies(found)
    _reviews(found)
    _unrecorded(found)
    if found.against_people:
        _say("\nagainst what a person decided: applying leaves these alone", bold=True)
        _flips(found.against_people)
    _examples(found)
    _next(found)


def _head(found: Difference) -> None:
    from cli.console import counted

    run, inventory = found.run, found.inventory
    _say(f"{run.run_id}  {run.model} ({run.bundle_version}), policy files {run.policy_hash[:16]}", bold=True)
    _say(f"as of {run.as_of:%Y-%m-%d %H:%M} UTC, history: {run.history}")
    _say(f"compared with {found.against.words}")
    if found.against.versions is not None:
        other = found.against.versions
        _say(f"  {other.model} ({other.bundle_version}), policy files {other.policy_hash[:16]}, as of {other.as_of:%Y-%m-%d %H:%M} UTC")
    left = f"{inventory.not_on_record:,} not on record, {inventory.outdated:,} on record in a later version"
    earlier = f", {counted(inventory.earlier_versions, 'earlier version')} of an ad left out" if inventory.earlier_versions else ""
    _say(f"{counted(inventory.decided, 'row')} decided: {counted(inventory.compared, 'ad')} compared, {left}{earlier}")
    if inventory.missing:
        _say(f"{counted(inventory.missing, 'ad')} of the other rescoring not decided here")
    if inventory.applied:
        _say(f"{counted(inventory.applied, 'ad')} compared have this rescoring's decision already")
    if not inventory.compared:
        _say("nothing could be compared")
        return
    total = found.total("model")
    of = f" ({100 * found.flipped / total:.2f} %)" if total else ""
    _say(f"{found.flipped:,} of {total:,} verdicts of the model would change{of}. Counts of the whole inventory: nothing is estimated")


def _warn(found: Difference) -> None:
    from cli.console import counted, err, printable

    inventory = found.inventory
    causes = ", ".join(f"{cause} {rows:,}" for cause, rows in inventory.degraded_by.items())
    parts = counted(inventory.unfinished_parts, "part")
    said = [
        (inventory.unfinished_parts, f"not finished: {parts} of the input to be decided; go on with adjudicate rescore --resume"),
        (inventory.quarantined, f"{counted(inventory.quarantined, 'row')} quarantined: no new decision, and what stands, stands"),
        (inventory.unread_parts, f"{counted(inventory.unread_parts, 'part')} of the input could not be read at all"),
        (inventory.degraded, f"{inventory.degraded:,} of {inventory.decided:,} new decisions are degraded: {causes}"),
        (found.held, f"{counted(found.held, 'ad')} left alone when applied: the new decision is degraded and less severe"),
        (found.unknown_policies, f"{counted(found.unknown_policies, 'flip')} in no count by policy: the old decision's content was erased"),
    ]
    for number, words in said:
        if number:
            err.print(printable(words), style="yellow", markup=False, highlight=False)


def _flips(rows: Iterable[Flip]) -> None:
    table = _table("market", "verdict", "ads", "share", "of", "expected impressions", "stated by")
    for one in rows:
        stated = [f"{one.impressions:,.0f}", f"{one.stating:,} of {one.ads:,}"] if one.stating else ["–", "none"]
        table.add_row(one.market, f"{one.was} → {one.now}", f"{one.ads:,}", f"{100 * one.share:.2f} %", f"{one.of:,}", *stated)
    _print(table)


def _policies(found: Difference) -> None:
    if not found.policies:
        return
    _say("\nwhich policy's verdict changed in them (an ad may count under several)", bold=True)
    table = _table("policy", "market and verdict", "ads", "of flips", "mean risk")
    for one in found.policies:
        turned = f"{one.market} {one.was} → {one.now}"
        table.add_row(one.policy, turned, f"{one.ads:,}", f"{one.of:,}", f"{_risk(one.risk_before)} → {_risk(one.risk_after)}")
    _print(table)


def _reviews(found: Difference) -> None:
    from rescoring.diff_page import handling_words

    if not found.reviews:
        return
    _say("\nreviewers' work", bold=True)
    table = _table("market", "a review takes", "opened", "hours", "closed", "hours", "net", "not on record")
    for one in found.reviews:
        took = f"{one.handling.seconds:g} s, {handling_words(one.handling)}"
        opened, closed = (f"{one.opened:,}", f"{one.hours:,.1f}"), (f"{one.closed:,}", f"{one.hours_saved:,.1f}")
        table.add_row(one.market, took, *opened, *closed, f"{one.net:+,}" if one.net else "0", f"{one.first:,}")
    _print(table)


def _unrecorded(found: Difference) -> None:
    from domain.verdict import Verdict

    if not found.unrecorded:
        return
    _say("\nnot on record, by the verdict that applying would put there", bold=True)
    table = _table("market", "ads", *Verdict)
    for market in found.markets:
        if found.first(market):
            table.add_row(market, f"{found.first(market):,}", *(f"{found.first(market, verdict):,}" for verdict in Verdict))
    _print(table)


def _examples(found: Difference) -> None:
    from rescoring.diff_page import groups

    for first, group in groups(found.examples):
        whose = " against a person's verdict" if first.by == "person" else ""
        _say(f"\n{first.was} → {first.now}{whose}, most impressions first", bold=True)
        for one in group[:SHOWN]:
            _example(one)


def _example(one: Example) -> None:
    title = (one.title or "(no title)") if one.readable else "(the run's input does not hold this ad any more)"
    impressions = "no impressions stated" if one.impressions is None else f"{one.impressions:,.0f} impressions"
    _say(f"  {one.ad_id}  {one.market}  {impressions}  {title[:TITLE]}{'…' if len(title) > TITLE else ''}")
    for change in one.changes:
        risks = f"risk {_risk(change.risk_before)} → {_risk(change.risk_after)}"
        limits = f"approve below {_risk(change.approve_below)}, reject from {_risk(change.reject_at)}"
        _say(f"    {change.policy}: {change.was or 'not known'} → {change.now}, {risks} ({limits})")
    for reason in one.reasons:
        _say(f"      {reason.effect:+.2f} {reason.policy}: {reason.text}")


def _next(found: Difference) -> None:
    from rescoring.diff_page import apply_command

    if found.flipped or found.unrecorded:
        _say("\ncomparing changes nothing; to put some of it into force, in a step that can be undone:")
        _say(f"  {apply_command(found)}")


def _risk(value: float | None) -> str:
    from rescoring.diff_page import risk

    return risk(value)


def _table(*columns: str) -> Table:
    """The first two columns are words, the others numbers."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for number, column in enumerate(columns):
        table.add_column(column, justify="left" if number < 2 else "right", no_wrap=True)
    return table


def _print(table: Table) -> None:
    from cli.console import out

    out.print(table, markup=False, highlight=False)


def _say(text: str, *, bold: bool = False) -> None:
    """One line or, with a line end in front, two; strangers' text in it is made harmless."""
    from cli.console import JOINERS, out, printable

    before = "\n" if text.startswith("\n") else ""
    out.print(Text(before + printable(text.removeprefix("\n"), keep=JOINERS), style="bold" if bold else ""), soft_wrap=True)
