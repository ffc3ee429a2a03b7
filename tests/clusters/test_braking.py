"""A brake for the copies of an ad: in force in the next round, also for what its cluster becomes, and the same in a replay."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from adverdict.clusters.braking import among, asked_for_copies, cluster_named
from adverdict.clusters.follower import ClusterFollower
from adverdict.clusters.online import ClustersBegun
from adverdict.decisions.policy import PolicyBook
from adverdict.domain.ad import Ad
from adverdict.domain.decision import Decision
from adverdict.domain.errors import InvalidInput
from adverdict.ledger.in_force.steering import brake, brakes_on, release, scope_in_words
from adverdict.ledger.store import Ledger
from adverdict.review.tasks.settings import ReviewSettings
from adverdict.scoring.recorder import DecidedRequest, Recorder
from adverdict.scoring.replay import replay
from adverdict.scoring.scorer import Scorer
from tests.scoring.fakes import FakeModel

BEGAN = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
WORDS = "Guaranteed profit without any work: ask our team how thousands of readers double their deposit every week"
OTHER = "Fresh oat biscuits from the bakery round the corner, open late on Fridays and all of Saturday for everybody"


def an_ad(number: int, body: str, **changes: str) -> Ad:
    at = BEGAN + timedelta(minutes=number)
    return Ad(ad_id=f"ad-{number}", advertiser_id=f"adv-{number}", market="SE", submitted_at=at, body=body, **changes)


class Worker:
    def __init__(self, ledger: Ledger, book: PolicyBook) -> None:
        self.ledger, self.scorer = ledger, Scorer(FakeModel(), book)
        self.recorder = Recorder(ledger, ReviewSettings(), copies=ClustersBegun(ledger))

    def decide(self, ad: Ad) -> Decision:
        [decision] = self.scorer.score([ad], known=self.recorder.known(self.scorer))
        self.recorder.record([DecidedRequest([ad], [decision])], self.scorer)
        return decision


def put_on(ledger: Ledger, book: PolicyBook, cluster: str, **scope: str) -> str:
    ClusterFollower(ledger).catch_up()
    usual = {"side": "approve", "policy": None, "market": None, "surface": None, "why": "a wave", "by": "olga"}
    with ledger.look() as connection:
        told = asked_for_copies(connection, book, cluster=cluster, **{**usual, **scope})  # type: ignore[arg-type]
    with ledger.write() as writing:
        return brake(writing, told, BEGAN)[0]


def test_copies_go_to_people_from_the_next_round_on_and_nothing_else_does(ledger: Ledger, book: PolicyBook) -> None:
    worker = Worker(ledger, book)
    first = worker.decide(an_ad(1, WORDS))
    worker.decide(an_ad(2, OTHER))
    brake_id = put_on(ledger, book, "ad-1")
    other = Worker(ledger, book)  # begins while it is on, and does not decide before it knows what is a copy
    told = [one.decide(an_ad(3 + number, f"{WORDS} {number}!")) for number, one in enumerate((other, worker))]
    assert [(one.verdict, one.degraded) for one in told] == [("review", (f"brake:{brake_id}",))] * 2
    assert [one.decide(an_ad(6 + number, f"{OTHER} {number}")).verdict for number, one in enumerate((other, worker))] == ["approve"] * 2
    with ledger.look() as connection:
        [(_, on)] = brakes_on(connection)
    assert scope_in_words(on) == f"approving copies in cluster clu-{first.decision_id.removeprefix('dec-')}"
    with ledger.write() as writing:
        release(writing, brake_id, "they are gone", "olga", BEGAN)
    assert worker.decide(an_ad(9, WORDS.upper())).verdict == "approve"
    found = replay(ledger, lambda version: FakeModel(version))
    assert (found.same, found.different, found.differences) == (7, 0, [])


def test_what_the_cluster_becomes_is_braked_too(ledger: Ledger, book: PolicyBook) -> None:
    """Two clusters of one picture and other words become one by an ad between them: the older names it, the brake is on the younger."""
    worker, shown = Worker(ledger, book), {"landing_domain": "shop.example"}
    half = WORDS.split(" ")
    one = WORDS
    between = " ".join([*half[:14], "while stocks last for all of you"])
    far = " ".join([*half[4:14], "while stocks last for all of you and yours here"])
    worker.decide(an_ad(1, one, **shown))
    worker.decide(an_ad(2, far, **shown))
    brake_id = put_on(ledger, book, "ad-2")
    assert worker.decide(an_ad(3, one.upper(), **shown)).verdict == "approve", "apart as yet"
    assert worker.decide(an_ad(4, between, **shown)).verdict == "review"
    joined = worker.decide(an_ad(5, f"{one} 5", **shown))
    assert joined.degraded == (f"brake:{brake_id}",)
    ClusterFollower(ledger).catch_up()
    with ledger.look() as connection:
        [(_, on)] = brakes_on(connection)
        assert on.cluster is not None
        assert among(connection, joined.decision_id, [on.cluster]) == (on.cluster,)
        assert cluster_named(connection, joined.decision_id) != on.cluster
    assert replay(ledger, lambda version: FakeModel(version)).differences == []


def test_what_is_in_no_cluster_is_refused_with_all_else_that_is_wrong(ledger: Ledger, book: PolicyBook) -> None:
    with ledger.look() as connection, pytest.raises(InvalidInput) as error:
        asked_for_copies(
            connection, book, side="stop", policy=None, market="FR", surface=None, cluster="ad-9", why="", by="olga", follows=False
        )
    assert [one.field for one in error.value.mistakes] == ["side", "market", "cluster", "cluster", "why"]
