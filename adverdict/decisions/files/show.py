"""What is in force in a market, and where each value was written: the policy files as people ask about them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from adverdict.decisions.files.fields import ALL_SURFACES, KEYS, TARGET_READERS, Fields
from adverdict.decisions.files.read import PolicyFolder
from adverdict.decisions.policy import PolicyInForce, Stance, Thresholds, WhenUncertified
from adverdict.decisions.strikes import StrikeLimit
from adverdict.decisions.thresholds import SolvedFor, SolvedThresholds
from adverdict.domain.identity import surface_key

BUILT_IN = "built-in default"
"""In place of ``file:line``: no file says it."""
IN_FORCE = "in force there"
"""In place of a key: the general rules leave the policy out."""
FLAT_KEYS = tuple(flat for key in KEYS for flat in ([f"targets.{name}" for name in TARGET_READERS] if key == "targets" else [key]))
"""Every key of a policy in the order people write them, the targets one by one."""
NOTHING_SAID = {"thresholds": "auto", "strikes": "none", "surfaces": ALL_SURFACES, "targets.max_missed": "not limited"}
"""How a file writes what is None once it is read."""

Values = tuple["Value", ...]


@dataclass(frozen=True, slots=True)
class Value:
    """One key of one policy, settled. ``value`` is what the file means: a number, a word, ``Thresholds`` or a set of surfaces."""

    key: str
    value: object
    where: str
    """``file:line``, or ``BUILT_IN``."""

    def __str__(self) -> str:
        return in_words(self.value)


@dataclass(frozen=True)
class Shown:
    """One policy at one place."""

    policy: str
    values: Values
    """One for each of ``FLAT_KEYS``; empty where the policy is not in force."""
    only_on: Value | None = None
    """The surfaces it is in force on, where this place is none of them."""


@dataclass(frozen=True)
class Place:
    """A market by its general rules, or one surface of it, with every policy of the folder."""

    market: str
    surface: str | None
    named: bool
    """False: no file names this surface, so the general rules hold there."""
    policies: tuple[Shown, ...]
    differing: Mapping[str, Mapping[str, tuple[str, ...]]]
    """Surface -> policy -> the keys that differ there from the general rules. Empty when the place is itself a surface."""


def show(folder: PolicyFolder, market: str, surface: str | None = None) -> Place:
    """Everything in force in ``market`` by its general rules, or on ``surface``. Raises KeyError for a market without a file."""
    surfaces, key = folder.settled[market].by_surface, surface_key(surface) or None
    here = table(folder, market, key)
    policies = [
        Shown(name, here[name]) if name in here else Shown(name, (), surfaces_of(folder, market, name)) for name in folder.book.names
    ]
    differing = {} if key else {name: keys for name in surfaces if (keys := _differing(here, table(folder, market, name)))}
    return Place(market, key, key is None or key in surfaces, tuple(policies), differing)


def table(folder: PolicyFolder, market: str, surface: str | None) -> dict[str, Values]:
    """The values of each policy in force; ``surface`` None, or one that no file names, stands for the general rules."""
    settled = folder.settled[market]
    fields = settled.by_surface.get(surface_key(surface), settled.elsewhere)
    return {policy.name: _values(policy, fields[policy.name]) for policy in folder.book.in_force(market, surface)}


def surfaces_of(folder: PolicyFolder, market: str, policy: str) -> Value:
    """On which surfaces of a market a policy is in force. Raises KeyError for a policy the folder does not define."""
    settled = folder.settled[market]
    for fields in (settled.elsewhere, *settled.by_surface.values()):
        if policy in fields:
            return _value("surfaces", fields[policy], None)
    raise KeyError(policy)


@dataclass(frozen=True, slots=True)
class InUse:
    """The thresholds that decide once there is a model, None where none do."""

    thresholds: Thresholds | None
    words: str
    """Those, what they were solved for, and who vouches for them."""


def thresholds_in_use(policy: PolicyInForce, market: str, solved: SolvedThresholds, now: datetime) -> InUse:
    """What a policy decides by in a market with the thresholds a model brings, at ``now`` (with a time zone; certificates expire)."""
    if policy.stance is Stance.ALLOWED:
        return InUse(None, "none needed: allowed")
    thresholds = policy.thresholds or solved.find(policy.name, market, policy.targets)
    if thresholds is None:
        return InUse(None, f"none were solved for {'these targets' if solved.concerns(policy.name) else 'this policy'}: a person decides")
    own = SolvedFor(policy.name, market, policy.targets) in solved.points
    origin = "written in the policy files" if policy.thresholds else f"solved for {market if own else 'all markets together'}"
    limited = policy.limited(thresholds)
    rejects = f"reject from {limited.reject_at:.3f}" if limited.reject_at < 1 else "never reject automatically"
    numbers = f"approve below {limited.approve_below:.3f}, {rejects}"
    powerless = policy.when_uncertified is WhenUncertified.REVIEW and not thresholds.certified_at(now)
    within = "" if limited is thresholds else ", held within max_risk and min_risk_rejected"
    return InUse(limited, f"{numbers}; {origin}{within}, {_trust(thresholds, now)}{': a person decides' if powerless else ''}")


def in_words(value: object) -> str:
    """A value on one line, much as a file has it."""
    match value:
        case Thresholds():
            return f"approve below {in_words(value.approve_below)}, reject from {in_words(value.reject_at)}"
        case frozenset():
            return f"[{', '.join(sorted(value))}]"
        case float():
            return f"{value:.15g}"
    return str(value)


def plain(value: object) -> object:
    """A value for JSON."""
    match value:
        case Thresholds():
            return {"approve_below": value.approve_below, "reject_at": value.reject_at}
        case StrikeLimit():
            return {"limit": value.limit, "days": value.days, "then": value.then.value, "counted": value.counted.value}
        case frozenset():
            return sorted(value)
        case float():
            return value
    return str(value)


def _values(policy: PolicyInForce, fields: Fields) -> Values:
    return tuple(_value(key, fields, policy) for key in FLAT_KEYS)


def _value(key: str, fields: Fields, policy: PolicyInForce | None) -> Value:
    """What no file says has the value that reading gave it."""
    written = fields.get(key)
    value = getattr(policy, key.removeprefix("targets."), None) if written is None else written.value
    return Value(key, NOTHING_SAID.get(key) if value is None else value, BUILT_IN if written is None else written.where)


def _differing(general: Mapping[str, Values], here: Mapping[str, Values]) -> dict[str, tuple[str, ...]]:
    differing = {
        name: tuple(mine.key for mine, usual in zip(own, general[name], strict=True) if mine.value != usual.value)
        if name in general
        else (IN_FORCE,)
        for name, own in here.items()
    }
    return {name: keys for name, keys in differing.items() if keys}


def _trust(thresholds: Thresholds, now: datetime) -> str:
    if thresholds.certificate_id is None:
        return "uncertified"
    end = f" {'expired' if thresholds.expired_at(now) else 'until'} {thresholds.expires_at:%Y-%m-%d}" if thresholds.expires_at else ""
    return f"{'provisional ' if thresholds.provisional else ''}certificate {thresholds.certificate_id}{end}"
