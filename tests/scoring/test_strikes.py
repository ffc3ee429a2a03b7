"""A limit of strikes is in force in the next round of every worker, in every door, and a replay finds the same."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from adverdict.decisions.policy import MarketRules, PolicyBook, PolicyInForce
from adverdict.decisions.strikes import StrikeLimit, StrikesThen
from adverdict.domain.ad import Ad
from adverdict.domain.decision import Decision
from adverdict.domain.verdict import Verdict
from adverdict.ledger.bodies.copies import Unwound
from adverdict.ledger.entries import Resolved
from adverdict.ledger.in_force.strikes import lift
from adverdict.ledger.store import Ledger, now
from adverdict.review.tasks.settings import ReviewSettings
from adverdict.scoring.known import known_to
from adverdict.scoring.recorder import DecidedRequest, Recorder
from adverdict.scoring.replay import replay
from adverdict.scoring.scorer import Scorer
from tests.ledger.made import erase_rows
from tests.scoring.fakes import FakeModel

BEGAN = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)


def limited(book: PolicyBook, then: StrikesThen) -> PolicyBook:
    def one(policy: PolicyInForce) -> PolicyInForce:
        return replace(policy, strikes=StrikeLimit(2, 30, then)) if policy.name == "deceptive" else policy

    rules = {market: MarketRules(tuple(map(one, told.elsewhere)), told.by_surface) for market, told in book.rules.items()}
    return PolicyBook(book.names, rules)


def an_ad(number: int, advertiser: str = "adv-1", title: str = "Offer") -> Ad:
    """Submitted a day after the one before."""
    at = BEGAN + timedelta(days=number)
    return Ad(ad_id=f"ad-{number}", advertiser_id=advertiser, market="SE", submitted_at=at, title=title)


class World:
    """Two workers and people, who reject."""

    def __init__(self, ledger: Ledger, book: PolicyBook) -> None:
        self.ledger, self.book = ledger, book
        self.at = BEGAN
        self.workers = [Recorder(ledger, ReviewSettings(), lambda: self.at) for _ in range(2)]
        self.scorer = Scorer(FakeModel(), book, clock=lambda: self.at)

    def decide(self, ad: Ad, worker: int = 0) -> Decision:
        self.at = ad.submitted_at
        known = self.workers[worker].known(self.scorer)
        [decision] = self.scorer.score([ad], known=known)
        self.workers[worker].record([DecidedRequest([ad], [decision])], self.scorer)
        return decision

    def reject(self, decision: Decision) -> None:
        told = Resolved(**_about(decision), verdict=Verdict.REJECT, by="review", violated=("deceptive",), task_id="tsk-1")
        with self.ledger.write() as writing:
            writing.append(f"res-{decision.decision_id}", told, self.at + timedelta(hours=2))

    def unwind(self, decision: Decision) -> None:
        with self.ledger.write() as writing:
            told = Unwound(**_about(decision), source=decision.decision_id, why="a slip", by="lea")
            writing.append(f"unw-{decision.decision_id}", told, self.at + timedelta(hours=3))


def _about(decision: Decision) -> dict[str, str]:
    return {name: getattr(decision, name) for name in ("decision_id", "ad_id", "advertiser_id", "market")}


@pytest.fixture(params=list(StrikesThen))
def world(request: pytest.FixtureRequest, ledger: Ledger, book: PolicyBook) -> World:
    return World(ledger, limited(book, request.param))


def test_a_limit_is_in_force_in_the_next_round_of_every_worker_and_for_its_advertiser_alone(world: World) -> None:
    world.reject(world.decide(an_ad(1)))
    second = world.decide(an_ad(3), 1)
    assert second.verdict == "approve"
    world.reject(second)
    held = [world.decide(an_ad(5 + worker), worker) for worker in (0, 1)]
    assert [(one.verdict, one.degraded) for one in held] == [(Verdict.REVIEW, ("strikes:deceptive",))] * 2
    assert world.decide(an_ad(7, "adv-2")).verdict == "approve"
    assert world.decide(an_ad(8, title="scam")).verdict == "review", "nothing is rejected automatically, either"
    world.unwind(second)
    assert world.decide(an_ad(9)).verdict == "approve"
    found = replay(world.ledger, lambda version: FakeModel(version))
    assert (found.same, found.different, found.differences) == (7, 0, [])


def test_review_ends_as_strikes_expire_and_hold_when_somebody_lifts_it(world: World) -> None:
    for number in (1, 3):
        world.reject(world.decide(an_ad(number)))
    assert world.decide(an_ad(5)).verdict == "review"
    [policy] = [one for one in world.book.in_force("SE", None) if one.strikes is not None]
    holds = policy.strikes is not None and policy.strikes.then is StrikesThen.HOLD
    assert world.decide(an_ad(40), 1).verdict == ("review" if holds else "approve")
    with world.ledger.write() as writing:
        lift(writing, "adv-1", "a new owner", "lea", world.at)
    assert world.decide(an_ad(41)).verdict == "approve"
    assert replay(world.ledger, lambda version: FakeModel(version)).differences == []


def test_a_history_that_is_read_anew_does_not_let_strikes_pass(world: World) -> None:
    world.decide(an_ad(2, "adv-2"))
    for number in (3, 5):
        world.reject(world.decide(an_ad(number)))
    erase_rows(world.ledger, 2)  # from now on the history has to begin anew
    decision = world.decide(an_ad(7))
    assert decision.steered_seq is not None
    assert decision.verdict == "review"


def test_a_scorer_without_a_service_counts_them(ledger_url: str, book: PolicyBook) -> None:
    ledger = Ledger.open(ledger_url, create=False)
    world = World(ledger, limited(book, StrikesThen.HOLD))
    for number in (1, 3):
        world.reject(world.decide(an_ad(number)))
    ledger.close()
    known = known_to(ledger_url, None)
    [alone, other] = Scorer(FakeModel(), world.book, known=known, clock=now).score([an_ad(5), an_ad(6, "adv-2")])
    assert (alone.verdict, other.verdict) == ("review", "approve")
