"""Detectors and alarms as tables, and for machines."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from adverdict.ledger.in_force.alarms import Alarm
    from adverdict.monitoring.watch import CellStanding, LastLook


def show_cells(found: Sequence[CellStanding], budget: float) -> None:
    """What is watched, the loudest first."""
    from adverdict.cli.console import out, printable
    from adverdict.cli.tables import columns
    from adverdict.monitoring.detectors import FEWEST

    heard = [one for one in found if one.state.rings_at is not None]
    if heard:
        names = ("watched", "policy", "where", "read", "wrong", "evidence", "rings at")
        table = columns(names, left=names[:3], title=f"Watched, with at most {budget:g} false alarms a year together")
        for one in sorted(heard, key=lambda one: -(one.state.evidence / (one.state.rings_at or 1.0))):
            where, state = ", ".join(one.cell.markets), one.state
            evidence, rings_at = f"{state.evidence:.3g}", f"{state.rings_at:.3g}"
            table.add_row(str(one.cell.watched), one.cell.policy, where, f"{state.counted:,}", f"{state.errors:,}", evidence, rings_at)
        out.print(table)
    if unheard := len(found) - len(heard):
        out.print(f"of {unheard} of {len(found)} that are watched too little was read to say anything (fewer than {FEWEST} answers)")
    for one in found:
        if one.alarm is not None:
            out.print(printable(f"rings: {one.cell.watched} of {one.cell.policy}. {one.alarm.says}"), highlight=False, markup=False)
            out.print(printable(one.alarm.proposal), highlight=False, markup=False)
        elif one.told is not None:
            out.print(f"open since {one.told.opened_at:%Y-%m-%d}: {one.told.alarm_id}", highlight=False, markup=False)


def show_detectors(found: Sequence[LastLook]) -> None:
    from datetime import timedelta

    from adverdict.cli.console import out
    from adverdict.cli.tables import columns
    from adverdict.ledger.moments import moment

    names = ("detector", "days", "read", "wrong", "evidence", "rings at", "may ring falsely a year")
    table = columns(names, left=names[:2])
    for one in found:
        state = one.state
        first, last = (moment(day * 86_400_000_000) for day in (state.begin, state.end))
        days = f"{first:%Y-%m-%d} to {last - timedelta(days=1):%Y-%m-%d}" if state.end > state.begin else "none yet"
        heard = (f"{state.evidence:.3g}", f"{state.rings_at:.3g}") if state.rings_at is not None else ("too little", "")
        table.add_row(one.cell, days, f"{state.counted:,}", f"{state.errors:,}", *heard, f"{state.may:.2f}")
    out.print(table)


def show_alarms(found: Sequence[Alarm], *, figures: bool = False) -> None:
    from adverdict.cli.console import out, printable
    from adverdict.domain.formats import moment

    if not found:
        out.print("no alarm is open")
    for one in found:
        told = one.told
        line = f"{one.alarm_id}  {told.watched} of {told.policy} in {', '.join(told.markets)}: {one.state}, since {told.since:%Y-%m-%d}"
        out.print(line, highlight=False, markup=False, soft_wrap=True)
        for sentence in (told.says, told.proposal):
            out.print(printable(f"  {sentence}"), highlight=False, markup=False)
        if figures:
            for name, value in told.figures.items():
                out.print(printable(f"  {name}: {value}"), highlight=False, markup=False)
            for name in told.examples:
                out.print(f"  an example: decision {name} (/console/decisions/{name})", highlight=False, markup=False, soft_wrap=True)
        for at, move in one.moves:
            link = f" ({move.link})" if move.link else ""
            out.print(printable(f"  {move.state} {moment(at)}, by {move.by}: {move.why}{link}"), highlight=False, markup=False)


def cell_figures(one: CellStanding) -> dict[str, object]:
    return {
        "cell": one.name,
        "watched": str(one.cell.watched),
        "policy": one.cell.policy,
        "markets": list(one.cell.markets),
        "limit": one.state.limit,
        "read": one.state.counted,
        "wrong": one.state.errors,
        "evidence": one.state.evidence if one.state.rings_at is not None else None,
        "rings_at": one.state.rings_at,
        "alarm": one.alarm.model_dump(mode="json") if one.alarm else None,
        "open": one.told.alarm_id if one.told else None,
    }


def alarm_figures(one: Alarm) -> dict[str, object]:
    return {
        "alarm_id": one.alarm_id,
        "opened_at": one.opened_at.isoformat(),
        "state": str(one.state),
        **one.told.model_dump(mode="json"),
        "moves": [{"at": at.isoformat(), **move.model_dump(mode="json")} for at, move in one.moves],
    }
