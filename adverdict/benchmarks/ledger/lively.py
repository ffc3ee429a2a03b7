"""A small ledger in which everything has happened once, made by the parts that make real ones."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count

from adverdict.benchmarks.ledger.changes import change
from adverdict.benchmarks.shared.killable import MARKETS, POLICIES, CountingModel
from adverdict.decisions.policy import PolicyBook
from adverdict.decisions.steering import BrakeSide
from adverdict.domain.ad import Ad, Label
from adverdict.domain.standing import Standing
from adverdict.domain.verdict import Verdict
from adverdict.features.history.state import HistoryState
from adverdict.ledger.entries import Braked, CertificateMoved, DecisionMade, KnownHistory, Rescored, Resolved, Withdrawn
from adverdict.ledger.erase import erase
from adverdict.ledger.history import LedgerHistory, found
from adverdict.ledger.in_force.steering import brake, move, release, revoke
from adverdict.ledger.store import Ledger, withdrawal_id
from adverdict.review.cases.answers import Answer
from adverdict.review.cases.appeals import appeal
from adverdict.review.labels.incoming import bring
from adverdict.review.queue import Queue
from adverdict.review.tasks.opening import open_tasks
from adverdict.review.tasks.settings import ReviewSettings
from adverdict.scoring.known import HistorySnapshot
from adverdict.scoring.scorer import Scorer

START = datetime(2026, 3, 1, tzinfo=UTC)
SETTINGS = ReviewSettings(double_share=0.3, golden_share=0.0)
ADS, ADVERTISERS = 24, 3
GONE = "adv-0"
"""Whose contents are erased in the end."""


def live(ledger: Ledger, book: PolicyBook) -> None:
    """Every kind of entry: labels, answers, an appeal that is granted, a rescoring that is withdrawn, a brake, a roll-out, an erasure.

    ``ledger`` is empty.
    """
    ticks = count(1)
    ids = count(1)

    def clock() -> datetime:
        return START + timedelta(minutes=next(ticks))

    found(ledger, None, "counting-1", clock())
    history, scorer = LedgerHistory(ledger), Scorer(CountingModel(), book, clock=clock, ids=lambda: f"dec-{next(ids)}")
    for number in range(1, ADS + 1):
        ad = _ad(number, clock())
        decision = scorer.score([ad], known=HistorySnapshot(history.catch_up(), history.seq))[0]
        made = DecisionMade(ad=ad, decision=decision, first=True)
        with ledger.write() as writing:
            writing.append(decision.decision_id, made, decision.decided_at)
            open_tasks(writing, [made], book, SETTINGS, decision.decided_at)
        if number % 4 == 0:
            label = Label(ad_id=ad.ad_id, policy=POLICIES[0], violates=number % 8 == 0, labelled_at=clock())
            bring(ledger, [label], "platform", clock())
    queue = Queue(ledger, book, SETTINGS, clock)
    _answer_all(queue)
    settled = [one.body for one in ledger.read(kinds=("resolution",)) if isinstance(one.body, Resolved)]
    rejected = next(one.decision_id for one in settled if one.verdict == Verdict.REJECT and one.advertiser_id != GONE)
    appeal(ledger, rejected, "We do not promise anything.", "platform", book=book, settings=SETTINGS, now=clock())
    _answer_all(queue)
    _rescore(ledger, book, clock())
    _steer(ledger, clock())
    change(ledger, book, clock())
    erase(ledger, advertiser=GONE, why="asked to", by="operator", now=clock(), rewrite=False)
    assert isinstance(history.catch_up(), HistoryState), "it can be read to its end"


def _rescore(ledger: Ledger, book: PolicyBook, at: datetime) -> None:
    """A step that decides an ad again, and its withdrawal."""
    step = "stp-lively"
    made = next(one.body for one in ledger.read(kinds=("decision",)) if isinstance(one.body, DecisionMade) and one.body.first)
    again = made.decision.model_copy(update={"decision_id": "dec-again", "decided_at": at, "as_of": at, "verdict": Verdict.REJECT})
    known = KnownHistory(kind="ledger", digest="0" * 64, seq=ledger.end()[0])
    rescored = Rescored(
        run_id="run-lively", bundle_version="counting-2", policy_hash=book.hash, thresholds="0" * 64, as_of=at, history=known, by="operator"
    )
    with ledger.write() as writing:
        writing.append(step, rescored, at)
        writing.append(again.decision_id, DecisionMade(ad=made.ad, decision=again, first=False, step=step), at)
        writing.append(withdrawal_id(step), Withdrawn(step=step, why="as simulated", by="operator"), at)


def _steer(ledger: Ledger, at: datetime) -> None:
    """A brake, its release, and a certificate that is doubted and then revoked."""
    with ledger.write() as writing:
        brake_id, _ = brake(writing, Braked(side=BrakeSide.APPROVE, market=MARKETS[0], why="as simulated", by="operator"), at)
        writing.flush()
        release(writing, brake_id, "as simulated", "operator", at)
        moved = CertificateMoved(
            certificate_id="cert-lively", standing=Standing.DOUBTED, until=at + timedelta(days=90), why="as simulated", by="audits"
        )
        move(writing, moved, at)
        writing.flush()
        revoke(writing, "cert-lively", "as simulated", "audits", at, {"wrong": 3, "of": 40})


def _answer_all(queue: Queue) -> None:
    """Four reviewers in turn; every other answer rejects, and an appeal is granted."""
    answers = count()
    while claimed := [(name, leased) for name in ("ann", "bo", "cy", "di") if (leased := queue.claim(name))]:
        for name, leased in claimed:
            answer = Answer("approve", seconds=9.0)
            if next(answers) % 2 == 0 and leased.task.kind != "appeal":
                answer = Answer("reject", leased.task.policies[:1], "mild", "as simulated", 20.0)
            queue.answer(leased.task.task_id, name, leased.token, answer)


def _ad(number: int, at: datetime) -> Ad:
    return Ad(
        ad_id=f"ad-{number}",
        advertiser_id=f"adv-{number % ADVERTISERS}",
        market=MARKETS[number % 2],
        submitted_at=at,
        creative_id=f"cr-{number % 9}",
        title=f"Offer {number}",
        landing_domain=f"d{number % 5}.example",
        impressions=1000.0 * number,
    )
