"""Changes: each entry that changes what stands about an ad is told once, with what stood before; what is erased is told as such."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from adverdict.delivery import following
from adverdict.domain.verdict import Verdict
from adverdict.ledger.changes import Change, changes_after, span
from adverdict.ledger.erase import erase
from adverdict.ledger.store import Ledger
from tests.ledger.made import START, a_step, an_ad, appealed, append_decisions, decided, minutes, resolved, ruled, withdraw


def follow(ledger: Ledger, clock: Callable[[], datetime] = lambda: START + timedelta(days=1)) -> int:
    return following.follow(ledger, clock)


def told(ledger: Ledger, after: int = 0) -> list[Change]:
    with ledger.look() as connection:
        return changes_after(connection, after, 100)


def short(one: Change) -> tuple[str, str, str | None, str | None]:
    return one.change, one.ad_id, one.before and one.before.value, one.verdict and one.verdict.value


@pytest.fixture
def begun(ledger: Ledger) -> Ledger:
    assert follow(ledger) == 0
    return ledger


def test_nothing_of_the_past_is_told(ledger: Ledger) -> None:
    append_decisions(ledger, made := decided(an_ad()))
    with ledger.write() as writing:
        writing.append("res-1", resolved(made), minutes(5))
    assert follow(ledger) == 0
    assert follow(ledger) == 0
    assert told(ledger) == []


def test_a_review_an_appeal_and_a_ruling_are_told_and_a_decision_that_was_asked_for_is_not(begun: Ledger) -> None:
    append_decisions(begun, made := decided(an_ad()))
    with begun.write() as writing:
        writing.append("res-1", resolved(made), minutes(5))
        writing.append("app-1", appealed(made), minutes(6))
        writing.append("rul-1", ruled(made, "upheld"), minutes(7))
        writing.append("rul-2", ruled(made), minutes(8))
    assert follow(begun) == 3
    assert [short(one) for one in told(begun)] == [
        ("review", "ad-1", "review", "reject"),
        ("appeal", "ad-1", "reject", "reject"),
        ("appeal", "ad-1", "reject", "approve"),
    ]
    first = told(begun)[0]
    assert (first.seq, first.entry, first.decision_id, first.by, first.violated) == (1, 2, "dec-ad-1", "person", ("deceptive",))
    assert (first.advertiser_id, first.market, first.submitted_at) == ("adv-7", "SE", minutes(1))


def test_a_rescoring_step_tells_what_it_changes_and_its_withdrawal_what_stands_again(begun: Ledger) -> None:
    append_decisions(begun, decided(an_ad(1), Verdict.APPROVE, decision_id="dec-old"))
    a_step(begun, withdrawn=False)
    assert follow(begun) > 0
    before = told(begun)
    assert {one.change for one in before} == {"rescoring"}
    withdraw(begun)
    assert follow(begun) == len(before)
    after = told(begun, before[-1].seq)
    assert {one.change for one in after} == {"withdrawal"}
    assert {one.ad_id: one.before for one in after} == {one.ad_id: one.verdict for one in before}
    assert {one.ad_id: one.verdict for one in after} == {one.ad_id: one.before for one in before}


def test_an_erasure_is_told_and_what_was_kept_of_the_ad_is_forgotten(begun: Ledger) -> None:
    made, other = decided(an_ad(1)), decided(an_ad(2, advertiser_id="adv-8"))
    append_decisions(begun, made, other)
    with begun.write() as writing:
        writing.append("res-1", resolved(made), minutes(5))
        writing.append("res-2", resolved(other, task_id="tsk-2"), minutes(5))
    follow(begun)
    erase(begun, advertiser="adv-7", why="asked for", by="olga", now=minutes(9))
    assert [short(one) for one in told(begun)] == [("review", "ad-2", "review", "reject"), ("erasure", "ad-1", None, None)]
    last = told(begun)[-1]
    assert (last.seq, last.advertiser_id, last.decision_id) == (3, None, None)
    assert follow(begun) == 0


def test_an_ad_that_is_erased_before_its_change_was_made_is_told_as_erased_alone(begun: Ledger) -> None:
    append_decisions(begun, made := decided(an_ad(1)))
    with begun.write() as writing:
        writing.append("res-1", resolved(made), minutes(5))
    erase(begun, advertiser="adv-7", why="asked for", by="olga", now=minutes(9))
    follow(begun)
    assert [short(one) for one in told(begun)] == [("erasure", "ad-1", None, None)]


def test_an_older_version_that_is_erased_changes_nothing_about_an_ad_that_was_edited(begun: Ledger) -> None:
    append_decisions(begun, decided(an_ad(1)))
    newer = an_ad(1, submitted_at=START + timedelta(days=9))
    with begun.write() as writing:
        writing.append("dec-new", decided(newer, decision_id="dec-new"), newer.submitted_at)
    erase(begun, before=START + timedelta(days=5), why="old", by="olga", now=START + timedelta(days=10))
    assert told(begun) == []


def test_numbers_go_on_where_they_were_once_old_changes_are_forgotten(begun: Ledger) -> None:
    append_decisions(begun, *(made := [decided(an_ad(n)) for n in (1, 2)]))
    for number, one in enumerate(made):
        with begun.write() as writing:
            writing.append(f"res-{number}", resolved(one, task_id=f"tsk-{number}"), minutes(5))
        follow(begun, lambda day=40 * number: START + timedelta(days=day))  # type: ignore[misc]
    with begun.look() as connection:
        assert span(connection) == (3, 2)
    with begun.write() as writing:
        writing.append("rul-2", ruled(made[1]), START + timedelta(days=41))
    follow(begun, lambda: START + timedelta(days=41))
    assert [one.seq for one in told(begun)] == [3]


def test_two_who_follow_at_once_make_every_change_once(begun: Ledger) -> None:
    from concurrent.futures import ThreadPoolExecutor

    made = [decided(an_ad(number)) for number in range(1, 30)]
    append_decisions(begun, *made)
    with begun.write() as writing:
        for number, one in enumerate(made):
            writing.append(f"res-{number}", resolved(one, task_id=f"tsk-{number}"), minutes(5))
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: follow(begun), range(8)))
    assert [one.seq for one in told(begun)] == list(range(1, 30))
    assert len({one.entry for one in told(begun)}) == 29


def test_no_number_is_given_twice_though_the_last_change_goes_with_an_erased_ad(begun: Ledger) -> None:
    append_decisions(begun, made := decided(an_ad(1)), other := decided(an_ad(2, advertiser_id="adv-8")))
    with begun.write() as writing:
        writing.append("res-2", resolved(other, task_id="tsk-2"), minutes(5))
        writing.append("res-1", resolved(made), minutes(5))
    follow(begun)
    assert [(one.seq, one.ad_id) for one in told(begun)] == [(1, "ad-2"), (2, "ad-1")]
    erase(begun, advertiser="adv-7", why="asked for", by="olga", now=minutes(9))
    assert [(one.seq, one.ad_id) for one in told(begun)] == [(1, "ad-2"), (3, "ad-1")]
