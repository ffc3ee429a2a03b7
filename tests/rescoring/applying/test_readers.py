"""Whoever reads decisions knows of steps and of their withdrawal."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from adverdict.domain.ad import Ad
from adverdict.domain.decision import Decision
from adverdict.domain.errors import NotFound
from adverdict.ledger import steps
from adverdict.ledger.entries import DecisionMade
from adverdict.ledger.erase import erase
from adverdict.ledger.history import LedgerHistory, forget, found
from adverdict.ledger.store import Ledger
from adverdict.ledger.verify import verify
from adverdict.review.labels.export import export
from adverdict.review.period import Period
from adverdict.review.quality.readings import audited
from adverdict.review.reasons.statement import statement
from adverdict.review.reasons.statements import statements
from adverdict.review.reasons.transparency import transparency
from adverdict.scoring.known import HistorySnapshot
from adverdict.scoring.replay import replay
from adverdict.scoring.scorer import Scorer
from adverdict.serving.console.decisions import record
from adverdict.serving.console.decisions.filters import DecisionFilter
from adverdict.serving.console.decisions.listing import look
from adverdict.serving.console.tasks.advertiser import past
from adverdict.storage.tables.pack import read_ads
from tests.ledger.made import minutes
from tests.rescoring.applying.world import APPROVE, AS_OF, BOOK, REJECT, REVIEW, World, live_ad
from tests.scoring.fakes import FakeModel


def figures(ledger: Ledger) -> dict[str, float]:
    return {one.measure: one.value for one in transparency(ledger).figures if one.market is None and one.policy is None}


def decisions(ledger: Ledger, step: str) -> list[DecisionMade]:
    bodies = [entry.body for entry in ledger.read(kinds=["decision"])]
    return [body for body in bodies if isinstance(body, DecisionMade) and body.step == step]


def test_a_withdrawn_decision_is_none_of_the_period(world: World) -> None:
    world.decide({1: APPROVE, 2: APPROVE})
    step = world.apply(world.run({1: REJECT, 2: REJECT, 3: REJECT})).step
    told = figures(world.ledger)
    assert (told["decided again"], told["decided: rejected"], told["rejected, fully automated"], told["statements of reasons"]) == (
        2,
        1,
        3,
        3,
    )
    world.undo(step)
    told = figures(world.ledger)
    assert {"decided again", "decided: rejected", "rejected, fully automated", "statements of reasons"}.isdisjoint(told)
    assert told["decided by rescoring, and withdrawn since"] == 3
    assert (told["rescorings applied"], told["rescorings withdrawn"]) == (1, 1)


def test_a_rejection_after_one_that_was_withdrawn_is_the_first(world: World) -> None:
    world.decide({1: APPROVE})
    world.undo(world.apply(world.run({1: REJECT})).step)
    world.decide({1: REJECT})
    assert figures(world.ledger)["rejected, fully automated"] == 1
    assert len(list(statements(world.ledger, lambda _: BOOK))) == 1


@pytest.mark.parametrize("answered_first", [True, False])
def test_a_statement_is_owed_as_long_as_something_rejects_the_ad(world: World, answered_first: bool) -> None:
    step = world.apply(world.run({1: REJECT})).step
    made = decisions(world.ledger, step)[0]
    (stated,) = statements(world.ledger, lambda _: BOOK)
    assert stated.application_date == made.decision.decided_at.date()
    world.desk.appeal(made)
    if answered_first:
        world.desk.say("rita", "reject")
        world.undo(step)
    else:
        world.undo(step)
        assert list(statements(world.ledger, lambda _: BOOK)) == []
        assert statement(world.ledger.about(made.decision.decision_id), BOOK) is None
        world.desk.say("rita", "reject")
    assert len(list(statements(world.ledger, lambda _: BOOK))) == 1, "a person upheld the rejection"


def test_audits_of_withdrawn_decisions_are_no_audits(world: World) -> None:
    step = world.apply(world.run({1: APPROVE, 2: APPROVE}, drawn=[0])).step
    assert sum(one.decisions for sides in audited(world.ledger, Period()).values() for one in sides.values()) == 4, "in two cells"
    world.undo(step)
    assert audited(world.ledger, Period()) == {}
    assert world.waiting() == {}


def test_what_people_said_of_a_withdrawn_decision_is_exported_and_its_draw_is_not_counted(world: World, tmp_path: Path) -> None:
    step = world.apply(world.run({1: REVIEW, 2: REVIEW})).step
    answered = world.desk.claim("rita")
    world.desk.give(answered, "reject")
    world.undo(step)
    done = export(world.ledger, tmp_path / "pack")
    assert (done.ads, done.labels, done.strata) == (2, 1, ())
    assert {ad.ad_id for ad in read_ads(tmp_path / "pack")} == {"ad-1", "ad-2"}
    assert json.loads((tmp_path / "pack" / "sampling.json").read_text())["strata"] == []


def test_the_console_shows_step_withdrawal_and_what_stands_instead(world: World) -> None:
    made = world.decide({1: APPROVE})[1].decision.decision_id
    step = world.apply(world.run({1: REJECT})).step
    again = decisions(world.ledger, step)[0].decision.decision_id
    with world.ledger.look() as connection:
        before, after = record.record(connection, made), record.record(connection, again)
        assert past(connection, live_ad(9)).by_model == {"approve": 1, "reject": 1}
    assert (before.later, after.later, after.made.step, after.withdrawn) == (again, None, step, None)
    world.undo(step)
    with world.ledger.look() as connection:
        before, after = record.record(connection, made), record.record(connection, again)
        listed = {one.decision_id: one.withdrawn for one in look(connection, DecisionFilter()).decisions}
        assert past(connection, live_ad(9)).by_model == {"approve": 1}
    assert (before.later, after.later) == (None, made)
    assert after.withdrawn is not None
    assert after.withdrawn.why == "too many"
    assert [event.what for event in after.history][1:] == ["Withdrawn with its rescoring step"]
    assert listed == {made: False, again: True}


def test_erasing_an_advertiser_takes_what_a_step_decided_and_leaves_the_step(world: World) -> None:
    world.decide({1: APPROVE, 2: APPROVE}, advertiser_id="adv-8")
    folder = world.run([(live_ad(1, advertiser_id="adv-8"), REJECT), (live_ad(3), REJECT)])
    step = world.apply(folder).step
    erase(world.ledger, advertiser="adv-8", why="asked to", by="test", now=world.desk.clock(), forget=forget, rewrite=False)
    assert world.stands() == {3: ("reject", "model")}
    assert world.undo(step).decisions == 1
    assert world.stands() == {}
    assert verify(world.ledger).found == 0
    assert world.ledger.find(step).body is not None


def test_erasing_what_is_old_leaves_steps_readable(world: World) -> None:
    step = world.apply(world.run({1: REJECT})).step
    world.undo(step)
    erase(world.ledger, before=minutes(9000), why="retention", by="test", now=minutes(9001), rewrite=False)
    with world.ledger.look() as connection:
        assert steps.step(connection, step).run_id
        assert steps.withdrawal(connection, step) is not None
    assert verify(world.ledger).found == 0


def test_a_decision_that_a_step_records_first_is_a_submission(world: World) -> None:
    world.apply(world.run({1: REJECT, 2: REVIEW}))
    history = LedgerHistory(world.ledger)
    history.catch_up()
    rows = history.state.counts([live_ad(5, submitted_at=minutes(700))], ("deceptive",))
    assert rows.advertiser.ads_ever.tolist() == [2]


def test_applied_decisions_are_replayed_as_of_the_run(world: World) -> None:
    model = FakeModel(version="v2", policies=("deceptive", "gambling", "kids_unsuitable"))

    def rescored(ad: Ad, decision: Decision) -> Decision:
        known = HistorySnapshot(LedgerHistory(world.ledger).catch_up(0), 0)
        scorer = Scorer(model, BOOK, known=known, clock=lambda: decision.decided_at, ids=lambda: decision.decision_id)  # type: ignore[arg-type]
        return scorer.score([ad], as_of=AS_OF, explain="stopped")[0]

    world.remake = rescored
    world.decide({1: REVIEW})
    world.apply(world.run({1: APPROVE, 2: APPROVE}))
    again = replay(world.ledger, lambda version: _only(model, version))  # type: ignore[arg-type, return-value]
    assert (again.same, again.different, again.differences) == (2, 0, [])


def test_replaying_skips_what_knew_a_history_that_is_not_kept_and_says_why(world: World) -> None:
    model = FakeModel(version="v2")
    world.apply(world.run({1: REJECT, 2: REJECT}, history="folder"))
    again = replay(world.ledger, lambda version: _only(model, version))  # type: ignore[arg-type, return-value]
    assert (again.same, again.different) == (0, 0)
    assert again.skipped == {"the history it knew was a folder's, which the ledger does not keep": 2}


@pytest.mark.parametrize(("by", "kept"), [("v2", True), ("v9", False)])
def test_a_history_that_began_with_its_models_own_is_kept_once_the_ledger_is_founded_on_that(world: World, by: str, kept: bool) -> None:
    world.decide({1: APPROVE})
    step = world.apply(world.run({1: REJECT})).step
    made = decisions(world.ledger, step)[0]
    steps.refuse_lost_history(world.ledger, made)
    found(world.ledger, None, by, minutes(600))
    if kept:
        steps.refuse_lost_history(world.ledger, made)
    else:
        with pytest.raises(NotFound, match="founded on another one's since"):
            steps.refuse_lost_history(world.ledger, made)


def _only(model: FakeModel, version: str) -> FakeModel:
    if version != model.version:
        raise NotFound(f"no bundle {version}")
    return model


def test_decisions_that_knew_a_folder_s_history_are_not_replayed(world: World) -> None:
    step = world.apply(world.run({1: REJECT}, history="folder")).step
    made = decisions(world.ledger, step)[0]
    with pytest.raises(NotFound, match="a folder's, which the ledger does not keep"):
        steps.refuse_lost_history(world.ledger, made)
    other = world.apply(world.run({2: REJECT}, name="other")).step
    steps.refuse_lost_history(world.ledger, decisions(world.ledger, other)[0])
