"""Two stretches of a ledger, compared: each advertiser once, and not with too few of them."""

from __future__ import annotations

import pytest

from adverdict.domain.errors import InvalidInput
from adverdict.monitoring.attribution import Drift
from adverdict.monitoring.compare import FEWEST, compare
from tests.monitoring.test_watch import day, desk, submit
from tests.review.certificates import a_certificate
from tests.review.desk import Desk

__all__ = ["desk"]


def test_each_advertiser_counts_once_in_either_stretch_and_few_labels_cannot_tell(desk: Desk) -> None:
    made = a_certificate()
    day(desk, made, 3, violating=1)
    for _ in range(FEWEST):
        submit(desk, made)
    desk.clock.on(86_400)
    since = desk.clock()
    for _ in range(FEWEST):
        submit(desk, made)
    found = compare(desk.ledger, "deceptive", "SE", since, 28, 0.1)
    assert (found.before, found.since) == (FEWEST + 3, FEWEST)
    assert found.attribution.labels == (3, 0)
    assert found.attribution.drift is Drift.UNKNOWN


def test_too_few_advertisers_are_refused_with_how_many_there_are(desk: Desk) -> None:
    made = a_certificate()
    submit(desk, made)
    desk.clock.on(86_400)
    with pytest.raises(InvalidInput, match=f"before = 1; expected at least {FEWEST} advertisers") as refused:
        compare(desk.ledger, "deceptive", None, desk.clock(), 28, 0.1)
    assert "since = 0" in str(refused.value)
