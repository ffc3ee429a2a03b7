"""A ledger that fails while a rescoring is applied: how that ends, what it says, and whether a decision is there half or twice."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from adverdict.benchmarks.rescore.case import SECONDS, FaultCase, told
from adverdict.benchmarks.shared.killable import write_policies
from adverdict.benchmarks.shared.network import free_port
from adverdict.benchmarks.shared.processes import CommandResult, adverdict, environment, run
from adverdict.benchmarks.shared.testbed import apart, ids
from adverdict.domain.errors import NotFound, Unavailable

Figures = dict[str, Any]

STRICTER = (0.05, 0.4)
"""Thresholds of the rules the ads stand decided by, so that rescoring changes some."""


def unreachable(case: FaultCase) -> Figures:
    """Nobody listens at the ledger's address when decisions are to be applied."""
    path = _rescored(case)
    before = _entries(path)
    ran = _apply(case, f"postgresql+psycopg://nobody@127.0.0.1:{free_port()}/nothing")
    after = _apply(case, f"sqlite:///{path}")
    return {**told(ran, case.asked.out, ids(case.ads)), "after": {**_said(after), "entries": _entries(path) - before}}


def locked(case: FaultCase) -> Figures:
    """Somebody holds the ledger when decisions are to be applied, then lets go; they are applied, and once more. ``entries``: how many
    each attempt has added."""
    path = _rescored(case)
    counted = [_entries(path)]
    with closing(sqlite3.connect(path, isolation_level=None)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        ran = _apply(case, f"sqlite:///{path}")
        holder.execute("ROLLBACK")
    counted.append(_entries(path))
    again = _apply(case, f"sqlite:///{path}")
    counted.append(_entries(path))
    once_more = _apply(case, f"sqlite:///{path}")
    counted.append(_entries(path))
    added = [later - earlier for earlier, later in pairwise(counted)]
    return {
        **told(ran, case.asked.out, ids(case.ads)),
        "entries": added[0],
        "after": {**_said(again), "entries": added[1]},
        "applied_twice": {**_said(once_more), "entries": added[2]},
    }


def _rescored(case: FaultCase) -> Path:
    """The ledger's file: it holds every ad as decided by stricter rules; and the ads are rescored with what it knows."""
    path = case.folder / "ledger.db"
    rules = write_policies(case.folder / "stricter", *_policies_and_markets(case), STRICTER)
    apart(_record, path, case.asked.model, rules, case.ads)
    ran = case.run(replace(case.asked, as_of=None), ADVERDICT_DATABASE_URL=f"sqlite:///{path}")
    if ran.code:
        raise Unavailable(f"adverdict rescore ended with {ran.code}: {ran.said[-1500:]}")
    return path


def _policies_and_markets(case: FaultCase) -> tuple[list[str], list[str]]:
    from adverdict.decisions.files.read import read_policies

    book = read_policies(case.asked.rules)
    return list(book.names), list(book.markets)


def _record(path: Path, bundle: Path, rules: Path, ads: Path) -> None:
    from adverdict import Scorer
    from adverdict.ledger.entries import DecisionMade
    from adverdict.ledger.store import Ledger
    from adverdict.storage.tables.pack import read_ads

    ledger, scorer, found = Ledger.open(f"sqlite:///{path}"), Scorer.load(str(bundle), rules, None), read_ads(ads)
    with ledger.write() as writing:
        for ad, decision in zip(found, scorer.score(found, explain="none"), strict=True):
            writing.append(decision.decision_id, DecisionMade(ad=ad, decision=decision, first=True), decision.decided_at)
    ledger.close()


def _apply(case: FaultCase, database: str) -> CommandResult:
    command = adverdict("rescore", "apply", "--out", str(case.asked.out))
    return run(command, environment(case.folder / "home", ADVERDICT_DATABASE_URL=database), case.folder / "apply.log", SECONDS)


def _said(ran: CommandResult) -> Figures:
    return {"exit_code": ran.code, "said": ran.line}


def _entries(path: Path) -> int:
    if not path.is_file():
        raise NotFound(f"no ledger in {path}")
    with closing(sqlite3.connect(path)) as database:
        return int(database.execute("SELECT count(*) FROM entries").fetchone()[0])
