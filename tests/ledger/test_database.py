"""Two databases behind one door: durability, whose fault an error is, and many writers at once."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from sqlalchemy import create_engine, select, text

from adverdict.benchmarks.shared.databases import fresh, postgres_server
from adverdict.domain.errors import InvalidSettings, NotFound, Unavailable
from adverdict.ledger import chain
from adverdict.ledger.database import address, engine
from adverdict.ledger.migrate import require
from adverdict.ledger.schema import entries
from adverdict.ledger.store import Ledger
from tests.ledger.made import an_ad, append_decisions, decided

APPENDING = """
import sys
from adverdict.ledger.store import Ledger
from tests.ledger.made import an_ad, append_decisions, decided

name, url = sys.argv[1:]
ledger = Ledger.open(url)
for number in range(25):
    append_decisions(ledger, *(decided(an_ad(number, ad_id=f"{name}-{number}-{part}")) for part in range(3)))
"""
PROCESSES = 3


@pytest.mark.slow
def test_processes_appending_at_once_leave_one_chain_without_a_gap(database_url: str) -> None:
    """They also find the database empty at once, so all of them try to migrate it."""
    command = [sys.executable, "-c", APPENDING]
    running = [subprocess.Popen([*command, f"p{number}", database_url], stderr=subprocess.PIPE) for number in range(PROCESSES)]
    for process in running:
        _, error = process.communicate(timeout=120)
        assert process.returncode == 0, error.decode()
    ledger = Ledger.open(database_url, create=False)
    with ledger.look() as connection:
        rows = connection.execute(select(entries).order_by(entries.c.seq)).all()
    assert [row.seq for row in rows] == list(range(1, PROCESSES * 75 + 1))
    before = chain.GENESIS
    for row in rows:
        before = chain.link(before, row.seq, row.kind, row.entry_id, row.at, row.digest)
        assert row.hash == before
    assert ledger.end() == (rows[-1].seq, before)
    ledger.close()


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("postgresql://me@db/ads", "postgresql+psycopg://me@db/ads"),
        ("postgres://me@db/ads", "postgresql+psycopg://me@db/ads"),
        ("postgresql+psycopg://me@db/ads", "postgresql+psycopg://me@db/ads"),
        ("postgresql://postgres:@/postgres?host=/tmp/socket", "postgresql+psycopg://postgres:@/postgres?host=%2Ftmp%2Fsocket"),
        ("sqlite:////srv/ledger.db", "sqlite:////srv/ledger.db"),
    ],
)
def test_these_addresses_are_understood(given: str, expected: str) -> None:
    assert address(given).render_as_string(hide_password=False) == expected


def test_a_relative_path_does_not_move_with_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert address("sqlite:///var/ledger.db").database == str(tmp_path / "var/ledger.db")


@pytest.mark.parametrize(
    "given",
    ["", "ledger.db", "mysql://me:secret@db/ads", "://secret", "postgresql://me:secret@db:port/ads", "mysql://db/ads?password=secret"],
)
def test_other_addresses_are_refused_without_repeating_a_password(given: str) -> None:
    with pytest.raises(InvalidSettings, match="ADVERDICT_DATABASE_URL") as caught:
        address(given)
    assert "secret" not in str(caught.value)


def test_sqlite_waits_for_the_disk_and_overwrites_what_is_deleted(tmp_path: Path) -> None:
    made = engine(f"sqlite:///{tmp_path / 'ledger.db'}")
    asked = ("journal_mode", "synchronous", "foreign_keys", "secure_delete")
    with made.connect() as connection:
        assert [connection.execute(text(f"PRAGMA {name}")).scalar() for name in asked] == ["wal", 2, 1, 1]
    made.dispose()


def test_a_ledger_that_is_not_there_is_not_made_when_only_looked_at(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="adverdict serve"):
        Ledger.open(f"sqlite:///{tmp_path / 'ledger.db'}", create=False)
    with pytest.raises(NotFound, match="adverdict serve"):
        Ledger.open(f"sqlite:///{tmp_path / 'mistyped' / 'ledger.db'}", create=False)
    assert list(tmp_path.iterdir()) == []


def test_an_empty_postgres_is_no_ledger(postgres: str) -> None:
    with fresh(postgres) as url:
        made = engine(url)
        with pytest.raises(NotFound, match="adverdict serve"):
            require(made)
        made.dispose()


def test_a_file_that_is_no_database_is_somebody_elses_trouble(tmp_path: Path) -> None:
    (tmp_path / "ledger.db").mkdir()
    with pytest.raises(Unavailable, match="unable to open"):
        Ledger.open(f"sqlite:///{tmp_path / 'ledger.db'}")


def test_a_server_that_is_away_is_unavailable() -> None:
    with pytest.raises(Unavailable, match="does not answer"):
        Ledger.open("postgresql://postgres@127.0.0.1:1/none?connect_timeout=2")


def test_a_locked_sqlite_is_unavailable_after_a_while(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adverdict.ledger.database.BUSY_MS", 50)
    ledger, another = (Ledger.open(f"sqlite:///{tmp_path / 'ledger.db'}") for _ in range(2))
    with ledger.write(), pytest.raises(Unavailable, match="locked"):
        append_decisions(another, decided(an_ad()))
    ledger.close()
    another.close()


@pytest.fixture
def mortal() -> Iterator[tuple[str, ExitStack]]:
    """A server of its own, and what ends it."""
    with ExitStack() as running:
        try:
            url = running.enter_context(postgres_server(durable=False))
        except NotFound as error:
            pytest.skip(str(error))
        yield url, running


def test_a_server_that_goes_away_is_unavailable_and_nothing_half_done_remains(mortal: tuple[str, ExitStack]) -> None:
    url, running = mortal
    ledger = Ledger.open(url)
    append_decisions(ledger, decided(an_ad()))
    assert ledger.end()[0] == 1
    running.close()
    for _ in range(2):
        with pytest.raises(Unavailable):
            append_decisions(ledger, decided(an_ad(2)))
    ledger.close()


def break_connections(url: str) -> None:
    """As a restart of the server would."""
    killer = create_engine(address(url), isolation_level="AUTOCOMMIT")
    others = "pid <> pg_backend_pid() AND datname = current_database()"
    with killer.connect() as connection:
        connection.execute(text(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}"))
    killer.dispose()


@pytest.fixture
def on_postgres(postgres: str, postgres_template: str) -> Iterator[tuple[Ledger, str]]:
    with fresh(postgres, postgres_template) as url:
        ledger = Ledger.open(url)
        yield ledger, url
        ledger.close()


def test_a_connection_that_broke_is_replaced(on_postgres: tuple[Ledger, str]) -> None:
    ledger, url = on_postgres
    append_decisions(ledger, decided(an_ad(1)))
    break_connections(url)
    append_decisions(ledger, decided(an_ad(2)))
    assert ledger.end()[0] == 2


def test_a_transaction_whose_connection_breaks_is_unavailable_and_leaves_nothing(on_postgres: tuple[Ledger, str]) -> None:
    ledger, url = on_postgres

    def append() -> None:
        with ledger.write() as writing:
            writing.append("dec-1", decided(an_ad(1)), an_ad(1).submitted_at)
            writing.flush()
            break_connections(url)

    with pytest.raises(Unavailable):
        append()
    assert ledger.end()[0] == 0


def test_writers_of_one_process_take_turns_readers_do_not_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adverdict.ledger.database.BUSY_MS", 50)
    ledger = Ledger.open(f"sqlite:///{tmp_path / 'ledger.db'}")
    told: list[str] = []

    def other() -> None:
        told.append(str(ledger.end()[0]))
        try:
            with ledger.change():
                pass
        except Unavailable as error:
            told.append(str(error))

    with ledger.change():
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
    assert told == ["0", "the ledger's database is busy: no turn to write within 0.05 s"]
    with ledger.change():
        pass
    ledger.close()
