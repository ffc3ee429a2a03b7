"""What comes in, by caller and market: which fields are missing, languages, formats, what is unfamiliar; and volume against forecast.

A share has changed where each of the last days lies outside all of the four weeks before, and by enough to matter. Days are the sample: ads
of one day are alike. While days can be exchanged that happens by chance once in ``36,000`` series and days, whatever their distribution.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from adverdict.monitoring.following.fold import State, Tally
from adverdict.workforce.forecast.forecast import FEWEST_DAYS, point
from adverdict.workforce.operations.events import Event
from adverdict.workforce.volume.history import WEEK, History

LAST = 4
"""Days that must all lie outside."""
BEFORE = 28
FEWEST_ADS = 20
"""Of a day, below which its shares say nothing."""
LEAST = 0.02
"""Share of the ads by which it must have changed."""
VOLUME = 1.5
"""Times as many ads as were forecast, or as few, from which a week is told."""


@dataclass(frozen=True)
class InputChange:
    """One share of a caller's ads in a market that is no longer what it was."""

    caller: str
    """Empty: not told."""
    market: str
    what: str
    """Such as ``missing/title``, ``language/sv``, ``format/image`` or ``unfamiliar``."""
    before: float
    """Mean of the days before."""
    now: float
    ads: int
    """Of the last days."""

    @property
    def sentence(self) -> str:
        kind, _, name = self.what.partition("/")
        words = {
            "missing": f"come without {name}",
            "language": f"say that they are in {name or 'no language'}",
            "format": f"are of the format {name or '(none)'}",
            "unfamiliar": "are unlike those learnt from",
            "review": "went to people",
        }
        who = self.caller or "a caller that was not told"
        return f"{self.now:.0%} of the {self.ads:,} ads of {who} in {self.market} {words[kind]}, where {self.before:.0%} did before"


@dataclass(frozen=True)
class VolumeWeek:
    """The last whole week of a market, beside what its past and the declared events would have forecast."""

    market: str
    came: float
    forecast: float

    @property
    def off(self) -> bool:
        return self.came > VOLUME * max(self.forecast, 1.0) or self.came * VOLUME < self.forecast


def input_changes(state: State) -> list[InputChange]:
    """By what was followed, of whole days."""
    total: defaultdict[str, dict[int, list[int]]] = defaultdict(dict)
    parts: defaultdict[tuple[str, str], dict[int, int]] = defaultdict(dict)
    for (what, day, _), (number, of_them) in _data(state.tallies).items():
        _, caller, market, rest = what.split("/", 3)
        whose = f"{caller}/{market}"
        if rest == "ads":
            total[whose][day] = [number, of_them]
            parts[whose, "review"][day] = of_them
        else:
            parts[whose, rest][day] = number
    found = []
    for (whose, what), by_day in parts.items():
        change = _changed(whose, what, total[whose], by_day, state.today)
        if change is not None:
            found.append(change)
    return sorted(found, key=lambda one: -abs(one.now - one.before))


def volume_weeks(history: History, events: Sequence[Event]) -> list[VolumeWeek]:
    """Of the last seven days on record, each market beside what the days before them foretold; none where these are too few."""
    known = history.until(history.days - WEEK) if history.days > WEEK else history
    if known.days < FEWEST_DAYS or history.days <= WEEK:
        return []
    made = point(known, events, WEEK)
    found = []
    for market in dict.fromkeys(one.market for one in history.series):
        rows = [number for number, one in enumerate(made.series) if one.market == market]
        foretold = float(made.submissions[rows].sum())
        found.append(VolumeWeek(market, float(history.of_market(market)[-WEEK:].sum()), foretold))
    return found


def _data(tallies: Mapping[Tally, list[int]]) -> dict[Tally, list[int]]:
    return {key: counts for key, counts in tallies.items() if key[0].startswith("data/")}


def _changed(whose: str, what: str, total: Mapping[int, list[int]], by_day: Mapping[int, int], today: int) -> InputChange | None:
    """Of days with enough ads alone; None where too few are on record, or nothing changed."""
    days = [day for day in range(today - BEFORE - LAST, today) if total.get(day, [0])[0] >= FEWEST_ADS]
    if len(days) < BEFORE // 2 + LAST or days[-LAST:] != list(range(today - LAST, today)):
        return None
    shares = {day: by_day.get(day, 0) / total[day][0] for day in days}
    before, last = [shares[day] for day in days[:-LAST]], [shares[day] for day in days[-LAST:]]
    outside = min(last) > max(before) or max(last) < min(before)
    ads = sum(total[day][0] for day in days[-LAST:])
    was, now = sum(before) / len(before), sum(by_day.get(day, 0) for day in days[-LAST:]) / ads
    caller, market = whose.split("/", 1)
    return InputChange(caller, market, what, was, now, ads) if outside and abs(now - was) >= LEAST else None
