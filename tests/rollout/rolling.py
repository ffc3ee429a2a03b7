"""A ledger in which a roll-out is under way, and what people say of both of its arms."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from adverdict.decisions.arms import bucket, side
from adverdict.decisions.policy import Thresholds
from adverdict.decisions.rollout import Guard, Plan, Stage, Versions
from adverdict.domain.decision import RECORD, Arm, Audit
from adverdict.domain.verdict import Verdict
from adverdict.ledger.bodies.rollout import Proposed
from adverdict.ledger.entries import Answered, DecisionMade, Resolved
from adverdict.ledger.in_force.policy_sets import keep_set, put_first
from adverdict.ledger.in_force.rollouts import digest_of_salt
from adverdict.ledger.moments import micros
from adverdict.ledger.schema import tasks as table
from adverdict.ledger.store import Ledger
from adverdict.review.tasks.opening import open_tasks
from adverdict.review.tasks.settings import ReviewSettings
from adverdict.rollout.stages import steps
from tests.decisions.build import POLICY, book
from tests.ledger.made import a_decision, about, an_ad, minutes

BASE = book([replace(POLICY, name="deceptive")])
CANDIDATE = book([replace(POLICY, name="deceptive", thresholds=Thresholds(0.2, 0.9))])
FILES = {"default.yaml": "policies: {}"}
SALT = b"s" * 32
PLAN = Plan(
    name="quick",
    stages=(
        Stage(name="canary", share=0.5, audit_share=1.0, min_hours=1, needs=("policy",)),
        Stage(name="full", share=1.0, holdout=0.01, audit_share=1.0, min_hours=1),
    ),
)
GUARDS = (
    Guard(kind="leakage", policy="deceptive", limit=0.02, alpha=0.03, by_ads=True),
    Guard(kind="worse", alpha=0.01),
    Guard(kind="load", limit=1.25, alpha=0.005),
)
WHEN = minutes(1000)


def proposed(ledger: Ledger, at: datetime = WHEN, **changes: Any) -> str:
    """A proposal of petra's, nothing signed."""
    put_first(ledger, BASE, FILES, at)
    with ledger.write() as writing:
        files = keep_set(writing.connection, CANDIDATE, FILES, at)
        usual: dict[str, Any] = {
            "base": Versions(policies=BASE.hash),
            "candidate": Versions(policies=CANDIDATE.hash),
            "files": files,
            "markets": ("SE",),
            "plan": PLAN,
            "guards": GUARDS,
            "salt": digest_of_salt(SALT),
            "difference": ("deceptive, everywhere: approve_below 0.08 -> 0.2",),
            "predicted": {"to_people": {"change": -0.02, "low": -0.03, "high": -0.01}},
            "why": "fewer reviews",
            "by": "petra",
        }
        return steps.propose(writing, Proposed(**{**usual, **changes}), SALT, at)


def started(ledger: Ledger, at: datetime = WHEN, **changes: Any) -> str:
    """In its first stage."""
    its_id = proposed(ledger, at, **changes)
    with ledger.write() as writing:
        steps.sign(writing, its_id, "policy", True, "read the difference", "olga", at)
        writing.flush()
        steps.advance(writing, its_id, "ready", "olga", at)
    return its_id


def arm_of(its_id: str, advertiser: str, share: float = 0.5) -> Arm:
    drawn = bucket(SALT, advertiser)
    return Arm(rollout=its_id, side=side(drawn, share, share), bucket=drawn, share=share)


def of_side(wanted: str, count: int, first: int = 0) -> list[str]:
    """Advertisers of one arm of a roll-out to half of them."""
    found, number = [], first
    while len(found) < count:
        name = f"adv-{number}"
        if side(bucket(SALT, name), 0.5, 0.5) == wanted:
            found.append(name)
        number += 1
    return found


def decide(ledger: Ledger, its_id: str, advertiser: str, verdict: Verdict = Verdict.APPROVE, number: int = 0, **ad: Any) -> DecisionMade:
    """An ad of the advertiser, audited if it is decided automatically."""
    told = an_ad(1, ad_id=f"{advertiser}-{number}", advertiser_id=advertiser, creative_id=ad.pop("creative_id", f"cr-{advertiser}"), **ad)
    decision = a_decision(told, verdict).model_copy(
        update={
            "arm": arm_of(its_id, advertiser),
            "record": RECORD,
            "audit": None if verdict is Verdict.REVIEW else Audit(probability=1.0, chosen=True),
        }
    )
    made = DecisionMade(ad=told, decision=decision, first=True)
    at = WHEN + timedelta(minutes=1)
    with ledger.write() as writing:
        writing.append(decision.decision_id, made, at)
        open_tasks(writing, [made], BASE, ReviewSettings(double_share=0.0), at, {its_id: 4.0})
    return made


def read(ledger: Ledger, made: DecisionMade, violates: bool) -> None:
    """People settle its audit."""
    task_id = f"tsk-{made.decision.decision_id}"
    wrong = violates == (made.decision.verdict is Verdict.APPROVE)
    at = WHEN + timedelta(minutes=2)
    answered = Answered(
        **about(made),
        task_id=task_id,
        case_id=made.decision.decision_id,
        task_kind="audit",
        reviewer="rita",
        token=1,
        verdict="reject" if violates else "approve",
        asked=("deceptive",),
        violated=("deceptive",) if violates else (),
    )
    with ledger.write() as writing:
        writing.append(f"ans-{task_id}", answered, at)
        if wrong:
            verdict = Verdict.REJECT if violates else Verdict.APPROVE
            found = ("deceptive",) if violates else ()
            writing.append(f"res-{task_id}", Resolved(**about(made), verdict=verdict, by="audit", violated=found, task_id=task_id), at)
        closed = table.update().where(table.c.about == made.decision.decision_id)
        writing.connection.execute(closed.values(state="done", closed_at=micros(at)))


def audited(ledger: Ledger, its_id: str, advertiser: str, violates: bool = False, **ad: Any) -> None:
    read(ledger, decide(ledger, its_id, advertiser, **ad), violates)
