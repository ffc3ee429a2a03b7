"""Following the chain: equal whenever it is made anew, whoever follows, and without what was erased."""

from __future__ import annotations

import pytest
from sqlalchemy import select, update

from adverdict.clusters.follower import ClusterFollower, verify
from adverdict.clusters.read import copies, found, largest
from adverdict.domain.errors import NotFound
from adverdict.domain.verdict import Verdict
from adverdict.ledger.erase import erase
from adverdict.ledger.schema import cluster_ads
from adverdict.ledger.store import Ledger
from tests.ledger.made import START, an_ad, append_decisions, decided

WORDS = "Guaranteed profit without any work: ask our team how thousands of readers double their deposit every week"
BRIDGE = "Guaranteed profit without any work: ask our team how thousands of readers"


def submit(ledger: Ledger, *numbers: int, body: str = WORDS, advertiser: str = "adv-1") -> None:
    made = [decided(an_ad(number, title="", body=f"{body} {number}", advertiser_id=advertiser), Verdict.REVIEW) for number in numbers]
    append_decisions(ledger, *made)


def rows(ledger: Ledger) -> list[tuple[int, int]]:
    with ledger.look() as connection:
        query = select(cluster_ads.c.seq, cluster_ads.c.cluster).order_by(cluster_ads.c.seq)
        return [(row.seq, row.cluster) for row in connection.execute(query)]


def test_copies_are_in_the_cluster_of_the_first_and_other_ads_in_their_own(ledger: Ledger) -> None:
    submit(ledger, 1, 2)
    submit(ledger, 3, body="Fresh oat biscuits from the bakery round the corner, open late on Fridays")
    ClusterFollower(ledger).catch_up()
    submit(ledger, 4)
    ClusterFollower(ledger).catch_up()
    assert rows(ledger) == [(1, 1), (2, 1), (3, 3), (4, 1)]
    assert verify(ledger).differ == ()
    with ledger.look() as connection:
        (one,) = largest(connection)
        assert (one.ads, one.advertisers) == (3, 1)
        assert [member.seq for member in copies(connection, found(connection, one.name))] == [1, 2, 4]


def test_what_is_made_anew_is_equal_and_what_was_changed_by_hand_is_seen(ledger: Ledger) -> None:
    submit(ledger, 1, 2, 3)
    ClusterFollower(ledger).catch_up()
    before = rows(ledger)
    ClusterFollower(ledger).rebuild()
    assert rows(ledger) == before
    with ledger.change() as connection:
        connection.execute(update(cluster_ads).where(cluster_ads.c.seq == 3).values(cluster=3))
    assert verify(ledger).differ == ("the ad of entry 3: cluster of entry 3 kept, of 1 by the chain",)


def test_two_who_follow_at_once_write_nothing_twice(ledger: Ledger) -> None:
    one, other, reader = ClusterFollower(ledger), ClusterFollower(ledger), ClusterFollower(ledger, keeps=False)
    submit(ledger, 1, 2)
    one.catch_up()
    other.catch_up()
    submit(ledger, 3, 4)
    other.catch_up()
    one.catch_up()
    reader.catch_up()
    assert rows(ledger) == [(1, 1), (2, 1), (3, 1), (4, 1)]
    assert one.seq == other.seq == reader.seq == 4
    assert one.clusters().tolist() == reader.clusters().tolist()


def test_an_erased_ad_holds_nothing_together_any_more(ledger: Ledger) -> None:
    submit(ledger, 1, advertiser="gone")
    submit(ledger, 2, 3)
    reader = ClusterFollower(ledger, keeps=False).catch_up()
    ClusterFollower(ledger).catch_up()
    erase(ledger, advertiser="gone", why="asked to", by="dpo", now=START)
    ClusterFollower(ledger).catch_up()
    reader.catch_up()
    assert rows(ledger) == [(2, 2), (3, 2)]
    assert reader.clusters().tolist() == [2, 2]
    assert verify(ledger).differ == ()


def test_an_ad_decided_again_is_one_ad(ledger: Ledger) -> None:
    ad = an_ad(1, title="", body=WORDS)
    append_decisions(ledger, decided(ad), decided(ad, first=False, decision_id="dec-again"))
    ClusterFollower(ledger).catch_up()
    assert rows(ledger) == [(1, 1)]


def test_asking_for_what_is_not_there_says_what_to_do(ledger: Ledger) -> None:
    submit(ledger, 1)
    with ledger.look() as connection:
        with pytest.raises(NotFound, match="clusters build"):
            found(connection, "ad-1")
        with pytest.raises(NotFound, match="no decision, ad or cluster ad-9"):
            found(connection, "ad-9")
