"""Rows of an SQL query, through SQLAlchemy: of whatever database there is a driver for. No password is in anything that is printed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain, islice
from pathlib import Path
from typing import Any

from adverdict.domain.errors import InvalidInput, Mistake, NotFound, Unavailable
from adverdict.storage.tables.grid import grid_rows
from adverdict.storage.tables.pieces import Columns, Rows
from adverdict.storage.tables.reading import Query, Reading

DRIVERS = {
    "postgresql": "'adverdict[postgres]'",
    "mysql": "pymysql",
    "bigquery": "sqlalchemy-bigquery",
    "snowflake": "snowflake-sqlalchemy",
}
"""Package that brings the driver of a database."""
ADDRESS = "an address as SQLAlchemy has it, such as postgresql+psycopg://user@host/database"


def query_rows(query: Query, columns: Columns, rows: int, reading: Reading) -> Iterator[Rows]:
    """As ``rows.read_rows``, while they stream in; rows count from 1. Raises InvalidInput, NotFound, Unavailable."""
    with _answered(query, rows) as result:
        lines = enumerate(chain([result.keys()], result))
        yield from grid_rows(query.name, ((number, tuple(cells)) for number, cells in lines), columns, rows, reading, rounds=False)


def query_header(query: Query, most: int) -> list[tuple[Any, ...]]:
    """The names of the columns, and the first rows. Raises as ``query_rows``."""
    with _answered(query, most) as result:
        return [tuple(line) for line in islice(chain([result.keys()], result), most + 1)]


@contextmanager
def _answered(query: Query, rows: int) -> Iterator[Any]:
    """The rows of the query, in a transaction that changes nothing."""
    from sqlalchemy import exc

    engine = _engine(query)
    try:
        with engine.connect() as connection:
            options = {"stream_results": True, "max_row_buffer": rows, "no_parameters": True, "postgresql_readonly": True}
            yield connection.execution_options(**options).exec_driver_sql(query.text)
    except exc.DBAPIError as error:
        said = _without_password(str(error.orig), engine.url.password)
        if isinstance(error, exc.OperationalError | exc.InterfaceError) and engine.dialect.name != "sqlite":
            raise Unavailable(f"{query} does not answer the query: {said}") from None
        raise InvalidInput(f"{query} refuses the query", [Mistake("query", query.text, f"a query that it answers: {said}")]) from None
    except exc.ResourceClosedError:
        raise InvalidInput(f"{query} has no rows to give", [Mistake("query", query.text, "a query that gives rows: SELECT …")]) from None
    finally:
        engine.dispose()


def _engine(query: Query) -> Any:
    from sqlalchemy import create_engine, exc
    from sqlalchemy.engine import make_url
    from sqlalchemy.pool import NullPool

    try:
        url = make_url(query.url)
    except (exc.ArgumentError, ValueError):
        raise InvalidInput("no database is at this address", [Mistake("--sql", "(not shown: it may hold a password)", ADDRESS)]) from None
    if url.get_backend_name() == "sqlite" and url.database and not Path(url.database).is_file():
        raise NotFound(f"no such file: {url.database}")
    try:
        return create_engine(url, poolclass=NullPool)
    except (exc.NoSuchModuleError, ModuleNotFoundError) as error:
        package = DRIVERS.get(url.get_backend_name(), "the package of its driver")
        raise InvalidInput(f"a package is missing for {query}", [Mistake("--sql", str(error), f"pip install {package}")]) from None


def _without_password(text: str, password: Any) -> str:
    return text.strip().replace(str(password), "***") if password else text.strip()
