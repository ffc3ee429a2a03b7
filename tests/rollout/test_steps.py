"""What may be done to a roll-out, when, and by whom."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy.exc import IntegrityError

from adverdict.decisions.rollout import Plan, Stage
from adverdict.domain.errors import AdverdictError, Conflict, InvalidInput
from adverdict.domain.verdict import Verdict
from adverdict.ledger.in_force.policy_sets import put_first
from adverdict.ledger.in_force.rollouts import rollouts_now
from adverdict.ledger.schema import tasks
from adverdict.ledger.store import Ledger, Writing
from adverdict.ledger.verify import verify
from adverdict.rollout.stages import steps
from adverdict.rollout.stages.freezes import Freeze, read_freezes
from adverdict.rollout.stages.plans import PLANS, read_plan
from tests.rollout.rolling import BASE, CANDIDATE, FILES, WHEN, decide, of_side, proposed, started

LATER = WHEN + timedelta(hours=2)


def done(ledger: Ledger, step: Callable[[Writing], object]) -> object:
    with ledger.write() as writing:
        return step(writing)


def test_a_candidate_comes_into_force_stage_by_stage(ledger: Ledger) -> None:
    its_id = started(ledger)
    for name in ("full", "done"):
        entered = done(ledger, lambda writing: steps.advance(writing, its_id, "looks well", "olga", LATER))
        assert entered.name == name  # type: ignore[attr-defined]
    told = rollouts_now(ledger)
    assert (told.policies, told[its_id].state, told.put[-1][1].rollout) == (CANDIDATE.hash, "done", its_id)
    assert verify(ledger).found == 0


def test_a_plan_that_is_immediate_is_in_force_when_it_is_started(ledger: Ledger) -> None:
    its_id = started(ledger, plan=PLANS["immediate"])
    told = rollouts_now(ledger)
    assert (told.policies, told[its_id].state) == (CANDIDATE.hash, "done")


REFUSALS: list[tuple[Callable[[Writing, str], object], type[AdverdictError], str]] = [
    (lambda writing, its_id: steps.advance(writing, its_id, "go", "olga", WHEN), Conflict, "has to be signed for policy first"),
    (lambda writing, its_id: steps.advance(writing, its_id, " ", "olga", WHEN), InvalidInput, "a reason"),
    (lambda writing, its_id: steps.sign(writing, its_id, "policy", True, "mine", "petra", WHEN), Conflict, "somebody else has to sign"),
    (lambda writing, its_id: steps.sign(writing, its_id, "boss", True, "", "olga", WHEN), InvalidInput, "one of policy, operations"),
    (lambda writing, its_id: steps.pause(writing, its_id, "wait", "olga", WHEN), Conflict, "is proposed"),
    (lambda writing, its_id: steps.resume(writing, its_id, "go on", "olga", WHEN), Conflict, "not paused"),
    (lambda writing, its_id: steps.advance(writing, "rol-0", "go", "olga", WHEN), AdverdictError, "there is no roll-out"),
]


@pytest.mark.parametrize(("step", "error", "words"), REFUSALS)
def test_what_may_not_be_done_is_refused_in_words(
    ledger: Ledger, step: Callable[[Writing, str], object], error: type[AdverdictError], words: str
) -> None:
    its_id = proposed(ledger)
    with pytest.raises(error, match=words), ledger.write() as writing:
        step(writing, its_id)
    assert rollouts_now(ledger)[its_id].state == "proposed"


def test_whoever_refuses_stops_it_until_they_agree(ledger: Ledger) -> None:
    its_id = proposed(ledger)
    done(ledger, lambda writing: steps.sign(writing, its_id, "policy", False, "too bold", "olga", WHEN))
    with pytest.raises(Conflict, match="too bold"), ledger.write() as writing:
        steps.advance(writing, its_id, "go", "olga", WHEN)
    done(ledger, lambda writing: steps.sign(writing, its_id, "policy", True, "seen the figures", "olga", WHEN))
    done(ledger, lambda writing: steps.advance(writing, its_id, "go", "olga", WHEN))
    assert rollouts_now(ledger)[its_id].state == "under way"


def test_a_signature_is_on_the_exact_proposal(ledger: Ledger) -> None:
    its_id = proposed(ledger)
    other = proposed(ledger, why="another reason")
    assert its_id != other
    done(ledger, lambda writing: steps.sign(writing, its_id, "policy", True, "fine", "olga", WHEN))
    with pytest.raises(Conflict, match="has to be signed"), ledger.write() as writing:
        steps.advance(writing, other, "go", "olga", WHEN)


def test_one_roll_out_a_market(ledger: Ledger) -> None:
    started(ledger)
    other = proposed(ledger, why="another", markets=())
    done(ledger, lambda writing: steps.sign(writing, other, "policy", True, "fine", "olga", WHEN))
    with pytest.raises(Conflict, match="one at a time"), ledger.write() as writing:
        steps.advance(writing, other, "go", "olga", WHEN)


def test_what_was_proposed_in_place_of_another_set_has_to_be_proposed_anew(ledger: Ledger) -> None:
    put_first(ledger, CANDIDATE, FILES, WHEN)
    with pytest.raises(Conflict, match="propose it anew"):
        proposed(ledger)
    assert BASE.hash != CANDIDATE.hash


def test_nothing_advances_while_paused_or_frozen_or_once_the_lease_is_over_but_an_abort_does(ledger: Ledger) -> None:
    its_id = started(ledger)
    black_week = Freeze(name="Black week", since=WHEN, until=WHEN + timedelta(days=7), markets=("SE",))
    with pytest.raises(Conflict, match="during Black week"), ledger.write() as writing:
        steps.advance(writing, its_id, "go", "olga", LATER, freezes=[black_week])
    done(ledger, lambda writing: steps.pause(writing, its_id, "a holiday", "olga", LATER))
    with pytest.raises(Conflict, match="is paused by olga"), ledger.write() as writing:
        steps.advance(writing, its_id, "go", "olga", LATER)
    done(ledger, lambda writing: steps.resume(writing, its_id, "it is over", "olga", LATER))
    over = WHEN + steps.LEASE
    with pytest.raises(Conflict, match="the lease of"), ledger.write() as writing:
        steps.renew(writing, its_id, "guard", over)
    with pytest.raises(Conflict, match="the lease of"), ledger.write() as writing:
        steps.advance(writing, its_id, "go", "olga", over)
    done(ledger, lambda writing: steps.resume(writing, its_id, "the watcher is back", "olga", over))
    assert rollouts_now(ledger)[its_id].until == over + steps.LEASE
    done(ledger, lambda writing: steps.abort(writing, its_id, "enough", "olga", over))
    assert rollouts_now(ledger)[its_id].state == "aborted"
    with pytest.raises(Conflict, match="is aborted"), ledger.write() as writing:
        steps.abort(writing, its_id, "again", "olga", over)


def test_a_stage_is_entered_once_whoever_asks(ledger: Ledger) -> None:
    its_id = started(ledger)
    done(ledger, lambda writing: steps.advance(writing, its_id, "go", "olga", LATER, expected=1))
    with pytest.raises((Conflict, IntegrityError)), ledger.write() as writing:
        steps.advance(writing, its_id, "go", "guard", LATER, expected=1)
    assert [entered.number for _, entered in rollouts_now(ledger)[its_id].entered] == [0, 1]


def test_audits_of_both_arms_are_due_within_hours(ledger: Ledger) -> None:
    its_id = started(ledger)
    for arm in ("candidate", "control"):
        decide(ledger, its_id, of_side(arm, 1)[0], Verdict.APPROVE)
    with ledger.look() as connection:
        rows = connection.execute(tasks.select()).all()
    assert {(row.kind, (row.due_at - row.opened_at) / 3.6e9) for row in rows} == {("audit", 4.0)}


PLAN_FILE = """
name: ours
stages:
  - {name: canary, share: 0.1, audit_share: 0.5, needs: [legal]}
  - {name: full, share: 1, holdout: 0.02}
"""


def test_a_plan_may_be_a_file(tmp_path: Path) -> None:
    (tmp_path / "plan.yaml").write_text(PLAN_FILE)
    plan = read_plan(str(tmp_path / "plan.yaml"))
    assert plan == Plan(
        name="ours",
        stages=(Stage(name="canary", share=0.1, audit_share=0.5, needs=("legal",)), Stage(name="full", share=1.0, holdout=0.02)),
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name: x\nstages: [{name: a, share: 0.7}]", ["at most 0.5", "a last stage with a share of 1"]),
        ("name: x\nstages: [{name: a, share: 0.5}, {name: a, share: 0.1}]", ["at least that of the stage before", "another name"]),
        ("name: x\nstages: [{name: a, shares: 1}]", ["stages\\[0\\].share", "no such field"]),
        ("name: x\nstages: [{name: a, share: 1, needs: [boss]}]", ["one of 'policy'"]),
        ("- : [", ["YAML in UTF-8"]),
    ],
)
def test_a_plan_that_cannot_be_followed_is_refused_with_all_that_is_wrong(tmp_path: Path, text: str, words: list[str]) -> None:
    (tmp_path / "plan.yaml").write_text(text)
    for word in words:
        with pytest.raises(InvalidInput, match=word):
            read_plan(str(tmp_path / "plan.yaml"))


def test_a_calendar_names_the_windows_in_which_nothing_advances(tmp_path: Path) -> None:
    path = tmp_path / "calendar.yaml"
    path.write_text("freezes: [{name: Black week, from: 2026-11-23T00:00Z, until: 2026-12-01T00:00Z, markets: [SE]}]")
    [freeze] = read_freezes(path)
    assert freeze.holds(freeze.since, ("SE", "BR"))
    assert not freeze.holds(freeze.until, ("SE",))
    assert not freeze.holds(freeze.since, ("BR",))
    path.write_text("freezes: [{name: x, from: 2026-12-01T00:00Z, until: 2026-11-23T00:00Z}]")
    with pytest.raises(InvalidInput, match="after from"):
        read_freezes(path)
    path.write_text("freezes: [{name: x, from: tomorrow, until: 2026-11-23T00:00Z}]")
    with pytest.raises(InvalidInput, match="a date and time with a time zone"):
        read_freezes(path)


def test_in_an_emergency_a_severe_policy_begins_unsigned_and_during_a_freeze_and_ends_by_itself_without_a_second_name(
    ledger: Ledger,
) -> None:
    frozen = (Freeze(name="sale", since=WHEN - timedelta(days=1), until=WHEN + timedelta(days=9)),)  # type: ignore[call-arg]
    its_id = proposed(ledger, severe=("deceptive",))

    def enter(at: timedelta, emergency: bool = True) -> object:
        return done(ledger, lambda writing: steps.advance(writing, its_id, "now", "petra", WHEN + at, freezes=frozen, emergency=emergency))

    with pytest.raises(Conflict, match="has to be signed for policy first"):
        enter(timedelta(0), emergency=False)
    assert enter(timedelta(0)).emergency is True  # type: ignore[attr-defined]
    with pytest.raises(Conflict, match="a second person has not signed"):
        enter(timedelta(hours=2))
    for hours in range(2, 24, 2):
        done(ledger, lambda writing, hours=hours: steps.renew(writing, its_id, "guard", WHEN + timedelta(hours=hours)))  # type: ignore[misc]
    assert rollouts_now(ledger)[its_id].until == WHEN + timedelta(hours=24), "no longer than a second name may be missing"
    with pytest.raises(Conflict, match="a second person has not signed"):
        done(ledger, lambda writing: steps.resume(writing, its_id, "go on", "petra", WHEN + timedelta(hours=25)))
    done(ledger, lambda writing: steps.sign(writing, its_id, "policy", True, "seen it", "olga", WHEN + timedelta(hours=25)))
    done(ledger, lambda writing: steps.resume(writing, its_id, "go on", "petra", WHEN + timedelta(hours=25)))
    told = rollouts_now(ledger)[its_id]
    assert (told.until, told.second_name_until) == (WHEN + timedelta(hours=28), None)


def test_what_changes_no_severe_policy_is_no_emergency(ledger: Ledger) -> None:
    its_id = proposed(ledger)
    with pytest.raises(Conflict, match="changes no severe policy"), ledger.write() as writing:
        steps.advance(writing, its_id, "now", "petra", WHEN, emergency=True)


def test_a_plan_that_is_immediate_is_a_lease_in_an_emergency_until_a_second_person_signs(ledger: Ledger) -> None:
    its_id = proposed(ledger, plan=PLANS["immediate"], severe=("deceptive",))
    done(ledger, lambda writing: steps.advance(writing, its_id, "now", "petra", WHEN, emergency=True))
    told = rollouts_now(ledger)
    assert (told.policies, told[its_id].state, told[its_id].until) == (BASE.hash, "under way", WHEN + steps.LEASE)
    done(ledger, lambda writing: steps.sign(writing, its_id, "policy", True, "seen it", "olga", LATER))
    done(ledger, lambda writing: steps.advance(writing, its_id, "signed", "olga", LATER))
    assert rollouts_now(ledger).policies == CANDIDATE.hash
