from __future__ import annotations

from pathlib import Path

import pytest

from adverdict.ledger.store import Ledger
from tests.databases import database_url, ledger, ledger_url, postgres, postgres_template
from tests.rescoring.applied.world import World

__all__ = ["database_url", "ledger", "ledger_url", "postgres", "postgres_template"]


@pytest.fixture
def world(ledger: Ledger, tmp_path: Path) -> World:  # pytest hands one fixture to another by its name
    return World(ledger, tmp_path)
