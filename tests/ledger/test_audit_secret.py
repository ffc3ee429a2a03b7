"""A ledger has one secret by which ads are drawn, made once, and erasing leaves it."""

from __future__ import annotations

from adverdict.ledger.audit_secret import audit_secret, make_audit_secret
from adverdict.ledger.erase import erase
from adverdict.ledger.store import Ledger
from adverdict.ledger.verify import verify
from tests.ledger.made import START, an_ad, append_decisions, decided, minutes


def test_a_secret_is_made_once(ledger: Ledger) -> None:
    assert audit_secret(ledger) is None
    made = make_audit_secret(ledger, START)
    assert len(made) == 32
    assert [make_audit_secret(ledger, minutes(1)), audit_secret(ledger)] == [made, made]


def test_erasing_leaves_the_secret_and_the_ledger_whole(ledger: Ledger) -> None:
    made = make_audit_secret(ledger, START)
    append_decisions(ledger, decided(an_ad()))
    erase(ledger, advertiser="adv-7", why="asked to", by="dora", now=minutes(10))
    assert audit_secret(ledger) == made
    assert verify(ledger).found == 0
