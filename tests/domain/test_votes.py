"""One vote a person, whatever they sent and in whatever order it came."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from adverdict.domain.ad import Label
from adverdict.domain.votes import last_words

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)


def said(day: int, violates: bool, rater: str | None = "eva", ad_id: str = "a", policy: str = "gambling") -> Label:
    return Label(ad_id=ad_id, policy=policy, violates=violates, labelled_at=MONDAY + timedelta(days=day), rater_id=rater)


@pytest.mark.parametrize(
    ("labels", "counting"),
    [
        pytest.param([said(0, True), said(0, True)], [said(0, True)], id="one row twice"),
        pytest.param([said(0, True), said(3, True)], [said(0, True)], id="sent again: from the first time on"),
        pytest.param([said(0, True), said(1, False)], [said(1, False)], id="corrected"),
        pytest.param([said(1, False), said(0, True)], [said(1, False)], id="corrected, and told in the other order"),
        pytest.param([said(0, True), said(1, False), said(2, True), said(3, True)], [said(2, True)], id="corrected back"),
        pytest.param([said(0, False), said(0, True)], [said(0, True)], id="both at one instant: violating"),
        pytest.param([said(0, True), said(0, True, "ole")], [said(0, True), said(0, True, "ole")], id="two persons"),
        pytest.param([said(0, True, None), said(1, True, None)], [said(0, True, None), said(1, True, None)], id="two unknown persons"),
        pytest.param([said(0, True, None), said(0, True, None)], [said(0, True, None)], id="one row of an unknown person twice"),
        pytest.param([said(0, True), said(1, False, policy="scam")], [said(0, True), said(1, False, policy="scam")], id="two policies"),
        pytest.param([said(0, True), said(1, False, ad_id="b")], [said(0, True), said(1, False, ad_id="b")], id="two ads"),
    ],
)
def test_a_raters_last_word_counts_once(labels: list[Label], counting: list[Label]) -> None:
    assert last_words(labels) == counting
