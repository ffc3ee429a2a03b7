"""The feature contract: which numbers, in which order, made how. A model is only ever given features of the contract it learned from."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from math import nan
from typing import Any, Literal, NamedTuple, Self, TypeVar

from adverdict.domain import plugins
from adverdict.domain.ad import Ad
from adverdict.domain.errors import ContractMismatch
from adverdict.domain.identity import language_key, word_key
from adverdict.features.creative import CREATIVE_CATEGORIES, CREATIVE_FACTS
from adverdict.features.history.counts import CAME_LATER, PER_POLICY, SHARED
from adverdict.features.text.language import language_of
from adverdict.features.text.normalise import VERSION, ad_text
from adverdict.features.text.signals import TEXT_CATEGORIES, TEXT_SIGNALS

FEATURES_VERSION = "2"
"""Raised when a feature of the same name comes to mean something else."""
READ_ON = {"normaliser": frozenset(["1", "2"]), "features": frozenset(["1"])}
"""Earlier versions whose models go on deciding: they read honest texts as they did, and disguised ones in today's form (ADR 22)."""
MIN_COUNT = 5
"""Training ads that must hold a category's level for it to be told apart from levels never seen."""

READ_FOR_LANGUAGES = 20_000
"""Training ads whose language is read to learn which ones there are: reading all of a million would take minutes and add none."""

Kind = Literal["number", "category"]
T = TypeVar("T")
CATEGORIES = CREATIVE_CATEGORIES | TEXT_CATEGORIES
CATEGORY_KEYS: Mapping[str, Callable[[str], str | None]] = {
    "language": language_key,
    "surface": word_key,
    "creative_format": word_key,
    "creative_category": word_key,
}
"""Normal forms of categories that an ad states in words of its own."""


class Codes(NamedTuple):
    """A category's numbers: of each level its index, of any other value ``unseen``."""

    of_level: Mapping[str, float]
    unseen: float

    @classmethod
    def of(cls, name: str, levels: Sequence[str]) -> Self:
        """Levels that an earlier version learned as they were spelt are found by their normal form; the first of several spellings."""
        key = CATEGORY_KEYS.get(name)
        index = {level: float(number) for number, level in enumerate(levels)}
        normal = {} if key is None else {key(level) or level: index[level] for level in reversed(levels)}
        return cls({**normal, **index}, float(len(levels)))


def code(value: float | str | None, codes: Codes) -> float:
    """A category as a number: its level's index, NaN when missing, the number of levels for one that is none of them."""
    return nan if value is None else codes.of_level.get(str(value), codes.unseen)


@dataclass(frozen=True)
class FeatureContract:
    """Equal contracts have equal hashes, on every machine."""

    shared: tuple[str, ...]
    """Features of an ad, in the order of ``FeatureTable.shared``: text signals, creative facts, history."""
    per_policy: tuple[str, ...]
    """Features of an ad under one policy, in the order of ``FeatureTable.per_policy``."""
    levels: Mapping[str, tuple[str, ...]]
    """A category's levels, sorted; a value is its index, an unseen one ``len(levels)``, a missing one NaN."""
    normaliser: str = VERSION
    features: str = FEATURES_VERSION
    ngrams: Mapping[str, Any] = field(default_factory=dict)
    signals: Mapping[str, str] = field(default_factory=dict)
    """Those of ``shared`` that plug-ins bring, which are its last, with the version of each."""

    @cached_property
    def built_in(self) -> tuple[str, ...]:
        """The others of ``shared``."""
        return self.shared[: len(self.shared) - len(self.signals)]

    @property
    def names(self) -> tuple[str, ...]:
        return self.shared + self.per_policy

    @property
    def kinds(self) -> dict[str, Kind]:
        return {name: "category" if name in self.levels else "number" for name in self.names}

    @cached_property
    def hash(self) -> str:
        """sha256 over the canonical JSON."""
        return hashlib.sha256(self.to_json().encode("utf-8")).hexdigest()

    @cached_property
    def codes(self) -> Mapping[str, Codes]:
        return {name: Codes.of(name, levels) for name, levels in self.levels.items()}

    def to_json(self) -> str:
        """Canonical: keys sorted, no spaces, ASCII only."""
        content = {
            "features": self.features,
            "levels": {name: list(levels) for name, levels in self.levels.items()},
            "ngrams": dict(self.ngrams),
            "normaliser": self.normaliser,
            "per_policy": list(self.per_policy),
            "shared": list(self.shared),
            **({"signals": dict(self.signals)} if self.signals else {}),  # else as it was before there were any, with the same hash
        }
        return json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> FeatureContract:
        """Raises ``ContractMismatch`` when the text is no contract."""
        try:
            content = json.loads(text)
            return cls(
                shared=_names(content["shared"]),
                per_policy=_names(content["per_policy"]),
                levels={str(name): _names(levels) for name, levels in content["levels"].items()},
                normaliser=str(content["normaliser"]),
                features=str(content["features"]),
                ngrams=dict(content["ngrams"]),
                signals={str(name): str(version) for name, version in content.get("signals", {}).items()},
            )
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise ContractMismatch(f"not a feature contract: {type(error).__name__}: {error}") from error

    def level(self, name: str, index: float) -> str | None:
        """The level an index stands for; None for missing and unseen ones."""
        levels = self.levels[name]
        return levels[int(index)] if 0 <= index < len(levels) else None

    def difference(self, other: FeatureContract) -> list[str]:
        """What ``other`` has otherwise than this contract, in words; empty when the two are equal."""
        found = _version("text normaliser", self.normaliser, other.normaliser) + _version("features", self.features, other.features)
        found += _order("features of an ad", self.shared, other.shared)
        found += _order("features of an ad under a policy", self.per_policy, other.per_policy)
        for name in sorted(self.levels.keys() | other.levels.keys()):
            found += _levels(name, self.levels.get(name), other.levels.get(name))
        for key in sorted(self.ngrams.keys() | other.ngrams.keys()):
            ours, theirs = self.ngrams.get(key), other.ngrams.get(key)
            if json.dumps(ours) != json.dumps(theirs):
                found.append(f"n-grams: {key} is {json.dumps(theirs)} there and {json.dumps(ours)} here")
        return found


def installed(levels: Mapping[str, tuple[str, ...]]) -> FeatureContract:
    """The contract of the features that this installation computes, with a model's own category levels."""
    from adverdict.features.text.ngrams import SETTINGS

    shared = (*TEXT_SIGNALS, *CREATIVE_FACTS, *SHARED)
    return FeatureContract(shared, PER_POLICY, levels, ngrams=json.loads(json.dumps(SETTINGS)))


def learn_contract(ads: Sequence[Ad]) -> FeatureContract:
    """The contract of a model trained on ``ads``."""
    levels = {name: levels_of(CREATIVE_FACTS[name](ad) for ad in ads) for name in CREATIVE_CATEGORIES}
    texts = [ad_text(ad).text for ad in read_for_languages(ads)]
    levels["detected_language"] = levels_of(language_of(text)[0] if text else None for text in texts)
    return installed({name: levels[name] for name in sorted(CATEGORIES)})


def levels_of(values: Iterable[float | str | None]) -> tuple[str, ...]:
    """A category's levels: the values of at least ``MIN_COUNT`` ads; None is missing."""
    seen = Counter(value for value in values if isinstance(value, str))
    return tuple(sorted(level for level, n in seen.items() if n >= MIN_COUNT))


def read_for_languages(ads: Sequence[T]) -> Sequence[T]:
    """Of many ads, as many as are read to learn which languages there are; evenly spread."""
    return ads[:: max(1, len(ads) // READ_FOR_LANGUAGES)]


def check(contract: FeatureContract) -> None:
    """Raises ``ContractMismatch`` with every difference between a model's contract and this installation's features.

    A model that learnt before there were the last of them reads those before them.
    """
    found, contract = signals_missing(contract), _without_signals(contract)
    levels = {name: contract.levels.get(name, ()) for name in CATEGORIES}
    here = installed(levels)
    if contract.shared == here.shared[: -len(CAME_LATER)]:
        contract = replace(contract, shared=here.shared)
    earlier = {name: getattr(here, name) for name, versions in READ_ON.items() if getattr(contract, name) in versions}
    found += here.difference(replace(contract, levels=levels, **earlier))
    found += [f"category `{name}`: has no levels there" for name in sorted(CATEGORIES - contract.levels.keys())]
    found += [f"category `{name}`: is not one here" for name in sorted(contract.levels.keys() - CATEGORIES)]
    if found:
        lines = "\n".join(f"  - {line}" for line in found)
        raise ContractMismatch(f"the model was trained on other features than this installation computes:\n{lines}")


def signals_missing(contract: FeatureContract) -> list[str]:
    """Of plug-ins' signals, those that are not installed here in the version that the contract names, in words."""
    names, there = set(contract.signals), plugins.installed(plugins.SIGNALS)
    found = [] if names == {*contract.shared[len(contract.built_in) :]} else ["features of plug-ins: not those that it names"]
    for name, version in contract.signals.items():
        if name not in there:
            found.append(f"signal `{name}`, of a plug-in: is not installed here ({plugins.SIGNALS})")
        elif (here := str(plugins.plugin(plugins.SIGNALS, name).version)) != version:
            found.append(f"signal `{name}`, of a plug-in: version {version} there and {here} here")
    return found


def _without_signals(contract: FeatureContract) -> FeatureContract:
    levels = {name: levels for name, levels in contract.levels.items() if name not in contract.signals}
    return replace(contract, shared=contract.built_in, levels=levels, signals={})


def _names(values: Any) -> tuple[str, ...]:
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise TypeError(f"expected a list of names, not {str(values)[:80]}")
    return tuple(values)


def _version(title: str, ours: str, theirs: str) -> list[str]:
    return [] if ours == theirs else [f"{title}: version {theirs} there and {ours} here"]


def _order(title: str, ours: Sequence[str], theirs: Sequence[str]) -> list[str]:
    found = [f"feature `{name}`: is missing here" for name in theirs if name not in ours]
    found += [f"feature `{name}`: is missing there" for name in ours if name not in theirs]
    if not found and tuple(ours) != tuple(theirs):
        place = next((i for i, pair in enumerate(zip(ours, theirs, strict=False)) if pair[0] != pair[1]), min(len(ours), len(theirs)))
        found.append(f"{title}: in another order from number {place + 1} on")
    return found


def _levels(name: str, ours: Sequence[str] | None, theirs: Sequence[str] | None) -> list[str]:
    if ours is None:
        return [f"category `{name}`: is not one here"]
    if theirs is None:
        return [f"category `{name}`: is not one there"]
    found = [f"category `{name}`: level {level!r} is missing here" for level in theirs if level not in ours]
    found += [f"category `{name}`: level {level!r} is missing there" for level in ours if level not in theirs]
    if not found and tuple(ours) != tuple(theirs):
        found.append(f"category `{name}`: its levels are in another order")
    return found
