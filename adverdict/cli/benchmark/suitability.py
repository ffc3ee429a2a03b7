"""``adverdict benchmark suitability``: what it prints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from adverdict.cli.console import Bars, write_json
from adverdict.cli.door import door
from adverdict.cli.options import Json, Seed
from adverdict.cli.tables import say
from adverdict.domain.formats import interval, number


def suitability(
    quick: Annotated[bool, typer.Option("--quick", help="16,000 simulated ads instead of 40,000, and half the posts.")] = False,
    seed: Seed = 0,
    json: Json = None,
) -> None:
    """Whether told tiers are as seldom wrong as certified, and what the rule on branded content finds, where the truth is simulated."""
    with door():
        from adverdict.benchmarks.suitability.run import SuitabilityBenchmark, run

        with Bars() as bars:
            figures = run(SuitabilityBenchmark(quick, seed), bars)
        show(figures)
        if json:
            write_json(json, figures)


def show(figures: Mapping[str, Any]) -> None:
    found = figures["tier_wrong_interval"]
    span = f" ({interval(found[0], found[1], '.1%')})" if found else ""
    who = f"{figures['strangers']:,} simulated ads of {figures['strangers_advertisers']:,} new advertisers"
    wrong, limit = number(figures["tier_wrong"], ".1%"), figures["tier_limit"]
    say(f"tiers: {figures['tier_told']:.1%} of {who} are told one; wrong of those {wrong}{span}, limit {limit:.0%}")
    say(f"were all told one, {figures['tier_wrong_untold']:.1%} would be wrong")
    certificate = figures["certificate"]
    if certificate:
        say(
            f"certified at {certificate['confidence']:.0%}: at most {certificate['upper']:.1%} wrong, from {certificate['wrong']} of "
            f"{certificate['ads']:,} ads of {certificate['advertisers']:,} advertisers"
        )
    else:
        say("not certified: no tier is told")
    for name in ("precision", "recall"):
        low, high = figures[f"disclosure_{name}_interval"]
        say(f"branded content that does not say so: {name} {number(figures[f'disclosure_{name}'], '.1%')} ({interval(low, high, '.1%')})")
    kinds = ", ".join(f"{kind} {one['raised']} of {one['posts']}" for kind, one in figures["disclosure_by_kind"].items())
    say(f"raised among {figures['branded']:,} such posts and {figures['hard_negatives']:,} hard negatives, all simulated: {kinds}")
    say(f"{figures['us_per_ad']:.0f} us of a processor an ad for its tier")
