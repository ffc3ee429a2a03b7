"""One worker keeps the clusters of copies up to date and carries verdicts, while the lease is its own."""

from __future__ import annotations

from adverdict.ledger.entries import Resolved
from adverdict.ledger.store import Ledger
from adverdict.serving.worker.watches.copies import ClusterWatch
from tests.review.desk import Desk
from tests.review.test_carrying import certified
from tests.review.test_copies import copy


def test_one_worker_follows_and_carries_and_another_leaves_it_to_them(ledger: Ledger) -> None:
    desk = Desk(ledger)
    copy(desk)
    desk.say("ann", "reject")
    waits = copy(desk)
    certified(desk)
    one, other = ClusterWatch(ledger, desk.clock), ClusterWatch(ledger, desk.clock)
    assert one.look()
    assert not other.look()
    (told,) = desk.entries(waits, Resolved)
    assert told.by == "copy"
