"""Creatives are fetched from within the service by one worker at a time."""

from __future__ import annotations

from pathlib import Path

from adverdict.creatives import keeping
from adverdict.creatives.limits import Limits
from adverdict.creatives.resolver import Resolver
from adverdict.creatives.sources import Sources
from adverdict.ledger.store import Ledger
from adverdict.serving.worker.watches.creatives import HELD, CreativeWatch
from tests.creatives.files import picture
from tests.review.desk import Desk


def test_one_worker_fetches_what_people_are_asked_about_and_another_takes_over_when_it_is_gone(ledger: Ledger, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(picture())
    desk, resolver = Desk(ledger), Resolver(Sources(folders=(tmp_path,)), Limits(reading_seconds=0.0))
    one, other = (CreativeWatch(ledger, resolver, desk.clock) for _ in range(2))
    first = desk.decide(creative_uri=f"{tmp_path}/a.png")
    assert one.look()
    assert not other.look()
    with ledger.look() as connection:
        kept = keeping.kept(connection, first.decision.decision_id)
    assert kept is not None
    assert kept.state == "kept"
    desk.clock.on(HELD.total_seconds() + 1)
    assert other.look()
    assert not one.look()
