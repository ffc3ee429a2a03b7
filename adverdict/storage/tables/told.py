"""What a table's reader noticed and its user is told, once a column: nothing is passed over in silence, and no door says less."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from adverdict.domain.names import left_out
from adverdict.domain.written import ROUNDED, present, says_nothing
from adverdict.storage.tables.reading import AS_IS, Reading

MOST_IDS = 2_000_000
"""Ids that are remembered to find one that comes twice; of a longer table the rest goes unchecked, and that is said."""


class DataWarning(UserWarning):
    """Something a table's reader noticed that stops nobody, and that whoever reads it should know."""


COSTS = {
    "advertiser_id": "no advertiser (advertiser_id): nothing is known of anybody's past",
    "submitted_at": "no time (submitted_at): no ad is known to come before another",
    "market": "no market: only the rules of all markets apply (--market SE says one for all)",
}
"""What it costs that ads do not state a field, where somebody said how to read them."""


def required(model: type[BaseModel]) -> frozenset[str]:
    """Fields that must have a value."""
    return frozenset(name for name, info in model.model_fields.items() if info.is_required())


def read_as_missing(rows: Iterable[Mapping[str, Any]], strict: Collection[str]) -> Counter[tuple[str, str]]:
    """Words that say that there is no value, by column and word. ``strict``: fields that refuse such a word instead."""
    return Counter((name, value.strip()) for row in rows for name, value in row.items() if says_nothing(value) and name not in strict)


class Told:
    """Of one table of a model's rows."""

    def __init__(self, model: type[BaseModel], reading: Reading = AS_IS) -> None:
        self._reading = reading
        self._missing: Counter[str] = Counter()
        self._rows = 0
        self._known = frozenset(model.model_fields)
        self._strict = frozenset() if reading else required(model)
        self._unique = "title" in self._known  # of ads: a table of labels names an ad as often as it was labelled
        self._dropped: dict[str, None] = {}
        self._aside: dict[str, None] = {}
        self._nothing: Counter[tuple[str, str]] = Counter()
        self._ids: set[int] = set()
        self._twice: Counter[str] = Counter()

    def left_out(self, names: Iterable[str]) -> None:
        self._dropped.update(dict.fromkeys(names))

    def aside(self, sentences: Iterable[str]) -> None:
        """What else of the table's file was not read."""
        self._aside.update(dict.fromkeys(sentences))

    def read(self, rows: Sequence[Mapping[str, Any]]) -> None:
        self._rows += len(rows)
        self._nothing.update(read_as_missing(rows, self._strict))
        for row in rows:
            if self._reading and self._unique:
                self._missing.update(name for name in COSTS if present(row.get(name)) is None)
            ad_id = row.get("ad_id")
            if self._unique and isinstance(ad_id, str) and not ROUNDED.fullmatch(ad_id) and len(self._ids) < MOST_IDS:
                if hash(ad_id) in self._ids:
                    self._twice[ad_id] += 1
                self._ids.add(hash(ad_id))

    def sentences(self, where: str, *, ids: bool = True) -> list[str]:
        """``ids``: whether ids that come twice are told here; where they are refused, that says more."""
        said = {*self._reading.map.values(), self._reading.label}
        found = [f"{where}: {sentence}" for sentence in self._aside]
        found += [left_out(where, name, self._known) for name in sorted(self._dropped) if name not in said]
        for name, cost in COSTS.items():
            if n := self._missing[name] * (not (name == "market" and self._reading.market)):
                found.append(f"{where}: {'all' if n == self._rows else n} ads state {cost}")
        for name in sorted({name for name, _ in self._nothing}):
            words = {word: n for (column, word), n in sorted(self._nothing.items()) if column == name}
            rows = "1 row" if sum(words.values()) == 1 else f"{sum(words.values()):,} rows"
            found.append(f"{where}: column {name!r} says {' or '.join(words)} in {rows}: read as missing")
        if ids and self._twice:
            first, n = self._twice.most_common(1)[0][0], self._twice.total()
            found.append(f"{where}: {came_before(n, first)}")
        if ids and len(self._ids) >= MOST_IDS:
            found.append(f"{where}: of the ids after the first {MOST_IDS:,} nobody looked whether one comes twice")
        return found


def came_before(n: int, ad_id: str) -> str:
    """What is told of ids that are not used once, ``ad_id`` one of them."""
    return f"{n} {'ad has' if n == 1 else 'ads have'} an id that came before, such as {ad_id!r}: decided each by itself"
