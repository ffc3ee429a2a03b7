"""Days that no declared event explains: what a planner should ask the policy managers about, and write into ``events.csv``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from adverdict.workforce.forecast.poisson import fit
from adverdict.workforce.operations.events import Event
from adverdict.workforce.volume.history import WEEK, Floats, History

FEWEST_DAYS = 28
FAR = 4.0
"""Standard deviations, beyond the scatter of a market's days, from which a day asks for an explanation."""
RELATIVE = 0.3
"""And by how much of the usual it has to differ at least."""


@dataclass(frozen=True)
class Suggestion:
    """Days in a row that were other than usual in one market, or in several at once."""

    starts: date
    ends: date
    markets: tuple[str, ...]
    factor: float
    """Times the usual."""
    holiday: str = ""
    """What the calendar has on one of these days, where the optional calendar is installed."""


def suggestions(history: History, events: Sequence[Event]) -> list[Suggestion]:
    """Oldest first; none from fewer than ``FEWEST_DAYS`` days."""
    if history.days < FEWEST_DAYS:
        return []
    found: dict[tuple[int, int], list[tuple[str, float]]] = {}
    for market in history.markets:
        counts = history.of_market(market)
        usual, spread = _usual(history, counts)
        far = np.abs(counts - usual) > np.maximum(FAR * spread, RELATIVE * usual)
        for day in np.flatnonzero(far & (usual > 1)).tolist():
            if not _declared(history.start + timedelta(days=day), market, events):
                found.setdefault((day, day), []).append((market, float(counts[day] / usual[day])))
    return [_suggestion(history, first, last, told) for (first, last), told in sorted(_joined(found).items())]


def _usual(history: History, counts: Floats) -> tuple[Floats, Floats]:
    """What a day of its kind has, and how far days scatter around that; far days count less."""
    days = np.arange(history.days)
    knots = np.linspace(0, history.days - 1, max(2, history.days // 28 + 1))
    level = np.column_stack([np.interp(days, knots, one) for one in np.eye(len(knots))])
    columns = np.column_stack([np.ones(history.days), level * 0.5, np.eye(WEEK)[history.weekdays()] * 0.5])[None]
    found = fit(columns, counts[None], np.zeros((1, history.days)), np.ones((1, history.days)))
    usual = found.means[0]
    return usual, np.sqrt(usual * np.median((counts - usual) ** 2 / np.maximum(usual, 1.0)) / 0.455 + usual)


def _declared(day: date, market: str, events: Sequence[Event]) -> bool:
    return any(one.starts <= day <= one.ends and (not one.markets or market in one.markets) for one in events)


def _joined(found: dict[tuple[int, int], list[tuple[str, float]]]) -> dict[tuple[int, int], list[tuple[str, float]]]:
    """Days in a row with a market in common are one event."""
    joined: dict[tuple[int, int], list[tuple[str, float]]] = {}
    for (day, _), told in sorted(found.items()):
        last = max(joined, default=None)
        if last is not None and last[1] == day - 1 and {one for one, _ in joined[last]} & {one for one, _ in told}:
            joined[last[0], day] = joined.pop(last) + told
        else:
            joined[day, day] = list(told)
    return joined


def _suggestion(history: History, first: int, last: int, told: list[tuple[str, float]]) -> Suggestion:
    starts, ends = history.start + timedelta(days=first), history.start + timedelta(days=last)
    markets = tuple(sorted({market for market, _ in told}))
    return Suggestion(
        starts, ends, markets, float(np.exp(np.mean(np.log([factor for _, factor in told])))), _holiday(starts, ends, markets)
    )


def _holiday(starts: date, ends: date, markets: Sequence[str]) -> str:
    """The name of a public holiday, where the package ``holidays`` is there."""
    try:
        import holidays
    except ImportError:
        return ""
    for market in markets:
        if market in holidays.list_supported_countries():
            calendar = holidays.country_holidays(market, years={starts.year, ends.year})
            for day in range((ends - starts).days + 1):
                name = calendar.get(starts + timedelta(days=day))
                if name:
                    return f"{name} ({market})"
    return ""
