"""Who waits together is decided together; nobody waits for somebody else's failure, or for ever."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from sqlalchemy import update

from adverdict.decisions.policy import PolicyBook
from adverdict.domain.ad import Ad
from adverdict.domain.decision import Decision
from adverdict.domain.errors import Unavailable
from adverdict.ledger.entries import DecisionMade
from adverdict.ledger.idempotency import Request
from adverdict.ledger.schema import contents
from adverdict.ledger.store import Ledger
from adverdict.review.tasks.settings import ReviewSettings
from adverdict.scoring.recorder import Recorder
from adverdict.scoring.scorer import Scorer
from adverdict.serving.worker.admission import DeadlineMissed
from adverdict.serving.worker.intake import Intake
from adverdict.serving.worker.scoring_queue import CHUNK
from tests.scoring.fakes import FakeModel, FakeRisks
from tests.serving.conftest import until


@dataclass(frozen=True)
class Gated(FakeModel):
    """Notes what it is asked, and waits at the gate before each answer."""

    gate: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(10_000))
    asked: list[list[str]] = field(default_factory=list)

    def score(self, ads: Sequence[Ad], history: Any = None) -> FakeRisks:
        if ads:
            self.asked.append([ad.ad_id for ad in ads])
            assert self.gate.acquire(timeout=10)
        return super().score(ads, history)

    def until_asked(self) -> None:
        until(lambda: bool(self.asked))


def an_ad(name: str, title: str = "bread") -> Ad:
    return Ad.model_validate(
        {"ad_id": name, "advertiser_id": "adv", "market": "SE", "submitted_at": "2026-03-01T00:00:00Z", "title": title}
    )


def ads(name: str, count: int) -> list[Ad]:
    return [an_ad(f"{name}{number}") for number in range(count)]


@pytest.fixture
def begin(ledger: Ledger, book: PolicyBook) -> Iterator[Callable[[FakeModel], Intake]]:
    running: list[Intake] = []

    def start(model: FakeModel) -> Intake:
        scorer = Scorer(model, book)
        running.append(Intake(lambda: (scorer, ()), Recorder(ledger, ReviewSettings())))
        running[-1].start()
        return running[-1]

    yield start
    for intake in running:
        intake.stop()
        assert not intake.alive


Begin = Callable[[FakeModel], Intake]


def on_record(ledger: Ledger) -> list[str]:
    return [entry.body.ad.ad_id for entry in ledger.read() if isinstance(entry.body, DecisionMade)]


def test_whoever_waits_is_scored_and_recorded_together(begin: Begin, ledger: Ledger) -> None:
    model = Gated(gate=threading.Semaphore(0))
    intake = begin(model)
    first = intake.ask([an_ad("first")])
    model.until_asked()
    others = [intake.ask([an_ad(f"o{number}")]) for number in range(5)]
    model.gate.release(10)
    answers = [future.result(10) for future in (first, *others)]
    assert model.asked == [["first"], ["o0", "o1", "o2", "o3", "o4"]]
    assert [answer[0].ad_id for answer in answers if answer[0]] == on_record(ledger) == ["first", "o0", "o1", "o2", "o3", "o4"]


def test_a_large_batch_takes_turns_with_single_ads_and_is_recorded_whole(begin: Begin, ledger: Ledger) -> None:
    model = Gated(gate=threading.Semaphore(0))
    intake = begin(model)
    batch = intake.ask(ads("b", 3 * CHUNK))
    model.until_asked()
    single = intake.ask([an_ad("single")])
    model.gate.release(2)
    assert single.result(10)
    assert on_record(ledger) == ["single"]
    assert not batch.done()
    model.gate.release(100)
    assert len(batch.result(10)) == 3 * CHUNK
    assert len(on_record(ledger)) == 3 * CHUNK + 1


def test_one_ad_that_fails_costs_nobody_else_a_decision(begin: Begin, ledger: Ledger) -> None:
    model = Gated(gate=threading.Semaphore(0))
    intake = begin(model)
    intake.ask([an_ad("first")])
    model.until_asked()
    futures = [intake.ask([an_ad(name, title)]) for name, title in (("a", "bread"), ("bad", "stumble"), ("c", "scam"))]
    model.gate.release(100)
    answers = [future.result(10)[0] for future in futures]
    assert [answer.verdict.value if answer else None for answer in answers] == ["approve", None, "reject"]
    assert sorted(on_record(ledger)) == ["a", "c", "first"]


def test_an_answer_on_record_that_cannot_be_read_is_nobody_elses_failure(begin: Begin, ledger: Ledger) -> None:
    model = Gated(gate=threading.Semaphore(0))
    intake = begin(model)
    request = Request("platform", "key", b"digest")
    answered = intake.ask([an_ad("answered")], request)
    model.until_asked()
    model.gate.release()
    assert answered.result(10)
    with ledger.change() as connection:
        connection.execute(update(contents).where(contents.c.ad_id == "answered").values(body=b"rotten"))
    first = intake.ask([an_ad("first")])
    while len(model.asked) < 2:
        pass
    again, other = intake.ask([an_ad("answered")], request), intake.ask([an_ad("other")])
    model.gate.release(100)
    assert first.result(10)
    assert other.result(10)
    with pytest.raises(ValueError, match="not the content of an entry"):
        again.result(10)
    assert intake.alive


def test_without_its_ledger_every_caller_is_told_to_ask_again_and_the_thread_goes_on(begin: Begin, ledger: Ledger) -> None:
    intake = begin(FakeModel())
    assert intake.ask([an_ad("a")]).result(10)
    url, ledger.engine = ledger.engine, _Broken()  # type: ignore[assignment]
    with pytest.raises(Unavailable):
        intake.ask([an_ad("b")]).result(10)
    ledger.engine = url
    assert intake.ask([an_ad("c")]).result(10)
    assert on_record(ledger) == ["a", "c"]


def test_stopping_answers_whoever_waits(begin: Begin) -> None:
    model = Gated(gate=threading.Semaphore(0))
    intake = begin(model)
    futures = [intake.ask(ads(f"{number}-", 20)) for number in range(3)]
    model.gate.release(10_000)
    intake.stop()
    assert all(len(future.result(0)) == 20 for future in futures)


def test_a_caller_who_left_before_its_turn_is_not_decided(begin: Begin, ledger: Ledger) -> None:
    model = Gated(gate=threading.Semaphore(0))
    intake = begin(model)
    first = intake.ask([an_ad("first")])
    model.until_asked()
    assert intake.ask([an_ad("gone")]).cancel()
    model.gate.release(100)
    assert first.result(10)
    intake.stop()
    assert on_record(ledger) == ["first"]


def test_all_ads_of_a_batch_are_decided_by_one_bundle_though_the_champion_changes(ledger: Ledger, book: PolicyBook) -> None:
    old, new = Gated(version="old", gate=threading.Semaphore(0)), FakeModel(version="new")
    current = [Scorer(old, book)]
    intake = Intake(lambda: (current[0], ()), Recorder(ledger, ReviewSettings()))
    intake.start()
    batch = intake.ask(ads("b", 2 * CHUNK))
    old.until_asked()
    current[0] = Scorer(new, book)
    single = intake.ask([an_ad("single")])
    old.gate.release(100)
    assert {decision.bundle_version for decision in _all(batch.result(10))} == {"old"}
    assert {decision.bundle_version for decision in _all(single.result(10))} == {"new"}
    intake.stop()


class Noting(Scorer):
    """Notes how deep each ad is looked at."""

    depths: dict[str, str]

    def score(self, ads: Sequence[Ad], *, depth: Any = "cascade", **told: Any) -> list[Decision]:
        self.depths.update({ad.ad_id: depth for ad in ads})
        return super().score(ads, depth=depth, **told)


@pytest.fixture
def noting(book: PolicyBook) -> tuple[Noting, Gated]:
    model = Gated(gate=threading.Semaphore(0))
    scorer = Noting(model, book)
    scorer.depths = {}
    return scorer, model


def test_who_has_no_time_for_the_whole_model_gets_less_of_it_and_nobody_else_does(ledger: Ledger, noting: tuple[Noting, Gated]) -> None:
    scorer, model = noting
    intake = Intake(lambda: (scorer, ()), Recorder(ledger, ReviewSettings()))
    for _ in range(3):
        intake.admission.learn("cascade", 3, 100.0)
        intake.admission.learn("early", 3, 0.001)
    intake.start()
    soon = intake.admission.clock() + 60
    futures = [intake.ask([an_ad(name)], until=until) for name, until in (("any", None), ("hurried", soon), ("patient", soon + 10_000))]
    model.gate.release(100)
    assert [len(future.result(10)) for future in futures] == [1, 1, 1]
    intake.stop()
    assert scorer.depths == {"any": "cascade", "hurried": "early", "patient": "cascade"}
    assert sorted(on_record(ledger)) == ["any", "hurried", "patient"]


def test_who_is_no_longer_there_when_its_turn_comes_is_told_and_not_recorded(ledger: Ledger, noting: tuple[Noting, Gated]) -> None:
    scorer, model = noting
    intake = Intake(lambda: (scorer, ()), Recorder(ledger, ReviewSettings()))
    intake.start()
    first = intake.ask([an_ad("first")])
    model.until_asked()
    late = intake.ask([an_ad("late")], until=intake.admission.clock() + 0.01)
    time.sleep(0.02)
    model.gate.release(100)
    assert len(first.result(10)) == 1
    with pytest.raises(DeadlineMissed):
        late.result(10)
    intake.stop()
    assert (on_record(ledger), intake.admission.ads) == (["first"], 0)


def test_the_line_is_empty_when_everybody_was_answered_failed_or_left(begin: Begin, ledger: Ledger) -> None:
    model = Gated(gate=threading.Semaphore(0))
    intake = begin(model)
    futures = [intake.ask(ads(f"{number}-", size)) for number, size in enumerate((1, 3 * CHUNK, 5))]
    futures += [intake.ask([an_ad("bad", "stumble")])]
    gone = intake.ask(ads("gone", 7))
    assert intake.admission.ads == 1 + 3 * CHUNK + 5 + 1 + 7
    assert gone.cancel()
    model.gate.release(10_000)
    intake.stop()
    assert all(future.done() for future in futures)
    assert intake.admission.ads == 0


def _all(answer: Sequence[Decision | None]) -> list[Decision]:
    assert None not in answer
    return [decision for decision in answer if decision is not None]


class _Broken:
    """An engine whose database is away."""

    class dialect:
        name = "sqlite"
        loaded_dbapi = sqlite3

    def raw_connection(self) -> Any:
        self.connect()

    def connect(self) -> Any:
        raise Unavailable("the ledger's database does not answer")


class Panic(BaseException):
    """What PyO3 makes of a panic in Rust is no Exception either."""


@dataclass(frozen=True)
class Panicking(FakeModel):
    def score(self, ads: Sequence[Ad], history: Any = None) -> FakeRisks:
        if any("panic" in (ad.title or "") for ad in ads):
            raise Panic("index out of bounds")
        return super().score(ads, history)


def test_a_panic_of_a_native_library_costs_its_ad_the_answer_and_no_other(book: PolicyBook) -> None:
    intake = Intake(lambda: (Scorer(Panicking(), book), ()), None)
    intake.start()
    first = intake.ask([an_ad("a"), an_ad("b", "panic"), an_ad("c")])
    assert [decision is not None for decision in first.result(10)] == [True, False, True]
    assert intake.ask([an_ad("d")]).result(10)[0] is not None
    assert intake.alive
    intake.stop()
