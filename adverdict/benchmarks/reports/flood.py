"""A flood of false reports on a ledger: what it costs reviewers, whether honest reports still count, and what it moves of what measures."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from adverdict.benchmarks.shared.killable import write_policies
from adverdict.decisions.files.read import read_policies
from adverdict.decisions.policy import PolicyBook
from adverdict.domain.ad import Ad
from adverdict.domain.decision import Audit, Decision, PolicyVerdict
from adverdict.domain.progress import Progress
from adverdict.domain.risk import RiskScore
from adverdict.domain.verdict import Verdict
from adverdict.ledger.entries import DecisionMade
from adverdict.ledger.store import Ledger
from adverdict.review.cases.answers import Answer
from adverdict.review.period import Period
from adverdict.review.quality.readings import audited
from adverdict.review.quality.watching import AuditLog
from adverdict.review.queue import Queue
from adverdict.review.reports.reports import Believed, ViewerReport, take
from adverdict.review.tasks import routing
from adverdict.review.tasks.opening import open_tasks
from adverdict.review.tasks.routing import Reviewer
from adverdict.review.tasks.settings import ReviewSettings

ADS, AUDITED, VIOLATING = 1_200, 0.25, 0.05
VIEWERS, RIGHT = 80, 0.7
"""Honest reporters, and the probability that a report of theirs is about a violating ad."""
BOTS, EACH = 3_000, 2
"""New reporters of a wave, and reports of each, about harmless ads."""
WAVES = 4
A_DAY = 150
"""Rechecks that reviewers read between waves."""
START = datetime(2027, 1, 4, tzinfo=UTC)
SETTINGS = ReviewSettings(double_share=0, golden_share=0)
POLICY = "deceptive"


class _World:
    def __init__(self, ledger: Ledger, book: PolicyBook, rng: np.random.Generator) -> None:
        self.ledger, self.book, self.rng, self.at = ledger, book, rng, START
        self.queue = Queue(ledger, book, SETTINGS, lambda: self.at)
        self.violating = {f"ad-{number}": bool(rng.random() < VIOLATING) for number in range(ADS)}
        with ledger.change() as connection:
            for name in ("rita", "sven", "tove"):
                routing.register(connection, Reviewer(name))

    def decide(self) -> None:
        for number in range(ADS):
            with self.ledger.write() as writing:
                made = _approved(number, self.at, bool(self.rng.random() < AUDITED))
                writing.append(made.decision.decision_id, made, self.at)
                open_tasks(writing, [made], self.book, SETTINGS, self.at)

    def report(self, told: list[tuple[str, str]]) -> None:
        """(ad, reporter)."""
        for start in range(0, len(told), 500):
            with self.ledger.look() as connection:
                believed = Believed.of(connection, self.at)
            with self.ledger.write() as writing:
                some = [ViewerReport(ad, who, POLICY) for ad, who in told[start : start + 500]]
                take(writing, some, b"s" * 32, believed, self.book, SETTINGS, "benchmark", self.at)

    def read(self, most: int) -> tuple[int, int]:
        """People read what is in line, each as it truly is; answers about rechecks, and of these about violating ads."""
        rechecks = right = 0
        for _ in range(most):
            leased = next((one for name in ("rita", "sven", "tove") if (one := self.queue.claim(name)) is not None), None)
            if leased is None:
                break
            bad = self.violating[leased.task.ad_id]
            answer = Answer("reject", (POLICY,)) if bad else Answer("approve")
            self.queue.answer(leased.task.task_id, leased.task.reviewer or "", leased.token, answer)
            rechecks += leased.task.kind == "recheck"
            right += leased.task.kind == "recheck" and bad
        return rechecks, right

    def measured(self) -> object:
        with self.ledger.look() as connection:
            evidence = AuditLog().read(connection, START - timedelta(days=1))
        return evidence, audited(self.ledger, Period())

    def pick(self, bad: bool) -> str:
        names = [name for name, told in self.violating.items() if told is bad]
        return str(self.rng.choice(names))


def flood(seed: int, progress: Progress) -> dict[str, Any]:
    """Waves of bots, with honest viewers among them."""
    progress.stage("a flood of false reports", WAVES + 1)
    rng = np.random.default_rng([seed, 43])
    with tempfile.TemporaryDirectory(prefix="adverdict-reports-") as folder:
        book = read_policies(write_policies(Path(folder) / "policies", (POLICY,), ("SE",)))
        ledger = Ledger.open(f"sqlite:///{Path(folder) / 'ledger.db'}")
        try:
            world = _World(ledger, book, rng)
            world.decide()
            world.read(ADS)  # the audits
            before = world.measured()
            world.at += timedelta(days=1)
            for _ in range(3):  # honest viewers are known before the flood
                world.report(_honest(world, rng))
                world.read(A_DAY)
                world.at += timedelta(days=1)
            rows = [_wave(world, rng, number, progress) for number in range(WAVES)]
            after = world.measured()
            with ledger.look() as connection:
                mean = Believed.of(connection, world.at).reliability.mean
        finally:
            ledger.close()
    counts = {"bots": BOTS * WAVES, "false_reports": BOTS * EACH * WAVES}
    return {"waves": rows, "measures_moved": before != after, "mean_reliability": mean, **counts}


def _wave(world: _World, rng: np.random.Generator, number: int, progress: Progress) -> dict[str, Any]:
    told = [(world.pick(bad=False), f"bot-{number}-{bot}") for bot in range(BOTS) for _ in range(EACH)]
    told += _honest(world, rng)
    rng.shuffle(told)
    world.report([(str(ad), str(who)) for ad, who in told])
    rechecks, right = world.read(A_DAY)
    world.at += timedelta(days=1)
    progress.advance()
    return {"wave": number, "read_again": rechecks, "of_violating_ads": right}


def _honest(world: _World, rng: np.random.Generator) -> list[tuple[str, str]]:
    return [(world.pick(bad=bool(rng.random() < RIGHT)), f"viewer-{viewer}") for viewer in range(VIEWERS)]


def _approved(number: int, at: datetime, drawn: bool) -> DecisionMade:
    ad = Ad(ad_id=f"ad-{number}", advertiser_id=f"adv-{number}", market="SE", submitted_at=at, title="An offer", language="sv")
    told = PolicyVerdict(
        policy=POLICY,
        verdict=Verdict.APPROVE,
        risk=RiskScore(policy=POLICY, p=0.05, p_low=0.04, p_high=0.06),
        approve_below=0.4,
        reject_at=0.6,
        because="below",
    )
    decision = Decision(
        decision_id=f"dec-{number:032x}",
        ad_id=ad.ad_id,
        advertiser_id=ad.advertiser_id,
        market="SE",
        surface=None,
        decided_at=at,
        verdict=Verdict.APPROVE,
        policies=(told,),
        uncertified=True,
        audit=Audit(probability=AUDITED, chosen=drawn),
        bundle_version="v1",
        policy_hash="0" * 64,
        threshold_set=None,
    )
    return DecisionMade(ad=ad, decision=decision, first=True)
