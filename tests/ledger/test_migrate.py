"""The migrations make the tables that the code knows."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, text

from adverdict.domain.errors import NotFound
from adverdict.ledger.migrate import latest, require, upgrade
from adverdict.ledger.schema import metadata
from adverdict.ledger.store import Ledger
from adverdict.ledger.verify import verify
from tests.ledger.made import STEP, a_step, an_ad, append_decisions, decided

MONITORING = ("monitoring_waiting", "monitoring_tallies", "monitoring_counted", "detectors", "outbox", "changes", "receivers", "probes")
CLUSTERS = ("cluster_ads",)
CREATIVES = ("creative_uses", "creatives", "creative_frames")


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
    with pytest.raises(NotFound, match=f"version 0000, not {latest()}: run 'adverdict ledger migrate'"):
        require(ledger.engine)


def test_a_ledger_of_the_first_version_is_brought_up_to_date_and_stays_whole(database_url: str) -> None:
    """Decisions written before there were steps name none, and go on being verified; what their ads used is read out of them."""
    ledger = Ledger.open(database_url)
    append_decisions(ledger, decided(an_ad(creative_format="native", surface="feed")))
    with ledger.change() as connection:
        connection.execute(text("DROP INDEX ix_contents_rejected"))
        for column in ("step", "arm"):
            connection.execute(text(f"DROP INDEX ix_contents_{column}"))
            connection.execute(text(f"ALTER TABLE contents DROP COLUMN {column}"))
        for column in ("creative_format", "creative_category", "surface"):
            connection.execute(text(f"ALTER TABLE contents DROP COLUMN {column}"))
        for table in ("leases", "volumes", "projections", "arm_readiness", "shadowed", *MONITORING, *CLUSTERS, *CREATIVES):
            connection.execute(text(f"DROP TABLE {table}"))
        connection.execute(text("ALTER TABLE tasks DROP COLUMN drawn"))
        connection.execute(text("UPDATE alembic_version SET version_num = '0001'"))
    upgrade(ledger.engine)
    a_step(ledger)
    assert verify(ledger).found == 0
    with ledger.look() as connection:
        assert connection.execute(text("SELECT step FROM contents ORDER BY seq")).scalars().all() == [None, STEP, STEP, STEP]
        used = text("SELECT creative_format, creative_category, surface FROM contents ORDER BY seq LIMIT 1")
        assert tuple(connection.execute(used).one()) == ("native", None, "feed")
    ledger.close()


@pytest.mark.parametrize("looking", [require, upgrade])
def test_tables_of_a_newer_program_are_refused_in_one_line(ledger: Ledger, looking: Callable[[Engine], None]) -> None:
    with ledger.change() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(NotFound, match=rf"newer \(9999\) than this program \({latest()}\): install the newer version") as refused:
        looking(ledger.engine)
    assert "\n" not in str(refused.value)


def test_messages_that_waited_for_the_webhook_go_on_waiting_and_given_up_ones_are_held(database_url: str) -> None:
    ledger = Ledger.open(database_url)
    with ledger.change() as connection:
        connection.execute(text("DROP INDEX ix_contents_rejected"))
        for table in ("changes", "receivers", "probes", "outbox", *CLUSTERS, *CREATIVES):
            connection.execute(text(f"DROP TABLE {table}"))
        connection.execute(
            text(
                "CREATE TABLE outbox (seq BIGINT CONSTRAINT pk_outbox PRIMARY KEY, body TEXT NOT NULL, tries INTEGER NOT NULL, "
                "due_at BIGINT, sent_at BIGINT, said VARCHAR(200) NOT NULL)"
            )
        )
        connection.execute(text("CREATE INDEX ix_outbox_due_at ON outbox (due_at)"))
        for seq, due, sent in ((1, "NULL", "5"), (2, "7", "NULL"), (3, "NULL", "NULL")):
            connection.execute(text(f"INSERT INTO outbox VALUES ({seq}, '{{}}', 1, {due}, {sent}, 'answered 500')"))
        connection.execute(text("UPDATE alembic_version SET version_num = '0009'"))
    upgrade(ledger.engine)
    with ledger.look() as connection:
        rows = connection.execute(text("SELECT receiver, seq, state, due_at FROM outbox ORDER BY seq")).all()
        assert [tuple(row) for row in rows] == [("monitoring", 1, "sent", 5), ("monitoring", 2, "waiting", 7), ("monitoring", 3, "held", 0)]
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, metadata) == []
    ledger.close()
