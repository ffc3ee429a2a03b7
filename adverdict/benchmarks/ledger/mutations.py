"""What somebody with a hand in the database could do to a chain, one thing at a time; verification must find each.

Every mutation is made within a transaction that is verified and then rolled back, so that one chain serves for all of them.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from adverdict.ledger import chain
from adverdict.ledger.store import Ledger
from adverdict.ledger.verify import verify_view

Row = Mapping[str, Any]
Statement = tuple[str, Mapping[str, Any]]
FREE = 10_000_000
"""Added to a seq: nobody's."""
TABLES = {"entries": "seq", "contents": "seq", "head": "id"}
"""With what tells their rows apart."""


@dataclass(frozen=True)
class Mutation:
    """One thing done to the tables. ``anchored``: it leaves a chain that is whole to itself, so only an end noted earlier tells."""

    name: str
    statements: Sequence[Statement]
    anchored: bool = False


@dataclass(frozen=True)
class MutationResult:
    """``refused``: what the database itself did not let happen."""

    tried: int
    found: int
    refused: int
    missed: tuple[str, ...]


def number(ledger: Ledger, seed: int = 0) -> int:
    """How many there are to try."""
    return len(_all_of(ledger, seed))


def try_all(ledger: Ledger, seed: int = 0, most: int | None = None, advance: Callable[[], None] = lambda: None) -> MutationResult:
    """Every mutation, or ``most`` drawn at random, verified one by one. The ledger is as it was afterwards."""
    mutations = _all_of(ledger, seed)
    if most is not None and most < len(mutations):
        mutations = random.Random(seed).sample(mutations, most)
    anchor = ledger.end()
    tried, refused, missed = 0, 0, []
    for mutation in mutations:
        outcome = _try(ledger, mutation, anchor)
        tried += outcome is not None
        refused += outcome is None
        if outcome is False:
            missed.append(mutation.name)
        advance()
    return MutationResult(tried, tried - len(missed), refused, tuple(missed))


def _all_of(ledger: Ledger, seed: int) -> list[Mutation]:
    with ledger.look() as connection:
        tables = {name: _rows(connection, name, key) for name, key in TABLES.items()}
    return list(all_mutations(tables, random.Random(seed)))


def all_mutations(tables: Mapping[str, Sequence[Row]], draw: random.Random) -> Iterator[Mutation]:
    """Edits of every column of every row, deletions, swaps, insertions, truncations and rewritings."""
    for name, key in TABLES.items():
        yield from _edits(name, key, tables[name], draw)
    entries, contents = tables["entries"], {row["seq"]: row for row in tables["contents"]}
    yield from _deletions(entries, contents)
    yield from _swaps(entries, contents, draw)
    yield from _insertions(entries, contents)
    yield from _truncations(entries)
    yield from _rewritings(entries, contents)


def _try(ledger: Ledger, mutation: Mutation, anchor: tuple[int, bytes]) -> bool | None:
    """Whether it was found; None when the database refused it."""
    with ledger.engine.connect() as connection:
        transaction = connection.begin()
        try:
            unguard(connection)
            for statement, values in mutation.statements:
                connection.execute(text(statement), values)
        except DBAPIError:
            transaction.rollback()
            return None
        noted = verify_view(connection, anchor=anchor).found > 0
        alone = noted if mutation.anchored else verify_view(connection).found > 0
        transaction.rollback()
        return noted and alone


def unguard(connection: Connection) -> None:
    """Let contents be without their entries until the transaction ends, as somebody can who may change the tables."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA defer_foreign_keys = ON")
    else:
        connection.exec_driver_sql("ALTER TABLE contents DROP CONSTRAINT IF EXISTS fk_contents_seq")


def _rows(connection: Connection, table: str, key: str) -> list[Row]:
    found = connection.execute(text(f"SELECT * FROM {table} ORDER BY {key}")).mappings()
    return [dict(row) for row in found]


def _edits(table: str, key: str, rows: Sequence[Row], draw: random.Random) -> Iterator[Mutation]:
    for row in rows:
        other = draw.choice(rows)
        for column, value in row.items():
            for how, changed in _changed(value, other[column], draw):
                if changed != value or type(changed) is not type(value):
                    statement = f"UPDATE {table} SET {column} = :value WHERE {key} = :key"
                    yield Mutation(f"edit {table}.{column} of {row[key]}: {how}", [(statement, {"value": changed, "key": row[key]})])


def _changed(value: Any, other: Any, draw: random.Random) -> Iterator[tuple[str, Any]]:
    """Values that are not ``value``, each with a name."""
    if value is not None:
        yield "nothing", None
    yield "another row's", other
    match value:
        case int():
            yield from (("one more", value + 1), ("one less", value - 1), ("far away", value + FREE), ("zero", 0))
        case str():
            yield from (("longer", value + "x"), ("shorter", value[:-1]), ("empty", ""), ("other case", value.swapcase()))
        case bytes():
            for place in sorted({0, len(value) - 1, *(draw.randrange(len(value)) for _ in range(3))}):
                yield f"byte {place}", value[:place] + bytes([value[place] ^ 0xFF]) + value[place + 1 :]
            yield from (("longer", value + b"\0"), ("shorter", value[:-1]), ("empty", b""))
        case None:
            yield "something", "x"
            yield "a number", 1


def _deletions(entries: Sequence[Row], contents: Mapping[int, Row]) -> Iterator[Mutation]:
    for row in entries:
        seq = row["seq"]
        yield Mutation(f"delete entry {seq}", [*_without(seq)])
        yield Mutation(f"delete entry {seq} and close the gap", [*_without(seq), *_moved(seq, -1)])
        if seq in contents:
            yield Mutation(f"delete content {seq}", [_gone("contents", seq)])
            yield Mutation(f"delete entry {seq}, not its content", [_gone("entries", seq)])
    yield Mutation("delete the head", [("DELETE FROM head", {})])
    yield Mutation("delete everything", [("DELETE FROM contents", {}), ("DELETE FROM entries", {})])


def _swaps(entries: Sequence[Row], contents: Mapping[int, Row], draw: random.Random) -> Iterator[Mutation]:
    """Neighbours, and as many pairs from anywhere: the entries, their contents, or both."""
    pairs = [(one["seq"], two["seq"]) for one, two in pairwise(entries)]
    pairs += [(one["seq"], two["seq"]) for one, two in (draw.sample(entries, 2) for _ in range(len(pairs)))]
    for one, two in dict.fromkeys(pairs):
        both = [*_swapped("entries", one, two), *_swapped("contents", one, two)]
        yield Mutation(f"swap entries {one} and {two}", both)
        yield Mutation(f"swap entries {one} and {two}, not their contents", _swapped("entries", one, two))
        if one in contents or two in contents:
            yield Mutation(f"swap contents {one} and {two}", _swapped("contents", one, two))


def _insertions(entries: Sequence[Row], contents: Mapping[int, Row]) -> Iterator[Mutation]:
    end = entries[-1]["seq"]
    for row in entries:
        seq, copy = row["seq"], {**row, "entry_id": f"{row['entry_id']}x"}
        content = contents.get(seq)
        with_content = [] if content is None else [_insert("contents", {**content, "seq": end + 1})]
        yield Mutation(f"append a copy of entry {seq}", [_insert("entries", {**copy, "seq": end + 1}), *with_content])
        linked = chain.link(entries[-1]["hash"], end + 1, copy["kind"], copy["entry_id"], copy["at"], copy["digest"])
        yield Mutation(
            f"append a linked copy of entry {seq}", [_insert("entries", {**copy, "seq": end + 1, "hash": linked}), *with_content]
        )
        behind = [] if content is None else [_insert("contents", {**content, "seq": seq + 1})]
        yield Mutation(f"put a copy of entry {seq} behind it", [*_moved(seq, 1), _insert("entries", {**copy, "seq": seq + 1}), *behind])
        if content is not None:
            yield Mutation(f"put content {seq} where no entry is", [_insert("contents", {**content, "seq": end + FREE})])


def _truncations(entries: Sequence[Row]) -> Iterator[Mutation]:
    for row in entries[:-1]:
        seq = row["seq"]
        cut: list[Statement] = [(f"DELETE FROM {table} WHERE seq > :seq", {"seq": seq}) for table in ("contents", "entries")]
        head = ("UPDATE head SET seq = :seq, hash = :hash", {"seq": seq, "hash": row["hash"]})
        yield Mutation(f"cut off after entry {seq}", cut)
        yield Mutation(f"cut off after entry {seq}, head as well", [*cut, head], anchored=True)


def _rewritings(entries: Sequence[Row], contents: Mapping[int, Row]) -> Iterator[Mutation]:
    """Another time for one entry, and every hash from there on computed anew."""
    for place, row in enumerate(entries):
        before = entries[place - 1]["hash"] if place else chain.GENESIS
        statements: list[Statement] = [("UPDATE entries SET at = at + 1 WHERE seq = :seq", {"seq": row["seq"]})]
        for later in entries[place:]:
            at = later["at"] + (later is row)
            before = chain.link(before, later["seq"], later["kind"], later["entry_id"], at, later["digest"])
            statements.append(("UPDATE entries SET hash = :hash WHERE seq = :seq", {"hash": before, "seq": later["seq"]}))
        yield Mutation(f"rewrite from entry {row['seq']} on", statements)
        yield Mutation(
            f"rewrite from entry {row['seq']} on, head as well", [*statements, ("UPDATE head SET hash = :hash", {"hash": before})], True
        )


def _gone(table: str, seq: int) -> Statement:
    return f"DELETE FROM {table} WHERE seq = :seq", {"seq": seq}


def _without(seq: int) -> list[Statement]:
    return [_gone("contents", seq), _gone("entries", seq)]


def _insert(table: str, row: Row) -> Statement:
    return f"INSERT INTO {table} ({', '.join(row)}) VALUES ({', '.join(f':{name}' for name in row)})", row


def _moved(after: int, by: int) -> list[Statement]:
    """Everything after an entry, by one; by way of negative numbers, as no two rows may share one meanwhile."""
    statements: list[Statement] = []
    for table in ("contents", "entries"):
        statements.append((f"UPDATE {table} SET seq = -(seq + :by) WHERE seq > :after", {"by": by, "after": after}))
        statements.append((f"UPDATE {table} SET seq = -seq WHERE seq < 0", {}))
    return statements


def _swapped(table: str, one: int, two: int) -> list[Statement]:
    statement = f"UPDATE {table} SET seq = :to WHERE seq = :seq"
    return [(statement, {"to": to, "seq": seq}) for seq, to in ((one, FREE), (two, one), (FREE, two))]
