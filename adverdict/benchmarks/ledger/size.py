"""How much room decisions take, the copies that are followed beside them, and how fast they are verified: real decisions on simulated
ads, written as the service writes them."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import text

from adverdict.clusters.follower import ClusterFollower
from adverdict.domain.ad import Ad
from adverdict.domain.decision import Decision
from adverdict.ledger.database import reading
from adverdict.ledger.entries import DecisionMade
from adverdict.ledger.store import Ledger
from adverdict.ledger.verify import verify
from adverdict.review.tasks.opening import open_tasks
from adverdict.review.tasks.settings import ReviewSettings
from adverdict.scoring.scorer import Scorer
from adverdict.simulation import write_marketplace
from adverdict.storage.tables.pack import read_ads

TOGETHER = 100
"""Decisions in one transaction."""

Figures = dict[str, Any]


def ads_of_their_own(folder: Path, number: int, seed: int) -> list[dict[str, Any]]:
    """Simulated ads that the model never saw, each as it would be sent."""
    write_marketplace(folder, number, seed + 1000)
    return [json.loads(ad.model_dump_json(exclude_none=True)) for ad in read_ads(folder)]


def decide(bundle: Path, rules: Path, bodies: Sequence[Mapping[str, Any]]) -> tuple[Scorer, list[tuple[Ad, Decision]]]:
    """Every ad with its decision, as the service decides: without reasons, which are made when somebody looks."""
    scorer = Scorer.load(bundle, rules)
    ads = [Ad.model_validate(body) for body in bodies]
    return scorer, list(zip(ads, scorer.score(ads, explain="none"), strict=True))


def size(ledger: Ledger, scorer: Scorer, decided: Sequence[tuple[Ad, Decision]], number: int, advance: Callable[[], None]) -> Figures:
    """Writes ``number`` decisions with the tasks they open into an empty ledger, and verifies them; then follows copies among them."""
    before = _bytes(ledger)
    tasks = 0
    for start in range(0, number, TOGETHER):
        made = [_again(*decided[place % len(decided)], place) for place in range(start, min(start + TOGETHER, number))]
        with ledger.write() as writing:
            for one in made:
                writing.append(one.decision.decision_id, one, one.decision.decided_at)
            tasks += len(open_tasks(writing, made, scorer.book, ReviewSettings(), made[0].decision.decided_at))
        advance()
    used = _bytes(ledger) - before
    begin = time.perf_counter()
    verified = verify(ledger)
    seconds = time.perf_counter() - begin
    before = _bytes(ledger)
    ClusterFollower(ledger).catch_up()
    copies = _bytes(ledger) - before
    return {
        "decisions": number,
        "tasks": tasks,
        "verdicts": dict(Counter(str(decision.verdict) for _, decision in decided)),
        "bytes_per_decision": used / number,
        "gib_per_million": used / number * 1e6 / 2**30,
        "copies_bytes_per_decision": copies / number,
        "verified_rows": verified.rows,
        "verify_problems": verified.found,
        "verify_rows_per_s": verified.rows / seconds,
    }


def _again(ad: Ad, decision: Decision, number: int) -> DecisionMade:
    """The same under other ids, as long as real ones."""
    renamed = {"ad_id": f"{ad.ad_id}-{number}"}
    named = {**renamed, "decision_id": f"dec-{number:032x}"}
    return DecisionMade(ad=ad.model_copy(update=renamed), decision=decision.model_copy(update=named), first=True)


def _bytes(ledger: Ledger) -> int:
    """Of the whole database, indexes included; SQLite's log moved into its file."""
    if ledger.engine.dialect.name == "sqlite":
        with ledger.engine.connect() as connection:
            driver: Any = connection.connection.driver_connection
            driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        return Path(str(ledger.engine.url.database)).stat().st_size
    with reading(ledger.engine) as connection:
        return int(connection.execute(text("SELECT pg_database_size(current_database())")).scalar_one())
