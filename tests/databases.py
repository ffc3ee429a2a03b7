"""SQLite and PostgreSQL for tests.

``ledger`` is a new, empty ledger and runs a test once on each database; ``database_url`` is only its address, with nothing there yet.
By default both run where databases differ (``conftest.SERVERS``); elsewhere PostgreSQL's turn comes in ``make test-slow``.
PostgreSQL is that of TEST_DATABASE_URL, or one started for the session; without either, those tests are skipped and say why.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from adverdict.benchmarks.shared.databases import fresh, postgres_server
from adverdict.domain.errors import NotFound
from adverdict.ledger.store import Ledger

NAMED = os.environ.get("TEST_DATABASE_URL")
"""Not called ADVERDICT_…: the service refuses variables of that name that it does not know."""
DATABASES = ("sqlite", "postgres")


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """URL of a server; the reason for skipping is the server's own."""
    with ExitStack() as running:
        try:
            server = running.enter_context(postgres_server(NAMED, durable=False))
        except NotFound as error:
            pytest.skip(str(error))
        yield server


@pytest.fixture(scope="session")
def postgres_template(postgres: str) -> Iterator[str]:
    """A migrated database to copy: faster than migrating for each test."""
    with fresh(postgres) as url:
        Ledger.open(url).close()
        yield url


@pytest.fixture(scope="session")
def empty_ledger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a ledger without entries, to copy: four times as fast as migrating for each test."""
    file = tmp_path_factory.mktemp("ledger") / "ledger.db"
    Ledger.open(f"sqlite:///{file}").close()
    return file


@pytest.fixture(params=DATABASES)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Where a ledger could be; nothing is there yet."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'ledger.db'}"
    else:
        with fresh(request.getfixturevalue("postgres")) as url:
            yield url


@pytest.fixture(params=DATABASES)
def ledger_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Of an empty ledger."""
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("empty_ledger"), tmp_path / "ledger.db")
        yield f"sqlite:///{tmp_path / 'ledger.db'}"
    else:
        with fresh(request.getfixturevalue("postgres"), template=request.getfixturevalue("postgres_template")) as url:
            yield url


@pytest.fixture
def ledger(ledger_url: str) -> Iterator[Ledger]:
    """A new, empty ledger."""
    opened = Ledger.open(ledger_url, create=False)
    yield opened
    opened.close()
