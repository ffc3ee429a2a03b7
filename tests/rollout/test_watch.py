"""What the watcher sees of both arms, and what it does about it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from adverdict.domain.verdict import Verdict
from adverdict.ledger.history import end_of
from adverdict.ledger.in_force.rollouts import rollouts_now
from adverdict.ledger.leases import lease
from adverdict.ledger.store import Ledger
from adverdict.rollout.stages import steps
from adverdict.rollout.stages.evidence import gather
from adverdict.rollout.stages.watch import look, watch
from tests.rollout.rolling import WHEN, audited, decide, of_side, read, started

SOON, LATER = WHEN + timedelta(minutes=30), WHEN + timedelta(hours=2)


@pytest.fixture
def ledger(tmp_path: Path, empty_ledger: Path) -> Iterator[Ledger]:
    """On one database: what is asked here is the same on both."""
    path = tmp_path / "ledger.db"
    shutil.copy(empty_ledger, path)
    opened = Ledger.open(f"sqlite:///{path}", create=False)
    yield opened
    opened.close()


def test_a_candidate_that_leaks_is_ended_with_the_figures_on_record(ledger: Ledger) -> None:
    its_id = started(ledger)
    for number, advertiser in enumerate(of_side("candidate", 20)):
        audited(ledger, its_id, advertiser, violates=number % 3 == 0)
    for advertiser in of_side("control", 20):
        audited(ledger, its_id, advertiser)
    [told] = watch(ledger, "one", lambda: SOON)
    assert "aborted" in told
    one = rollouts_now(ledger)[its_id]
    assert one.aborted is not None
    _, aborted = one.aborted
    assert (one.state, aborted.by) == ("aborted", "guard")
    assert aborted.guard in ("leakage:deceptive", "worse")
    figures = aborted.evidence["guards"]["leakage:deceptive"]  # type: ignore[index,call-overload]
    assert (figures["units"], figures["errors"]) == (20, 7)  # type: ignore[index,call-overload]
    again = look(ledger, one, SOON, until=aborted.evidence["as_of_seq"])  # type: ignore[arg-type]
    assert again.told() == aborted.evidence, "what was on record then can be computed again"


def test_a_candidate_that_is_shown_to_keep_its_limit_goes_on_and_one_that_is_not_waits_for_a_person(ledger: Ledger) -> None:
    its_id = started(ledger)
    for advertiser in of_side("candidate", 60):
        audited(ledger, its_id, advertiser)
    for advertiser in of_side("control", 60):
        decide(ledger, its_id, advertiser, Verdict.REVIEW)
    seen = look(ledger, rollouts_now(ledger)[its_id], LATER)
    assert len(seen.waits_for) == 1
    assert "leakage:deceptive is not shown to be under 2" in seen.waits_for[0]
    assert watch(ledger, "one", lambda: LATER) == []
    for advertiser in of_side("candidate", 260)[60:]:
        audited(ledger, its_id, advertiser)
    for advertiser in of_side("control", 260)[60:]:
        decide(ledger, its_id, advertiser, Verdict.REVIEW)
    assert watch(ledger, "one", lambda: SOON) == [], "it lasts at least an hour"
    assert watch(ledger, "one", lambda: LATER) == [f"{its_id}: stage full"]
    assert rollouts_now(ledger)[its_id].stage.evidence["decisions"] == 520  # type: ignore[union-attr]


def test_nothing_advances_on_no_evidence_at_all(ledger: Ledger) -> None:
    its_id = started(ledger)
    assert look(ledger, rollouts_now(ledger)[its_id], LATER).waits_for == ("the candidate has decided nothing yet",)
    assert watch(ledger, "one", lambda: LATER) == []


def test_only_the_first_settled_audit_of_each_advertiser_counts(ledger: Ledger) -> None:
    its_id = started(ledger)
    [advertiser] = of_side("candidate", 1)
    for number in range(5):
        audited(ledger, its_id, advertiser, violates=number == 0, number=number)
    seen = look(ledger, rollouts_now(ledger)[its_id], SOON)
    assert [(one.units, one.errors) for one in seen.looks if one.guard.kind == "leakage"] == [(1, 1)]


def test_audits_that_nobody_has_settled_count_for_nothing_and_hold_back(ledger: Ledger) -> None:
    its_id = started(ledger)
    waiting = [decide(ledger, its_id, advertiser) for advertiser in of_side("candidate", 3)]
    read(ledger, waiting[0], violates=True)
    seen = look(ledger, rollouts_now(ledger)[its_id], LATER)
    assert (len(seen.trial.settled), seen.trial.unsettled) == (1, 2)
    assert any("2 of 3 audits are not settled" in why for why in seen.waits_for)


def test_advertisers_whose_creatives_are_in_both_arms_are_left_out_and_counted(ledger: Ledger) -> None:
    its_id = started(ledger)
    for arm in ("candidate", "control"):
        audited(ledger, its_id, of_side(arm, 1)[0], violates=True, creative_id="cr-shared")
    with ledger.look() as connection:
        trial = gather(connection, its_id)
    assert (trial.crossed, len(trial.settled), len(trial.first_ads)) == (2, 0, 0)


def test_arms_that_are_not_of_one_size_are_not_compared(ledger: Ledger) -> None:
    its_id = started(ledger)
    for advertiser in of_side("candidate", 60):
        decide(ledger, its_id, advertiser, Verdict.REVIEW)
    [told] = watch(ledger, "one", lambda: SOON)
    assert "paused: the arms do not have as many advertisers as they should" in told
    assert watch(ledger, "one", lambda: LATER) == [], "said once"


def test_a_lease_goes_on_while_somebody_watches_and_ends_by_itself_when_nobody_does(ledger: Ledger) -> None:
    its_id = started(ledger)
    first = rollouts_now(ledger)[its_id].until
    watch(ledger, "one", lambda: SOON)
    assert rollouts_now(ledger)[its_id].until == first, "it is long enough"
    watch(ledger, "one", lambda: LATER)
    assert rollouts_now(ledger)[its_id].until == LATER + steps.LEASE
    over = LATER + steps.LEASE
    assert watch(ledger, "one", lambda: over) == []
    assert rollouts_now(ledger)[its_id].until == over, "what has ended is a person's to begin anew"
    assert any("lease has run out" in why for why in look(ledger, rollouts_now(ledger)[its_id], over).waits_for)


def test_one_watcher_at_a_time_does_the_work(ledger: Ledger) -> None:
    its_id = started(ledger)
    for advertiser in of_side("candidate", 20):
        audited(ledger, its_id, advertiser, violates=True)
    with ledger.look() as connection:
        before = end_of(connection)
    with ledger.change() as connection:
        assert lease(connection, "rollouts", "another", SOON, timedelta(minutes=3))
    assert watch(ledger, "one", lambda: SOON) == []
    with ledger.look() as connection:
        assert end_of(connection) == before
    assert len(watch(ledger, "another", lambda: SOON)) == 1


def test_what_was_predicted_is_held_against_what_came_of_it(ledger: Ledger) -> None:
    """Predicted: 1 to 3 points fewer to people. The candidate sends a quarter of its advertisers there, the control half."""
    its_id = started(ledger)
    for arm, every in (("candidate", 4), ("control", 2)):
        for number, advertiser in enumerate(of_side(arm, 200)):
            decide(ledger, its_id, advertiser, Verdict.REVIEW if number % every == 0 else Verdict.APPROVE)
    told = look(ledger, rollouts_now(ledger)[its_id], SOON).told()["predicted"]
    assert isinstance(told, dict)
    assert (told["realised"], told["agree"]) == (-0.25, False)
    assert told["low"] < -0.25 < told["high"] < -0.1  # type: ignore[operator]


def test_whoever_watches_is_told_what_every_guard_says(ledger: Ledger) -> None:
    its_id = started(ledger)
    seen: list[str] = []
    watch(ledger, "one", lambda: SOON, tell=lambda found: seen.extend(look.guard.name for one in found for look in one.looks))
    assert seen == ["leakage:deceptive", "worse", "load"]
    assert rollouts_now(ledger)[its_id].on
