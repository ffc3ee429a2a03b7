"""Golden tasks: ads whose verdict is known, shown to reviewers like any other, to learn how often each of them is right."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, delete, exists, func, insert, select

from adverdict.domain.ad import ON_RECORD, Ad, Label
from adverdict.domain.errors import NotFound
from adverdict.domain.identity import language_key
from adverdict.ledger.compact import compact
from adverdict.ledger.moments import micros
from adverdict.ledger.pictures import forget as forget_pictures
from adverdict.ledger.schema import golden as table
from adverdict.ledger.schema import tasks as task_table
from adverdict.ledger.store import Ledger
from adverdict.review.tasks import tasks
from adverdict.review.tasks.draws import Draws, draws_of, golden_id
from adverdict.review.tasks.routing import Reviewer
from adverdict.review.tasks.tasks import Task

STANDS_IN_FOR = frozenset({"review", "audit", "sample", "double"})
"""Kinds of tasks that a golden task may come before, looking like one."""
STATES = ("open", "leased", "done", "withdrawn")


@dataclass(frozen=True)
class GoldenItem:
    """An ad and its truth."""

    golden_id: str
    ad: Ad
    truth: dict[str, bool]
    """By policy: whether it is violated."""


@dataclass(frozen=True)
class Removed:
    """What went with an advertiser's golden items."""

    items: int = 0
    tasks: int = 0
    """Golden tasks that were still to be answered: withdrawn."""
    traces: bool = False
    """Whether pieces of deleted rows may still lie in the database's files."""


def load(ledger: Ledger, folder: Path | str) -> int:
    """Take a pack's ads as golden items: those with a label most raters agree on. How many; loading a pack again changes nothing.

    Raises NotFound and InvalidTable, as reading a pack does.
    """
    from adverdict.storage.tables.pack import read_pack  # reads tables with a library that the service need not load for this

    pack = read_pack(folder)
    found = items(pack.ads, pack.labels)
    with ledger.change() as connection:
        keep(connection, found)
    return len(found)


def items(ads: Iterable[Ad], labels: Iterable[Label]) -> list[GoldenItem]:
    """By the majority of each policy's labels; a tie says nothing, and an ad about which nothing is known is no golden item."""
    votes: dict[str, dict[str, list[bool]]] = defaultdict(lambda: defaultdict(list))
    for label in labels:
        votes[label.ad_id][label.policy].append(label.violates)
    made = []
    for ad in ads:
        truth = {policy: 2 * sum(said) > len(said) for policy, said in votes[ad.ad_id].items() if 2 * sum(said) != len(said)}
        if truth:
            made.append(GoldenItem(golden_id(ad.model_dump_json()), ad, truth))
    return made


def keep(connection: Connection, found: Sequence[GoldenItem]) -> None:
    """Write the items; one that is there already gets its truth anew."""
    rows = [
        {
            "golden_id": one.golden_id,
            "ad": one.ad.model_dump_json(),
            "truth": json.dumps(one.truth),
            "market": one.ad.market,
            "language": language_key(one.ad.language),
        }
        for one in found
    ]
    ids = [one.golden_id for one in found]
    for start in range(0, len(ids), tasks.CHUNK):
        connection.execute(delete(table).where(table.c.golden_id.in_(ids[start : start + tasks.CHUNK])))
    if rows:
        connection.execute(insert(table), rows)


def remove(ledger: Ledger, advertiser: str, now: datetime, *, rewrite: bool = True) -> Removed:
    """Delete the golden items that show an ad of the advertiser, and withdraw the tasks on them; all or nothing.

    Answers to them stay on record, and count for nobody any more: their truth is gone. ``rewrite``: also compact the database, so that no
    piece of an item stays in its files. Raises Unavailable.
    """
    with ledger.write() as writing:  # withdrawing tasks needs the chain's end
        rows = writing.connection.execute(select(table.c.golden_id, table.c.ad))
        ids = [row.golden_id for row in rows if json.loads(row.ad)["advertiser_id"] == advertiser]
        for start in range(0, len(ids), tasks.CHUNK):
            writing.connection.execute(delete(table).where(table.c.golden_id.in_(ids[start : start + tasks.CHUNK])))
        forget_pictures(writing.connection, ids)
        theirs = (task_table.c.kind == "golden") & (task_table.c.advertiser_id == advertiser)
        withdrawn = tasks.withdraw(writing.connection, theirs, now)
    return Removed(len(ids), withdrawn, traces=bool(ids) and not (rewrite and compact(ledger)))


def item(connection: Connection, golden_id: str) -> GoldenItem:
    """Raises NotFound."""
    row = connection.execute(select(table).where(table.c.golden_id == golden_id)).one_or_none()
    if row is None:
        raise NotFound(f"no golden item {json.dumps(golden_id)}")
    return GoldenItem(row.golden_id, Ad.model_validate_json(row.ad, context=ON_RECORD), json.loads(row.truth))


def instead_of(connection: Connection, task: Task, who: Reviewer, share: float, now: datetime) -> Task | None:
    """The golden task that comes before ``task`` for this reviewer, or None. Nothing is written.

    Whether there is one is drawn once for a reviewer and a task, by a hash: asked again it is the same one until it is answered, and none
    afterwards. Put back, or left until its lease ran out, it is their next one again, as any task would be. It takes over from the task
    whatever could tell them apart: its age, its due moment and, where its truth is known, the policies asked.
    """
    draws = draws_of(connection)
    if task.kind not in STANDS_IN_FOR or draws.draw("golden", who.name, task.task_id) >= share:
        return None
    fresh = draws.golden_task_id(who.name, task.task_id)
    if tasks.existing(connection, [fresh]):
        given = tasks.find(connection, fresh)
        return given if may_be_claimed(given, now) else None
    chosen = _choose(connection, task, who, draws)
    if chosen is None:
        return None
    found, asked = chosen
    return replace(
        task,
        task_id=fresh,
        case_id=found.golden_id,
        kind="golden",
        about=found.golden_id,
        ad_id=found.ad.ad_id,
        advertiser_id=found.ad.advertiser_id,
        market=found.ad.market,
        language=language_key(found.ad.language),
        policies=asked,
        probability=share,
        state="open",
        token=task.token,
        reviewer=None,
        lease_until=None,
        drawn=None,
    )


def behind(connection: Connection, task: Task) -> Task | None:
    """The task that a golden one came before; None: it is there no more, or the golden one was given before ids had keys."""
    draws, of = draws_of(connection), task.reviewer or ""
    query = select(task_table).where(task_table.c.due_at == micros(task.due_at), task_table.c.state.in_(STATES))  # by the index on both
    others = (tasks.task_of(row) for row in connection.execute(query.where(task_table.c.kind != "golden")))
    return next((one for one in others if draws.golden_task_id(of, one.task_id) == task.task_id), None)


def gone(connection: Connection, task: Task, now: datetime) -> bool:
    """Whether a golden task whose lease has run out is lost to its reviewer: as the one behind it would be, had it been shown instead."""
    if task.kind != "golden" or task.lease_until is None or task.lease_until > now:
        return False
    other = behind(connection, task)
    return other is None or not may_be_claimed(other, now)


def may_be_claimed(given: Task, now: datetime) -> bool:
    """Whether a task that somebody had waits again."""
    return given.state == "open" or (given.state == "leased" and given.lease_until is not None and given.lease_until <= now)


def _choose(connection: Connection, task: Task, who: Reviewer, draws: Draws) -> tuple[GoldenItem, tuple[str, ...]] | None:
    """An item the reviewer has not had and may read, most like the task: its market, then its policies; and what to ask."""
    had = exists().where(task_table.c.about == table.c.golden_id, func.coalesce(task_table.c.reviewer, "") == who.name)
    query = select(table.c.golden_id, table.c.truth, table.c.market, table.c.language).where(~had)
    if who.markets:
        query = query.where(table.c.market.in_(who.markets))
    if who.languages:
        query = query.where(table.c.language.is_(None) | table.c.language.in_(who.languages))
    ranked = []
    for row in connection.execute(query):
        asked = _asked(json.loads(row.truth), task, who)
        if asked:
            unlike = (row.market != task.market, asked != task.policies, row.language != task.language)
            ranked.append((unlike, draws.draw("item", who.name, task.task_id, row.golden_id), row.golden_id, asked))
    if not ranked:
        return None
    _, _, chosen, asked = min(ranked)
    return item(connection, chosen), asked


def _asked(truth: dict[str, bool], task: Task, who: Reviewer) -> tuple[str, ...]:
    """What the task asks, where all of that is known; else what is known of the item within the reviewer's skills."""
    if all(policy in truth for policy in task.policies):
        return task.policies
    return tuple(sorted(policy for policy in truth if not who.policies or policy in who.policies))
