"""The migrations make the tables that the code knows."""

from __future__ import annotations

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text

from domain.errors import NotFound
from ledger.migrate import latest, require, upgrade
from ledger.schema import metadata
from ledger.store import Ledger
from tests.ledger.made import an_ad, append_decisions, decided


def test_migrating_an_empty_database_gives_the_tables_of_the_schema(ledger: Ledger) -> None:
    with ledger.look() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, metadata) == []


def test_migrating_again_changes_nothing(ledger: Ledger) -> None:
    append_decisions(ledger, decided(an_ad()))
    before = ledger.end()
    upgrade(ledger.engine)
    assert ledger.end() == before


def test_tables_of_another_version_are_not_touched_by_who_only_reads(ledger: Ledger) -> None:
    with ledger.change() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0000'"))
    with pytest.raises(NotFound, match=f"version 0000, not {latest()}: run 'adjudicate ledger migrate'"):
        require(ledger.engine)
