"""Ads, decisions and entries about them, as small as they may be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from adverdict.decisions.policy import Thresholds
from adverdict.decisions.rollout import Guard, Plan, Stage, Versions
from adverdict.decisions.steering import BrakeSide
from adverdict.domain.ad import Ad, Label
from adverdict.domain.decision import RECORD, Arm, Audit, Decision, PolicyVerdict, Reason
from adverdict.domain.risk import RiskScore
from adverdict.domain.standing import Standing
from adverdict.domain.verdict import Verdict
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
from adverdict.ledger.entries import (
    Answered,
    Appealed,
    Body,
    Braked,
    Carried,
    CertificateMoved,
    DecisionMade,
    Erased,
    EventDeclared,
    Founded,
    KnownHistory,
    Labelled,
    PlanMade,
    PlannedCell,
    PlannedWeek,
    PlanScored,
    Rescored,
    Resolved,
    Ruled,
    Withdrawn,
)
from adverdict.ledger.in_force.alarms import move_alarm, open_alarm
from adverdict.ledger.in_force.cases import move_case, open_case
from adverdict.ledger.in_force.policy_sets import keep_set
from adverdict.ledger.in_force.probing import end, notice
from adverdict.ledger.in_force.rollouts import SALT as SALTS
from adverdict.ledger.in_force.rollouts import digest_of_salt
from adverdict.ledger.in_force.steering import brake, move, release, revoke
from adverdict.ledger.store import Ledger, keep, withdrawal_id
from tests.decisions.build import POLICY, book

POLICIES, STRICTER = book([POLICY]), book([replace(POLICY, thresholds=Thresholds(0.04, 0.9))])
START = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
RISK = {Verdict.APPROVE: 0.01, Verdict.REVIEW: 0.5, Verdict.REJECT: 0.99}
Kind = Literal["review", "audit", "double", "senior", "appeal", "golden"]
Settled = Literal[Verdict.APPROVE, Verdict.REJECT]


def minutes(count: float) -> datetime:
    """After the start."""
    return START + timedelta(minutes=count)


def an_ad(number: int = 1, **changes: Any) -> Ad:
    """Ad ``number`` of advertiser ``adv-7``, submitted ``number`` minutes after the start."""
    usual: dict[str, Any] = {
        "ad_id": f"ad-{number}",
        "advertiser_id": "adv-7",
        "market": "SE",
        "submitted_at": minutes(number),
        "creative_id": f"cr-{number}",
        "language": "sv",
        "surface": "feed",
        "title": f"Offer {number}",
        "body": "Double your savings in seven days",
        "landing_domain": "quick-returns.example",
        "impressions": 1000.0,
    }
    return Ad(**{**usual, **changes})


def a_decision(ad: Ad, verdict: Verdict = Verdict.REVIEW, *, at: datetime | None = None, decision_id: str | None = None) -> Decision:
    """About ``deceptive`` alone; approvals and rejections are in the audit stream at 0.1, and not chosen."""
    p = RISK[verdict]
    ruling = PolicyVerdict(
        policy="deceptive",
        verdict=verdict,
        risk=RiskScore(policy="deceptive", p=p, p_low=p, p_high=p),
        approve_below=0.1,
        reject_at=0.9,
        because="as the test says",
        advertiser_reason="The ad is deceptive." if verdict is Verdict.REJECT else None,
    )
    return Decision(
        decision_id=decision_id or f"dec-{ad.ad_id}",
        ad_id=ad.ad_id,
        advertiser_id=ad.advertiser_id,
        market=ad.market,
        surface=ad.surface,
        decided_at=at or ad.submitted_at,
        verdict=verdict,
        policies=(ruling,),
        reasons=(Reason(policy="deceptive", kind="phrase", signal="double", text='the text says "double"', effect=1.5),),
        uncertified=True,
        audit=None if verdict is Verdict.REVIEW else Audit(probability=0.1, chosen=False),
        bundle_version="v1",
        policy_hash="0" * 64,
        threshold_set=None,
    )


def decided(ad: Ad, verdict: Verdict = Verdict.REVIEW, *, first: bool = True, **decision: Any) -> DecisionMade:
    return DecisionMade(ad=ad, decision=a_decision(ad, verdict, **decision), first=first)


def in_an_arm(ad: Ad, side: Literal["control", "candidate", "outside"] = "candidate") -> DecisionMade:
    """Decided while a roll-out to a tenth of the advertisers was on."""
    made = decided(ad)
    arm = Arm(rollout="rol-1", side=side, bucket=0.03, share=0.1)
    return made.model_copy(update={"decision": made.decision.model_copy(update={"arm": arm, "record": RECORD})})


def a_label(ad: Ad, *, violates: bool = True, policy: str = "deceptive", at: datetime | None = None, **changes: Any) -> Label:
    return Label(ad_id=ad.ad_id, policy=policy, violates=violates, labelled_at=at or ad.submitted_at, **changes)


def about(made: DecisionMade) -> dict[str, Any]:
    """The fields that every entry about an ad has."""
    return {
        "decision_id": made.decision.decision_id,
        "ad_id": made.ad.ad_id,
        "advertiser_id": made.ad.advertiser_id,
        "market": made.ad.market,
    }


def labelled(made: DecisionMade, *, violates: bool = True) -> Labelled:
    return Labelled(**about(made), labels=(a_label(made.ad, violates=violates),), by="importer")


def answered(
    made: DecisionMade,
    verdict: Literal["approve", "reject", "unsure", "escalate"] = "reject",
    *,
    task_id: str = "tsk-1",
    kind: Kind = "review",
    reviewer: str = "rita",
) -> Answered:
    labels = (
        (a_label(made.ad, violates=verdict == "reject", source="review", rater_id=reviewer),) if verdict in ("approve", "reject") else ()
    )
    return Answered(
        **about(made),
        task_id=task_id,
        case_id=f"case-{task_id}",
        task_kind=kind,
        reviewer=reviewer,
        token=1,
        verdict=verdict,
        asked=("deceptive",),
        violated=("deceptive",) if verdict == "reject" else (),
        severity="moderate" if verdict == "reject" else None,
        reason="promises returns" if verdict == "reject" else None,
        seconds=31.5,
        labels=labels,
    )


def resolved(made: DecisionMade, verdict: Settled = Verdict.REJECT, *, task_id: str = "tsk-1") -> Resolved:
    violated = ("deceptive",) if verdict is Verdict.REJECT else ()
    return Resolved(**about(made), verdict=verdict, by="review", violated=violated, task_id=task_id)


def appealed(made: DecisionMade, statement: str = "We only advise.") -> Appealed:
    return Appealed(**about(made), statement=statement, by="platform")


def ruled(made: DecisionMade, outcome: Literal["upheld", "overturned"] = "overturned", *, retracted: Sequence[str] = ()) -> Ruled:
    return Ruled(
        **about(made),
        appeal_id=f"app-{made.ad.ad_id}",
        outcome=outcome,
        task_id="tsk-2",
        reviewer="sven",
        reason="no promise is made",
        retracted=tuple(retracted),
        policies=("deceptive",) if outcome == "overturned" else (),
    )


def append_decisions(ledger: Ledger, *mades: DecisionMade) -> None:
    """In one transaction, each at the moment it was decided."""
    with ledger.write() as writing:
        for made in mades:
            writing.append(made.decision.decision_id, made, made.decision.decided_at)


def every_kind(ledger: Ledger) -> None:
    """Nine entries: an ad's way from its decision to an overturned appeal, and another whose content is erased.

    Every kind but those of a rescoring, which ``a_step`` adds.
    """
    ad, other = an_ad(1), an_ad(2, advertiser_id="adv-8")
    made, gone = decided(ad, Verdict.REVIEW), decided(other, Verdict.APPROVE)
    with ledger.write() as writing:
        writing.append("fnd-1", Founded(history=None, bundle_version=None), minutes(0))
        writing.append(made.decision.decision_id, made, minutes(1))
        writing.append(gone.decision.decision_id, gone, minutes(2))
        writing.append("lab-1", labelled(made), minutes(3))
        writing.append("ans-tsk-1", answered(made), minutes(4))
        writing.append("res-1", resolved(made), minutes(5))
        writing.append("app-ad-1", appealed(made), minutes(6))
        writing.append("rul-app-ad-1", ruled(made, retracted=("lab-1", "ans-tsk-1")), minutes(7))
    erase_rows(ledger, 3)


def braked(side: BrakeSide = BrakeSide.APPROVE, **scope: Any) -> Braked:
    return Braked(side=side, why="a wave of scams", by="olga", **scope)


ALARM = AlarmOpened(
    cell="leakage/gambling/cert-1",
    watched="leakage",
    policy="gambling",
    markets=("SE",),
    since=minutes(60),
    says="9 of 100 ads violate",
    proposal="adverdict brake on",
    figures={"errors": 9},
    examples=("dec-1",),
    as_of=7,
    by="monitor",
)


def ring(ledger: Ledger) -> None:
    """Two entries: an alarm and what became of it."""
    with ledger.write() as writing:
        alarm_id = open_alarm(writing, ALARM, minutes(75))
        writing.flush()
        assert alarm_id is not None
        move_alarm(writing, AlarmMoved(alarm=alarm_id, state=AlarmState.CLOSED, why="a campaign", by="olga"), minutes(76))


def launch_checked(**changes: Any) -> LaunchChecked:
    usual: dict[str, Any] = {
        "what": "market",
        "name": "JP",
        "markets": ("JP",),
        "languages": ("ja",),
        "ads_per_day": 900,
        "opens": START.date(),
        "outcome": LaunchVerdict.GO,
        "gates": (GateTold(name="people", status=GateStatus.OK, says="the roster suffices", owner="workforce"),),
        "claims": {"in_time": 0.95},
        "as_of": 3,
        "by": "paul",
    }
    return LaunchChecked(**{**usual, **changes})


def open_market(ledger: Ledger) -> None:
    """Two entries: a launch that was checked, and what became of it."""
    end = START.date() + timedelta(weeks=4)
    scored = LaunchScored(launch="lch-1", since=START.date(), until=end, broke=("reviews in time",), figures={"due": 90}, by="paul")
    with ledger.write() as writing:
        writing.append("lch-1", launch_checked(), minutes(77))
        writing.append("lsc-1", scored, minutes(78))


CASE = CaseOpened(
    language="en",
    phrases=("crypto pump", "moon"),
    advertisers=6,
    ads=9,
    markets=("SE", "DE"),
    examples=("dec-1",),
    by_marks=True,
    marked=4,
    labels=50,
    says="Reviewers marked ads of 6 advertisers",
    proposal="Label 50 of its ads",
    draft="policies: {}",
    as_of=7,
    by="monitor",
)
MARK = Marked(decision_id="dec-1", ad_id="ad-1", advertiser_id="adv-1", market="SE", task_id="tsk-1", reviewer="rita", reason="a pump")


def emerge(ledger: Ledger) -> None:
    """Three entries: a reviewer's mark, a case and what became of it."""
    with ledger.write() as writing:
        writing.append("mrk-tsk-1", MARK, minutes(72))
        case_id = open_case(writing, CASE, minutes(73))
        assert case_id is not None
        move_case(writing, CaseMoved(case=case_id, state=CaseState.EXPLAINED, why="a campaign", by="olga"), minutes(74))


def signal(ledger: Ledger) -> None:
    """Four entries: a viewer's report, an ad back in line, an advertiser who tries out what is approved, and what it was."""
    whose = {"decision_id": "dec-1", "ad_id": "ad-1", "advertiser_id": "adv-1", "market": "SE"}
    with ledger.write() as writing:
        writing.append("rpt-1", Reported(**whose, reporter="0" * 32, statement="It never came.", by="platform"), minutes(75))
        told = PutBack(**whose, sign=Sign.REPORTS, says="3 viewers reported it.", task_id="tsk-9", by="platform")
        writing.append("put-1", told, minutes(76))
        seen = ProbingNoticed(advertiser_id="adv-1", until=minutes(9_000), says="5 changed copies came.", as_of=7, by="monitor")
        probing_id = notice(writing, seen, minutes(77))
        assert probing_id is not None
        end(writing, probing_id, "evasion", "a fraud ring", "olga", minutes(78))


def carry_over(ledger: Ledger) -> None:
    """Five entries: how far verdicts are carried, one that was, its end, what was taken back, and strikes that were lifted."""
    made = decided(an_ad(1))
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
        as_of=3,
        until=9,
        by="lea",
    )
    carried = Carried(decision_id="dec-0", resolution="res-0", distance=0.05, certificate="car-1")
    with ledger.write() as writing:
        writing.append("car-1", begun, minutes(75))
        writing.append("res-c", resolved(made).model_copy(update={"by": "copy", "carried": carried}), minutes(75))
        writing.append("cae-1", CarryingEnded(side="reject", why="errors", by="lea"), minutes(76))
        writing.append("unw-1", Unwound(**about(made), source="dec-0", retracted=("ans-tsk-1",), why="a slip", by="lea"), minutes(77))
        writing.append("stl-1", StrikesLifted(advertiser_id="adv-7", why="a new owner", by="lea"), minutes(78))


def steer(ledger: Ledger) -> None:
    """Four entries: a brake that is put on and released, and a certificate that is doubted and then revoked."""
    with ledger.write() as writing:
        brake_id, _ = brake(writing, braked(market="SE"), minutes(70))
        writing.flush()
        release(writing, brake_id, "it has passed", "olga", minutes(71))
        moved = CertificateMoved(certificate_id="cert-1", standing=Standing.DOUBTED, until=minutes(9_000), why="much leaked", by="audits")
        move(writing, moved, minutes(72))
        writing.flush()
        revoke(writing, "cert-1", "too much leaked", "audits", minutes(72), {"wrong": 9, "of": 100})


ROLLOUT = "rol-1"
SALT = b"s" * 32


def proposed(**changes: Any) -> Proposed:
    """To decide by ``STRICTER`` instead of ``POLICIES``, in SE alone, of which a stage with a tenth of the advertisers is a part."""
    stages = (
        Stage(name="shadow", share=0.0),
        Stage(name="canary", share=0.1, audit_share=0.5, needs=("policy",)),
        Stage(name="full", share=1.0, holdout=0.01),
    )
    usual: dict[str, Any] = {
        "base": Versions(policies=POLICIES.hash),
        "candidate": Versions(policies=STRICTER.hash),
        "files": "",
        "plan": Plan(name="standard", stages=stages),
        "guards": (Guard(kind="leakage", policy="gambling", limit=0.02, alpha=0.03),),
        "salt": digest_of_salt(SALT),
        "difference": ("gambling, everywhere: approve_below 0.08 -> 0.04",),
        "why": "less leakage",
        "by": "petra",
    }
    return Proposed(**{**usual, **changes})


def roll_out(ledger: Ledger, upto: int = 8) -> None:
    """Up to eight entries: a set in force, and another that is proposed, signed, tried, renewed, paused and aborted; and what the end of
    another says of its model."""
    with ledger.write() as writing:
        connection = writing.connection
        files = keep_set(connection, POLICIES, {"default.yaml": "as it was"}, minutes(80))
        other = keep_set(connection, STRICTER, {"default.yaml": "stricter"}, minutes(80))
        keep(connection, SALTS, digest_of_salt(SALT), SALT, minutes(80))
        put = PoliciesPut(policies=POLICIES.hash, files=files, before=None, why="first start", by="serve")
        proposal = proposed(files=other)
        stage, until = proposal.plan.stages[1], minutes(200)
        entered = StageEntered(rollout=ROLLOUT, number=1, stage=stage, until=until, why="read", by="olga", evidence={"seq": 3})
        told: list[tuple[str, Body]] = [
            ("pol-1", put),
            (ROLLOUT, proposal),
            ("sgn-1", Signed(rollout=ROLLOUT, role="policy", agrees=True, note="fine", by="olga")),
            (stage_id(ROLLOUT, 1), entered),
            ("rnw-1", Renewed(rollout=ROLLOUT, number=1, until=minutes(300), by="watch")),
            ("pse-1", Paused(rollout=ROLLOUT, paused=True, why="a holiday", by="olga")),
            (abort_id(ROLLOUT), Aborted(rollout=ROLLOUT, guard="leakage:gambling", why="too much leaks", by="watch")),
            (promotion_id("rol-2"), Promotion(rollout="rol-2", model="models:/adverdict/2", before="models:/adverdict/1", by="watch")),
        ]
        for number, (entry_id, body) in enumerate(told[:upto]):
            writing.append(entry_id, body, minutes(81 + number))


def plan(ledger: Ledger) -> None:
    """Three entries: a declared event, a plan of one week and what it was worth."""
    week = START.date()
    cell = PlannedCell(week=week, market="SE", kind="review", submissions=900, tasks=90, low=70, high=110, seconds=41.5)
    made = PlanMade(
        name="spring",
        change="as planned",
        cells=(cell,),
        weeks=(PlannedWeek(week=week, hours=1.04, fte=0.05, rostered=1, met=0.95, absence=0.1),),
        targets={"occupancy": 0.85},
        operations="3" * 64,
        counted=1,
        by="paul",
    )
    causes = {"volume": 0.1, "conversion": 0.0, "time": 0.0, "absence": 0.0}
    scored = PlanScored(
        plan="pln-1",
        week=week,
        tasks=80,
        wape=0.125,
        bias=0.125,
        covered=1,
        queues=1,
        fte_error=0.1,
        by_cause=causes,
        cause="volume",
        absence=None,
        by="paul",
    )
    with ledger.write() as writing:
        event = EventDeclared(
            name="summer sale", event_kind="sale", starts=week, ends=week, markets=("SE",), expected_factor=2.5, by="paul"
        )
        writing.append("evt-1", event, minutes(70))
        writing.append("pln-1", made, minutes(80))
        writing.append(f"scr-pln-1-{week}", scored, minutes(90))


STEP = "stp-1"


def rescored(**changes: Any) -> Rescored:
    usual: dict[str, Any] = {
        "run_id": "run-1",
        "bundle_version": "v2",
        "policy_hash": "0" * 64,
        "thresholds": "1" * 64,
        "as_of": minutes(60),
        "history": KnownHistory(kind="ledger", digest="2" * 64, seq=1),
        "markets": ("SE",),
        "only": Verdict.REJECT,
        "by": "olga",
    }
    return Rescored(**{**usual, **changes})


def a_step(ledger: Ledger, *mades: DecisionMade, step: str = STEP, withdrawn: bool = True) -> None:
    """A rescoring step with these decisions, or with one that rejects the first ad, and its withdrawal."""
    mades = mades or (decided(an_ad(1), Verdict.REJECT, first=False, decision_id="dec-again"),)
    with ledger.write() as writing:
        writing.append(step, rescored(), minutes(61))
        for one in mades:
            writing.append(one.decision.decision_id, one.model_copy(update={"step": step}), minutes(62))
    if withdrawn:
        withdraw(ledger, step)


def withdraw(ledger: Ledger, step: str = STEP) -> None:
    with ledger.write() as writing:
        writing.append(withdrawal_id(step), Withdrawn(step=step, why="too many rejections", by="olga"), minutes(63))


def erase_rows(ledger: Ledger, *seqs: int) -> None:
    """As ``ledger.erase`` does, by seq."""
    from adverdict.ledger.schema import contents

    with ledger.write() as writing:
        writing.connection.execute(contents.delete().where(contents.c.seq.in_(seqs)))
        writing.append("ers-1", Erased(seqs=tuple((seq, seq) for seq in seqs), why="asked to", by="test"), minutes(8))
