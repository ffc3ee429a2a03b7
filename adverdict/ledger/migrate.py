"""Bringing a database's tables up to date, with Alembic. Several workers may start at once; one migrates, the others wait."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, inspect

from adverdict.domain.errors import NotFound
from adverdict.ledger.database import reading, writing

_SCRIPTS = Path(__file__).with_name("migrations")
_LOCK = 0x61646A75
"""PostgreSQL's advisory lock that migrations hold; SQLite's write transaction is lock enough."""


def upgrade(engine: Engine) -> None:
    """Create or update the tables; nothing to do is the usual case and is found out without writing. Raises Unavailable, and NotFound where
    a newer version of this software has updated them.
    """
    with reading(engine) as connection:
        current = _current(connection)
    _refuse_newer(engine, current)
    if current == latest():
        return
    with writing(engine) as connection:
        if engine.dialect.name == "postgresql":
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
        command.upgrade(_config(connection), "head")


def require(engine: Engine) -> None:
    """Raises NotFound when there is no ledger here, or one that this version has yet to update."""
    where = engine.url.render_as_string(hide_password=True)
    if engine.dialect.name == "sqlite" and not Path(str(engine.url.database)).is_file():
        raise NotFound(f"no ledger at {where}: 'adverdict serve' makes it")
    with reading(engine) as connection:
        current = _current(connection)
    if current is None:
        raise NotFound(f"no ledger at {where}: 'adverdict serve' makes it")
    _refuse_newer(engine, current)
    if current != latest():
        raise NotFound(f"the ledger at {where} has tables of version {current}, not {latest()}: run 'adverdict ledger migrate'")


def _refuse_newer(engine: Engine, current: str | None) -> None:
    """Nothing here can read or update tables of a later version. Versions are numbers of four digits."""
    if current is not None and current not in _known() and current > latest():
        where = engine.url.render_as_string(hide_password=True)
        raise NotFound(
            f"the tables of the ledger at {where} are newer ({current}) than this program ({latest()}): install the newer version"
        )


@cache
def _known() -> frozenset[str]:
    return frozenset(script.revision for script in ScriptDirectory(str(_SCRIPTS)).walk_revisions())


@cache
def latest() -> str:
    """The last migration that this software has."""
    found = ScriptDirectory(str(_SCRIPTS)).get_current_head()
    assert found is not None, "there is at least one migration"
    return found


def _current(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return MigrationContext.configure(connection).get_current_revision()


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS))
    config.attributes["connection"] = connection
    return config
