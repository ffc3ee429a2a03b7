"""New rows into a table, many at once, by the fastest way each database has: under the chain's head others wait meanwhile."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from functools import cache
from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.exc import DBAPIError

WORTH_A_COPY = 4
"""Rows from which PostgreSQL's COPY, which takes a round trip more, is faster than INSERT."""


def add(connection: Connection, table: Table, rows: Sequence[dict[str, Any]]) -> None:
    """``rows``: a value for each column of the table. Raises sqlalchemy's errors, an IntegrityError for what is there already."""
    columns = _columns(table)
    values = [tuple(map(row.__getitem__, columns)) for row in rows]
    if connection.dialect.name == "postgresql" and len(rows) >= WORTH_A_COPY:
        _copy(connection, table, values)
    else:
        run(connection, _insertion(table, connection.dialect.paramstyle), values)


def run(connection: Connection, statement: str, values: tuple[Any, ...] | list[tuple[Any, ...]] = ()) -> Any:
    """The rows of a statement in the driver's own words; a list of values: once for each. SQLite's driver is asked straight: SQLAlchemy's
    way round takes several times as long as the statement, on every round. Raises sqlalchemy's errors."""
    if connection.dialect.name != "sqlite":
        return connection.exec_driver_sql(statement, values)
    driver: Any = connection.connection.driver_connection
    try:
        return driver.executemany(statement, values) if isinstance(values, list) else driver.execute(statement, values)
    except sqlite3.Error as error:
        raise DBAPIError.instance(statement, None, error, sqlite3.Error, hide_parameters=True, dialect=connection.dialect) from error


def mark(connection: Connection) -> str:
    """What stands for a value in the driver's statements."""
    return _MARKS[connection.dialect.paramstyle]


_MARKS = {"qmark": "?", "pyformat": "%s"}


def _copy(connection: Connection, table: Table, values: Sequence[tuple[Any, ...]]) -> None:
    driver: Any = connection.connection.driver_connection
    statement = f"COPY {table.name} ({', '.join(_columns(table))}) FROM STDIN"
    dbapi: Any = connection.dialect.loaded_dbapi
    try:
        with driver.cursor() as cursor, cursor.copy(statement) as copy:
            for row in values:
                copy.write_row(row)
    except dbapi.Error as error:
        raise DBAPIError.instance(statement, None, error, dbapi.Error, hide_parameters=True, dialect=connection.dialect) from error


@cache
def _columns(table: Table) -> tuple[str, ...]:
    return tuple(column.name for column in table.columns)


@cache
def _insertion(table: Table, paramstyle: str) -> str:
    columns = _columns(table)
    return f"INSERT INTO {table.name} ({', '.join(columns)}) VALUES ({', '.join([_MARKS[paramstyle]] * len(columns))})"
