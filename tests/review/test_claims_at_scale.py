from __future__ import annotations

import random
from datetime import timedelta
from time import perf_counter, process_time

import pytest

from adverdict.ledger.store import Ledger
from adverdict.review.queue import Queue
from adverdict.review.tasks import claims, tasks
from adverdict.review.tasks.draws import unkeyed_task_id
from adverdict.review.tasks.routing import Reviewer
from adverdict.review.tasks.tasks import Task
from tests.ledger.made import START
from tests.review.desk import BOOK, PLAIN, Clock, Desk

MARKETS = {"SE": 1, "DE": 5, "BR": 5, "US": 10, "IN": 10, "GB": 5, "JP": 5, "EG": 2}
POLICIES = ("deceptive", "gambling", "kids_unsuitable", "alcohol")
STAFF = (
    Reviewer("any"),
    Reviewer("rare", ("SE",), ("en",), ("gambling", "deceptive")),
    Reviewer("two-markets", ("SE", "EG")),
    Reviewer("boss", senior=True),
    Reviewer("idle", ("FI",)),
    Reviewer("unneeded", policies=("weapons",)),
)
TASKS, CLAIMS = 100_000, 50


@pytest.mark.parametrize("state", ["open", "leased"])
@pytest.mark.parametrize("one_lane", [False, True])
def test_the_next_task_is_found_in_order_without_sorting(desk: Desk, state: str, one_lane: bool) -> None:
    if desk.ledger.engine.dialect.name != "sqlite":
        pytest.skip("PostgreSQL plans by what a table holds: see the test with many tasks")
    query = claims._query(state, True, one_lane, False).params(me="rita", besides="", now=0, lane="SE|sv||deceptive")
    told = query.compile(desk.ledger.engine, compile_kwargs={"literal_binds": True})
    with desk.ledger.look() as connection:
        plan = [row.detail for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {told}")]
    assert plan[0].startswith(f"SEARCH tasks USING INDEX ix_tasks_state_{'lane_' * one_lane}due_at (state=?")
    assert any("USING INDEX ix_tasks_about" in step for step in plan)
    assert not any("TEMP B-TREE" in step or step.startswith("SCAN") for step in plan)


@pytest.mark.slow
def test_a_claim_takes_milliseconds_among_many_tasks_whatever_the_skills(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """``pytest -m slow -s tests/review/test_claims_at_scale.py`` prints what each reviewer's claims took."""
    monkeypatch.setattr(claims, "readable", lambda connection, decision: True)  # the tasks here have no decisions
    clock = Clock()
    desk = Desk(ledger)
    desk.staff(*STAFF)
    drawn = random.Random(1)
    with ledger.change() as connection:
        for start in range(0, TASKS, 5000):
            tasks.add(connection, [a_task(number, drawn) for number in range(start, start + 5000)])
    if ledger.engine.dialect.name == "postgresql":
        with ledger.change() as connection:
            connection.exec_driver_sql("ANALYZE tasks")  # as its autovacuum does
    queue = Queue(ledger, BOOK, PLAIN, clock)
    for who in STAFF:
        took, begin = [], process_time()
        for _ in range(CLAIMS):
            one = perf_counter()
            queue.claim(who.name)
            took.append(perf_counter() - one)
        cpu, median = (process_time() - begin) / CLAIMS * 1e3, sorted(took)[CLAIMS // 2] * 1e3
        print(f"{ledger.engine.dialect.name:10} {who.name:11} median {median:6.2f} ms, {cpu:5.2f} ms of this process")  # noqa: T201
        assert cpu < 30  # walking all tasks takes hundreds


def a_task(number: int, drawn: random.Random) -> Task:
    [market] = drawn.choices(list(MARKETS), list(MARKETS.values()))
    return Task(
        task_id=unkeyed_task_id(f"decision {number}", 0),
        case_id=f"dec-{number}",
        kind="review",
        about=f"dec-{number}",
        ad_id=f"ad-{number}",
        advertiser_id="adv-1",
        market=market,
        language=drawn.choice((market.lower(), "en")),
        policies=tuple(sorted(drawn.sample(POLICIES, drawn.choice((1, 1, 1, 2))))),
        senior=drawn.random() < 0.02,
        probability=1.0,
        harm=1.0,
        opened_at=START,
        due_at=START + timedelta(seconds=drawn.random() * 86_400),
    )
