"""``shrinkage.yaml`` and ``targets.yaml``: paid time that is not work on tasks, and what the queues are to keep."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from adverdict.decisions.files.fields import one_of
from adverdict.decisions.files.located import Located, locate
from adverdict.decisions.policy import Severity
from adverdict.domain.errors import Mistake

CAUSES = ("leave", "sickness", "training", "meetings", "wellness")
KINDS = ("review", "audit", "sample", "double", "senior", "appeal")
USUAL = "default"


@dataclass(frozen=True)
class Shrinkage:
    """Shares of paid hours in which nobody answers tasks, by cause; each in [0, 1)."""

    usual: Mapping[str, float] = field(default_factory=dict)
    teams: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """Of a team, the causes that differ."""

    def of(self, team: str) -> float:
        """Share of a team's paid hours, in [0, 1)."""
        return float(sum({**self.usual, **self.teams.get(team, {})}.values()))

    def with_absence(self, more: float) -> Shrinkage:
        """Everybody is away for ``more`` of the paid hours besides."""
        raised = {"sickness": self.usual.get("sickness", 0.0) + more}
        teams = {team: {**told, "sickness": told["sickness"] + more} if "sickness" in told else told for team, told in self.teams.items()}
        return Shrinkage({**self.usual, **raised}, teams)


@dataclass(frozen=True)
class Targets:
    """What a week has to keep."""

    in_time: Mapping[str, float] = field(default_factory=dict)
    """By kind of task, the share answered before it is due, in (0, 1]; .95 where nothing is said."""
    decided_hours: Mapping[str, float] = field(default_factory=dict)
    """By kind, the hours from submission to the final word within which nine in ten are to be; none where nothing is said."""
    occupancy: float = 0.85
    """Most of the time on shift that anybody spends on tasks."""
    severe_minutes: float | None = None
    """Most minutes a day that anybody looks at severe content; None: no limit."""
    severe: tuple[str, ...] = (Severity.ZERO_TOLERANCE.value,)
    """Severities of policies that count as such."""
    met: float = 0.9
    """With which probability a plan is to keep ``in_time``."""

    def share(self, kind: str) -> float:
        return self.in_time.get(kind, self.in_time.get(USUAL, 0.95))

    def hours(self, kind: str) -> float | None:
        """Within which nine in ten of a kind are to be decided; None: nothing is said."""
        return self.decided_hours.get(kind, self.decided_hours.get(USUAL))

    def changed(self, *, in_time: float | None = None, occupancy: float | None = None) -> Targets:
        """As a command's options say; None: as before."""
        made = self if in_time is None else replace(self, in_time={USUAL: in_time})
        return made if occupancy is None else replace(made, occupancy=occupancy)


def read_shrinkage(path: Path, mistakes: list[Mistake]) -> Shrinkage:
    root = _root(path, mistakes)
    _known(root, (USUAL, "teams"), mistakes)
    usual = _shares(root.get(USUAL), CAUSES, mistakes)
    teams = {team: _shares(told, CAUSES, mistakes) for team, told in _mapping(root.get("teams"), "teams", mistakes).items()}
    for where, told in ((USUAL, usual), *((team, {**usual, **told}) for team, told in teams.items())):
        if sum(told.values()) >= 1:
            mistakes.append(Mistake(where, round(sum(told.values()), 4), "shares that come to less than 1 together", path.name))
    return Shrinkage(usual, teams)


def read_targets(path: Path, mistakes: list[Mistake]) -> Targets:
    root = _root(path, mistakes)
    _known(root, ("in_time", "decided_hours", "occupancy", "severe_minutes_a_day", "severe", "met"), mistakes)
    usual = Targets()
    in_time = _shares(root.get("in_time"), (USUAL, *KINDS), mistakes, high=1.0)
    decided = {
        kind: value
        for kind, told in _mapping(root.get("decided_hours"), "decided_hours", mistakes, (USUAL, *KINDS)).items()
        if (value := _number(told, kind, "hours above 0", 0, 8760, mistakes)) is not None
    }
    occupancy = _number(root.get("occupancy"), "occupancy", "a share above 0 and up to 1", 0, 1, mistakes)
    minutes = _number(root.get("severe_minutes_a_day"), "severe_minutes_a_day", "minutes above 0 and up to 1440", 0, 1440, mistakes)
    met = _number(root.get("met"), "met", "a probability above 0 and below 1", 0, 0.999, mistakes)
    return Targets(in_time, decided, occupancy or usual.occupancy, minutes, _severities(root.get("severe"), mistakes), met or usual.met)


def _severities(told: Located | None, mistakes: list[Mistake]) -> tuple[str, ...]:
    if told is None or told.value is None:
        return Targets().severe
    items = told.value if isinstance(told.value, list) else [told]
    for item in items:
        if item.value not in set(Severity):
            mistakes.append(Mistake("severe", item.shown(), f"severities of policies: {', '.join(Severity)}", item.where))
    return tuple(str(item.value) for item in items)


def _root(path: Path, mistakes: list[Mistake]) -> dict[str, Located]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        mistakes.append(Mistake("file", path.name, "text in UTF-8", path.name))
        return {}
    found = locate(text, path.name, mistakes)
    return _mapping(found, "file", mistakes) if found is not None else {}


def _mapping(told: Located | None, name: str, mistakes: list[Mistake], known: tuple[str, ...] = ()) -> dict[str, Located]:
    if told is None or told.value is None:
        return {}
    if not isinstance(told.value, dict):
        mistakes.append(Mistake(name, told.shown(), "a mapping of keys to values", told.where))
        return {}
    if known:
        _known(told.value, known, mistakes)
    return told.value


def _known(told: Mapping[str, Located], known: tuple[str, ...], mistakes: list[Mistake]) -> None:
    mistakes += [Mistake("key", key, f"a known key: {one_of(known, key)}", one.where) for key, one in told.items() if key not in known]


def _shares(told: Located | None, known: tuple[str, ...], mistakes: list[Mistake], high: float = 0.999) -> dict[str, float]:
    expected = "a share from 0 to below 1" if high < 1 else "a share above 0 and up to 1"
    found = {}
    for key, one in _mapping(told, "shares", mistakes, known).items():
        value = _number(one, key, expected, 0 if high >= 1 else -1e-12, high, mistakes)
        if value is not None:
            found[key] = value
    return found


def _number(told: Located | None, key: str, expected: str, low: float, high: float, mistakes: list[Mistake]) -> float | None:
    """Above ``low``, up to and including ``high``; None, and a mistake, for anything else. None where nothing is said."""
    if told is None or told.value is None:
        return None
    try:
        value = float(told.value) if isinstance(told.value, str) and told.plain else math.nan
    except ValueError:
        value = math.nan
    if low < value <= high:
        return value
    mistakes.append(Mistake(key, told.shown(), expected, told.where))
    return None
