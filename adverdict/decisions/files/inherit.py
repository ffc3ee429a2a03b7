"""Global -> market -> surface: what each policy comes to in each market, from what each file says.

A later layer replaces single values: first ``policies`` of every file from the default to the market, then their ``surfaces`` in the
same order. So what any file says of a surface outranks what any file says of the market: the surface is the narrower case.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from adverdict.decisions.files.fields import REQUIRED, Fields, Sourced, one_of
from adverdict.decisions.policy import (
    DEFAULT_AUDIT_SHARE,
    DEFAULT_UNFAMILIAR_SHARE,
    MAX_RISK,
    MIN_RISK_REJECTED,
    Licence,
    MarketRules,
    PolicyInForce,
    Severity,
    Stance,
    Targets,
    WhenDegraded,
    WhenUncertified,
    WhenUnfamiliar,
)
from adverdict.domain.errors import Mistake

DEFAULT = "default"
_SHARE = "a number from 0 to 1, such as 0.05"
_EXPECTED = {
    "title": "a sentence",
    "severity": one_of(Severity),
    "stance": one_of(Stance),
    "targets.confidence": "a number above 0 and below 1, such as 0.95",
    "reason": "the sentence an advertiser reads",
}


@dataclass(frozen=True)
class PolicyFile:
    """What one file says, read but not yet settled."""

    name: str
    """``default`` or the market's code."""
    extends: Sourced | None
    policies: Mapping[str, Fields] = field(default_factory=dict)
    surfaces: Mapping[str, Mapping[str, Fields]] = field(default_factory=dict)
    where: Mapping[str, str] = field(default_factory=dict)
    """``file:line`` of each policy, and of each ``surface.policy``."""


def chain(name: str, files: Mapping[str, PolicyFile], mistakes: list[Mistake]) -> list[PolicyFile]:
    """The files a market is made of, the default first; empty when there is no way to it (a mistake unless the way broke elsewhere)."""
    way: list[PolicyFile] = []
    while name in files:
        file = files[name]
        if file in way:
            start = way[0]
            if file is start and start.extends is not None:
                route = " -> ".join([*(f.name for f in way), start.name])
                mistakes.append(Mistake("extends", start.extends.value, f"a way to default, not a circle ({route})", start.extends.where))
            return []
        way.append(file)
        if file.extends is None:
            return way[::-1] if file.name == DEFAULT else []
        name = str(file.extends.value)
    return []


def check_default(default: PolicyFile) -> list[Mistake]:
    """Everything the default file must say of each policy and does not."""
    return [
        Mistake(f"policies.{name}.{key}", None, f"{_EXPECTED.get(key, _SHARE)} (required)", default.where[name])
        for name, fields in default.policies.items()
        for key in REQUIRED
        if key not in fields
    ]


@dataclass(frozen=True)
class Settled:
    """One market after inheritance: the values of every policy in force, each still knowing its ``file:line``."""

    elsewhere: Mapping[str, Fields]
    by_surface: Mapping[str, Mapping[str, Fields]]

    def rules(self) -> MarketRules:
        """As policies. Only where no mistake was found."""
        return MarketRules(_policies(self.elsewhere), {surface: _policies(here) for surface, here in self.by_surface.items()})


def settle(files: Sequence[PolicyFile], mistakes: list[Mistake]) -> Settled:
    """One market from its files, the default first; mistakes that only show once all is settled are appended."""
    names = list(files[0].policies)
    general = {name: _merged([file.policies.get(name, {}) for file in files]) for name in names}
    sections = {surface for file in files for surface in file.surfaces}
    listed = {surface for fields in general.values() for surface in _surfaces(fields) or ()}
    by_surface: dict[str, Mapping[str, Fields]] = {}
    for surface in sorted(sections | listed):
        here = [name for name in names if surface in (_surfaces(general[name]) or {surface})]
        mistakes += _not_here(files[-1], surface, here, general)
        by_surface[surface] = {
            name: _merged([general[name], *(file.surfaces.get(surface, {}).get(name, {}) for file in files)]) for name in here
        }
    elsewhere = {name: fields for name, fields in general.items() if _surfaces(fields) is None}
    for table in (elsewhere, *by_surface.values()):
        for name, fields in table.items():
            mistakes += [mistake for check in (_approves_unjudged, _asks_in_vain) if (mistake := check(name, fields))]
    return Settled(elsewhere, by_surface)


def _merged(layers: Sequence[Fields]) -> Fields:
    return {key: value for layer in layers for key, value in layer.items()}


def _surfaces(fields: Fields) -> frozenset[str] | None:
    surfaces: Any = fields["surfaces"].value if "surfaces" in fields else None
    return surfaces if surfaces is None else frozenset(surfaces)


def _not_here(file: PolicyFile, surface: str, here: Sequence[str], general: Mapping[str, Fields]) -> list[Mistake]:
    """A section that changes a policy where it is not in force changes nothing; whoever wrote it believes otherwise."""
    return [
        Mistake(
            f"surfaces.{surface}.{name}",
            surface,
            f"a surface where {name} is in force: {', '.join(sorted(_surfaces(general[name]) or ()))}",
            file.where[f"{surface}.{name}"],
        )
        for name in file.surfaces.get(surface, {})
        if name in general and name not in here
    ]


def _approves_unjudged(name: str, fields: Fields) -> Mistake | None:
    severity, degraded = fields.get("severity"), fields.get("when_degraded")
    if degraded is None or degraded.value is not WhenDegraded.APPROVE:
        return None
    if severity is None or severity.value in (None, Severity.QUALITY):  # None: its own mistake, reported where it was read
        return None
    expected = f"hold or review, because the severity is {severity.value} ({severity.where}); only quality may approve unjudged"
    return Mistake(f"policies.{name}.when_degraded", str(degraded.value), expected, degraded.where)


def _asks_in_vain(name: str, fields: Fields) -> Mistake | None:
    """A licence changes something only where such ads are shown on conditions; whoever asks for one elsewhere believes otherwise."""
    licence, stance = fields.get("licence"), fields.get("stance")
    if licence is None or licence.value is not Licence.REQUIRED:
        return None
    if stance is None or stance.value in (None, Stance.RESTRICTED):  # None: its own mistake, reported where it was read
        return None
    expected = f"none where the stance is {stance.value} ({stance.where}); only restricted may ask for a licence"
    return Mistake(f"policies.{name}.licence", str(licence.value), expected, licence.where)


def _policies(table: Mapping[str, Fields]) -> tuple[PolicyInForce, ...]:
    return tuple(_policy(name, fields) for name, fields in table.items())


def _policy(name: str, fields: Fields) -> PolicyInForce:
    values: dict[str, Any] = {key: sourced.value for key, sourced in fields.items()}
    return PolicyInForce(
        name=name,
        title=values["title"],
        severity=values["severity"],
        stance=values["stance"],
        targets=Targets(values["targets.max_leakage"], values["targets.max_wrongful_reject"], values["targets.confidence"]),
        thresholds=values.get("thresholds"),
        when_degraded=values.get("when_degraded", WhenDegraded.REVIEW),
        reason=values["reason"],
        licence=values.get("licence", Licence.NONE),
        when_uncertified=values.get("when_uncertified", WhenUncertified.DECIDE),
        audit_share=values.get("audit_share", DEFAULT_AUDIT_SHARE),
        max_risk=values.get("targets.max_risk", MAX_RISK[values["severity"]]),
        min_risk_rejected=values.get("targets.min_risk_rejected", MIN_RISK_REJECTED),
        max_missed=values.get("targets.max_missed"),
        when_unfamiliar=values.get("when_unfamiliar", WhenUnfamiliar.REVIEW),
        unfamiliar_share=values.get("unfamiliar_share", DEFAULT_UNFAMILIAR_SHARE),
        strikes=values.get("strikes"),
    )
