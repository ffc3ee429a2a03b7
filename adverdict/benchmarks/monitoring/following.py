"""How fast the chain is followed on one core, and whether what is kept is what the chain says again."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import numpy as np

from adverdict.domain.ad import Ad
from adverdict.domain.decision import Audit, Decision, PolicyVerdict
from adverdict.domain.progress import Progress, Silent
from adverdict.domain.risk import RiskScore
from adverdict.domain.verdict import Verdict
from adverdict.ledger.entries import Answered, Body, DecisionMade, Resolved
from adverdict.ledger.store import Ledger
from adverdict.monitoring.following.follower import follow, verify

START = datetime(2026, 3, 1, tzinfo=UTC)
DAYS = 60
POLICIES = 8
MARKETS = ("AT", "BR", "DE", "ES", "FR", "GB", "IN", "JP", "SE", "US")
REVIEWED, AUDITED = 0.12, 0.05
A_TRANSACTION = 500


def following(decisions: int, seed: int, progress: Progress) -> dict[str, Any]:
    """Decisions a second of processor time of one process, from the chain in SQLite to tables that are written."""
    progress.stage("a ledger to follow", decisions)
    with tempfile.TemporaryDirectory(prefix="adverdict-follow-") as folder:
        ledger = Ledger.open(f"sqlite:///{Path(folder) / 'ledger.db'}", create=True)
        try:
            _fill(ledger, decisions, np.random.default_rng([seed, 35]), progress)
            end = START + timedelta(days=DAYS + 20)
            began, wall = time.process_time(), time.perf_counter()
            state = follow(ledger, end, Silent())
            seconds, waited = time.process_time() - began, time.perf_counter() - wall
            checked = verify(ledger, Silent())
        finally:
            ledger.close()
    return {
        "follower_per_s": decisions / seconds,
        "follower_equal": checked.equal,
        "follower": {"decisions": decisions, "entries": state.seq, "processor_s": seconds, "wall_s": waited, "rows": checked.rows},
    }


def _fill(ledger: Ledger, decisions: int, rng: np.random.Generator, progress: Progress) -> None:
    for first in range(0, decisions, A_TRANSACTION):
        last = min(first + A_TRANSACTION, decisions)
        with ledger.write() as writing:
            for number in range(first, last):
                at = START + timedelta(days=DAYS * number / decisions)
                for entry_id, body in _told(number, at, rng):
                    writing.append(entry_id, body, at)
        progress.advance(last - first)


def _told(number: int, at: datetime, rng: np.random.Generator) -> Iterator[tuple[str, Body]]:
    """A decision, and what people said of it."""
    made = _decision(number, at, rng)
    decision = made.decision
    yield decision.decision_id, made
    if decision.verdict is not Verdict.REVIEW and not (decision.audit and decision.audit.chosen):
        return
    wrong = bool(rng.random() < 0.05)
    kind: Literal["review", "audit"] = "review" if decision.verdict is Verdict.REVIEW else "audit"
    rejects = wrong or (kind == "review" and bool(rng.random() < 0.3))
    about: dict[str, Any] = {
        "decision_id": decision.decision_id,
        "ad_id": made.ad.ad_id,
        "advertiser_id": made.ad.advertiser_id,
        "market": made.ad.market,
    }
    names = tuple(one.policy for one in decision.policies)
    violated = names[:1] if rejects else ()
    yield (
        f"ans-{number}",
        Answered(
            **about,
            task_id=f"tsk-{number}",
            case_id=f"cas-{number}",
            task_kind=kind,
            reviewer="rita",
            token=1,
            verdict="reject" if rejects else "approve",
            asked=names,
            violated=violated,
        ),
    )
    if kind == "review" or rejects:
        settled: Literal[Verdict.APPROVE, Verdict.REJECT] = Verdict.REJECT if rejects else Verdict.APPROVE
        yield f"res-{number}", Resolved(**about, verdict=settled, by=kind, violated=violated, task_id=f"tsk-{number}")


def _decision(number: int, at: datetime, rng: np.random.Generator) -> DecisionMade:
    reviewed, audited = bool(rng.random() < REVIEWED), bool(rng.random() < AUDITED)
    verdict = Verdict.REVIEW if reviewed else Verdict.APPROVE
    risks = np.clip(rng.beta(0.5, 20, POLICIES), 1e-6, 1 - 1e-6)
    rulings = tuple(
        PolicyVerdict(
            policy=f"policy_{i}",
            verdict=verdict if i == 0 else Verdict.APPROVE,
            risk=RiskScore(policy=f"policy_{i}", p=p, p_low=p / 2, p_high=min(1.0, 2 * p)),
            approve_below=0.1,
            reject_at=0.9,
            certificate_id=f"cert-{i}",
            because=f"risk {p:.4f} is below {0.1}, under which policy_{i} approves",
        )
        for i, p in enumerate(risks.tolist())
    )
    ad = Ad(
        ad_id=f"ad-{number}",
        advertiser_id=f"adv-{rng.integers(1 + number // 4)}",
        market=MARKETS[int(rng.integers(len(MARKETS)))],
        submitted_at=at,
        language="en",
        title=f"Offer {number}, today only",
        body="Ten percent off everything in the shop, while stocks last; delivered to your door within two days.",
        landing_domain="shop.example",
        creative_format="image",
    )
    decision = Decision(
        decision_id=f"dec-{number}",
        ad_id=ad.ad_id,
        advertiser_id=ad.advertiser_id,
        market=ad.market,
        surface=None,
        decided_at=at,
        verdict=verdict,
        policies=rulings,
        uncertified=False,
        audit=None if reviewed else Audit(probability=AUDITED, chosen=audited),
        bundle_version="v1",
        policy_hash="0" * 64,
        threshold_set=None,
    )
    return DecisionMade(ad=ad, decision=decision, first=True)
