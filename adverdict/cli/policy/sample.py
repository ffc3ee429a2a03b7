"""``adverdict policy sample``: how many ads to label, and which, so that thresholds can be certified."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from adverdict.cli.console import Bars, out, write_json
from adverdict.cli.door import door, ledger_of
from adverdict.cli.options import Data, Json, Model, PolicyFiles, Seed
from adverdict.cli.reading import reads
from adverdict.cli.tables import columns
from adverdict.domain.formats import counted, number

if TYPE_CHECKING:
    from adverdict.review.samples import OpenedSample
    from adverdict.rollout.sample import PlannedSample


@reads("data")
def sample_command(
    data: Data,
    model: Model = None,
    policy_files: PolicyFiles = None,
    ads: Annotated[
        int | None, typer.Option("--ads", min=1, help="Ads of the random part; as many as the neediest policy takes otherwise.")
    ] = None,
    most: Annotated[int, typer.Option("--most", min=1, help="Ads of the random part at most, where --ads says nothing.")] = 2_000,
    by_views: Annotated[
        bool,
        typer.Option("--by-views", help="Draw by the impressions expected: such labels bound the share of views."),
    ] = False,
    in_queue: Annotated[
        bool, typer.Option("--open", help="Open a review task for each ad: read blind, due in a week. The ads have to be on record.")
    ] = False,
    table: Annotated[Path | None, typer.Option("--csv", help="Write the ads to label here, in order, as CSV.")] = None,
    seed: Seed = 0,
    json: Json = None,
) -> None:
    """Plan a sample of ads to label: one of an advertiser as far as can be, drawn by chance, before any of them is looked at."""
    with door(model=model, policies=policy_files) as settings:
        from adverdict.ledger.store import now
        from adverdict.review.tasks.settings import ReviewSettings
        from adverdict.rollout.sample import SampleJob, figures, open_in_queue, plan_labels, write_list

        with Bars() as bars:
            sample = plan_labels(SampleJob(data, settings, ads, most, by_views, seed=seed), bars)
        show(sample)
        if in_queue:
            with ledger_of(settings) as ledger:
                show_opened(open_in_queue(ledger, sample, ReviewSettings.of(settings), now()), sample)
        if table:
            rows = write_list(table, sample)
            out.print(f"{rows:,} rows written to {table}: one an ad and policy, in the order to label in", markup=False, highlight=False)
            if not by_views:
                out.print("keep design and inclusion_probability in the labels, then certify: adverdict policy solve --data FOLDER")
        if json:
            write_json(json, figures(sample))


def show_opened(done: OpenedSample, sample: PlannedSample) -> None:
    """What is in the queue now, and what to do once it is read."""
    before = f"; {counted(done.before, 'task')} of it had been opened before" if done.before else ""
    out.print(f"{counted(done.opened, 'task')} opened for sample {sample.name}{before}", highlight=False)
    if not sample.by_views:
        out.print("once they are read: adverdict review export --out FOLDER, then adverdict policy solve --data FOLDER")


def show(sample: PlannedSample) -> None:
    """What each policy needs, and what was drawn."""
    names = ("policy", "approve below", "reject from", "foreseen", "of", "random ads", "more at the edge", "more above")
    grid = columns(names, left=("policy",), title="Labels that certify, each of another advertiser")
    for need in sample.plan.needs:
        at = "nobody" if need.reject_at >= 1 else f"{need.reject_at:g}"
        random = "no number" if need.random is None else f"{need.random:,}"
        target = f"{need.targets.max_leakage:g}"
        grid.add_row(
            need.name, f"{need.approve_below:g}", at, number(need.foreseen, ".2%"), target, random, f"{need.edge:,}", f"{need.above:,}"
        )
    out.print(grid)
    plan = sample.plan
    out.print(
        f"sample {sample.name}: {counted(plan.random, 'ad')} drawn from all, {plan.ads - plan.random:,} more by their risk; "
        f"{counted(len(plan.to_label), 'answer')} in all, as an ad is read under every policy in force for it"
    )
    short = [need for need in plan.needs if need.random is None or need.random > plan.random]
    for need in short[:5]:
        if need.random is None:
            why = "the calibrated risks foresee more than its limit" if need.foreseen else "nothing would be approved"
            out.print(f"  [yellow]{need.name}[/]: no number of labels is likely to certify it, as {why}", highlight=False)
        else:
            out.print(f"  [yellow]{need.name}[/]: {need.random - plan.random:,} more advertisers would be needed", highlight=False)
