"""A rescoring goes on record once, judged by what stands at that moment."""

from __future__ import annotations

import threading
from collections import Counter
from typing import Any

import pytest

from adverdict.decisions.steering import BrakeSide
from adverdict.domain.errors import InvalidInput, Unavailable
from adverdict.ledger.entries import DecisionMade, Rescored
from adverdict.ledger.in_force.steering import brake
from adverdict.ledger.store import Ledger
from adverdict.ledger.verify import verify
from adverdict.rescoring.applying import apply as applying
from adverdict.rescoring.applying.apply import Change
from adverdict.rescoring.applying.judging import SkipReason
from adverdict.rescoring.diff.diff import diff
from adverdict.rescoring.diff.record import LedgerRecord
from adverdict.storage.tables.pack import write_ads
from adverdict.workforce.handling import HandlingTimes
from tests.ledger.made import braked, minutes
from tests.rescoring.applying.world import APPROVE, BOOK, REJECT, REVIEW, World, live_ad


def of_steps(ledger: Ledger) -> list[DecisionMade]:
    bodies = [entry.body for entry in ledger.read(kinds=["decision"])]
    return [body for body in bodies if isinstance(body, DecisionMade) and body.step]


def test_only_what_changes_the_standing_is_written(world: World) -> None:
    world.decide({1: APPROVE, 2: APPROVE, 3: REJECT, 4: REVIEW})
    done = world.apply(world.run({1: APPROVE, 2: REJECT, 3: REVIEW, 4: APPROVE, 5: REVIEW}))
    assert done.changes == {
        Change("SE", APPROVE, REJECT): 1,
        Change("DE", REJECT, REVIEW): 1,
        Change("SE", REVIEW, APPROVE): 1,
        Change("DE", None, REVIEW): 1,
    }
    assert done.left == {SkipReason.UNCHANGED: 1}
    assert world.stands() == {n: (v, "model") for n, v in {1: "approve", 2: "reject", 3: "review", 4: "approve", 5: "review"}.items()}
    assert verify(world.ledger).found == 0


def test_decisions_come_as_they_were_made_and_name_the_step(world: World) -> None:
    world.decide({1: APPROVE})
    folder = world.run({1: REJECT, 2: REVIEW})
    done = world.apply(folder)
    again, first = sorted(of_steps(world.ledger), key=lambda one: one.ad.ad_id)
    assert (again.step, again.first, first.first) == (done.step, False, True)
    assert again.decision.as_of == folder.run.as_of
    assert again.decision.decided_at == folder.run.started_at
    assert again.thresholds == folder.run.thresholds
    told = world.ledger.find(done.step).body
    assert isinstance(told, Rescored)
    assert (told.run_id, told.bundle_version, told.policy_hash, told.history.kind) == (folder.run.run_id, "v2", BOOK.hash, "ledger")
    assert world.ledger.recall("policies", BOOK.hash)
    assert world.ledger.recall("thresholds", folder.run.thresholds)


@pytest.mark.parametrize("name", ["verdict=approve", "market=XX", "ad_id=ad-9"])
def test_a_folder_above_says_nothing_of_the_decisions_in_it(world: World, name: str) -> None:
    """Engines that read folders as columns would take the folder's word for the file's."""
    world.decide({1: APPROVE, 3: APPROVE})
    done = world.apply(world.run({1: REJECT, 3: REJECT}, name=name), "DE")
    assert (done.changes, done.refused) == ({Change("DE", APPROVE, REJECT): 2}, {})


def test_ads_that_most_people_see_come_first_and_those_of_unknown_reach_last(world: World) -> None:
    unknown = live_ad(9, impressions=None)
    world.apply(world.run([(live_ad(1), REJECT), (unknown, REJECT), (live_ad(3), REJECT), (live_ad(2), REJECT)]))
    assert [one.ad.ad_id for one in of_steps(world.ledger)] == ["ad-3", "ad-2", "ad-1", "ad-9"]


def test_applying_again_changes_nothing(world: World) -> None:
    folder = world.run(dict.fromkeys(range(1, 10), REVIEW))
    world.apply(folder)
    before, tasks = world.ledger.end(), world.tasks()
    done = world.apply(folder)
    assert (world.ledger.end(), world.tasks()) == (before, tasks)
    assert (done.applied, done.in_step, done.left) == (0, 9, {SkipReason.APPLIED: 9})


def test_a_higher_max_goes_on_from_where_the_step_stopped(world: World) -> None:
    folder = world.run(dict.fromkeys(range(1, 8), REJECT))
    first = world.apply(folder, most=2)
    assert (first.applied, first.left) == (2, {SkipReason.MORE: 5})
    assert world.apply(folder, most=2).applied == 0
    more = world.apply(folder, most=5)
    assert (more.step, more.applied, more.in_step) == (first.step, 3, 5)
    assert [one.ad.ad_id for one in of_steps(world.ledger)] == ["ad-7", "ad-6", "ad-5", "ad-4", "ad-3"]
    assert world.apply(folder).applied == 2


def test_a_market_and_a_verdict_choose_and_make_another_step(world: World) -> None:
    folder = world.run({1: REJECT, 2: REJECT, 3: REVIEW, 4: REVIEW})
    german = world.apply(folder, "DE")
    assert german.changes == {Change("DE", None, REJECT): 1, Change("DE", None, REVIEW): 1}
    rejected = world.apply(folder, only=REJECT)
    assert rejected.changes == {Change("SE", None, REJECT): 1}
    assert rejected.left == {SkipReason.APPLIED: 1}
    assert len({german.step, rejected.step, world.apply(folder).step}) == 3


def test_a_market_that_the_run_did_not_decide_is_a_mistake(world: World) -> None:
    folder = world.run({1: REJECT, 2: REJECT})
    with pytest.raises(InvalidInput, match=r"--market = 'XX'; expected one that the run decided: DE, SE"):
        world.apply(folder, "DE", "XX")
    assert world.ledger.end()[0] == 0


def test_what_a_person_decided_stays(world: World) -> None:
    made = world.decide({1: REVIEW, 2: APPROVE})
    world.desk.say("rita", "approve")
    done = world.apply(world.run({1: REJECT, 2: REJECT}))
    assert done.left == {SkipReason.PERSON: 1}
    assert world.stands() == {1: ("approve", "person"), 2: ("reject", "model")}
    assert made[1].decision.verdict is REVIEW


def test_an_upheld_rejection_is_a_persons_verdict(world: World) -> None:
    made = world.decide({1: REJECT})
    world.desk.appeal(made[1])
    world.desk.say("rita", "reject")
    assert world.apply(world.run({1: APPROVE})).left == {SkipReason.PERSON: 1}
    assert world.stands() == {1: ("reject", "person")}


def test_an_ad_whose_appeal_is_being_read_is_left_to_its_reader(world: World) -> None:
    world.desk.appeal(world.decide({1: REJECT})[1])
    assert world.apply(world.run({1: APPROVE})).left == {SkipReason.APPEAL: 1}


def test_a_newer_version_of_the_ad_is_not_judged_by_an_older_one(world: World) -> None:
    old, new = live_ad(1), live_ad(1, submitted_at=minutes(300))
    world.decide({1: APPROVE}, submitted_at=minutes(300))
    assert world.apply(world.run([(old, REJECT)])).left == {SkipReason.NEWER: 1}
    done = world.apply(world.run([(live_ad(3), REJECT), (live_ad(3, submitted_at=minutes(300)), REVIEW)], name="two"))
    assert (done.changes, done.left) == ({Change("DE", None, REVIEW): 1}, {SkipReason.OLDER: 1})
    assert new.submitted_at > old.submitted_at


def test_what_was_missing_never_frees_an_ad(world: World) -> None:
    world.decide({1: REJECT, 2: REVIEW, 3: APPROVE, 4: REJECT})
    verdicts = {1: APPROVE, 2: REJECT, 3: REVIEW, 4: REVIEW, 5: APPROVE, 6: REVIEW}
    done = world.apply(world.run(verdicts, degraded=range(6)))
    assert done.left == {SkipReason.DEGRADED: 3}
    assert {n: verdict for n, (verdict, _) in world.stands().items()} == {1: "reject", 2: "reject", 3: "review", 4: "reject", 6: "review"}


def test_reviews_of_what_was_superseded_are_withdrawn_and_new_ones_opened(world: World) -> None:
    world.decide({1: REVIEW, 2: REVIEW, 3: APPROVE})
    done = world.apply(world.run({1: REJECT, 2: REVIEW, 3: REVIEW}))
    assert (done.opened, done.closed) == (1, 1)
    assert sorted(world.waiting().values()) == ["ad-2", "ad-3"]


def test_the_difference_counts_exactly_the_reviews_that_applying_opens_and_closes_of_ads_not_on_record_too(world: World) -> None:
    world.decide({1: APPROVE, 2: APPROVE, 3: REVIEW, 4: REVIEW, 5: REJECT, 6: REJECT, 7: REVIEW})
    folder = world.run(
        {1: REVIEW, 2: REJECT, 3: APPROVE, 4: REVIEW, 5: REVIEW, 6: APPROVE, 8: REVIEW, 10: REVIEW, 12: APPROVE}, degraded=[4]
    )
    before = Counter(task.market for task in world.tasks() if task.kind == "review")
    foreseen = {one.market: one for one in diff(folder, LedgerRecord.now(world.ledger), HandlingTimes()).reviews}
    done = world.apply(folder)
    after = Counter(task.market for task in world.tasks() if task.kind == "review")
    assert {market: one.all_opened for market, one in foreseen.items()} == {market: after[market] - before[market] for market in after}
    assert sum(one.closed for one in foreseen.values()) == done.closed == 1
    assert {market: one.first for market, one in foreseen.items()} == {"DE": 0, "SE": 2}


def test_audits_of_what_was_superseded_are_still_read(world: World) -> None:
    """Decisions that a better model corrects are wrong more often: without them every audit would flatter."""
    audited = world.desk.decide(APPROVE, audited=0.5, market="DE", impressions=1.0)
    assert world.apply(world.run([(audited.ad, REJECT)])).closed == 0
    assert list(world.waiting().values()) == [audited.ad.ad_id]


def test_a_drawn_decision_of_the_step_is_audited(world: World) -> None:
    assert world.apply(world.run({1: APPROVE, 2: APPROVE}, drawn=[1])).opened == 1
    assert [(task.kind, task.ad_id) for task in world.tasks()] == [("audit", "ad-2")]


def test_what_changed_since_the_record_was_read_counts(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.decide({1: REVIEW, 2: REVIEW, 3: APPROVE, 4: APPROVE})
    folder = world.run({1: REJECT, 2: REJECT, 3: REJECT, 4: REJECT})
    read = applying.Originals.read

    def meanwhile(self: Any, some: Any) -> Any:
        monkeypatch.setattr(applying.Originals, "read", read)
        world.desk.say("rita", "approve")
        world.desk.decided = 0
        world.decide({3: REJECT, 4: REVIEW})
        return read(self, some)

    monkeypatch.setattr(applying.Originals, "read", meanwhile)
    done = world.apply(folder)
    assert done.left == {SkipReason.PERSON: 1, SkipReason.UNCHANGED: 1}
    assert done.applied == 2
    assert {before for _, before, _ in done.changes} == {REVIEW}, "ad 4 has been left to people since"


def test_two_at_once_apply_everything_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(applying, "BATCH", 3)
    world.decide(dict.fromkeys(range(1, 25), APPROVE))
    folder = world.run(dict.fromkeys(range(1, 31), REVIEW))
    done, failed = [], []

    def work() -> None:
        try:
            done.append(world.apply(folder, most=20))
        except Exception as error:
            failed.append(error)

    both = [threading.Thread(target=work) for _ in range(2)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    assert failed == []
    assert sum(one.applied for one in done) == 20
    assert len({one.decision.decision_id for one in of_steps(world.ledger)}) == len(of_steps(world.ledger)) == 20
    assert len(list(world.ledger.read(kinds=["rescoring"]))) == 1
    assert len(world.tasks()) == 20
    assert verify(world.ledger).found == 0


@pytest.mark.parametrize("killed_in", [0, 1, 2, 3])
def test_whoever_is_killed_between_or_within_batches_goes_on(world: World, monkeypatch: pytest.MonkeyPatch, killed_in: int) -> None:
    monkeypatch.setattr(applying, "BATCH", 3)
    world.decide(dict.fromkeys(range(1, 9), REVIEW))
    folder = world.run(dict.fromkeys(range(1, 12), REJECT))
    whole, calls = applying.withdraw_superseded, []

    def killed(*told: Any) -> int:
        calls.append(1)
        if len(calls) > killed_in:
            raise KeyboardInterrupt
        return whole(*told)

    with monkeypatch.context() as patched:
        patched.setattr(applying, "withdraw_superseded", killed)
        with pytest.raises(KeyboardInterrupt):
            world.apply(folder)
    assert len(of_steps(world.ledger)) == 3 * killed_in, "what was begun is undone"
    world.apply(folder)
    assert sorted(one.ad.ad_id for one in of_steps(world.ledger)) == sorted(f"ad-{number}" for number in range(1, 12))
    assert world.waiting() == {}
    assert verify(world.ledger).found == 0


def test_a_ledger_that_goes_away_says_how_far_it_got(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(applying, "BATCH", 2)
    folder = world.run(dict.fromkeys(range(1, 6), REJECT))
    whole, calls = applying.withdraw_superseded, []

    def gone(*told: Any) -> int:
        calls.append(1)
        if len(calls) == 2:
            raise Unavailable("the ledger's database does not answer")
        return whole(*told)

    monkeypatch.setattr(applying, "withdraw_superseded", gone)
    with pytest.raises(Unavailable, match=r"does not answer\n2 decisions of step stp-\w+ were applied; run the same again to go on"):
        world.apply(folder)


def test_a_shard_whose_ads_changed_is_refused_and_the_others_applied(world: World) -> None:
    folder = world.run(dict.fromkeys(range(1, 7), REJECT))
    write_ads(world.home / "ads of out" / "ads.parquet", [live_ad(number, title="another") for number in range(1, 7)])
    done = world.apply(folder)
    assert (done.applied, done.refused_decisions, sorted(done.refused)) == (0, 6, ["part-00000-00000", "part-00000-00001"])
    assert all("has changed since the run was planned" in why for why in done.refused.values())
    assert world.ledger.end()[0] == 0, "a step without decisions is none"


def test_what_a_brake_stops_now_is_not_applied(world: World) -> None:
    world.decide({1: REVIEW, 2: REVIEW, 3: APPROVE})
    with world.ledger.write() as writing:
        brake(writing, braked(BrakeSide.APPROVE, market="DE"), world.desk.clock())
    done = world.apply(world.run({1: APPROVE, 2: REJECT, 3: REVIEW}))
    assert (done.applied, done.left) == (2, {SkipReason.STEERED: 1})
    assert {number: verdict for number, (verdict, _) in world.stands().items()} == {1: "review", 2: "reject", 3: "review"}
