"""``adverdict rescore diff``: what a rescoring would change, on the terminal, as a page and for machines."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from adverdict.cli.door import door
from adverdict.cli.options import Memory, RunFolderOption
from adverdict.domain.formats import moment

if TYPE_CHECKING:
    from adverdict.domain.settings import Settings
    from adverdict.rescoring.diff.difference import Change, Difference, Example, Flip, Reviews
    from adverdict.rescoring.diff.record import Record
    from adverdict.scoring.model import Model
    from adverdict.workforce.handling import HandlingTimes

SHOWN = 3
"""Examples of a direction that are printed; the page has more."""
POLICIES = 20
"""Rows by policy that are printed; the page and the figures have all."""
TITLE = 80
"""Characters of a title."""


def diff_command(
    out: RunFolderOption,
    against: Annotated[str | None, typer.Option("--against", metavar="OUT", help="Another rescoring; the ledger otherwise.")] = None,
    json: Annotated[Path | None, typer.Option("--json", help="Write the figures here, for machines.")] = None,
    page: Annotated[Path | None, typer.Option("--page", help="Write them here as one HTML page.")] = None,
    handling_seconds: Annotated[
        float, typer.Option("--handling-seconds", min=0.1, max=86_400, help="A reviewer's time for one ad, where none is on record.")
    ] = 45.0,
    limit_memory: Memory = None,
) -> None:
    """Say what a rescoring would change of what stands, and how much of it people would have to review."""
    from adverdict.cli.console import write_json
    from adverdict.cli.rescore import targets as rescore_targets

    with door() as settings:
        from adverdict.rescoring import memory
        from adverdict.rescoring.diff.diff import diff as compare
        from adverdict.rescoring.diff.page import write_page
        from adverdict.rescoring.folder.manifest import RunFolder
        from adverdict.rescoring.folder.workbench import USUAL

        rescore_targets.check("nothing was compared:", {"--json": json, "--page": page})
        limit = USUAL if limit_memory is None else memory.parse(limit_memory)
        folder = RunFolder.open(out)
        with _record(settings, against, handling_seconds) as (record, times):
            difference = compare(folder, record, times, model=_models(settings, folder.run.model.resolved), memory=limit)
        if json:  # files first: whoever reads only the first lines of the rest gets them all the same
            write_json(json, difference.model_dump(mode="json"))
        if page:
            write_page(page, difference)
        show(difference)
        for path in filter(None, (json, page)):
            _say(f"written to {path}")


@contextmanager
def _record(settings: Settings, against: str | None, seconds: float) -> Iterator[tuple[Record, HandlingTimes]]:
    """What to compare with, and how long reviews take. Raises InvalidSettings where there is nothing."""
    from adverdict.domain.errors import InvalidSettings, Mistake, NotFound
    from adverdict.rescoring.diff.record import LedgerRecord, RunRecord
    from adverdict.rescoring.folder.manifest import RunFolder
    from adverdict.scoring.bootstrap import bootstrap
    from adverdict.workforce.handling import HandlingTimes, measured

    if against is not None:
        yield RunRecord(RunFolder.open(against)), HandlingTimes(seconds)
        return
    try:
        ledger = bootstrap(settings).ledger()
    except (InvalidSettings, NotFound) as error:
        why = str(error).partition("\n")[0].rstrip(":")
        wrong = [
            Mistake("--against", "(none)", "the folder of another rescoring, or a ledger that says what stands (ADVERDICT_DATABASE_URL)")
        ]
        raise InvalidSettings(f"there is nothing to compare with: {why}", wrong) from error
    try:
        yield LedgerRecord.now(ledger), measured(ledger, seconds)
    finally:
        ledger.close()


def _models(settings: Settings, decided_by: str) -> Callable[[str], Model]:
    """Bundle version -> the model, loaded only when somebody asks. ``decided_by``: what the run says it is, maybe a folder."""

    def model_of(version: str) -> Model:
        from adverdict.models.opening import find_version
        from adverdict.scoring.opened import open_bundle

        folders = [Path(decided_by)] if Path(decided_by).is_dir() else []
        return open_bundle(find_version(folders, settings)(version))

    return model_of


def show(difference: Difference) -> None:
    """On the terminal. Warnings go to the error stream."""
    _head(difference)
    _warn(difference)
    if difference.flips:
        _say("\nverdicts of the model that would change", bold=True)
        _flips(difference, difference.flips)
        _policies(difference)
    _reviews(difference)
    _unrecorded(difference)
    if difference.against_people:
        _say("\nagainst what a person decided: applying leaves these alone", bold=True)
        _flips(difference, difference.against_people)
    _examples(difference)
    _next(difference)


def _head(difference: Difference) -> None:
    from adverdict.domain.formats import counted
    from adverdict.rescoring.diff.page import missing_words

    run, inventory = difference.run, difference.inventory
    _say(f"{run.run_id}  {run.model} ({run.bundle_version}), policy files {run.policy_hash[:16]}", bold=True)
    _say(f"as of {moment(run.as_of)}, history: {run.history}")
    _say(f"compared with {difference.against.words}")
    if difference.against.versions is not None:
        other = difference.against.versions
        _say(f"  {other.model} ({other.bundle_version}), policy files {other.policy_hash[:16]}, as of {moment(other.as_of)}")
    there = "on record" if difference.against.kind == "ledger" else "there"
    left = f"{inventory.not_on_record:,} {missing_words(difference)}, {inventory.outdated:,} {there} in a later version"
    earlier = f", {counted(inventory.earlier_versions, 'earlier version')} of an ad left out" if inventory.earlier_versions else ""
    _say(f"{counted(inventory.decided, 'row')} decided: {counted(inventory.compared, 'ad')} compared, {left}{earlier}")
    if inventory.missing:
        _say(f"{counted(inventory.missing, 'ad')} of the other rescoring not decided here")
    if inventory.applied:
        _say(f"{counted(inventory.applied, 'ad')} compared have this rescoring's decision already")
    if not inventory.compared:
        _say("nothing could be compared")
        return
    total = difference.total("model")
    of = f" ({100 * difference.flipped / total:.2f} %)" if total else ""
    _say(f"{difference.flipped:,} of {total:,} verdicts of the model would change{of}. Counts of the whole inventory: nothing is estimated")


def _warn(difference: Difference) -> None:
    from adverdict.cli.console import err, printable
    from adverdict.domain.formats import counted

    inventory = difference.inventory
    causes = ", ".join(f"{cause} {rows:,}" for cause, rows in inventory.degraded_by.items())
    parts = counted(inventory.unfinished_parts, "part")
    said = [
        (inventory.unfinished_parts, f"not finished: {parts} of the input to be decided; go on with adverdict rescore --resume"),
        (inventory.quarantined, f"{counted(inventory.quarantined, 'row')} quarantined: no new decision, and what stands, stands"),
        (inventory.unread_parts, f"{counted(inventory.unread_parts, 'part')} of the input could not be read at all"),
        (inventory.degraded, f"{inventory.degraded:,} of {inventory.decided:,} new decisions are degraded: {causes}"),
        (difference.held, f"{counted(difference.held, 'ad')} left alone when applied: the new decision is degraded and less severe"),
        (
            difference.unknown_policies,
            f"{counted(difference.unknown_policies, 'flip')} in no count by policy: the old decision's content was erased",
        ),
        (difference.reasons_missing, f"no reasons beside the examples: {difference.reasons_missing}"),
    ]
    for number, words in said:
        if number:
            err.print(printable(words), style="yellow", markup=False, highlight=False, soft_wrap=True)


def _flips(difference: Difference, rows: Sequence[Flip]) -> None:
    """By market, and below them every direction in all markets."""
    lines = [_flip(flip.market, flip, flip.of) for flip in rows]
    if len({flip.market for flip in rows}) > 1:
        for first, ads, impressions, stating in _directions(rows):
            whole = first.model_copy(update={"ads": ads, "impressions": impressions, "stating": stating})
            lines.append(_flip("all", whole, difference.total(first.by, first.was)))
    _table(("market", "verdict", "ads", "share", "of", "expected impressions", "stated by"), lines, words=2)


def _flip(market: str, flip: Flip, of: int) -> tuple[str, ...]:
    stated = "all" if flip.stating == flip.ads else f"{flip.stating:,} of {flip.ads:,}"
    impressions = (f"{flip.impressions:,.0f}", stated) if flip.stating else ("–", "none")
    return (market, f"{flip.was} → {flip.now}", f"{flip.ads:,}", f"{100 * flip.ads / of:.2f} %", f"{of:,}", *impressions)


def _directions(rows: Sequence[Flip]) -> list[tuple[Flip, int, float, int]]:
    """Of each direction one flip, and over all markets: ads, expected impressions, ads that state them."""
    by: dict[tuple[int, int], list[Flip]] = {}
    for flip in rows:
        by.setdefault((flip.was.severity, flip.now.severity), []).append(flip)
    return [
        (same[0], sum(flip.ads for flip in same), sum(flip.impressions for flip in same), sum(flip.stating for flip in same))
        for _, same in sorted(by.items())
    ]


def _policies(difference: Difference) -> None:
    if not difference.policies:
        return
    _say("\nwhich policy's verdict changed in them, most ads first (an ad may count under several)", bold=True)
    most = sorted(difference.policies, key=lambda row: -row.ads)[:POLICIES]
    rows = [
        (
            row.policy,
            f"{row.market} {row.was} → {row.now}",
            f"{row.ads:,}",
            f"{row.of:,}",
            f"{_risk(row.risk_before)} → {_risk(row.risk_after)}",
        )
        for row in most
    ]
    _table(("policy", "market and verdict", "ads", "of flips", "mean risk"), rows, words=2)
    if len(difference.policies) > len(most):
        _say(f"… and {len(difference.policies) - len(most):,} more rows: --page and --json have all")


def _reviews(difference: Difference) -> None:
    from adverdict.rescoring.diff.page import missing_words, seconds_words

    if not difference.reviews:
        return
    _say("\nreviewers' work", bold=True)
    rows = [
        (
            work.market,
            *_work(work.opened, work.hours, work.closed, work.hours_saved, work.first),
            f"{seconds_words(work.handling.seconds)} s",
        )
        for work in difference.reviews
    ]
    if len(rows) > 1:
        sums = [(work.opened, work.hours, work.closed, work.hours_saved, work.first) for work in difference.reviews]
        rows.append(("all", *_work(*map(sum, zip(*sums, strict=True))), ""))
    _table(("market", "opened", "hours", "closed", "hours", "net", missing_words(difference), "a review"), rows)
    if any(work.first for work in difference.reviews) and difference.against.kind == "ledger":
        opened, hours = (sum(one) for one in zip(*((work.all_opened, work.all_hours) for work in difference.reviews), strict=True))
        told = f"applying opens {opened:,} reviews in all, ads not on record included: {hours:,.1f} hours"
        _say(f"{told}; second readings and audits come on top")
    _handling(difference.reviews)


def _work(opened: int, hours: float, closed: int, saved: float, first: int) -> tuple[str, ...]:
    net = opened - closed
    return (f"{opened:,}", f"{hours:,.1f}", f"{closed:,}", f"{saved:,.1f}", f"{net:+,}" if net else "0", f"{first:,}")


def _handling(reviews: Sequence[Reviews]) -> None:
    """Where the handling times come from, each source once."""
    from adverdict.rescoring.diff.page import handling_words, seconds_words

    markets: dict[str, list[str]] = {}
    for work in reviews:
        takes = f"a review takes {seconds_words(work.handling.seconds)} s, {handling_words(work.handling)}"
        markets.setdefault(takes, []).append(work.market)
    for words, where in markets.items():
        _say(words if len(markets) == 1 else f"{', '.join(where)}: {words}")


def _unrecorded(difference: Difference) -> None:
    from adverdict.domain.verdict import Verdict
    from adverdict.rescoring.diff.page import missing_words

    if not difference.unrecorded:
        return
    new = "the verdict that applying would put there" if difference.against.kind == "ledger" else "their new verdict"
    _say(f"\n{missing_words(difference)}, by {new}", bold=True)
    markets = [market for market in difference.markets if difference.first(market)]
    rows = [
        (market, *(f"{difference.first(market, verdict):,}" for verdict in Verdict), f"{difference.first(market):,}") for market in markets
    ]
    if len(rows) > 1:
        sums = [sum(difference.first(market, verdict) for market in markets) for verdict in Verdict]
        rows.append(("all", *(f"{ads:,}" for ads in sums), f"{sum(sums):,}"))
    _table(("market", *Verdict, "ads"), rows)


def _examples(difference: Difference) -> None:
    from adverdict.rescoring.diff.page import groups

    for first, group in groups(difference.examples):
        whose = " against a person's verdict" if first.by == "person" else ""
        _say(f"\n{first.was} → {first.now}{whose}, most impressions first", bold=True)
        for example in group[:SHOWN]:
            _example(example)


def _example(example: Example) -> None:
    title = (example.title or "(no title)") if example.readable else "(the run's input does not hold this ad any more)"
    impressions = "no impressions stated" if example.impressions is None else f"{example.impressions:,.0f} impressions"
    _say(f"  {example.ad_id}  {example.market}  {impressions}  {title[:TITLE]}{'…' if len(title) > TITLE else ''}")
    for change in example.changes:
        risks = f"risk {_risk(change.risk_before)} → {_risk(change.risk_after)}"
        _say(f"    {change.policy}: {change.was or 'not known'} → {change.now}, {risks}{_limits(change)}")
    for reason in example.reasons or ():
        _say(f"      {reason.effect:+.2f} {reason.policy}: {reason.text}")


def _limits(change: Change) -> str:
    """The new thresholds, as far as the policy has any."""
    both = (("approve below", change.approve_below), ("reject from", change.reject_at))
    limits = ", ".join(f"{words} {_risk(limit)}" for words, limit in both if limit is not None)
    return f" (now {limits})" if limits else ""


def _next(difference: Difference) -> None:
    from adverdict.rescoring.diff.page import apply_command

    if difference.against.kind != "ledger":
        _say("\ncomparing changes nothing; where there is a ledger, what would change of what stands in it:")
        _say(f"  adverdict rescore diff --out {shlex.quote(difference.run.out)}")
    elif difference.flipped or difference.unrecorded:
        _say("\ncomparing changes nothing; to put some of it into force, in a step that can be undone:")
        _say(f"  {apply_command(difference)}")


def _risk(value: float | None) -> str:
    from adverdict.rescoring.diff.page import risk

    return risk(value)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], words: int = 1) -> None:
    from adverdict.cli.tables import aligned

    for number, line in enumerate(aligned([head, *rows], words)):
        _say(line.rstrip(), bold=not number)


def _say(text: str, *, bold: bool = False) -> None:
    """One line or, with a line end in front, two; strangers' text in it is made harmless."""
    from adverdict.cli.console import JOINERS, out, printable

    before = "\n" if text.startswith("\n") else ""
    out.print(Text(before + printable(text.removeprefix("\n"), keep=JOINERS), style="bold" if bold else ""), soft_wrap=True)
