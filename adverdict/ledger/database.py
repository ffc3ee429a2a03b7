"""SQLite or PostgreSQL behind one engine: how transactions begin, what is durable, and whose fault an error is."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DatabaseError, DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from adverdict.domain.errors import InvalidSettings, Mistake, Unavailable
from adverdict.domain.settings import without_password

BUSY_MS = 10_000
"""How long a writer waits for another one's transaction on SQLite."""
LOG_PAGES = 4_000
"""Pages of SQLite's write-ahead log (16 MiB) after which the commit at hand also moves them into the database. By SQLite's own thousand
every eighth commit does, and pages that each round writes again are moved each time: a quarter of what commits took."""
EXPECTED = "sqlite:///PATH or postgresql://USER@HOST/DATABASE"
AWAY = ("08", "25006", "25P03", "53", "55P03", "57P")
"""PostgreSQL's error codes for: connection, read only, idle too long, no resources, lock not had in time, shutting down."""
WRITES = "adverdict_writes"
"""Execution option of connections that will write: SQLite must know before it begins, or two readers wanting to write block each other."""


def address(url: str) -> URL:
    """A database URL as SQLAlchemy wants it; relative SQLite paths made absolute. Raises InvalidSettings without repeating a password."""
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):  # ValueError: a port that is no number
        raise InvalidSettings("the ledger cannot be opened:", [Mistake("ADVERDICT_DATABASE_URL", "(not a URL)", EXPECTED)]) from None
    if parsed.drivername in ("postgresql", "postgres"):
        return parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername == "sqlite" and parsed.database and parsed.database != ":memory:":
        return parsed.set(database=str(Path(parsed.database).expanduser().absolute()))
    if parsed.drivername == "postgresql+psycopg":
        return parsed
    mistake = Mistake("ADVERDICT_DATABASE_URL", without_password(url), EXPECTED)
    raise InvalidSettings("the ledger cannot be opened:", [mistake])


def engine(url: str, *, create: bool = True) -> Engine:
    """An engine, nothing opened yet; with ``create``, a folder for SQLite's file. Raises InvalidSettings."""
    where = address(url)
    try:
        if where.get_backend_name() == "sqlite":
            if create:
                Path(str(where.database)).parent.mkdir(parents=True, exist_ok=True)
            made = create_engine(where, connect_args={"timeout": BUSY_MS / 1000}, hide_parameters=True)
            event.listen(made, "connect", _prepare_sqlite)
            event.listen(made, "begin", _begin_sqlite)
            return made
        # READ COMMITTED, whatever the server's default: whoever waits for the chain's end must see what its holder wrote.
        return create_engine(
            where, pool_pre_ping=True, hide_parameters=True, isolation_level="READ COMMITTED", connect_args=_postgres_limits(where)
        )
    except ModuleNotFoundError as error:
        expected = "a database whose driver is installed: pip install 'adverdict[postgres]'"
        raise InvalidSettings("the ledger cannot be opened:", [Mistake("ADVERDICT_DATABASE_URL", where.drivername, expected)]) from error


def _postgres_limits(where: URL) -> dict[str, Any]:
    """A server or a holder of the chain's end that has gone silent costs a caller ten seconds, not for ever."""
    own = str(where.query.get("options", ""))
    return {
        "options": f"{own} -c lock_timeout={BUSY_MS}".strip(),
        "connect_timeout": BUSY_MS // 1000,
        "tcp_user_timeout": BUSY_MS,
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 3,
    }


def file_of(engine: Engine) -> Path | None:
    """Where SQLite keeps it; None: in memory, or in a server."""
    named = engine.url.database if engine.dialect.name == "sqlite" else None
    return Path(named) if named and named != ":memory:" else None


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """One consistent view. Raises Unavailable when the database does not answer."""
    with _translated(), engine.connect() as connection, connection.begin():
        if engine.dialect.name == "postgresql":
            connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        yield connection


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """One transaction: all of it or nothing. Raises Unavailable when the database does not answer."""
    with _translated(), _turn(engine), engine.connect().execution_options(**{WRITES: True}) as connection, connection.begin():
        yield connection


@contextmanager
def _turn(engine: Engine) -> Iterator[None]:
    """SQLite lets whoever asks at the right moment write, so a thread among busy ones may wait for ever: in one process they take turns."""
    if engine.dialect.name != "sqlite":
        yield
        return
    lock = _turns.setdefault(engine, Lock())
    if not lock.acquire(timeout=BUSY_MS / 1000):
        raise Unavailable(f"the ledger's database is busy: no turn to write within {BUSY_MS / 1000:g} s")
    try:
        yield
    finally:
        lock.release()


_turns: WeakKeyDictionary[Engine, Lock] = WeakKeyDictionary()


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (OperationalError, PoolTimeout) as error:
        raise Unavailable(f"the ledger's database does not answer: {_first_line(error)}") from error
    except DBAPIError as error:
        if str(getattr(error.orig, "sqlstate", None) or "").startswith(AWAY):
            raise Unavailable(f"the ledger's database cannot be used now: {_first_line(error)}") from error
        if error.connection_invalidated:
            raise Unavailable(f"the connection to the ledger's database broke: {_first_line(error)}") from error
        if type(error) is DatabaseError:  # what SQLite says of a file that is none, or no longer whole
            raise Unavailable(f"the ledger's database cannot be read: {_first_line(error)}") from error
        raise


def _first_line(error: Exception) -> str:
    """Without the statement and its parameters, which hold ads."""
    original = getattr(error, "orig", None) or error
    return str(original).partition("\n")[0]


def _prepare_sqlite(connection: Any, _: Any) -> None:
    connection.isolation_level = None  # transactions begin when we say so
    cursor = connection.cursor()
    # WAL: readers do not wait for a writer. FULL: a commit is on the disk before it is answered, also should the power fail.
    pragmas = ("journal_mode=WAL", "synchronous=FULL", f"wal_autocheckpoint={LOG_PAGES}", "foreign_keys=ON", "secure_delete=ON")
    for pragma in (*pragmas, f"busy_timeout={BUSY_MS}"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    begin = "BEGIN IMMEDIATE" if connection.get_execution_options().get(WRITES) else "BEGIN"
    driver: Any = connection.connection.driver_connection
    try:
        driver.execute(begin)  # straight: SQLAlchemy's way round takes ten times as long, twice for each answer
    except sqlite3.Error as error:
        raise DBAPIError.instance(begin, None, error, sqlite3.Error, hide_parameters=True) from error
