"""A queue over each database, with a clock that tests move."""

from __future__ import annotations

import pytest

from adverdict.ledger.store import Ledger
from tests.review.desk import Desk


@pytest.fixture
def desk(ledger: Ledger) -> Desk:
    return Desk(ledger)
