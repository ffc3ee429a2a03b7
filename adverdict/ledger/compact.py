"""Writing a database's tables anew, so that no piece of a deleted row stays in its files."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import Any

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import OperationalError

from adverdict.ledger.database import BUSY_MS
from adverdict.ledger.schema import contents, golden, idempotency, kept, tasks
from adverdict.ledger.store import Ledger

TOUCHED = tuple(table.name for table in (contents, golden, idempotency, kept, tasks))
"""Tables that rows are deleted from."""


def compact(ledger: Ledger) -> bool:
    """Write the tables anew, without what was deleted: pages keep pieces of rows that were moved within them. True when it was done.

    Takes about as long as copying the database, and as much room; nobody writes meanwhile, and on PostgreSQL nobody reads. There, the
    server's own log keeps old rows until it is recycled. False when somebody is in the way, or the tables are not the caller's.
    """
    return _compact_sqlite(ledger.engine) if ledger.engine.dialect.name == "sqlite" else _compact_postgres(ledger.engine)


def _compact_sqlite(engine: Engine) -> bool:
    with closing(engine.raw_connection()) as connection:  # ours would begin a transaction, and these cannot be in one
        driver: Any = connection.driver_connection
        try:
            driver.execute("VACUUM")
            busy, _, _ = driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        except sqlite3.OperationalError:  # somebody is in the way
            return False
        return not busy


def _compact_postgres(engine: Engine) -> bool:
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql(f"SET lock_timeout = {BUSY_MS}")
        try:
            before = _files(connection)
            connection.exec_driver_sql(f"VACUUM FULL {', '.join(TOUCHED)}")
            # Who may not do it is only warned, and the table skipped. A table written anew lies in another file.
            return before.isdisjoint(_files(connection))
        except OperationalError:
            return False
        finally:
            connection.exec_driver_sql("RESET lock_timeout")


def _files(connection: Connection) -> set[tuple[str, int]]:
    """Table and number of the file that it lies in."""
    query = "SELECT name, pg_relation_filenode(name::regclass) FROM unnest(%s::text[]) AS name"
    return {(name, number) for name, number in connection.exec_driver_sql(query, (list(TOUCHED),))}
