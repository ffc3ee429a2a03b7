"""Labels from outside: about policies that exist, whole or not at all."""

from __future__ import annotations

import pytest

from adverdict.domain.errors import InvalidInput
from adverdict.ledger.store import Ledger
from adverdict.review.labels.incoming import bring
from tests.ledger.made import a_label, an_ad, append_decisions, decided, minutes

NAMES = ("deceptive", "gambling")


def test_a_label_about_a_policy_that_no_file_knows_is_refused_with_its_name_and_what_was_meant(ledger: Ledger) -> None:
    append_decisions(ledger, decided(an_ad(1)))
    end = ledger.end()
    labels = [a_label(an_ad(1)), a_label(an_ad(1), policy="gambing"), a_label(an_ad(2), policy="x")]
    with pytest.raises(InvalidInput) as refused:
        bring(ledger, labels, "platform", minutes(9), policies=NAMES)
    assert [(one.field, one.value, one.expected) for one in refused.value.mistakes] == [
        ("labels[1].policy", "gambing", "a policy of the policy files: one of deceptive, gambling (did you mean gambling?)"),
        ("labels[2].ad_id", "ad-2", "an ad that was decided here"),
        ("labels[2].policy", "x", "a policy of the policy files: one of deceptive, gambling"),
    ]
    assert ledger.end() == end


@pytest.mark.parametrize("policies", [NAMES, None])
def test_a_label_about_a_known_policy_is_recorded_and_any_where_none_is_told(ledger: Ledger, policies: tuple[str, ...] | None) -> None:
    append_decisions(ledger, decided(an_ad(1)))
    policy = "gambling" if policies else "of_their_own"
    [entry_id] = bring(ledger, [a_label(an_ad(1), policy=policy)], "platform", minutes(9), policies=policies)
    body = ledger.find(entry_id).body
    assert body is not None
    assert body.kind == "label"
