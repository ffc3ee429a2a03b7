"""The bodies of ``adverdict rescore apply`` and ``adverdict rescore undo``."""

from __future__ import annotations

import getpass
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from adverdict.cli.door import door, ledger_of
from adverdict.cli.options import Listed, RunFolderOption

if TYPE_CHECKING:
    from adverdict.domain.verdict import Verdict
    from adverdict.rescoring.applying.apply import Applied
    from adverdict.rescoring.applying.undo import Undone

INCOMPLETE = 3
"""Exit code when some decisions could not be put on record: their ads changed since they were decided."""


def apply_command(
    out: RunFolderOption,
    market: Annotated[list[str] | None, typer.Option("--market", help="Only this market. Repeat for several.")] = None,
    only: Annotated[str | None, typer.Option("--only", metavar="VERDICT", help="Only changes to approve, review or reject.")] = None,
    most: Annotated[int | None, typer.Option("--max", min=1, help="At most so many changes in this step.")] = None,
    listed: Listed = None,
) -> None:
    """Put a rescoring's changes into force, in one step that can be undone."""
    from adverdict.cli.console import Bars
    from adverdict.cli.rescore import targets as rescore_targets

    with door() as settings:
        from adverdict.rescoring.applying import listing
        from adverdict.rescoring.applying.apply import Choice
        from adverdict.rescoring.applying.apply import apply as put_on_record
        from adverdict.rescoring.folder.manifest import RunFolder
        from adverdict.review.tasks.settings import ReviewSettings

        listing.check(listed)
        rescore_targets.check("nothing was applied:", {"--list": listed})
        choice = Choice(_markets(market or []), _verdict(only), most, by=getpass.getuser())
        folder = RunFolder.open(out)
        with ledger_of(settings) as ledger:
            with Bars() as bars:
                done = put_on_record(ledger, folder, choice, ReviewSettings.of(settings), progress=bars)
            show_applied(done)  # first: should the list fail, the step and how to undo it are known
            lines = None if listed is None else listing.write(listed, listing.applied(ledger, done.step))
        _show_list(lines, listed, "what the step changed and stands")
        if done.refused:
            raise typer.Exit(INCOMPLETE)


def undo_command(
    step: Annotated[str, typer.Option("--step", help="The step to take back, as 'adverdict rescore apply' printed it.")],
    why: Annotated[str, typer.Option("--why", help="Kept on record.")],
    listed: Listed = None,
) -> None:
    """Take back a step that was applied: what stood before stands again."""
    from adverdict.cli.rescore import targets as rescore_targets

    with door() as settings:
        from adverdict.rescoring.applying import listing
        from adverdict.rescoring.applying.undo import undo as withdraw

        listing.check(listed)
        rescore_targets.check("nothing was undone:", {"--list": listed})
        with ledger_of(settings) as ledger:
            done = withdraw(ledger, step, why, getpass.getuser())
            show_undone(done)
            lines = None if listed is None else listing.write(listed, listing.undone(ledger, step))
        _show_list(lines, listed, "what stands instead")


def show_applied(done: Applied) -> None:
    from adverdict.cli.console import err, out, printable
    from adverdict.domain.formats import counted

    earlier = done.in_step - done.applied
    more = f"; {earlier:,} were before" if earlier else ""
    out.print(f"{counted(done.applied, 'decision')} put on record{more}", highlight=False)
    for line in _changes(done):
        out.print(f"  {line}", highlight=False, markup=False, soft_wrap=True)
    if done.changes:
        reviews = sum(ads for change, ads in done.changes.items() if str(change.after) == "review")
        others = ", second readings and audits among them" if done.opened > reviews else ""
        out.print(f"tasks: {done.opened:,} opened{others}; {done.closed:,} no longer needed and withdrawn", highlight=False)
    if done.left:
        out.print("left alone", highlight=False)
    for why, ads in done.left.most_common():
        out.print(f"  {ads:>9,}  {why}", highlight=False, markup=False)
    if done.unfinished:
        err.print(
            f"{counted(done.unfinished, 'part')} of the rescoring without decisions: of those ads, what stands stands", style="yellow"
        )
    for shard, reason in done.refused.items():
        err.print(printable(f"{shard} was not put on record: {reason}", keep="\n"), style="bold red", markup=False, highlight=False)
    if done.refused:
        err.print(f"{counted(done.refused_decisions, 'decision')} refused: rescore those ads anew", style="bold red")
    if done.in_step:
        out.print(f"step   {done.step}", highlight=False)
        out.print(f"undo   adverdict rescore undo --step {done.step} --why '…'", highlight=False, markup=False, soft_wrap=True)


def _changes(done: Applied) -> list[str]:
    """By market, and below them every direction in all markets."""
    from adverdict.cli.tables import aligned

    rows = [(change.market, change.before or "nothing", str(change.after), ads) for change, ads in done.changes.items()]
    sums: Counter[tuple[str, str]] = Counter()
    for _, before, after, ads in rows:
        sums[before, after] += ads
    lines = sorted(rows)
    if len({market for market, *_ in rows}) > 1:
        lines += [("all", before, after, ads) for (before, after), ads in sorted(sums.items())]
    return aligned([("market", "stood", "now", "ads"), *((*words, f"{ads:,}") for *words, ads in lines)], 3) if rows else []


def show_undone(done: Undone) -> None:
    from adverdict.cli.console import out, printable
    from adverdict.domain.formats import counted

    if done.before is not None:
        said = f"step {done.step} was undone before, by {done.before.by}: {done.before.why}\nnothing changed"
        out.print(printable(said, keep="\n"), highlight=False, markup=False)
        return
    stand = "does not stand" if done.decisions == 1 else "do not stand"
    out.print(f"step {done.step} is undone: {counted(done.decisions, 'decision')} of it {stand} any more", highlight=False)
    out.print(f"tasks: {done.closed:,} withdrawn, {done.reopened:,} opened again", highlight=False)
    out.print("what people decided meanwhile stays", highlight=False)


def _show_list(lines: int | None, path: Path | None, what: str) -> None:
    from adverdict.cli.console import out
    from adverdict.domain.formats import counted

    if lines is not None:
        out.print(f"{counted(lines, 'ad')} in {path}: {what}", highlight=False, markup=False)


def _markets(markets: list[str]) -> tuple[str, ...]:
    return tuple(sorted({market.strip().upper() for market in markets}))


def _verdict(value: str | None) -> Verdict | None:
    from adverdict.domain.errors import InvalidSettings, Mistake
    from adverdict.domain.verdict import Verdict

    if value is None:
        return None
    try:
        return Verdict(value)
    except ValueError:
        raise InvalidSettings("nothing was applied:", [Mistake("--only", value, ", ".join(Verdict))]) from None
