"""``adverdict benchmark earlier``: what it takes and what it prints."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from adverdict.cli.console import out
from adverdict.cli.door import door
from adverdict.cli.options import Json, Seed
from adverdict.cli.tables import columns
from adverdict.domain.formats import number


def earlier(
    data: Annotated[
        Path | None, typer.Option("--data", help="Folder with ads.* and labels.*; simulated copies otherwise.", show_default=False)
    ] = None,
    policy: Annotated[str | None, typer.Option("--policy", help="The one with most labels otherwise.")] = None,
    seed: Seed = 0,
    json: Json = None,
) -> None:
    """What it adds to know what people said of near copies by other advertisers before an ad was submitted."""
    from adverdict.cli.console import Bars, write_json

    with door():
        from adverdict.benchmarks.clusters.earlier import run

        with Bars() as bars:
            figures = run(data, policy, seed, bars)
        _show(figures)
        if json:
            write_json(json, figures)


def _show(found: Mapping[str, Any]) -> None:
    near, whose = found["with_copies_spoken_of"], f"{found['data']}, {found['policy']}"
    title = f"{whose}: {found['ads']:,} ads of {found['advertisers']:,} advertisers, {found['violating']:,} violating"
    table = columns(("figure", "words alone", "with what was said", "difference", "95 %"), left=("figure",), title=title)
    parts: list[tuple[Mapping[str, Any], str]] = [(found, "all ads")]
    if "among_those" in found:
        parts.append((found["among_those"], f"the {near:,} with copies spoken of"))
    for figures, of in parts:
        for name, words in (("ap", "average precision"), ("log_loss", "log loss")):
            one = figures[name]
            low, high = one["interval"]
            cells = (number(one["plain"], ".4f"), number(one["knowing"], ".4f"), number(one["difference"], "+.4f"))
            table.add_row(f"{words}, {of}", *cells, f"{low:+.4f} to {high:+.4f}")
    out.print(table)
    out.print(f"{found['microseconds_an_ad']:,.0f} µs an ad, fingerprints included", highlight=False)
