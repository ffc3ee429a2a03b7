"""What is in force, read from the chain."""

from __future__ import annotations

import pytest

from adverdict.domain.errors import Conflict, InvalidInput, NotFound
from adverdict.ledger.history import LedgerHistory
from adverdict.ledger.in_force.policy_sets import files_of, keep_set, put, put_first, roll_back
from adverdict.ledger.in_force.rollouts import in_force_at, rollouts_at, rollouts_now
from adverdict.ledger.store import Ledger
from adverdict.ledger.verify import verify
from tests.ledger.made import POLICIES, ROLLOUT, STRICTER, an_ad, append_decisions, decided, minutes, roll_out

FILES = {"default.yaml": "policies: {}"}


def test_the_first_set_of_a_ledger_is_put_in_force_once(ledger: Ledger) -> None:
    assert put_first(ledger, POLICIES, FILES, minutes(1)) == POLICIES.hash
    assert put_first(ledger, STRICTER, FILES, minutes(2)) == POLICIES.hash, "the first to say so is right"
    told = rollouts_now(ledger)
    assert (told.policies, len(told.put)) == (POLICIES.hash, 1)
    with ledger.look() as connection:
        assert files_of(connection, told.put[0][1].files or "") == FILES
    assert verify(ledger).found == 0


def test_the_set_before_comes_back_and_going_back_twice_leads_forward(ledger: Ledger) -> None:
    put_first(ledger, POLICIES, FILES, minutes(1))
    with ledger.write() as writing:
        files = keep_set(writing.connection, STRICTER, FILES, minutes(2))
        put(writing, STRICTER.hash, files, "less leakage", "olga", minutes(2))
    for number, expected in enumerate((POLICIES.hash, STRICTER.hash)):
        with ledger.write() as writing:
            told = roll_back(writing, "too many rejections", "olga", minutes(3 + number))
        assert told.policies == rollouts_now(ledger).policies == expected


def test_going_back_needs_a_reason_and_something_to_go_back_to(ledger: Ledger) -> None:
    with pytest.raises(NotFound, match="does not say yet"), ledger.write() as writing:
        roll_back(writing, "why", "olga", minutes(1))
    put_first(ledger, POLICIES, FILES, minutes(1))
    with pytest.raises(NotFound, match="nothing to go back to"), ledger.write() as writing:
        roll_back(writing, "why", "olga", minutes(1))
    with pytest.raises(InvalidInput, match="a reason"), ledger.write() as writing:
        roll_back(writing, " ", "olga", minutes(1))


def test_while_a_roll_out_is_under_way_the_control_cannot_be_exchanged(ledger: Ledger) -> None:
    roll_out(ledger, upto=4)
    with pytest.raises(Conflict, match="is under way"), ledger.write() as writing:
        roll_back(writing, "why", "olga", minutes(100))


@pytest.mark.parametrize(
    ("upto", "state", "arms", "paused"),
    [(2, "proposed", 0, False), (4, "under way", 1, False), (6, "under way", 1, True), (7, "aborted", 0, True)],
)
def test_a_roll_out_is_where_its_entries_say(ledger: Ledger, upto: int, state: str, arms: int, paused: bool) -> None:
    roll_out(ledger, upto)
    told = rollouts_now(ledger)[ROLLOUT]
    assert (told.state, told.paused is not None) == (state, paused)
    with ledger.look() as connection:
        in_force = in_force_at(connection)
    assert (in_force.policies, len(in_force.arms)) == (POLICIES.hash, arms)
    if arms:
        assert (in_force.arms[0].candidate, in_force.arms[0].share, in_force.arms[0].until) == (STRICTER.hash, 0.1, told.until)


def test_a_worker_that_follows_knows_what_one_that_begins_anew_knows(ledger: Ledger) -> None:
    following = LedgerHistory(ledger)
    append_decisions(ledger, decided(an_ad(1)))
    following.catch_up_settled()
    roll_out(ledger)
    following.catch_up_settled()
    end = following.seq
    for until in range(1, end + 1):
        anew = LedgerHistory(ledger)
        anew.catch_up(until)
        with ledger.look() as connection:
            assert anew.in_force == in_force_at(connection, until)
    assert following.in_force == anew.in_force


def test_a_lease_that_is_renewed_goes_on_and_another_stages_does_not_renew_it(ledger: Ledger) -> None:
    roll_out(ledger, upto=5)
    with ledger.look() as connection:
        before, after = rollouts_at(connection, 4)[ROLLOUT], rollouts_at(connection, 5)[ROLLOUT]
    assert (before.until, after.until) == (minutes(200), minutes(300))


def test_a_roll_out_that_is_none_is_refused(ledger: Ledger) -> None:
    with pytest.raises(NotFound, match="there is no roll-out"):
        rollouts_now(ledger)["rol-none"]
