"""A brake is in force in the next round of every worker, whatever they are at, and a replay finds the same."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count

import pytest

from adverdict.decisions.policy import PolicyBook
from adverdict.decisions.steering import BrakeSide
from adverdict.domain.ad import Ad
from adverdict.domain.decision import Decision
from adverdict.domain.verdict import Verdict
from adverdict.ledger.entries import Braked, DecisionMade
from adverdict.ledger.in_force.steering import brake, release, revoke
from adverdict.ledger.store import Ledger, now
from adverdict.review.tasks.settings import ReviewSettings
from adverdict.scoring.known import known_to
from adverdict.scoring.recorder import DecidedRequest, Recorder
from adverdict.scoring.replay import replay
from adverdict.scoring.scorer import Scorer
from tests.ledger.made import erase_rows
from tests.scoring.fakes import FakeModel

WHEN = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
SOON = 5.0
"""Seconds within which a brake must hold in every worker."""


def an_ad(number: int, title: str = "Offer") -> Ad:
    return Ad(ad_id=f"ad-{number}", advertiser_id=f"adv-{number % 7}", market="SE", submitted_at=WHEN, title=title)


def braked(ledger: Ledger, side: BrakeSide = BrakeSide.APPROVE) -> tuple[str, int]:
    with ledger.write() as writing:
        return brake(writing, Braked(side=side, why="a wave of scams", by="olga"), now())


def round_of(recorder: Recorder, scorer: Scorer, ad: Ad) -> Decision:
    known = recorder.known(scorer)
    [decision] = scorer.score([ad], known=known)
    recorder.record([DecidedRequest([ad], [decision])], scorer)
    return decision


@pytest.fixture
def scorer(book: PolicyBook) -> Scorer:
    return Scorer(FakeModel(), book)


def test_a_brake_is_in_force_from_the_next_round_on_until_it_is_released(ledger: Ledger, scorer: Scorer) -> None:
    recorder, numbers = Recorder(ledger, ReviewSettings()), count()

    def verdict(title: str = "Offer") -> str:
        return round_of(recorder, scorer, an_ad(next(numbers), title)).verdict.value

    assert (verdict(), verdict("scam")) == ("approve", "reject")
    brake_id, _ = braked(ledger)
    assert (verdict(), verdict("scam")) == ("review", "reject")
    with ledger.write() as writing:
        release(writing, brake_id, "it has passed", "olga", now())
    assert (verdict(), verdict("scam")) == ("approve", "reject")


def test_a_brake_does_not_wait_for_a_history_that_is_read_anew(ledger: Ledger, scorer: Scorer) -> None:
    recorder = Recorder(ledger, ReviewSettings())
    first = round_of(recorder, scorer, an_ad(1))
    erase_rows(ledger, 2)  # from now on the history has to begin anew
    _, seq = braked(ledger)
    decision = round_of(recorder, scorer, an_ad(2))
    assert (first.verdict, decision.verdict) == ("approve", "review")
    assert (first.steered_seq, decision.history_seq, decision.steered_seq) == (None, 2, seq)
    assert replay(ledger, lambda version: FakeModel(version)).differences == []


def test_a_replay_finds_the_brakes_and_revocations_that_a_decision_knew(ledger: Ledger, scorer: Scorer) -> None:
    recorder, numbers = Recorder(ledger, ReviewSettings()), count()
    for side in (BrakeSide.APPROVE, BrakeSide.REJECT, BrakeSide.BOTH):
        round_of(recorder, scorer, an_ad(next(numbers)))
        brake_id, _ = braked(ledger, side)
        for title in ("Offer", "scam"):
            round_of(recorder, scorer, an_ad(next(numbers), title))
        with ledger.write() as writing:
            release(writing, brake_id, "it has passed", "olga", now())
            revoke(writing, f"cert-{side}", "too much leaked", "audits", now())
    found = replay(ledger, lambda version: FakeModel(version))
    assert (found.same, found.different, dict(found.skipped)) == (9, 0, {})


def test_a_scorer_that_is_loaded_knows_the_brakes_that_are_on(ledger_url: str) -> None:
    ledger = Ledger.open(ledger_url, create=False)
    brake_id, _ = braked(ledger)
    ledger.close()
    known = known_to(ledger_url, None)
    assert known is not None
    assert [one.brake_id for one in known.steering.brakes] == [brake_id]


def under_load(urls: list[str], scorer: Scorer, brakes: int) -> Iterator[tuple[Verdict, int, list[Decision], float]]:
    """Of brakes put on while workers decide: what each stops, its seq, all that was decided meanwhile, and how long until all had heard."""
    numbers, stop, latest = count(), threading.Event(), [0] * len(urls)
    failed: list[Exception] = []

    def work(worker: int, url: str) -> None:
        ledger = Ledger.open(url, create=False)
        try:
            recorder = Recorder(ledger, ReviewSettings())
            while not stop.is_set():
                number = next(numbers)
                latest[worker] = round_of(recorder, scorer, an_ad(number, "scam" if number % 2 else "Offer")).history_seq or 0
        except Exception as error:
            failed.append(error)
        finally:
            ledger.close()

    threads = [threading.Thread(target=work, args=(worker, url)) for worker, url in enumerate(urls)]
    for thread in threads:
        thread.start()
    ledger = Ledger.open(urls[0], create=False)
    try:
        while min(latest) == 0 and not failed:
            time.sleep(0.01)
        for number in range(brakes):
            stopped = (Verdict.APPROVE, Verdict.REJECT)[number % 2]
            brake_id, seq = braked(ledger, BrakeSide(stopped.value))
            begun = time.monotonic()
            while min(latest) < seq and not failed and time.monotonic() - begun < 60:
                time.sleep(0.005)
            waited = time.monotonic() - begun
            with ledger.write() as writing:
                end = writing.seq
                release(writing, brake_id, "it has passed", "olga", now())
            made = [entry.body.decision for entry in ledger.read(seq, end, kinds=["decision"]) if isinstance(entry.body, DecisionMade)]
            yield stopped, seq, made, waited
    finally:
        stop.set()
        for thread in threads:
            thread.join(timeout=60)
        ledger.close()
    assert failed == []


def hold_under_load(urls: list[str], scorer: Scorer, brakes: int) -> None:
    after = 0
    for stopped, seq, made, waited in under_load(urls, scorer, brakes):
        knew = [decision for decision in made if (decision.history_seq or 0) >= seq]
        assert [decision.decision_id for decision in knew if decision.verdict is stopped] == []
        assert waited <= SOON
        after += len(knew)
    assert after >= brakes * len(urls), "every worker decided something under every brake"


def test_no_worker_decides_what_a_brake_stops_once_it_knows_of_it(ledger_url: str, scorer: Scorer) -> None:
    hold_under_load([ledger_url] * 3, scorer, brakes=4)


@pytest.mark.slow
def test_no_worker_ever_decides_what_a_brake_stops_once_it_knows_of_it(ledger_url: str, scorer: Scorer) -> None:
    hold_under_load([ledger_url] * 4, scorer, brakes=100)
