"""Delivery: at least once, in order for each ad, whoever is away or refuses; what nobody takes is held until people decide."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

import pytest

from adverdict.delivery import outbox
from adverdict.delivery.channels import Channel, plugged_in, webhook
from adverdict.delivery.deliver import deliver
from adverdict.delivery.following import follow
from adverdict.delivery.outbox import AWAY_WAITS, REFUSED_WAITS, drop, retry, standings, undelivered
from adverdict.delivery.posting import Receiver
from adverdict.domain.errors import InvalidInput, NotFound
from adverdict.ledger.erase import erase
from adverdict.ledger.store import Ledger
from tests.ledger.made import an_ad, append_decisions, decided, minutes, resolved, ruled
from tests.review.desk import Clock

RECEIVER = Receiver("https://ads.example/changes", bytes.fromhex("ab" * 16))


class Platform:
    """Takes what it is told, as the last one said, except ads that it refuses."""

    def __init__(self, *refuses: str) -> None:
        self.refuses, self.answer, self.asked = set(refuses), 200, 0
        self.told: list[tuple[str, int]] = []

    def __call__(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        assert url == RECEIVER.url
        self.asked += 1
        if not self.answer:
            raise OSError("nobody there")
        changes = json.loads(body)["changes"]
        if self.answer != 200:
            return self.answer
        if self.refuses & {one["ad_id"] for one in changes}:
            return 422
        self.told += [(one["ad_id"], one["seq"]) for one in changes]
        return 200


class World:
    """A ledger with changes, a platform, and a clock that both see."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger, self.clock, self.platform, self.number = ledger, Clock(), Platform(), 0
        self.channel: Channel = webhook(RECEIVER, self.post, self.clock)
        follow(ledger, self.clock)
        self.round()

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        return self.platform(url, headers, body)

    def change(self, *ads: int) -> None:
        """Two changes of each ad: a review rejects it, an appeal brings it back."""
        for ad in ads:
            self.number += 1
            made = decided(an_ad(ad), decision_id=f"dec-{self.number}", first=False)
            append_decisions(self.ledger, made)
            with self.ledger.write() as writing:
                writing.append(f"res-{self.number}", resolved(made, task_id=f"tsk-{self.number}"), self.clock())
                writing.append(f"rul-{self.number}", ruled(made), self.clock())

    def round(self) -> Any:
        follow(self.ledger, self.clock)
        return deliver(self.ledger, self.channel, self.clock)

    def rounds(self, hours: float, every: float = 300.0) -> None:
        for _ in range(int(hours * 3600 / every)):
            self.clock.on(every)
            self.round()


@pytest.fixture
def world(ledger: Ledger) -> World:
    return World(ledger)


def test_changes_are_told_once_they_are_confirmed_in_the_order_of_each_ad(world: World) -> None:
    world.change(1, 2)
    assert world.round().sent == 4
    assert world.platform.told == [("ad-1", 1), ("ad-1", 2), ("ad-2", 3), ("ad-2", 4)]
    assert world.round().sent == 0
    assert [(one.receiver, one.waiting, one.sent, one.away_since) for one in standings(world.ledger)] == [("changes", 0, 4, None)]


def test_a_receiver_that_is_dead_for_a_day_is_asked_seldom_and_caught_up_with_within_half_an_hour(world: World) -> None:
    world.platform.answer = 0
    began = world.clock()
    world.change(1, 2)
    world.rounds(12)
    world.change(3, 1)
    world.rounds(12)
    [one] = standings(world.ledger)
    assert (one.waiting, one.held, one.sent, one.said) == (8, 0, 0, "OSError")
    assert one.away_since is not None
    assert one.away_since - began < timedelta(minutes=6)
    assert world.platform.asked < 24 * 3600 / AWAY_WAITS[-1] + 20
    world.platform.answer = 200
    world.rounds(0.5)
    assert world.platform.told == [(f"ad-{ad}", seq) for ad, seq in ((1, 1), (1, 2), (2, 3), (2, 4), (3, 5), (3, 6), (1, 7), (1, 8))]
    assert [(one.waiting, one.away_since) for one in standings(world.ledger)] == [(0, None)]


def test_what_is_refused_is_tried_less_and_less_often_then_held_and_holds_up_its_own_ad_alone(world: World) -> None:
    world.platform = Platform("ad-1")
    world.change(1, 2)
    world.change(1)
    world.rounds(sum(REFUSED_WAITS) / 3600 + 12, every=3600.0)
    assert world.platform.told == [("ad-2", 3), ("ad-2", 4)]
    [held] = undelivered(world.ledger, held_only=True)
    assert (held.seq, held.about, held.said, held.tries) == (1, "ad ad-1", "answered 422", len(REFUSED_WAITS) + 1)
    with pytest.raises(InvalidInput, match="a reason"):
        drop(world.ledger, "changes", 1, " ", "olga", world.clock())
    drop(world.ledger, "changes", 1, "an ad of a test", "olga", world.clock())
    with pytest.raises(NotFound, match="nothing waits for changes with number 1"):
        drop(world.ledger, "changes", 1, "again", "olga", world.clock())
    world.platform.refuses = set()
    world.round()
    assert world.platform.told[2:] == [("ad-1", 2), ("ad-1", 5), ("ad-1", 6)]


def test_what_is_held_is_tried_again_when_people_say_so(world: World) -> None:
    world.platform = Platform("ad-1")
    world.change(1)
    world.rounds(sum(REFUSED_WAITS) / 3600 + 12, every=3600.0)
    world.platform.refuses = set()
    assert world.round().sent == 0
    assert retry(world.ledger, "changes", None, world.clock()) == 2
    assert world.round().sent == 2
    assert world.platform.told == [("ad-1", 1), ("ad-1", 2)]
    with pytest.raises(NotFound, match="nothing waits"):
        retry(world.ledger, "changes", 1, world.clock())


def test_a_receiver_that_does_not_answer_is_asked_at_once_when_people_say_so(world: World) -> None:
    world.platform.answer = 503
    world.change(1)
    world.rounds(3)
    world.platform.answer = 200
    assert world.round().away
    retry(world.ledger, None, None, world.clock())
    assert world.round().sent == 2


def test_what_waits_about_an_erased_ad_is_not_told_any_more_but_that_it_was_erased(world: World) -> None:
    world.platform.answer = 0
    world.change(1)
    world.round()
    erase(world.ledger, advertiser="adv-7", why="asked for", by="olga", now=minutes(9))
    world.platform.answer = 200
    world.rounds(0.5)
    assert [(ad, seq) for ad, seq in world.platform.told] == [("ad-1", 3)]


class Warehouse:
    """A plug-in that is there or not, and takes nothing about some ads."""

    def __init__(self, *refuses: str) -> None:
        self.fails, self.refuses, self.taken = not refuses, set(refuses), list[Any]()

    def deliver(self, changes: Sequence[Mapping[str, Any]]) -> None:
        if self.fails:
            raise KeyError("a table that is not there")
        if strange := self.refuses & {one["ad_id"] for one in changes}:
            raise ValueError(f"no row for {min(strange)}")
        self.taken += changes


def test_a_plug_in_is_told_the_same_and_again_when_it_raises(world: World) -> None:
    sink = Warehouse()
    world.channel = plugged_in("warehouse", sink)
    world.round()
    world.change(1)
    assert world.round().away
    assert [one.said for one in standings(world.ledger) if one.receiver == "sink warehouse"] == ["KeyError: 'a table that is not there'"]
    sink.fails = False
    world.rounds(0.5)
    assert [(one["ad_id"], one["change"], one["verdict"]) for one in sink.taken] == [
        ("ad-1", "review", "reject"),
        ("ad-1", "appeal", "approve"),
    ]


def test_a_plug_in_that_refuses_one_change_is_told_the_others_and_people_see_which(world: World) -> None:
    sink = Warehouse("ad-1")
    world.channel = plugged_in("warehouse", sink)
    world.round()
    world.change(1, 2)
    assert (world.round().away, [one["ad_id"] for one in sink.taken]) == (False, ["ad-2", "ad-2"])
    world.rounds(sum(REFUSED_WAITS) / 3600 + 12, every=3600.0)
    [held] = undelivered(world.ledger, held_only=True)
    assert (held.seq, held.about, held.said) == (1, "ad ad-1", "ValueError: no row for ad-1")


def test_who_is_killed_between_sending_and_noting_sends_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.change(1)

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    confirm: Callable[..., None] = outbox.confirmed
    monkeypatch.setattr(outbox, "confirmed", killed)
    with pytest.raises(KeyboardInterrupt):
        world.round()
    monkeypatch.setattr(outbox, "confirmed", confirm)
    world.round()
    assert world.platform.told == [("ad-1", 1), ("ad-1", 2)] * 2
