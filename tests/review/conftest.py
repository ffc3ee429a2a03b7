"""A queue over each database, with a clock that tests move."""

from __future__ import annotations

import pytest

from adverdict.ledger.store import Ledger
from tests.databases import database_url, ledger, ledger_url, postgres, postgres_template
from tests.review.desk import Desk

__all__ = ["database_url", "ledger", "ledger_url", "postgres", "postgres_template"]


@pytest.fixture
def desk(ledger: Ledger) -> Desk:
    return Desk(ledger)
