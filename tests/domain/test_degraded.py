"""Causes and their text on record."""

from __future__ import annotations

import pytest

from adverdict.domain.degraded import Cause, Degradation, degradations


@pytest.mark.parametrize("about", [None, "", "3", "a:b"])
@pytest.mark.parametrize("cause", Cause)
def test_the_text_on_record_reads_as_what_it_was_written_from(cause: Cause, about: str | None) -> None:
    assert degradations([str(Degradation(cause, about))]) == (Degradation(cause, about),)


def test_recorded_causes_are_the_words_that_ledgers_and_dashboards_hold() -> None:
    assert [cause.value for cause in Cause] == [
        *("no_model", "deadline", "registry_unreachable", "champion_not_found", "certificates_refused", "bundle_refused"),
        *("unknown_market", "no_usable_threshold", "no_policy_in_force", "unknown_policy", "no_risk", "hold"),
        *("thresholds_not_solved", "uncertified", "certificate_expired", "certificate_revoked", "licence_unknown", "unfamiliar"),
        "arm_missing",
        "arm_failed",
        *("clock_behind", "ledger_replaced", "ledger_unwritable"),
        "probing",
        "copy_rejected",
        "strikes",
        "brake",
    ]
    assert str(Degradation(Cause.BUNDLE_REFUSED, "3")) == "bundle_refused:3"


def test_a_cause_of_another_version_is_left_out() -> None:
    assert degradations(["from_tomorrow:x", "no_model"]) == (Degradation(Cause.NO_MODEL),)
