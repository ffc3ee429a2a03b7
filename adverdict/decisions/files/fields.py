"""The keys of a policy: how each value is read and what is expected of it. ``docs/policies.md`` describes every one of them."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from adverdict.decisions.files.located import Located
from adverdict.decisions.policy import Licence, Severity, Stance, Thresholds, WhenDegraded, WhenUncertified, WhenUnfamiliar
from adverdict.decisions.strikes import MOST_DAYS, MOST_STRIKES, StrikeLimit, StrikesCounted, StrikesThen
from adverdict.domain.errors import Mistake

NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
"""Names of policies and of surfaces."""
ALL_SURFACES = "all"
Choice = TypeVar("Choice", bound=StrEnum)
_NUMBER = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?")


@dataclass(frozen=True, slots=True)
class Sourced:
    """A value that was read, and the ``file:line`` it came from."""

    value: object
    where: str


Fields = dict[str, Sourced]
"""The values one file gives one policy, by key; ``targets`` is flat (``targets.max_leakage``), so that each target inherits by itself."""


class Wrong(Exception):
    """A value is not what its key needs."""

    def __init__(self, expected: str) -> None:
        self.expected = expected
        super().__init__(expected)


def read_fields(section: Located, path: str, mistakes: list[Mistake], *, on_surface: bool = False) -> Fields:
    """The keys of one policy in one file. Under a ``surfaces:`` section the key ``surfaces`` has no meaning and is refused."""
    known = [key for key in KEYS if not (on_surface and key == "surfaces")]
    fields: Fields = {}
    for key, item in known_items(section, path, known, mistakes):
        if key == "targets":
            if not isinstance(item.value, dict):
                fields.update({f"targets.{name}": Sourced(None, item.where) for name in TARGET_READERS})
            for name, target in known_items(item, f"{path}.targets", TARGET_READERS, mistakes):
                _read(f"targets.{name}", target, TARGET_READERS[name], path, fields, mistakes)
        elif key == "strikes":
            fields[key] = Sourced(_strikes(item, f"{path}.strikes", mistakes), item.where)
        else:
            _read(key, item, READERS[key], path, fields, mistakes)
    return fields


def known_items(section: Located, path: str, known: Iterable[str], mistakes: list[Mistake]) -> list[tuple[str, Located]]:
    """The entries of a mapping whose keys are known; every other key is a mistake, with the likeliest meant."""
    names = list(known)
    if not isinstance(section.value, dict):
        mistakes.append(Mistake(path, section.shown(), "a mapping with keys of " + ", ".join(names), section.where))
        return []
    for key, item in section.value.items():
        if key not in names:
            mistakes.append(Mistake(f"key of {path}", key, _deeper(names, key) or one_of(names, key), item.where))
    return [(key, item) for key, item in section.value.items() if key in names]


def _deeper(names: Iterable[str], key: object) -> str | None:
    """Where a key belongs that stands beside the mapping it is of."""
    inside = {"targets": TARGET_READERS, "strikes": STRIKE_READERS}
    return next((f"it one level deeper, under {name}" for name in names if key in inside.get(name, ())), None)


def one_of(names: Iterable[str], came: object = None) -> str:
    """``one of a, b, c``, and which of them was probably meant."""
    names = list(names)
    near = difflib.get_close_matches(str(came).lower(), [name.lower() for name in names], n=1)
    hint = next((f" (did you mean {name}?)" for name in names if near and name.lower() == near[0]), "")
    return f"one of {', '.join(names)}{hint}"


def _read(key: str, item: Located, read: Callable[[Located], object], path: str, fields: Fields, mistakes: list[Mistake]) -> None:
    try:
        fields[key] = Sourced(read(item), item.where)
    except Wrong as wrong:
        mistakes.append(Mistake(f"{path}.{key}", item.shown(), wrong.expected, item.where))
        fields[key] = Sourced(None, item.where)  # written, so nobody also reports it as missing


def _sentence(item: Located) -> str:
    if not isinstance(item.value, str) or not item.value.strip() or (item.plain and _NUMBER.fullmatch(item.value)):
        raise Wrong("a sentence")
    return " ".join(item.value.split())


def _choice(choices: type[Choice]) -> Callable[[Located], Choice]:
    def read(item: Located) -> Choice:
        if isinstance(item.value, str) and item.value in set(choices):
            return choices(item.value)
        raise Wrong(one_of(choices, item.value))

    return read


def _surfaces(item: Located) -> frozenset[str] | None:
    """None: all of them."""
    if item.value == ALL_SURFACES:
        return None
    if not isinstance(item.value, list) or not item.value:
        raise Wrong("a list of surfaces, such as [kids_video], or all")
    for surface in item.value:
        if not isinstance(surface.value, str) or not NAME.fullmatch(surface.value) or surface.value == ALL_SURFACES:
            raise Wrong("surfaces in lower-case letters, digits and _, such as [kids_video]")
    return frozenset(str(surface.value) for surface in item.value)


def _number(item: Located) -> float:
    if isinstance(item.value, str) and item.plain and _NUMBER.fullmatch(item.value):
        return float(item.value)
    raise Wrong("a number from 0 to 1, such as 0.05")


def _share(item: Located) -> float:
    number = _number(item)
    if not 0 <= number <= 1:
        raise Wrong("a number from 0 to 1, such as 0.05")
    return number


def _confidence(item: Located) -> float:
    number = _number(item)
    if not 0 < number < 1:
        raise Wrong("a number above 0 and below 1, such as 0.95")
    return number


def _thresholds(item: Located) -> Thresholds | None:
    """None: ``auto``."""
    if item.value == "auto":
        return None
    keys = ("approve_below", "reject_at")
    if not isinstance(item.value, dict) or set(item.value) != set(keys):
        raise Wrong("auto, or both approve_below and reject_at")
    approve_below, reject_at = (_share(item.value[key]) for key in keys)
    if approve_below > reject_at:
        raise Wrong("approve_below at most reject_at")
    return Thresholds(approve_below, reject_at)


def _whole(most: int, such: int) -> Callable[[Located], int]:
    def read(item: Located) -> int:
        if isinstance(item.value, str) and item.plain and re.fullmatch(r"[0-9]{1,6}", item.value) and 1 <= int(item.value) <= most:
            return int(item.value)
        raise Wrong(f"a whole number from 1 to {most}, such as {such}")

    return read


def _strikes(section: Located, path: str, mistakes: list[Mistake]) -> StrikeLimit | None:
    """None: ``none``, or there are mistakes in it. A block is replaced as a whole: half of a limit says nothing."""
    if section.value == "none":
        return None
    if not isinstance(section.value, dict):
        expected = "none, or a mapping such as {limit: 3, days: 90, then: review}"
        mistakes.append(Mistake(path, section.shown(), expected, section.where))
        return None
    found: Fields = {}
    for key, item in known_items(section, path, STRIKE_READERS, mistakes):
        _read(key, item, STRIKE_READERS[key], path, found, mistakes)
    for key in ("limit", "days", "then"):
        if key not in section.value:
            mistakes.append(Mistake(f"{path}.{key}", None, f"{_STRIKES_EXPECTED[key]} (required)", section.where))
    values = {key: sourced.value for key, sourced in found.items()}
    if None in values.values() or not {"limit", "days", "then"} <= values.keys():
        return None
    return StrikeLimit(**values)  # type: ignore[arg-type]


STRIKE_READERS: dict[str, Callable[[Located], object]] = {
    "limit": _whole(MOST_STRIKES, 3),
    "days": _whole(MOST_DAYS, 90),
    "then": _choice(StrikesThen),
    "counted": _choice(StrikesCounted),
}
_STRIKES_EXPECTED = {"limit": f"1 to {MOST_STRIKES}", "days": f"1 to {MOST_DAYS}", "then": one_of(StrikesThen)}
TARGET_READERS: dict[str, Callable[[Located], object]] = {
    "max_risk": _share,
    "max_leakage": _share,
    "max_missed": _share,
    "min_risk_rejected": _share,
    "max_wrongful_reject": _share,
    "confidence": _confidence,
}
READERS: dict[str, Callable[[Located], object]] = {
    "title": _sentence,
    "severity": _choice(Severity),
    "stance": _choice(Stance),
    "licence": _choice(Licence),
    "surfaces": _surfaces,
    "thresholds": _thresholds,
    "when_degraded": _choice(WhenDegraded),
    "when_uncertified": _choice(WhenUncertified),
    "when_unfamiliar": _choice(WhenUnfamiliar),
    "unfamiliar_share": _share,
    "audit_share": _share,
    "reason": _sentence,
}
KEYS = (
    *("title", "severity", "stance", "licence", "surfaces", "targets", "thresholds"),
    *("when_degraded", "when_uncertified", "when_unfamiliar", "unfamiliar_share", "audit_share", "strikes", "reason"),
)
"""Every key of a policy, in the order people write them."""
REQUIRED = ("title", "severity", "stance", "targets.max_leakage", "targets.max_wrongful_reject", "targets.confidence", "reason")
"""Keys the default file must give each policy; the others have a default: a ``max_risk`` by severity, ``MIN_RISK_REJECTED``, no
``max_missed``, no licence, all surfaces, ``auto`` thresholds, ``review`` when degraded, ``decide`` when uncertified, ``review`` when
unfamiliar, which a ``DEFAULT_UNFAMILIAR_SHARE`` of honest ads are, no limit of strikes, and an audit share of ``DEFAULT_AUDIT_SHARE``."""
