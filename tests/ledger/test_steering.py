"""Brakes and revocations are entries of the chain: put on, released, and the same for whoever reads the same entries."""

from __future__ import annotations

import pytest

from adverdict.decisions.policy import MarketRules, PolicyBook
from adverdict.decisions.steering import Brake, BrakeSide, Steering
from adverdict.domain.errors import Conflict, InvalidInput, NotFound
from adverdict.ledger.entries import Braked
from adverdict.ledger.history import LedgerHistory
from adverdict.ledger.in_force.steering import asked_for, brake, brakes_on, release, revoke, scope_in_words, steering_at
from adverdict.ledger.store import Ledger
from adverdict.ledger.verify import verify
from tests.decisions.build import POLICY
from tests.ledger.made import an_ad, append_decisions, braked, decided, erase_rows, minutes, steer


def put_on(ledger: Ledger, side: BrakeSide = BrakeSide.APPROVE, **scope: str) -> str:
    with ledger.write() as writing:
        return brake(writing, braked(side, **scope), minutes(1))[0]


def take_off(ledger: Ledger, brake_id: str) -> int:
    with ledger.write() as writing:
        return release(writing, brake_id, "it has passed", "olga", minutes(2))


def on(ledger: Ledger) -> list[str]:
    with ledger.look() as connection:
        return [entry.entry_id for entry, _ in brakes_on(connection)]


def test_a_brake_is_on_until_it_is_released(ledger: Ledger) -> None:
    first, second = put_on(ledger, market="SE"), put_on(ledger, BrakeSide.BOTH, policy="gambling", surface="feed")
    with ledger.look() as connection:
        assert steering_at(connection).brakes == (
            Brake(first, BrakeSide.APPROVE, market="SE"),
            Brake(second, BrakeSide.BOTH, policy="gambling", surface="feed"),
        )
    take_off(ledger, first)
    assert on(ledger) == [second]
    assert verify(ledger).found == 0


def test_the_same_brake_put_on_again_is_the_one_that_is_on(ledger: Ledger) -> None:
    first = put_on(ledger, market="SE")
    assert put_on(ledger, market="SE") == first
    assert len({first, put_on(ledger, market="DE"), put_on(ledger, BrakeSide.REJECT, market="SE")}) == 3
    take_off(ledger, first)
    assert put_on(ledger, market="SE") != first


def test_a_brake_is_released_once_and_only_a_brake(ledger: Ledger) -> None:
    brake_id = put_on(ledger)
    take_off(ledger, brake_id)
    with pytest.raises(Conflict, match=f"brake {brake_id} is off already"):
        take_off(ledger, brake_id)
    with pytest.raises(NotFound, match="no entry"):
        take_off(ledger, "brk-0")
    made = decided(an_ad(1))
    append_decisions(ledger, made)
    with pytest.raises(NotFound, match="is no brake"):
        take_off(ledger, made.decision.decision_id)


def test_a_certificate_is_revoked_once(ledger: Ledger) -> None:
    done = []
    for _ in range(2):
        with ledger.write() as writing:
            done.append(revoke(writing, "cert-1", "too much leaked", "audits", minutes(3), {"wrong": 9}))
    assert done == [True, False]
    with ledger.look() as connection:
        assert steering_at(connection).revoked == {"cert-1"}
    assert [entry.entry_id for entry in ledger.read(kinds=["revocation"])] == ["rev-cert-1"]


def test_what_holds_is_a_function_of_the_entries_up_to_one(ledger: Ledger) -> None:
    append_decisions(ledger, decided(an_ad(1)))
    steer(ledger)
    append_decisions(ledger, decided(an_ad(2)))
    told = []
    for until in range(ledger.end()[0] + 1):
        history = LedgerHistory(ledger)
        history.catch_up(until)
        with ledger.look() as connection:
            assert history.steering == steering_at(connection, until), "whether followed or asked for"
        told.append((len(history.steering.brakes), sorted(history.steering.revoked)))
    assert told == [(0, []), (0, []), (1, []), (0, []), (0, []), (0, ["cert-1"]), (0, ["cert-1"])]


def test_a_history_that_follows_hears_of_it_in_its_next_round(ledger: Ledger) -> None:
    history = LedgerHistory(ledger)
    append_decisions(ledger, decided(an_ad(1)))
    assert history.catch_up_settled()
    assert history.steering == Steering()
    brake_id = put_on(ledger)
    assert history.catch_up_settled()
    assert [one.brake_id for one in history.steering.brakes] == [brake_id]
    take_off(ledger, brake_id)
    assert history.catch_up_settled()
    assert history.steering == Steering()


def test_erasing_an_advertiser_leaves_brakes_on(ledger: Ledger) -> None:
    append_decisions(ledger, decided(an_ad(1)))
    brake_id = put_on(ledger)
    erase_rows(ledger, 1)
    history = LedgerHistory(ledger)
    history.catch_up()
    assert [one.brake_id for one in history.steering.brakes] == [brake_id]


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (braked(BrakeSide.APPROVE, policy="gambling", market="SE", surface="feed"), "approving under gambling in SE on feed"),
        (braked(BrakeSide.REJECT, market="SE"), "rejecting in SE"),
        (braked(BrakeSide.BOTH), "deciding anything anywhere"),
    ],
)
def test_a_scope_in_words(told: Braked, words: str) -> None:
    assert scope_in_words(told) == words


BOOK = PolicyBook(names=("gambling",), rules={"SE": MarketRules((POLICY,))})


def test_blanks_in_a_scope_mean_everywhere() -> None:
    told = asked_for(BOOK, side="approve", policy="", market=" ", surface=None, why=" a wave ", by="olga")
    assert told == Braked(side=BrakeSide.APPROVE, why="a wave", by="olga")


def test_a_brake_that_would_hold_nowhere_is_refused_with_all_that_is_wrong() -> None:
    with pytest.raises(InvalidInput) as error:
        asked_for(BOOK, side="stop", policy="gambing", market="FR", surface=None, why=" ", by="olga")
    assert [(one.field, one.value) for one in error.value.mistakes] == [
        ("side", "stop"),
        ("policy", "gambing"),
        ("market", "FR"),
        ("why", " "),
    ]
