"""``adverdict policy explain``: what a policy does to an ad in one market, in words and one picture."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from adverdict.cli.console import out
from adverdict.cli.door import door
from adverdict.cli.options import Certificates, Model, PolicyFiles
from adverdict.cli.tables import columns

if TYPE_CHECKING:
    from adverdict.rollout.explain import Explanation

WIDTH = 72
"""Characters of the picture on a terminal."""
STYLES = {"approve": "black on green", "review": "black on yellow", "reject": "white on red"}
LETTERS = {"approve": "a", "review": "·", "reject": "R"}


def explain_command(
    policy: Annotated[str, typer.Argument(help="Name of the policy, such as gambling.")],
    market: Annotated[str, typer.Option("--market", help="Country code, such as SE.")],
    surface: Annotated[str | None, typer.Option("--surface", help="Such as kids_video; the general rules otherwise.")] = None,
    model: Model = None,
    policy_files: PolicyFiles = None,
    certificates: Certificates = None,
    picture: Annotated[Path | None, typer.Option("--out", help="Draw it here, as PNG.")] = None,
) -> None:
    """Say what thresholds and limits are in force for a policy, what is promised of them, and what an ad of each risk meets."""
    with door(model=model, policies=policy_files, certificates=certificates) as settings:
        from adverdict.decisions.files.read import read_folder
        from adverdict.models.certified import certified_thresholds
        from adverdict.models.opening import find_model
        from adverdict.rollout.explain import draw_bands, explain
        from adverdict.rollout.known import known_policy
        from adverdict.training.pages.plots import write_png

        read = read_folder(settings.policies)
        in_force = known_policy(read.book, policy, market, surface)
        found = find_model(settings.model, settings)
        bundle, issued = found.load(), found.issued(read.book.hash)
        solved = bundle.thresholds if issued is None else certified_thresholds(issued, bundle.version)
        explained = explain(in_force, market, surface, solved, issued, datetime.now(UTC))
        show(explained)
        if picture:
            where = f"{market}, {surface}" if surface else market
            write_png(draw_bands(explained), f"{in_force.title}: {where}", picture)
            out.print(f"drawn to {picture}", markup=False, highlight=False)


def show(explained: Explanation) -> None:
    for sentence in explained.sentences():
        out.print(sentence, markup=False, highlight=False)
    out.print()
    out.print(_picture(explained))
    names = ("risk from", "to", "verdict", "why")
    grid = columns(names, left=("verdict", "why"))
    for band in explained.bands:
        grid.add_row(f"{band.low:.4g}", f"{band.high:.4g}", str(band.verdict), band.because)
    out.print(grid)


def _picture(explained: Explanation) -> Text:
    """Risks from .001 to .999, evenly in log-odds: one letter each."""
    line = Text()
    for step in range(WIDTH):
        risk = _risk(step + 0.5)
        verdict = next(band.verdict for band in explained.bands if risk < band.high or band.high >= 1)
        line.append(LETTERS[verdict], style=STYLES[verdict])
    marks = [" "] * WIDTH
    for at in (0.001, 0.01, 0.1, 0.5, 0.9, 0.99):
        start = min(range(WIDTH), key=lambda step: abs(_risk(step + 0.5) - at) / at)
        marks[start : start + len(f"{at:g}")] = f"{at:g}"
    line.append("\n" + "".join(marks[:WIDTH]) + "  a approved, · a person decides, R rejected\n")
    return line


def _risk(step: float) -> float:
    odds = 10 ** (-3 + 6 * step / WIDTH)
    return odds / (1 + odds)
