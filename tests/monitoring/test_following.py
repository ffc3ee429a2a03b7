"""Following the chain: the same state whenever the same entries came, kept in tables, and equal to what the chain says again."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from adverdict.domain.identity import number_of
from adverdict.domain.verdict import Verdict
from adverdict.ledger.erase import erase
from adverdict.ledger.schema import monitoring_tallies
from adverdict.ledger.store import Ledger
from adverdict.monitoring.budget import Watched
from adverdict.monitoring.cells import cells_of
from adverdict.monitoring.following.fold import PATIENCE, State
from adverdict.monitoring.following.follower import follow, keep, load, rebuild, verify
from adverdict.monitoring.following.waiting import STEP_OF_RISK, Outcome, Waiting, bin_of
from adverdict.monitoring.watch import last_look, watch
from adverdict.review.tasks.routing import Reviewer
from tests.ledger.made import START, an_ad, decided, erase_rows
from tests.monitoring.test_watch import BOOK, BUDGET, day, desk, submit
from tests.review.certificates import a_certificate
from tests.review.desk import Desk

__all__ = ["desk"]

CERTIFICATE = a_certificate()
LEAKAGE = f"leakage/deceptive/{CERTIFICATE.certificate_id}"


def of(state: State, what: str) -> tuple[int, int]:
    """Number and of them, over all days and risks."""
    rows = [tally for (name, _, _), tally in state.tallies.items() if name == what]
    return sum(row[0] for row in rows), sum(row[1] for row in rows)


def an_audit(answers: list[str], verdict: str = "approve") -> Waiting:
    return Waiting(1, 10, "SE", 5, 6, verdict, None, {}, answers)


@pytest.mark.parametrize(
    ("answers", "outcome"),
    [
        ([], None),
        (["approve"], "approve"),
        (["reject"], None),
        (["unsure"], None),
        (["reject", "approve"], None),
        (["reject", "approve", "approve"], "approve"),
        (["unsure", "senior:approve"], "approve"),
        (["escalate", "senior:reject"], None),
    ],
)
def test_an_audit_in_which_people_agree_stands_without_an_entry_that_says_so(answers: list[str], outcome: str | None) -> None:
    settled = an_audit(answers).outcome
    assert (settled and settled.verdict) == outcome


def test_what_waits_is_kept_whole() -> None:
    one = an_audit(["reject"])
    one.settled = Outcome("reject", ("deceptive",))
    assert Waiting.from_json(1, one.to_json()) == one


@pytest.mark.parametrize(("risk", "log_odds"), [(0.5, 0.0), (0.1, -2.2), (1e-9, -13.8), (0.0, -13.8), (1.0, 13.8)])
def test_risks_are_kept_to_a_twentieth_of_their_log_odds(risk: float, log_odds: float) -> None:
    assert bin_of(risk) * STEP_OF_RISK == pytest.approx(log_odds, abs=0.026)


def test_looking_often_and_looking_once_come_to_the_same_and_to_what_the_chain_says(desk: Desk) -> None:
    for number in range(6):
        day(desk, CERTIFICATE, 3, violating=number % 2)
        follow(desk.ledger, desk.clock())
    often = load(desk.ledger)
    assert of(often, LEAKAGE) == (18, 3)
    assert of(often, "calibration/deceptive/SE") == (18, 3)
    checked = verify(desk.ledger)
    assert (checked.equal, checked.seq, checked.erased) == (True, desk.ledger.end()[0], 0)
    assert rebuild(desk.ledger, desk.clock()) == often


def test_a_table_that_somebody_changed_is_told(desk: Desk) -> None:
    day(desk, CERTIFICATE, 3)
    follow(desk.ledger, desk.clock())
    with desk.ledger.change() as connection:
        connection.execute(update(monitoring_tallies).where(monitoring_tallies.c.what == LEAKAGE).values(of_them=2))
    checked = verify(desk.ledger)
    assert not checked.equal
    assert "[3, 2] kept, [3, 0] by the chain" in checked.differ[0]


def test_a_day_is_counted_when_everybody_has_answered_or_was_waited_for_long_enough(desk: Desk) -> None:
    submit(desk, CERTIFICATE)
    submit(desk, CERTIFICATE)
    desk.say("rita", "approve")
    desk.clock.on(86_400)
    assert of(follow(desk.ledger, desk.clock()), LEAKAGE) == (0, 0)
    desk.clock.on((PATIENCE - 1) * 86_400)
    assert of(follow(desk.ledger, desk.clock()), LEAKAGE) == (0, 0)
    desk.clock.on(86_400)
    assert of(follow(desk.ledger, desk.clock()), LEAKAGE) == (1, 0)
    assert load(desk.ledger).waiting == {}
    assert verify(desk.ledger).equal


def test_the_hour_after_midnight_still_belongs_to_the_day_before(desk: Desk) -> None:
    day(desk, CERTIFICATE, 2)
    midnight = desk.clock().replace(hour=0, minute=0, second=0)
    assert of(follow(desk.ledger, midnight + timedelta(minutes=30)), LEAKAGE) == (0, 0)
    assert of(follow(desk.ledger, midnight + timedelta(minutes=61)), LEAKAGE) == (2, 0)


def test_an_advertisers_next_ads_count_again_after_four_weeks_and_its_risks_after_half_a_year() -> None:
    state = State()
    decision = {"market": "SE", "advertiser_id": "adv-1", "ad_id": "ad-1", "verdict": "approve", "audit": {"chosen": True}}
    policies = [{"policy": "deceptive", "verdict": "approve", "certificate_id": "c", "risk": {"p": 0.01}}]
    for number, at in enumerate((100, 110, 128, 290)):
        told = {"first": True, "ad": {"market": "SE"}, "decision": {**decision, "policies": policies}}
        state.follow(2 * number + 1, "decision", f"dec-{number}", at, told)
        answer = {"task_kind": "audit", "decision_id": f"dec-{number}", "verdict": "approve"}
        state.follow(2 * number + 2, "answer", f"ans-{number}", at, answer)
    state.roll(291)
    assert of(state, "leakage/deceptive/c") == (3, 0)
    assert of(state, "calibration/deceptive/SE") == (2, 0)


def test_what_is_erased_while_it_waits_is_forgotten_and_what_was_counted_is_told(desk: Desk) -> None:
    submit(desk, CERTIFICATE)
    desk.clock.on(3600)
    assert len(follow(desk.ledger, desk.clock()).waiting) == 1
    erase_rows(desk.ledger, 1)
    state = follow(desk.ledger, desk.clock())
    assert (state.waiting, state.erased) == ({}, 1)
    assert verify(desk.ledger).erased == 1
    assert rebuild(desk.ledger, desk.clock()).erased == 0
    assert verify(desk.ledger).erased == 0


def test_an_advertiser_who_is_erased_is_remembered_by_no_number(desk: Desk) -> None:
    day(desk, CERTIFICATE, 2)
    assert len(follow(desk.ledger, desk.clock()).counted) == 4
    erase(desk.ledger, advertiser="adv-1", why="asked to", by="test", now=desk.clock())
    assert {who for _, who in follow(desk.ledger, desk.clock()).counted} == {number_of("adv-2")}


def test_decisions_of_a_step_that_is_withdrawn_are_waited_for_no_more() -> None:
    state = State()
    made = decided(an_ad(1), Verdict.REVIEW, first=True).model_copy(update={"step": "stp-1"}).model_dump(mode="json")
    state.follow(1, "decision", "dec-1", 10, made)
    assert list(state.waiting) == ["dec-1"]
    state.follow(2, "withdrawal", "wdr-1", 10, {"step": "stp-1"})
    assert state.waiting == {}


def test_risks_are_judged_by_the_certificate_in_force_in_each_market() -> None:
    elsewhere = CERTIFICATE.markets[0].model_copy(update={"market": "DE"})
    bolder = a_certificate(START, below=0.2).model_copy(update={"markets": (elsewhere,), "certificate_id": "cert-de"})
    cells = [one for one in cells_of([CERTIFICATE, bolder], BOOK) if one.cell.watched is Watched.CALIBRATION]
    assert [(one.cell.markets, one.certificate.approve_below, one.tallies) for one in cells] == [
        (("SE",), 0.1, ("calibration/deceptive/SE",)),
        (("DE",), 0.2, ("calibration/deceptive/DE",)),
    ]


def test_how_detectors_stand_is_kept_and_computed_anew_only_when_something_came(desk: Desk) -> None:
    for _ in range(6):
        day(desk, CERTIFICATE, 4)
    first = watch(desk.ledger, [CERTIFICATE], BOOK, BUDGET, desk.clock)
    kept = last_look(desk.ledger)
    assert {one.cell: one.state for one in kept} == {one.name: one.state for one in first}
    assert {one.looked_at for one in kept} == {desk.clock()}
    desk.clock.on(60)
    again = watch(desk.ledger, [CERTIFICATE], BOOK, BUDGET, desk.clock)
    assert [one.state for one in again] == [one.state for one in first]
    assert watch(desk.ledger, [], BOOK, BUDGET, desk.clock) == []
    assert last_look(desk.ledger) == []


def test_two_who_follow_at_once_count_nothing_twice(ledger: Ledger) -> None:
    desk = Desk(ledger)
    desk.staff(Reviewer("rita"), Reviewer("sven"), Reviewer("tove"))
    day(desk, CERTIFICATE, 3)
    behind = load(ledger)
    follow(ledger, desk.clock())
    assert behind.seq == 0
    behind.seq = 1
    assert keep(ledger, behind, 0).seq == ledger.end()[0]
    with ledger.look() as connection:
        assert connection.execute(select(monitoring_tallies.c.number).where(monitoring_tallies.c.what == LEAKAGE)).scalars().all() == [3]
