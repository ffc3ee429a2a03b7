"""Verdicts are carried only as far as a certificate shows, each as an entry that names where it came from, and are taken back with it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from adverdict.decisions.steering import BrakeSide
from adverdict.domain.errors import Conflict, InvalidInput
from adverdict.domain.verdict import Verdict
from adverdict.ledger.bodies.copies import CarriedSide, CarryingBegun, Unwound
from adverdict.ledger.effective import decision_histories, export
from adverdict.ledger.entries import Braked, DecisionMade, Resolved
from adverdict.ledger.history import LedgerHistory
from adverdict.ledger.in_force.carrying import in_force
from adverdict.ledger.in_force.steering import brake
from adverdict.ledger.moments import micros
from adverdict.ledger.said import effective
from adverdict.ledger.verify import verify
from adverdict.review.carrying.carry import carry
from adverdict.review.carrying.certifying import certify_carrying, evidence, stop_carrying, watch_carrying
from adverdict.review.carrying.unwind import unwind
from tests.review.desk import BOOK, Desk
from tests.review.test_copies import answer_all, copy


def certified(desk: Desk, side: CarriedSide = "reject", distance: float = 0.1) -> None:
    until = micros(desk.clock() + timedelta(days=30))
    figures: dict[str, Any] = {"pairs": 100, "wrong": 0, "groups": 100, "upper": 0.04, "look": 1, "as_of": 1, "by": "test"}
    with desk.ledger.write() as writing:
        told = CarryingBegun(side=side, distance=distance, limit=0.05, confidence=0.95, until=until, **figures)
        writing.append(f"car-{side}", told, desk.clock())


def stands(desk: Desk, made: DecisionMade) -> tuple[Verdict, str] | None:
    with desk.ledger.look() as connection:
        now = decision_histories(connection, [made.ad.ad_id])[made.ad.ad_id].at()
    return None if now is None else (now.verdict, now.by)


def taken_back(desk: Desk, made: DecisionMade) -> Any:
    return unwind(desk.ledger, made.decision.decision_id, why="wrong", by="lea", book=BOOK, settings=desk.settings, clock=desk.clock)


def test_nothing_is_carried_before_there_is_a_certificate_nor_on_the_other_side(desk: Desk) -> None:
    copy(desk)
    desk.say("ann", "reject")
    waits = copy(desk)
    assert carry(desk.ledger, desk.clock) == []
    certified(desk, "approve")
    assert carry(desk.ledger, desk.clock) == []
    certified(desk, "reject")
    assert carry(desk.ledger, desk.clock) == [waits.decision.decision_id]


def test_a_carried_verdict_names_the_one_it_came_from_and_makes_no_label(desk: Desk) -> None:
    first = copy(desk)
    desk.say("ann", "reject")
    waits = copy(desk, advertiser_id="adv-8")
    certified(desk)
    carry(desk.ledger, desk.clock)
    (told,) = desk.entries(waits, Resolved)
    assert (told.by, told.verdict, told.violated) == ("copy", Verdict.REJECT, ("deceptive",))
    assert told.carried.decision_id == first.decision.decision_id
    assert told.carried.certificate == "car-reject"
    assert [task.state for task in desk.tasks(waits)] == ["withdrawn"]
    assert list(effective(desk.ledger.about(waits.decision.decision_id))) == []
    assert verify(desk.ledger).found == 0


@pytest.mark.parametrize(
    "changes",
    [
        {"blind": True},
        {"market": "DE"},
        {"words": "Guaranteed profit without any work: ask our team how you double your deposit every week"},
    ],
)
def test_blind_reviews_other_markets_and_what_is_farther_away_are_left_to_people(desk: Desk, changes: dict[str, Any]) -> None:
    copy(desk)
    desk.say("ann", "reject")
    copy(desk, **changes)
    certified(desk)
    assert carry(desk.ledger, desk.clock) == []


def test_what_divides_people_is_left_to_them(desk: Desk) -> None:
    copy(desk)
    desk.say("ann", "reject")
    copy(desk)
    desk.say("ann", "approve")
    copy(desk)
    certified(desk)
    certified(desk, "approve")
    assert carry(desk.ledger, desk.clock) == []


def test_a_brake_and_a_stop_end_carrying(desk: Desk) -> None:
    copy(desk)
    desk.say("ann", "reject")
    copy(desk)
    certified(desk)
    with desk.ledger.write() as writing:
        brake(writing, Braked(side=BrakeSide.REJECT, market="SE", why="a wave", by="lea"), desk.clock())
    assert carry(desk.ledger, desk.clock) == []
    assert stop_carrying(desk.ledger, "reject", "too early", "lea", desk.clock())
    with desk.ledger.look() as connection:
        assert in_force(connection, desk.clock()) == {}
    assert not stop_carrying(desk.ledger, "reject", "again", "lea", desk.clock())


def test_unwinding_takes_back_verdicts_labels_and_history_and_asks_people_again(desk: Desk) -> None:
    first, along = copy(desk), copy(desk, advertiser_id="adv-8")
    answer_all(desk)
    late = copy(desk, advertiser_id="adv-9")
    certified(desk)
    carry(desk.ledger, desk.clock)
    assert [stands(desk, one) for one in (first, along, late)] == [(Verdict.REJECT, "person")] * 3
    desk.clock.on(60)
    done = taken_back(desk, first)
    assert done.decisions == tuple(one.decision.decision_id for one in (first, along, late))
    assert (done.carried, done.along, done.labels, done.reopened) == (1, 1, 2, 3)
    assert [stands(desk, one) for one in (first, along, late)] == [(Verdict.REVIEW, "model")] * 3
    assert [list(effective(desk.ledger.about(one.decision.decision_id))) for one in (first, along, late)] == [[], [], []]
    assert [len([task for task in desk.tasks(one) if task.state == "open"]) for one in (first, along, late)] == [1, 1, 1]
    assert verify(desk.ledger).found == 0
    assert taken_back(desk, first).decisions == ()
    assert carry(desk.ledger, desk.clock) == []
    assert desk.say("bob", "approve").settled is Verdict.APPROVE


def test_the_history_is_as_if_what_was_unwound_had_never_been_said(desk: Desk) -> None:
    first = copy(desk)
    kept, untouched = LedgerHistory(desk.ledger), LedgerHistory(desk.ledger)
    untouched.catch_up()
    desk.say("ann", "reject")
    assert kept.catch_up() != untouched.state
    desk.clock.on(60)
    taken_back(desk, first)
    assert kept.catch_up() == untouched.state


def test_an_export_of_what_stands_knows_what_was_unwound(desk: Desk, tmp_path: Any) -> None:
    import pyarrow.parquet as pq

    first = copy(desk)
    desk.say("ann", "reject")
    desk.clock.on(60)
    taken_back(desk, first)
    export(desk.ledger, tmp_path / "stands.parquet")
    assert pq.read_table(tmp_path / "stands.parquet").to_pylist()[0]["verdict"] == "review"


def test_unwinding_says_what_to_take_back_instead(desk: Desk) -> None:
    copy(desk)
    desk.say("ann", "reject")
    waits = copy(desk)
    certified(desk)
    carry(desk.ledger, desk.clock)
    with pytest.raises(Conflict, match="its verdict was carried from"):
        taken_back(desk, waits)
    with pytest.raises(InvalidInput, match="why"):
        unwind(desk.ledger, "dec-1", why=" ", by="lea", book=BOOK, settings=desk.settings)
    assert desk.entries(waits, Unwound) == []


def test_evidence_is_what_was_read_blind_and_errors_since_end_a_certificate(desk: Desk) -> None:
    since = desk.clock() - timedelta(days=1)
    copy(desk)
    desk.say("ann", "reject")
    copy(desk, blind=True, advertiser_id="adv-8")
    desk.say("bob", "approve")
    copy(desk)
    desk.say("bob", "reject")
    found = evidence(desk.ledger, since)
    assert (found["reject"].wrong.tolist(), found["approve"].wrong.tolist()) == ([True], [])
    assert float(found["reject"].distance[0]) < 0.2
    for one in certify_carrying(desk.ledger, limit=0.05, confidence=0.95, by="lea", clock=desk.clock):
        assert one.certificate_id is None
    assert watch_carrying(desk.ledger, "watch", desk.clock) == []
    with pytest.raises(InvalidInput, match="limit"):
        certify_carrying(desk.ledger, limit=1.5, confidence=0.95, by="lea")
