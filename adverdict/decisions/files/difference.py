"""What changes between two folders of policy files, once inheritance is settled: a change made once is said once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from adverdict.decisions.files.inherit import DEFAULT
from adverdict.decisions.files.read import PolicyFolder
from adverdict.decisions.files.scope import At, scope
from adverdict.decisions.files.show import FLAT_KEYS, Value, Values, surfaces_of, table


@dataclass(frozen=True)
class Change:
    """One value that became another, wherever it did for the same reason."""

    policy: str
    before: Value
    after: Value
    places: tuple[At, ...]
    """(market, surface) where it changed; surface None stands for the general rules."""
    scope: str
    """The same in words, such as ``everywhere but BR``."""

    @property
    def key(self) -> str:
        return self.after.key

    def __str__(self) -> str:
        what = self.key.removeprefix("targets.")
        return f"{self.policy}, {self.scope}: {what} {self.before} -> {self.after} ({self.before.where} -> {self.after.where})"


@dataclass(frozen=True)
class Presence:
    """A policy, market or surface that only one of the folders has."""

    kind: str
    """``policy``, ``market`` or ``surface``."""
    name: str
    added: bool
    detail: str
    """Where it is written, or which markets name it."""

    def __str__(self) -> str:
        return f"{self.kind} {'added' if self.added else 'removed'}: {self.name} ({self.detail})"


@dataclass(frozen=True)
class Difference:
    """Everything that another folder decides differently; comments, layout, order and repeated inherited values are no difference."""

    presences: tuple[Presence, ...]
    changes: tuple[Change, ...]

    @property
    def nothing(self) -> bool:
        return not self.presences and not self.changes

    def sentences(self) -> list[str]:
        return [str(line) for line in (*self.presences, *self.changes)]


def difference(before: PolicyFolder, after: PolicyFolder) -> Difference:
    """From ``before`` to ``after``; nothing exactly where both books have the same hash."""
    if before.book.hash == after.book.hash:
        return Difference((), ())
    removed, added = _presences(before, after, False), _presences(after, before, True)
    return Difference((*added, *removed), tuple(_changes(before, after)))


def _presences(here: PolicyFolder, there: PolicyFolder, added: bool) -> Iterator[Presence]:
    """What ``here`` has and ``there`` has not."""
    defined = here.files[DEFAULT].where
    for name in here.book.names:
        if name not in there.book.names:
            yield Presence("policy", name, added, defined[name])
    for market in here.book.markets:
        if not there.book.knows(market):
            yield Presence("market", market, added, f"{market}.yaml")
    common = [market for market in here.book.markets if there.book.knows(market)]
    own = {market: _own_surfaces(here, market) - _own_surfaces(there, market) for market in common}
    for surface in sorted({surface for surfaces in own.values() for surface in surfaces}):
        naming = [(market, None) for market in common if surface in own[market]]
        yield Presence("surface", surface, added, scope(naming, [(market, None) for market in common]))


def _own_surfaces(folder: PolicyFolder, market: str) -> set[str]:
    """The surfaces where a market has other rules than the general ones."""
    rules = folder.book.rules[market]
    return {surface for surface, policies in rules.by_surface.items() if policies != rules.elsewhere}


def _changes(before: PolicyFolder, after: PolicyFolder) -> Iterator[Change]:
    places = [at for market in before.book.markets if after.book.knows(market) for at in _places(before, after, market)]
    tables = {at: (table(before, *at), table(after, *at)) for at in places}
    for policy in (name for name in after.book.names if name in before.book.names):
        everywhere = [at for at in places if any(policy in places for places in tables[at])]
        for (old, new), changed in _grouped(before, after, policy, everywhere, tables).items():
            yield Change(policy, old, new, tuple(changed), scope(changed, everywhere))


def _places(before: PolicyFolder, after: PolicyFolder, market: str) -> list[At]:
    surfaces = {*before.settled[market].by_surface, *after.settled[market].by_surface}
    return [(market, None), *((market, surface) for surface in sorted(surfaces))]


def _grouped(
    before: PolicyFolder,
    after: PolicyFolder,
    policy: str,
    places: Iterable[At],
    tables: Mapping[At, tuple[Mapping[str, Values], Mapping[str, Values]]],
) -> dict[tuple[Value, Value], list[At]]:
    """The places of every changed value, by what it was and is and where both are written; in the order of the keys."""
    changed: dict[tuple[Value, Value], list[At]] = {}
    for at in places:
        old, new = (side.get(policy, ()) for side in tables[at])
        pairs = [(was, is_) for was, is_ in zip(old, new, strict=True) if was.key != "surfaces"] if old and new else []
        pairs.append((surfaces_of(before, at[0], policy), surfaces_of(after, at[0], policy)))
        for was, is_ in pairs:
            if was.value != is_.value:
                changed.setdefault((was, is_), []).append(at)
    return dict(sorted(changed.items(), key=lambda item: FLAT_KEYS.index(item[0][0].key)))
