from __future__ import annotations

from pathlib import Path

import pytest

from adverdict.ledger.store import Ledger
from tests.rescoring.applying.world import World


@pytest.fixture
def world(ledger: Ledger, tmp_path: Path) -> World:  # pytest hands one fixture to another by its name
    return World(ledger, tmp_path)
