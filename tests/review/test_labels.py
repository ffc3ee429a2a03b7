from __future__ import annotations

import pytest

from adverdict.domain.ad import Label
from adverdict.ledger.said import effective
from adverdict.ledger.store import Ledger
from tests.ledger.made import a_label, an_ad, append_decisions, decided, labelled, ruled

VIOLATING, OTHERWISE, ELSEWHERE = (
    a_label(an_ad(1), rater_id="r-1"),
    a_label(an_ad(1), rater_id="r-2", violates=False),
    a_label(an_ad(1), policy="gambling"),
)


@pytest.mark.parametrize(
    ("outcome", "left"),
    [("overturned", [OTHERWISE, ELSEWHERE]), ("upheld", [VIOLATING, OTHERWISE, ELSEWHERE])],
)
def test_an_overturned_appeal_takes_away_only_labels_that_say_violating(ledger: Ledger, outcome: str, left: list[Label]) -> None:
    made = decided(an_ad(1))
    append_decisions(ledger, made)
    both = labelled(made).model_copy(update={"labels": (VIOLATING, OTHERWISE, ELSEWHERE)})
    with ledger.write() as writing:
        writing.append("lab-1", both, made.decision.decided_at)
        ruling = ruled(made, retracted=["lab-1"]).model_copy(update={"outcome": outcome})
        writing.append("rul-1", ruling, made.decision.decided_at)
    assert [label for _, label in effective(ledger.about(made.decision.decision_id))] == left
