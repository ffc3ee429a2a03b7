"""What is kept beside the chain is held against it, as far as the chain speaks of it."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from adverdict.decisions.thresholds import SolvedThresholds
from adverdict.domain.verdict import Verdict
from adverdict.ledger.entries import DecisionMade
from adverdict.ledger.store import Ledger
from adverdict.ledger.verify import verify
from tests.ledger.made import a_decision, an_ad
from tests.review.desk import BOOK, Desk

SOLVED = SolvedThresholds()


@pytest.fixture
def desk(ledger: Ledger) -> Desk:
    """Four decisions that were left to people, as the service records them; the first is answered, the second is held."""
    made = Desk(ledger)
    ledger.keep("policies", BOOK.hash, BOOK.to_json, made.clock())
    ledger.keep("thresholds", SOLVED.digest, lambda: SOLVED.to_json().encode(), made.clock())
    for number in range(1, 5):
        ad = an_ad(number)
        decision = a_decision(ad, Verdict.REVIEW, at=made.clock()).model_copy(update={"policy_hash": BOOK.hash})
        made.append(DecisionMade(ad=ad, decision=decision, first=True, thresholds=SOLVED.digest))
        made.clock.on(60)
    made.say("rita", "approve")
    made.claim("sven")
    return made


def told(desk: Desk) -> list[str]:
    return [one.what for one in verify(desk.ledger).problems]


def test_a_queue_that_is_as_it_was_written_contradicts_nothing(desk: Desk) -> None:
    assert told(desk) == []


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        ("UPDATE tasks SET state = 'done' WHERE state = 'leased'", "is closed as answered, and no answer is on record"),
        ("UPDATE tasks SET state = 'open' WHERE state = 'done'", "has an answer on record, and is not closed as answered"),
        ("UPDATE tasks SET about = 'dec-none' WHERE state = 'leased'", "is about a decision that is not on record"),
        ("DELETE FROM tasks WHERE state = 'leased'", "leaves its ad to people, and there is no task about it: nobody will look at it"),
    ],
)
def test_a_task_that_the_chain_contradicts_is_found(desk: Desk, statement: str, problem: str) -> None:
    with desk.ledger.change() as connection:
        connection.execute(text(statement))
    found = told(desk)
    assert found
    assert any(problem in one for one in found)


def test_a_trigger_that_somebody_put_in_is_found(desk: Desk) -> None:
    with desk.ledger.change() as connection:
        if connection.dialect.name == "sqlite":
            connection.execute(text("CREATE TRIGGER quiet AFTER INSERT ON tasks BEGIN DELETE FROM tasks WHERE harm > 10; END"))
        else:
            body = "CREATE FUNCTION hush() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$"
            connection.execute(text(body))
            connection.execute(text("CREATE TRIGGER quiet BEFORE INSERT ON tasks FOR EACH ROW EXECUTE FUNCTION hush()"))
    found = told(desk)
    assert len(found) == 1
    assert "the table tasks has a trigger, quiet, which this software did not make" in found[0]
