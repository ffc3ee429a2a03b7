"""Entries go in at the end, whole transactions at a time, and come out in order."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError

from adverdict.domain.errors import NotFound
from adverdict.ledger.chain import GENESIS
from adverdict.ledger.rows import WORTH_A_COPY
from adverdict.ledger.schema import contents, entries, kept, reviewers
from adverdict.ledger.store import _DECIDED_VERSIONS, PAGE, Ledger
from tests.ledger.made import an_ad, appealed, append_decisions, decided, every_kind, labelled, minutes


def test_an_empty_ledger_ends_at_the_genesis(ledger: Ledger) -> None:
    assert ledger.end() == (0, GENESIS)
    assert list(ledger.read()) == []


def test_entries_come_out_as_they_went_in(ledger: Ledger) -> None:
    mades = [decided(an_ad(number)) for number in (1, 2, 3)]
    append_decisions(ledger, *mades)
    found = list(ledger.read())
    assert [entry.body for entry in found] == mades
    assert [entry.seq for entry in found] == [1, 2, 3]
    assert [entry.at for entry in found] == [made.decision.decided_at for made in mades]


def test_a_second_ledger_on_the_same_database_sees_them(ledger: Ledger, ledger_url: str) -> None:
    append_decisions(ledger, decided(an_ad()))
    other = Ledger.open(ledger_url)
    assert other.end() == ledger.end()
    append_decisions(other, decided(an_ad(2)))
    other.close()
    assert [entry.entry_id for entry in ledger.read()] == ["dec-ad-1", "dec-ad-2"]


def test_a_failed_transaction_leaves_nothing(ledger: Ledger) -> None:
    append_decisions(ledger, decided(an_ad()))
    before = ledger.end()

    def fail() -> None:
        rita = {"name": "rita", "markets": "[]", "languages": "[]", "policies": "[]", "senior": False, "active": True}
        with ledger.write() as writing:
            writing.append("dec-2", decided(an_ad(2)), minutes(2))
            writing.flush()
            writing.connection.execute(insert(reviewers).values(rita))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert ledger.end() == before
    assert [entry.entry_id for entry in ledger.read()] == ["dec-ad-1"]
    with ledger.look() as connection:
        assert connection.execute(select(reviewers)).all() == []
    append_decisions(ledger, decided(an_ad(3)))
    assert ledger.end()[0] == 2


def test_an_id_that_is_taken_is_refused_with_the_whole_transaction(ledger: Ledger) -> None:
    append_decisions(ledger, decided(an_ad(1)))
    with pytest.raises(IntegrityError):
        append_decisions(ledger, decided(an_ad(2)), decided(an_ad(1)))
    assert ledger.end()[0] == 1


@pytest.mark.parametrize("many", [2, WORTH_A_COPY + 2])
def test_however_many_rows_are_written_at_once_what_is_odd_in_them_stays(ledger: Ledger, many: int) -> None:
    odd = ["a\tb\nc\\.", "a\\N", "'; --", "é日\u200d", "", "%s ?"]
    mades = [decided(an_ad(number, creative_id=text or None, landing_domain=None)) for number, text in enumerate(odd[:many])]
    append_decisions(ledger, *mades)
    assert [entry.body for entry in ledger.read()] == mades
    with ledger.look() as connection:
        found = connection.execute(select(contents.c.creative_id).order_by(contents.c.seq)).scalars().all()
    assert found == [text or None for text in odd[:many]]


def test_an_id_that_is_taken_is_refused_among_many_rows_too(ledger: Ledger) -> None:
    mades = [decided(an_ad(number)) for number in range(WORTH_A_COPY)]
    with pytest.raises(IntegrityError):
        append_decisions(ledger, *mades, mades[0])
    assert ledger.end() == (0, GENESIS)


def test_what_is_flushed_is_seen_by_the_transaction_and_by_nobody_else(ledger: Ledger) -> None:
    with ledger.write() as writing:
        writing.append("dec-1", decided(an_ad()), minutes(1))
        assert writing.connection.execute(select(entries.c.seq)).all() == []
        writing.flush()
        assert writing.connection.execute(select(entries.c.seq)).scalars().all() == [1]
        assert ledger.end()[0] == 0
    assert ledger.end()[0] == 1


def test_a_view_does_not_change_while_it_is_looked_at(ledger: Ledger) -> None:
    append_decisions(ledger, decided(an_ad(1)))
    with ledger.look() as connection:
        assert len(connection.execute(select(entries.c.seq)).all()) == 1
        append_decisions(ledger, decided(an_ad(2)))
        assert len(connection.execute(select(entries.c.seq)).all()) == 1


def test_reading_goes_on_over_pages(ledger: Ledger) -> None:
    with ledger.write() as writing:
        for number in range(1, PAGE + 3):
            writing.append(f"dec-{number}", decided(an_ad(number)), minutes(number))
    assert [entry.seq for entry in ledger.read()] == list(range(1, PAGE + 3))
    assert [entry.seq for entry in ledger.read(after=PAGE)] == [PAGE + 1, PAGE + 2]
    assert [entry.seq for entry in ledger.read(after=3, until=5)] == [4, 5]


def test_reading_can_ask_for_kinds(ledger: Ledger) -> None:
    every_kind(ledger)
    assert [entry.entry_id for entry in ledger.read(kinds=("appeal", "ruling"))] == ["app-ad-1", "rul-app-ad-1"]


def test_an_erased_entry_comes_without_a_body(ledger: Ledger) -> None:
    every_kind(ledger)
    assert ledger.find("dec-ad-2").body is None
    assert ledger.find("dec-ad-1").body is not None


def test_finding_what_is_not_there_says_so(ledger: Ledger) -> None:
    with pytest.raises(NotFound, match='no entry "dec-9"'):
        ledger.find("dec-9")


def test_about_a_decision_is_the_decision_and_what_followed(ledger: Ledger) -> None:
    every_kind(ledger)
    found = [entry.entry_id for entry in ledger.about("dec-ad-1")]
    assert found == ["dec-ad-1", "lab-1", "ans-tsk-1", "res-1", "app-ad-1", "rul-app-ad-1"]


def test_only_the_first_decision_on_a_version_of_an_ad_is_a_submission(ledger: Ledger) -> None:
    ad, edited = an_ad(1), an_ad(1, submitted_at=minutes(90))
    with ledger.write() as writing:
        assert writing.first_seen([ad, an_ad(2), ad]) == [True, True, False]
        writing.append("dec-1", decided(ad), minutes(1))
    with ledger.write() as writing:
        assert writing.first_seen([ad, edited]) == [False, True]


def test_looking_for_earlier_versions_never_goes_through_the_whole_ledger(tmp_path: Path) -> None:
    ledger = Ledger.open(f"sqlite:///{tmp_path / 'ledger.db'}")
    with ledger.look() as connection:
        query = f"EXPLAIN QUERY PLAN {_DECIDED_VERSIONS.format(ids='?, ?')}"
        [step] = connection.exec_driver_sql(query, ("ad-1", "ad-2")).scalars(3)
    ledger.close()
    assert step == "SEARCH contents USING COVERING INDEX ix_contents_ad_id_submission (ad_id=? AND submission>?)"


def test_what_is_said_about_an_ad_does_not_make_its_version_seen(ledger: Ledger) -> None:
    elsewhere = decided(an_ad(1))
    with ledger.write() as writing:
        writing.append("lab-1", labelled(elsewhere), minutes(1))
        writing.append("app-1", appealed(elsewhere), minutes(2))
    with ledger.write() as writing:
        assert writing.first_seen([an_ad(1)]) == [True]


def test_a_version_is_kept_once_and_made_only_when_it_is_missing(ledger: Ledger) -> None:
    made = []

    def body() -> bytes:
        made.append(1)
        return b"policies:"

    for _ in range(2):
        ledger.keep("policies", "d" * 64, body, minutes(0))
    assert ledger.recall("policies", "d" * 64) == b"policies:"
    assert len(made) == 1
    with ledger.look() as connection:
        assert len(connection.execute(select(kept).where(kept.c.kind == "policies")).all()) == 1


def test_recalling_what_is_not_kept_says_so(ledger: Ledger) -> None:
    with pytest.raises(NotFound, match="keeps no history abc"):
        ledger.recall("history", "abc")
