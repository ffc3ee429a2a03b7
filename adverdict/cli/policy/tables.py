"""How policy show and policy diff look on a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from adverdict.cli.console import err, out, printable
from adverdict.domain.formats import with_interval

if TYPE_CHECKING:
    from adverdict.decisions.files.difference import Difference
    from adverdict.decisions.files.show import InUse, Place, Shown
    from adverdict.rollout.whatif import Share, WhatIf

FIRST = 10
"""Changed ads that are printed."""


def print_place(place: Place, policies: Sequence[str], used: Mapping[str, InUse]) -> None:
    """Every policy, or those of ``policies``, with ``used``: the thresholds a model brings, by policy."""
    _say(f"{place.market}, {f'on {place.surface}' if place.surface else 'general rules'}", bold=True)
    shown = [one for one in place.policies if not policies or one.policy in policies]
    for one in shown:
        _say("")
        _print_policy(one, used.get(one.policy))
    names = {one.policy for one in shown}
    differing = {surface: {name: found[name] for name in found if name in names} for surface, found in place.differing.items()}
    if any(differing.values()):
        _say("\nOther rules hold on", bold=True)
    for surface, found in differing.items():
        if found:
            _say(f"  {surface}: " + ", ".join(f"{name} ({', '.join(keys)})" for name, keys in found.items()))


def _print_policy(one: Shown, used: InUse | None) -> None:
    if one.only_on:
        _say(f"{one.policy}: not in force here; surfaces: {one.only_on} ({one.only_on.where})")
        return
    _say(one.policy, bold=True)
    table = _table("", "", "", header=False)
    for value in one.values:
        table.add_row(Text(f"  {value.key}"), Text(str(value)), Text(value.where, style="dim"))
        if value.key == "thresholds" and used:
            table.add_row(Text("  thresholds in use"), Text(used.words), "")
    out.print(table)


def print_difference(difference: Difference) -> None:
    if difference.nothing:
        _say("nothing changed: both folders decide the same")
    for sentence in difference.sentences():
        _say(sentence)


def print_what_if(result: WhatIf) -> None:
    """What the difference does to ads. Warnings go to the error stream."""
    for name in result.trained_on:
        _warn(f"the model was trained on {name}: the errors below look smaller than they are")
    for name, side in (("A", result.before), ("B", result.after)):
        for policy, ads in side.unsolved.items():
            why = "the model has no thresholds for the targets in force"
            _warn(f"{name}: {policy}: {why}, so {ads} ads are left to people until they are solved again")
        for policy, ads in side.unscored.items():
            _warn(f"{name}: {policy}: the model knows no risk of {ads} ads")
    _say(f"\n{len(result.flips)} of {result.ads} ads get another verdict", bold=True)
    if result.flips:
        _print_counts(result)
        _print_first(result)
    _say("\nA -> B, with 95 % intervals; errors on labelled ads only", bold=True)
    _print_sides(result)


def _print_counts(result: WhatIf) -> None:
    total = result.directions()
    table = _table("", *total)
    table.add_row("all", *(str(ads) for ads in total.values()))
    for name, counts in (*result.by_policy().items(), *((f"in {market}", found) for market, found in result.by_market().items())):
        table.add_row(name, *(str(counts.get(direction, "–")) for direction in total))
    out.print(table)


def _print_first(result: WhatIf) -> None:
    _say("")
    table = _table("ad", "market", "surface", "A -> B", "policy", "because", right=())
    for flip in result.flips[:FIRST]:
        cells = (flip.ad_id, flip.market, flip.surface or "–", flip.direction, ", ".join(flip.policies), flip.because)
        table.add_row(*(Text(printable(cell)) for cell in cells))
    out.print(table)
    if len(result.flips) > FIRST:
        _say(f"… and {len(result.flips) - FIRST} more; --out FILE.csv lists them all")


def _print_sides(result: WhatIf) -> None:
    before, after = result.before, result.after
    table = _table("", "A", "", "B", "")
    table.add_row("ads left to people", *_cells(before.review), *_cells(after.review))
    table.add_row("ads audited besides", *_cells(before.audited), *_cells(after.audited))
    for policy in dict.fromkeys((*before.errors, *after.errors)):
        old, new = before.errors.get(policy), after.errors.get(policy)
        leaked = [_cells(side.leakage if side else None) for side in (old, new)]
        wrongful = [_cells(side.wrongful_reject if side else None) for side in (old, new)]
        table.add_row(f"{policy}: violating, of those approved", *leaked[0], *leaked[1])
        table.add_row(f"{policy}: innocent, of those rejected", *wrongful[0], *wrongful[1])
    out.print(table)


def _cells(share: Share | None) -> tuple[str, str]:
    if share is None:
        return "not defined", ""
    if share.share is None or share.interval is None:
        return "0 of 0", "–"
    low, high = share.interval
    return f"{share.k} of {share.n}", with_interval(share.share, low, high, ".2%")


def _table(*columns: str, header: bool = True, right: Sequence[str] | None = None) -> Table:
    table = Table(box=None, header_style="dim", pad_edge=False, show_header=header)
    for number, column in enumerate(columns):
        numeric = right is None and header and number > 0
        table.add_column(Text(column), justify="right" if numeric else "left", overflow="fold")
    return table


def _say(text: str, bold: bool = False) -> None:
    out.print(text, style="bold" if bold else None, markup=False, highlight=False)


def _warn(text: str) -> None:
    err.print(f"warning: {text}", style="yellow", markup=False, highlight=False)
