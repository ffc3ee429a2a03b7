"""What comes into force, what is planned and what rings, once each, in a ledger that is made for measuring."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from adverdict.decisions.policy import PolicyBook
from adverdict.decisions.rollout import Guard, Plan, Stage, Versions
from adverdict.ledger.bodies.alarm import AlarmMoved, AlarmOpened, AlarmState
from adverdict.ledger.bodies.copies import CarryingBegun, CarryingEnded, Unwound
from adverdict.ledger.bodies.emerging import CaseMoved, CaseOpened, CaseState, Marked
from adverdict.ledger.bodies.launch import GateStatus, GateTold, LaunchChecked, LaunchScored, LaunchVerdict
from adverdict.ledger.bodies.probing import ProbingNoticed
from adverdict.ledger.bodies.rollout import (
    Aborted,
    Paused,
    PoliciesPut,
    Promotion,
    Proposed,
    Renewed,
    Signed,
    StageEntered,
    abort_id,
    promotion_id,
    stage_id,
)
from adverdict.ledger.bodies.signals import PutBack, Reported, Sign
from adverdict.ledger.bodies.strikes import StrikesLifted
from adverdict.ledger.entries import EventDeclared, PlanMade, PlannedCell, PlannedWeek, PlanScored
from adverdict.ledger.in_force.alarms import move_alarm, open_alarm
from adverdict.ledger.in_force.cases import move_case, open_case
from adverdict.ledger.in_force.policy_sets import keep_set
from adverdict.ledger.in_force.probing import end, notice
from adverdict.ledger.in_force.rollouts import SALT, digest_of_salt
from adverdict.ledger.store import Ledger, Writing, keep

WHY, WHO = "as simulated", "operator"
ROLLOUT, EARLIER, PLAN, LAUNCH = "rol-lively", "rol-earlier", "pln-lively", "lch-lively"
SECRET = bytes(32)


def change(ledger: Ledger, book: PolicyBook, at: datetime) -> None:
    """A set of policies in force, a roll-out of another that is aborted, a plan and a launch with their scores, a new kind, signals,
    verdicts that are carried to copies, an alarm that is closed."""
    with ledger.write() as writing:
        _roll_out(writing, book, at)
        _plan(writing, book.markets[0], at)
        _launch(writing, book.markets[0], at)
        _case(writing, book.markets[0], at)
        _signals(writing, book.markets[0], at)
        _copies(writing, book.markets[0], at)
        alarm = open_alarm(writing, _alarm(book, at), at)
        writing.flush()
        if alarm is not None:
            move_alarm(writing, AlarmMoved(alarm=alarm, state=AlarmState.CLOSED, why=WHY, by=WHO), at)


def _roll_out(writing: Writing, book: PolicyBook, at: datetime) -> None:
    other = PolicyBook(book.names, {market: book.rules[market] for market in book.markets[:1]})
    files, candidate = (keep_set(writing.connection, one, {"default.yaml": WHY}, at) for one in (book, other))
    keep(writing.connection, SALT, digest_of_salt(SECRET), SECRET, at)
    stage = Stage(name="canary", share=0.1, audit_share=0.5, needs=("policy",))
    proposal = Proposed(
        base=Versions(policies=book.hash),
        candidate=Versions(policies=other.hash),
        files=candidate,
        plan=Plan(name="lively", stages=(Stage(name="shadow", share=0.0), stage)),
        guards=(Guard(kind="leakage", policy=book.names[0], limit=0.02, alpha=0.03),),
        salt=digest_of_salt(SECRET),
        difference=("one market less",),
        why=WHY,
        by=WHO,
    )
    until = at + timedelta(hours=3)
    writing.append("pol-lively", PoliciesPut(policies=book.hash, files=files, before=None, why=WHY, by=WHO), at)
    writing.append(ROLLOUT, proposal, at)
    writing.append("sgn-lively", Signed(rollout=ROLLOUT, role="policy", agrees=True, note=WHY, by="ann"), at)
    writing.append(
        stage_id(ROLLOUT, 1), StageEntered(rollout=ROLLOUT, number=1, stage=stage, until=until, why=WHY, by=WHO, evidence={}), at
    )
    writing.append("rnw-lively", Renewed(rollout=ROLLOUT, number=1, until=until + timedelta(hours=1), by="watch"), at)
    writing.append("pse-lively", Paused(rollout=ROLLOUT, paused=True, why=WHY, by=WHO), at)
    writing.append(abort_id(ROLLOUT), Aborted(rollout=ROLLOUT, guard=None, why=WHY, by=WHO), at)
    writing.append(promotion_id(EARLIER), Promotion(rollout=EARLIER, model="models:/adverdict/2", before=None, by=WHO), at)


def _plan(writing: Writing, market: str, at: datetime) -> None:
    week = at.date()
    cell = PlannedCell(week=week, market=market, kind="review", submissions=900, tasks=90, low=70, high=110, seconds=41.5)
    planned = PlannedWeek(week=week, hours=1.04, fte=0.05, rostered=1, met=0.95, absence=0.1)
    made = PlanMade(name="lively", change="as planned", cells=(cell,), weeks=(planned,), targets={}, operations="0" * 64, counted=1, by=WHO)
    writing.append(PLAN, made, at)
    scored = PlanScored(
        plan=PLAN,
        week=week,
        tasks=80,
        wape=0.125,
        bias=0.125,
        covered=1,
        queues=1,
        fte_error=0.1,
        by_cause={"volume": 0.1, "conversion": 0.0, "time": 0.0, "absence": 0.0},
        cause="volume",
        absence=None,
        by=WHO,
    )
    writing.append(f"scr-{PLAN}-{week}", scored, at)
    event = EventDeclared(name="lively sale", event_kind="sale", starts=week, ends=week, markets=(market,), expected_factor=2.0, by=WHO)
    writing.append("evt-lively", event, at)


def _launch(writing: Writing, market: str, at: datetime) -> None:
    day = at.date()
    checked = LaunchChecked(
        what="market",
        name=market,
        markets=(market,),
        languages=("sv",),
        ads_per_day=100,
        opens=day,
        outcome=LaunchVerdict.GO,
        gates=(GateTold(name="people", status=GateStatus.OK, says=WHY, owner="workforce"),),
        claims={},
        as_of=1,
        by=WHO,
    )
    writing.append(LAUNCH, checked, at)
    scored = LaunchScored(launch=LAUNCH, since=day, until=day + timedelta(weeks=4), broke=(), figures={}, by=WHO)
    writing.append(f"scr-{LAUNCH}", scored, at)


def _case(writing: Writing, market: str, at: datetime) -> None:
    marked = Marked(decision_id="dec-lively", ad_id="ad-1", advertiser_id="adv-1", market=market, task_id="tsk-lively", reviewer=WHO)
    writing.append("mrk-tsk-lively", marked, at)
    told = CaseOpened(
        language="en",
        phrases=("pump",),
        advertisers=3,
        ads=3,
        markets=(market,),
        examples=(),
        by_marks=True,
        marked=3,
        labels=50,
        says=WHY,
        proposal=WHY,
        draft=WHY,
        as_of=1,
        by=WHO,
    )
    case = open_case(writing, told, at)
    if case is not None:
        move_case(writing, CaseMoved(case=case, state=CaseState.EXPLAINED, why=WHY, by=WHO), at)


def _signals(writing: Writing, market: str, at: datetime) -> None:
    whose: dict[str, Any] = {"decision_id": "dec-lively", "ad_id": "ad-1", "advertiser_id": "adv-1", "market": market}
    writing.append("rpt-lively", Reported(**whose, reporter="0" * 32, statement=WHY, by=WHO), at)
    writing.append("put-lively", PutBack(**whose, sign=Sign.REPORTS, says=WHY, task_id="tsk-lively", by=WHO), at)
    seen = ProbingNoticed(advertiser_id="adv-1", until=at + timedelta(days=7), says=WHY, as_of=1, by="monitor")
    probing_id = notice(writing, seen, at)
    writing.flush()
    if probing_id is not None:
        end(writing, probing_id, "harmless", WHY, WHO, at)


def _copies(writing: Writing, market: str, at: datetime) -> None:
    begun = CarryingBegun(
        side="reject",
        distance=0.1,
        limit=0.05,
        confidence=0.95,
        pairs=90,
        wrong=0,
        groups=80,
        upper=0.04,
        look=1,
        as_of=1,
        until=1,
        by=WHO,
    )
    whose: dict[str, Any] = {"decision_id": "dec-lively", "ad_id": "ad-1", "advertiser_id": "adv-1", "market": market}
    writing.append("car-lively", begun, at)
    writing.append("cae-lively", CarryingEnded(side="reject", why=WHY, by=WHO), at)
    writing.append("unw-lively", Unwound(**whose, source="dec-lively", retracted=(), why=WHY, by=WHO), at)
    writing.append("stl-lively", StrikesLifted(advertiser_id="adv-1", why=WHY, by=WHO), at)


def _alarm(book: PolicyBook, at: datetime) -> AlarmOpened:
    return AlarmOpened(
        cell=f"leakage/{book.names[0]}/cert-lively",
        watched="leakage",
        policy=book.names[0],
        markets=book.markets[:1],
        since=at,
        says=WHY,
        proposal=WHY,
        figures={"errors": 3},
        as_of=1,
        by="monitor",
    )
