"""One ledger of some weeks, made once: tests that write work on a copy."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from adverdict.ledger.store import Ledger
from tests.workforce.ledgers import lived

TODAY = datetime.now(UTC).date()


@pytest.fixture(scope="package")
def weeks_on_record(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a ledger of three weeks."""
    path = tmp_path_factory.mktemp("lived") / "ledger.db"
    opened = Ledger.open(f"sqlite:///{path}")
    lived(opened, TODAY, days=21)
    opened.close()
    return path


@pytest.fixture
def lived_ledger(weeks_on_record: Path, tmp_path: Path) -> Iterator[Ledger]:
    shutil.copy(weeks_on_record, tmp_path / "ledger.db")
    opened = Ledger.open(f"sqlite:///{tmp_path / 'ledger.db'}")
    yield opened
    opened.close()
