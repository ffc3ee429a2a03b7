"""One at a time holds the lease of some work."""

from __future__ import annotations

from datetime import timedelta

from adverdict.ledger.leases import lease
from adverdict.ledger.store import Ledger
from tests.ledger.made import minutes

FIVE = timedelta(minutes=5)


def held(ledger: Ledger, holder: str, at: float, work: str = "sweep") -> bool:
    with ledger.change() as connection:
        return lease(connection, work, holder, minutes(at), FIVE)


def test_who_comes_first_holds_it_and_may_renew_it(ledger: Ledger) -> None:
    assert [held(ledger, "anna", 0), held(ledger, "anna", 4), held(ledger, "bert", 6)] == [True, True, False]


def test_somebody_else_has_it_when_it_has_run_out(ledger: Ledger) -> None:
    held(ledger, "anna", 0)
    assert [held(ledger, "bert", 4.9), held(ledger, "bert", 5), held(ledger, "anna", 6)] == [False, True, False]


def test_other_work_is_leased_apart(ledger: Ledger) -> None:
    assert held(ledger, "anna", 0)
    assert held(ledger, "bert", 0, work="count")
