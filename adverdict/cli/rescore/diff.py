"""``adverdict rescore diff``: what a rescoring would change, on the terminal, as a page and for machines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from rich.text import Text

if TYPE_CHECKING:
    from adverdict.rescoring.diff.difference import Change, Difference, Example, Flip, Reviews
    from adverdict.rescoring.diff.record import Record
    from adverdict.workforce.handling import HandlingTimes

SHOWN = 3
"""Examples of a direction that are printed; the page has more."""
POLICIES = 20
"""Rows by policy that are printed; the page and the figures have all."""
TITLE = 80
"""Characters of a title."""


def diff(
    out: str, against: str | None, json: Path | None, page: Path | None, handling_seconds: float | None, limit_memory: str | None
) -> None:
    """Compare, write, print. Nothing that stands is changed."""
    from adverdict.cli.console import errors_end_the_command, write_json
    from adverdict.cli.rescore import targets as rescore_targets

    with errors_end_the_command():
        from adverdict.rescoring import memory
        from adverdict.rescoring.diff.diff import diff as compare
        from adverdict.rescoring.diff.page import write_page
        from adverdict.rescoring.folder.manifest import RunFolder
        from adverdict.rescoring.folder.workbench import USUAL
        from adverdict.workforce.handling import USUAL_SECONDS

        rescore_targets.check("nothing was compared:", {"--json": json, "--page": page})
        limit = USUAL if limit_memory is None else memory.parse(limit_memory)
        folder = RunFolder.open(out)
        with _record(against, USUAL_SECONDS if handling_seconds is None else handling_seconds) as (record, times):
            found = compare(folder, record, times, memory=limit)
        if json:  # files first: whoever reads only the first lines of the rest gets them all the same
            write_json(json, found.model_dump(mode="json"))
        if page:
            write_page(page, found)
        show(found)
        for path in filter(None, (json, page)):
            _say(f"written to {path}")


@contextmanager
def _record(against: str | None, seconds: float) -> Iterator[tuple[Record, HandlingTimes]]:
    """What to compare with, and how long reviews take. Raises InvalidSettings where there is nothing."""
    from adverdict.rescoring.diff.record import LedgerRecord, RunRecord
    from adverdict.rescoring.folder.manifest import RunFolder
    from adverdict.workforce.handling import HandlingTimes, measured

    if against is not None:
        yield RunRecord(RunFolder.open(against)), HandlingTimes(seconds)
        return
    from adverdict.cli.ledger.open import open_ledger
    from adverdict.domain.errors import InvalidSettings, Mistake, NotFound

    try:
        ledger = open_ledger()
    except (InvalidSettings, NotFound) as error:
        wrong = [
            Mistake("--against", "(none)", "the folder of another rescoring"),
            Mistake("ADVERDICT_DATABASE_URL", str(error).partition("\n")[0], "the ledger that says what stands"),
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
        _flips(found, found.flips)
        _policies(found)
    _reviews(found)
    _unrecorded(found)
    if found.against_people:
        _say("\nagainst what a person decided: applying leaves these alone", bold=True)
        _flips(found, found.against_people)
    _examples(found)
    _next(found)


def _head(found: Difference) -> None:
    from adverdict.cli.console import counted
    from adverdict.rescoring.diff.page import missing_words

    run, inventory = found.run, found.inventory
    _say(f"{run.run_id}  {run.model} ({run.bundle_version}), policy files {run.policy_hash[:16]}", bold=True)
    _say(f"as of {run.as_of:%Y-%m-%d %H:%M} UTC, history: {run.history}")
    _say(f"compared with {found.against.words}")
    if found.against.versions is not None:
        other = found.against.versions
        _say(f"  {other.model} ({other.bundle_version}), policy files {other.policy_hash[:16]}, as of {other.as_of:%Y-%m-%d %H:%M} UTC")
    there = "on record" if found.against.kind == "ledger" else "there"
    left = f"{inventory.not_on_record:,} {missing_words(found)}, {inventory.outdated:,} {there} in a later version"
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
    from adverdict.cli.console import counted, err, printable

    inventory = found.inventory
    causes = ", ".join(f"{cause} {rows:,}" for cause, rows in inventory.degraded_by.items())
    parts = counted(inventory.unfinished_parts, "part")
    said = [
        (inventory.unfinished_parts, f"not finished: {parts} of the input to be decided; go on with adverdict rescore --resume"),
        (inventory.quarantined, f"{counted(inventory.quarantined, 'row')} quarantined: no new decision, and what stands, stands"),
        (inventory.unread_parts, f"{counted(inventory.unread_parts, 'part')} of the input could not be read at all"),
        (inventory.degraded, f"{inventory.degraded:,} of {inventory.decided:,} new decisions are degraded: {causes}"),
        (found.held, f"{counted(found.held, 'ad')} left alone when applied: the new decision is degraded and less severe"),
        (found.unknown_policies, f"{counted(found.unknown_policies, 'flip')} in no count by policy: the old decision's content was erased"),
    ]
    for number, words in said:
        if number:
            err.print(printable(words), style="yellow", markup=False, highlight=False, soft_wrap=True)


def _flips(found: Difference, rows: Sequence[Flip]) -> None:
    """By market, and below them every direction in all markets."""
    told = [_flip(one.market, one, one.of) for one in rows]
    if len({one.market for one in rows}) > 1:
        for first, ads, impressions, stating in _directions(rows):
            whole = first.model_copy(update={"ads": ads, "impressions": impressions, "stating": stating})
            told.append(_flip("all", whole, found.total(first.by, first.was)))
    _table(("market", "verdict", "ads", "share", "of", "expected impressions", "stated by"), told, words=2)


def _flip(market: str, one: Flip, of: int) -> tuple[str, ...]:
    stated = "all" if one.stating == one.ads else f"{one.stating:,} of {one.ads:,}"
    impressions = (f"{one.impressions:,.0f}", stated) if one.stating else ("–", "none")
    return (market, f"{one.was} → {one.now}", f"{one.ads:,}", f"{100 * one.ads / of:.2f} %", f"{of:,}", *impressions)


def _directions(rows: Sequence[Flip]) -> list[tuple[Flip, int, float, int]]:
    """Of each direction one flip, and over all markets: ads, expected impressions, ads that state them."""
    by: dict[tuple[int, int], list[Flip]] = {}
    for one in rows:
        by.setdefault((one.was.severity, one.now.severity), []).append(one)
    return [
        (same[0], sum(one.ads for one in same), sum(one.impressions for one in same), sum(one.stating for one in same))
        for _, same in sorted(by.items())
    ]


def _policies(found: Difference) -> None:
    if not found.policies:
        return
    _say("\nwhich policy's verdict changed in them, most ads first (an ad may count under several)", bold=True)
    most = sorted(found.policies, key=lambda one: -one.ads)[:POLICIES]
    rows = [
        (
            one.policy,
            f"{one.market} {one.was} → {one.now}",
            f"{one.ads:,}",
            f"{one.of:,}",
            f"{_risk(one.risk_before)} → {_risk(one.risk_after)}",
        )
        for one in most
    ]
    _table(("policy", "market and verdict", "ads", "of flips", "mean risk"), rows, words=2)
    if len(found.policies) > len(most):
        _say(f"… and {len(found.policies) - len(most):,} more rows: --page and --json have all")


def _reviews(found: Difference) -> None:
    from adverdict.rescoring.diff.page import missing_words

    if not found.reviews:
        return
    _say("\nreviewers' work", bold=True)
    rows = [
        (one.market, *_work(one.opened, one.hours, one.closed, one.hours_saved, one.first), f"{one.handling.seconds:g} s")
        for one in found.reviews
    ]
    if len(rows) > 1:
        sums = [(one.opened, one.hours, one.closed, one.hours_saved, one.first) for one in found.reviews]
        rows.append(("all", *_work(*map(sum, zip(*sums, strict=True))), ""))
    _table(("market", "opened", "hours", "closed", "hours", "net", missing_words(found), "a review"), rows)
    _handling(found.reviews)


def _work(opened: int, hours: float, closed: int, saved: float, first: int) -> tuple[str, ...]:
    net = opened - closed
    return (f"{opened:,}", f"{hours:,.1f}", f"{closed:,}", f"{saved:,.1f}", f"{net:+,}" if net else "0", f"{first:,}")


def _handling(reviews: Sequence[Reviews]) -> None:
    """Where the handling times come from, each source once."""
    from adverdict.rescoring.diff.page import handling_words

    markets: dict[str, list[str]] = {}
    for one in reviews:
        markets.setdefault(f"a review takes {one.handling.seconds:g} s, {handling_words(one.handling)}", []).append(one.market)
    for words, where in markets.items():
        _say(words if len(markets) == 1 else f"{', '.join(where)}: {words}")


def _unrecorded(found: Difference) -> None:
    from adverdict.domain.verdict import Verdict
    from adverdict.rescoring.diff.page import missing_words

    if not found.unrecorded:
        return
    new = "the verdict that applying would put there" if found.against.kind == "ledger" else "their new verdict"
    _say(f"\n{missing_words(found)}, by {new}", bold=True)
    markets = [market for market in found.markets if found.first(market)]
    rows = [(market, *(f"{found.first(market, verdict):,}" for verdict in Verdict), f"{found.first(market):,}") for market in markets]
    if len(rows) > 1:
        sums = [sum(found.first(market, verdict) for market in markets) for verdict in Verdict]
        rows.append(("all", *(f"{ads:,}" for ads in sums), f"{sum(sums):,}"))
    _table(("market", *Verdict, "ads"), rows)


def _examples(found: Difference) -> None:
    from adverdict.rescoring.diff.page import groups

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
        _say(f"    {change.policy}: {change.was or 'not known'} → {change.now}, {risks}{_limits(change)}")
    for reason in one.reasons:
        _say(f"      {reason.effect:+.2f} {reason.policy}: {reason.text}")


def _limits(change: Change) -> str:
    """The new thresholds, as far as the policy has any."""
    both = (("approve below", change.approve_below), ("reject from", change.reject_at))
    told = ", ".join(f"{words} {_risk(limit)}" for words, limit in both if limit is not None)
    return f" (now {told})" if told else ""


def _next(found: Difference) -> None:
    from adverdict.rescoring.diff.page import apply_command

    if found.flipped or found.unrecorded:
        _say("\ncomparing changes nothing; to put some of it into force, in a step that can be undone:")
        _say(f"  {apply_command(found)}")


def _risk(value: float | None) -> str:
    from adverdict.rescoring.diff.page import risk

    return risk(value)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], words: int = 1) -> None:
    from adverdict.cli.rescore.tables import aligned

    for number, line in enumerate(aligned([head, *rows], words)):
        _say(line.rstrip(), bold=not number)


def _say(text: str, *, bold: bool = False) -> None:
    """One line or, with a line end in front, two; strangers' text in it is made harmless."""
    from adverdict.cli.console import JOINERS, out, printable

    before = "\n" if text.startswith("\n") else ""
    out.print(Text(before + printable(text.removeprefix("\n"), keep=JOINERS), style="bold" if bold else ""), soft_wrap=True)
