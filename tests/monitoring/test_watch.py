"""Alarms of a ledger: what rings is on record once, people move it, and evidence begins anew when it is closed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from adverdict.certification.certificate import Certificate, thresholds
from adverdict.decisions.decide import DecisionContext, decide
from adverdict.decisions.policy import MarketRules, PolicyBook, Targets
from adverdict.domain.decision import Decision
from adverdict.domain.errors import Conflict, InvalidInput, NotFound
from adverdict.domain.risk import RiskScore
from adverdict.ledger.bodies.alarm import AlarmMoved, AlarmState
from adverdict.ledger.entries import DecisionMade
from adverdict.ledger.in_force.alarms import Alarm, alarms, move_alarm
from adverdict.ledger.store import Ledger
from adverdict.monitoring.attribution import Drift
from adverdict.monitoring.budget import Watched
from adverdict.monitoring.detectors import FEWEST
from adverdict.monitoring.watch import CellStanding, look, proposal, watch
from adverdict.review.tasks.routing import Reviewer
from tests.decisions.build import POLICY
from tests.ledger.made import an_ad
from tests.review.certificates import a_certificate
from tests.review.desk import Desk

AUDITED = replace(POLICY, name="deceptive", thresholds=None, targets=Targets(0.02, 0.1, 0.95), audit_share=1.0, max_risk=0.25)
BOOK = PolicyBook(names=("deceptive",), rules={"SE": MarketRules((AUDITED,))})
BUDGET = 12.0


@pytest.fixture
def desk(ledger: Ledger) -> Desk:
    made = Desk(ledger)
    made.staff(*(Reviewer(name) for name in ("rita", "sven", "tove")))
    return made


def submit(desk: Desk, made: Certificate) -> Decision:
    """An ad of another advertiser, approved by the certificate and drawn for the audit."""
    desk.decided += 1
    ad = an_ad(desk.decided, advertiser_id=f"adv-{desk.decided}", submitted_at=desk.clock())
    context = DecisionContext(f"dec-{desk.decided:032x}", desk.clock(), "v1")
    risks = {"deceptive": RiskScore(policy="deceptive", p=0.01, p_low=0.01, p_high=0.01)}
    decision = decide(ad, risks, BOOK, thresholds([made]), context=context)
    desk.append(DecisionMade(ad=ad, decision=decision, first=True))
    return decision


def day(desk: Desk, made: Certificate, ads: int, violating: int = 0) -> None:
    """So many ads, read; the last ones are found to violate."""
    for number in range(ads):
        submit(desk, made)
        wrong = number >= ads - violating
        for reader in ("rita", "sven", "tove") if wrong else ("rita",):
            desk.say(reader, "reject" if wrong else "approve")
    desk.clock.on(86_400)


def leakage_of(found: list[CellStanding]) -> CellStanding:
    return next(one for one in found if one.cell.watched is Watched.LEAKAGE)


def on_record(desk: Desk) -> list[Alarm]:
    """Alarms of leakage: risks of .01 of which many violate are off as well."""
    with desk.ledger.look() as connection:
        return [one for one in alarms(connection) if one.told.watched == Watched.LEAKAGE]


def move(desk: Desk, alarm: str, state: AlarmState, why: str = "looked at it") -> None:
    with desk.ledger.write() as writing:
        move_alarm(writing, AlarmMoved(alarm=alarm, state=state, why=why, by="olga"), desk.clock())


def test_nothing_is_said_of_what_hardly_anybody_read(desk: Desk) -> None:
    made = a_certificate()
    day(desk, made, FEWEST - 1, violating=5)
    found = leakage_of(look(desk.ledger, [made], BOOK, BUDGET, desk.clock))
    assert (found.state.counted, found.state.errors, found.state.rings_at, found.alarm) == (FEWEST - 1, 5, None, None)


def test_leakage_rings_once_says_since_when_and_begins_anew_when_it_is_closed(desk: Desk) -> None:
    made = a_certificate()
    for _ in range(8):
        day(desk, made, 4)
    assert leakage_of(watch(desk.ledger, [made], BOOK, BUDGET, desk.clock)).alarm is None
    day(desk, made, 8, violating=6)
    rings = leakage_of(watch(desk.ledger, [made], BOOK, BUDGET, desk.clock))
    again = leakage_of(watch(desk.ledger, [made], BOOK, BUDGET, desk.clock))
    (alarm,) = on_record(desk)
    assert rings.alarm == alarm.told
    assert (again.alarm, again.told) == (None, alarm)
    assert (alarm.told.watched, alarm.told.policy, alarm.told.markets, alarm.state) == ("leakage", "deceptive", ("SE",), AlarmState.OPEN)
    assert "6 of " in alarm.told.says
    assert "at most 2 % may" in alarm.told.says
    assert "adverdict brake on --side approve --policy deceptive" in alarm.told.proposal
    assert len(alarm.told.examples) == 5
    move(desk, alarm.alarm_id, AlarmState.ACKNOWLEDGED)
    move(desk, alarm.alarm_id, AlarmState.CLOSED, "a campaign, and it is over")
    assert on_record(desk)[0].state is AlarmState.CLOSED
    after = leakage_of(look(desk.ledger, [made], BOOK, BUDGET, desk.clock))
    assert (after.state.counted, after.alarm, after.told) == (0, None, None)


def test_days_with_answers_awaited_are_not_counted_yet(desk: Desk) -> None:
    made = a_certificate()
    for _ in range(6):
        day(desk, made, 4)
    desk.clock.on(-86_400)
    unread = submit(desk, made)
    desk.clock.on(86_400)
    assert unread.audit is not None
    assert leakage_of(look(desk.ledger, [made], BOOK, BUDGET, desk.clock)).state.counted == 20


def test_an_alarm_is_moved_with_a_reason_and_not_after_it_is_closed(desk: Desk) -> None:
    made = a_certificate()
    day(desk, made, 24, violating=8)
    watch(desk.ledger, [made], BOOK, BUDGET, desk.clock)
    (alarm,) = on_record(desk)
    with pytest.raises(InvalidInput, match="stays on record"):
        move(desk, alarm.alarm_id, AlarmState.CLOSED, "  ")
    with pytest.raises(InvalidInput, match="one of acknowledged, explained, acted, closed"):
        move(desk, alarm.alarm_id, AlarmState.OPEN)
    with pytest.raises(NotFound, match="adverdict monitor alarms"):
        move(desk, "alm-none", AlarmState.CLOSED)
    move(desk, alarm.alarm_id, AlarmState.CLOSED)
    with pytest.raises(Conflict, match="closed already"):
        move(desk, alarm.alarm_id, AlarmState.ACTED)


def test_what_is_proposed_follows_what_has_changed(desk: Desk) -> None:
    cell = look(desk.ledger, [a_certificate()], BOOK, BUDGET, desk.clock)[0].cell
    assert "adverdict train" in proposal(cell, Drift.CONCEPT)
    assert "policy solve" in proposal(cell, Drift.PRIOR)
    assert "to tell what has changed" in proposal(cell, Drift.UNKNOWN)
