"""``adverdict benchmark quickstarts``: what it takes and what it prints."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from adverdict.cli.door import door
from adverdict.cli.options import Json, Model, PolicyFiles


def quickstarts(
    model: Model = None,
    policy_files: PolicyFiles = None,
    seeds: Annotated[int, typer.Option("--seeds", min=1, help="Simulated marketplaces.")] = 60,
    json: Json = None,
) -> None:
    """How often one trained model's thresholds come out certified on other simulated marketplaces, labelled as the quickstart labels."""
    from adverdict.cli.console import Bars, write_json

    with door(model=model, policies=policy_files) as settings:
        from adverdict.benchmarks.truth.quickstarts import quickstarts as measure

        with Bars() as bars:
            figures = measure(settings, seeds, bars)
        _show(figures)
        if json:
            write_json(json, figures)


def _show(figures: dict[str, Any]) -> None:
    from adverdict.cli.console import out
    from adverdict.cli.tables import columns
    from adverdict.domain.formats import interval

    title = f"{figures['seeds']} simulated marketplaces of {figures['ads']:,} ads: how often a policy is certified"
    table = columns(("policy", "severity", "certified", "share", "95 %"), left=("policy", "severity"), title=title)
    for policy, one in figures["policies"].items():
        table.add_row(
            policy, one["severity"], str(one["certified"]), f"{one['share']:.0%}", interval(one["interval"][0], one["interval"][1], ".2f")
        )
    out.print(table)
    both, (low, high) = figures["together"], figures["together"]["interval"]
    out.print(
        f"all serious and severe ones: {both['certified']} of {figures['seeds']} ({interval(low, high, '.2f')}); "
        f"{figures['auto_share']:.1%} of all ads are decided without a person",
        highlight=False,
    )
