from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from adverdict.domain.ad import Label
from adverdict.domain.errors import Conflict, NotFound
from adverdict.ledger.entries import Answered
from adverdict.ledger.store import Ledger
from adverdict.review.quality.quality import quality
from adverdict.review.tasks import golden
from adverdict.review.tasks.draws import draws_of, unkeyed_task_id
from adverdict.review.tasks.routing import Reviewer
from tests.ledger.made import START, a_label, an_ad
from tests.review.desk import PLAIN, Desk

ALWAYS = replace(PLAIN, golden_share=0.9999)
SHOWN = ("market", "policies", "senior", "opened_at", "due_at", "harm", "shown_kind", "state", "token")
"""What a page may tell of a task."""


def with_golden(desk: Desk, count: int, **ad: str) -> None:
    ads = [an_ad(number, **{"ad_id": f"gold-{number}", **ad}) for number in range(count)]
    with desk.ledger.change() as connection:
        golden.keep(connection, golden.items(ads, [a_label(ad) for ad in ads]))
    desk.use(ALWAYS)


def test_a_golden_task_comes_before_a_task_and_tells_nothing_of_itself(desk: Desk) -> None:
    desk.decide()
    with_golden(desk, 1)
    ahead = desk.queue.peek("rita")
    first = desk.claim("rita")
    assert ahead is not None
    assert (first.task.kind, first.task.task_id) == ("golden", ahead.task_id)
    second = desk.claim("rita")
    assert second.task.kind == "review"
    assert [getattr(first.task, name) for name in SHOWN] == [getattr(second.task, name) for name in SHOWN]
    assert len(first.task.task_id) == len(second.task.task_id)


def test_an_answer_to_a_golden_task_is_about_the_reviewer_only(desk: Desk) -> None:
    desk.decide()
    with_golden(desk, 1)
    leased = desk.claim("rita")
    outcome = desk.give(leased, "reject")
    body = desk.ledger.find(outcome.answer_id).body
    assert isinstance(body, Answered)
    assert (body.task_kind, body.decision_id, body.ad_id, body.labels) == ("golden", leased.task.about, "gold-0", ())
    assert (outcome.settled, outcome.opened) == (None, ())
    assert desk.give(leased, "reject") == outcome
    with desk.ledger.look() as connection:
        assert golden.item(connection, leased.task.about).truth == {"deceptive": True}


def test_no_reviewer_gets_a_golden_item_twice_and_every_reviewer_may_get_it(desk: Desk) -> None:
    with_golden(desk, 3)
    for _ in range(8):
        desk.decide()
    for reviewer in ("rita", "sven"):
        had = [desk.claim(reviewer).task for _ in range(7)]
        items = [task.about for task in had if task.kind == "golden"]
        assert len(items) == len(set(items)) == 3
        for task in had:
            desk.queue.release(task.task_id, reviewer, task.token)


def test_a_golden_task_left_alone_goes_to_nobody_else(desk: Desk) -> None:
    with_golden(desk, 1)
    desk.decide()
    left = desk.claim("rita")
    assert left.task.kind == "golden"
    desk.clock.on(desk.settings.lease_seconds + 1)
    desk.use(PLAIN)
    assert desk.claim("sven").task.kind == "review"
    assert desk.queue.claim("tove") is None
    assert desk.queue.claim("rita") is None
    with pytest.raises(Conflict, match="it has gone to somebody else"):
        desk.give(left, "reject")


@pytest.mark.parametrize("left", ["put back", "left until its lease ran out"])
def test_a_golden_task_put_back_or_left_comes_again_as_any_other_does(left: str, desk: Desk) -> None:
    with_golden(desk, 1)
    desk.decide()
    told = []
    for share in (0.9999, 0.0):
        desk.use(replace(PLAIN, golden_share=share))
        first = desk.claim("rita")
        if left == "put back":
            desk.queue.release(first.task.task_id, "rita", first.token)
            with pytest.raises(Conflict, match="it was given back"):
                desk.give(first, "approve")
        else:
            desk.clock.on(desk.settings.lease_seconds + 1)
        ahead = desk.queue.peek("rita")
        again = desk.claim("rita")
        assert ahead is not None
        told.append((first.token, again.token, first.task.task_id == ahead.task_id == again.task.task_id, again.task.kind == "golden"))
        with pytest.raises(Conflict, match=r"it has gone to somebody else, or to you again|it was given back"):
            desk.give(first, "approve")
        desk.give(again, "approve")
    assert told == [(1, 2, True, True), (1, 2, True, False)]


def test_a_golden_task_that_was_put_back_is_nobody_elses(desk: Desk) -> None:
    with_golden(desk, 1)
    desk.decide()
    given = desk.claim("rita")
    desk.queue.release(given.task.task_id, "rita", given.token)
    desk.use(PLAIN)
    assert desk.claim("sven").task.kind == "review"
    assert (desk.queue.peek("tove"), desk.queue.claim("tove"), desk.queue.claim("rita")) == (None, None, None)


def test_no_id_or_draw_of_a_task_follows_from_what_reviewers_see(desk: Desk) -> None:
    """Without the ledger's key; the same hash with another key gives others."""
    with_golden(desk, 1)
    made = desk.decide()
    golden_one, plain_one = desk.claim("rita").task, desk.claim("rita").task
    assert (golden_one.kind, plain_one.kind) == ("golden", "review")
    with desk.ledger.look() as connection:
        own = draws_of(connection)
    other = replace(own, key=b"another ledger's")
    for seen in (made.decision.decision_id, made.ad.ad_id, plain_one.task_id):
        guesses = {unkeyed_task_id(seen, 0), other.task_id(seen, 0), other.golden_task_id("rita", seen)}
        assert guesses.isdisjoint({golden_one.task_id, plain_one.task_id})
    assert own.golden_task_id("rita", plain_one.task_id) == golden_one.task_id
    assert own.task_id(made.decision.decision_id, 0) == plain_one.task_id


def test_a_ledger_has_a_key_of_its_own_that_is_told_nowhere(tmp_path: Path) -> None:
    keys = []
    for name in ("one", "two"):
        ledger = Ledger.open(f"sqlite:///{tmp_path / name}.db")
        with ledger.look() as connection:
            draws = draws_of(connection)
        keys.append(draws.key)
        assert repr(draws.key) not in repr(draws)
        ledger.close()
    assert len(set(keys)) == 2
    assert {len(key) for key in keys} == {32}


def test_a_golden_task_keeps_to_its_reviewers_skills(desk: Desk) -> None:
    with_golden(desk, 2, market="DE", language="de")
    desk.staff(Reviewer("rita", markets=("SE",)), Reviewer("sven", languages=("sv",)), Reviewer("tove", policies=("deceptive",)))
    desk.decide()
    for reviewer, kind in (("rita", "review"), ("sven", "review"), ("tove", "golden")):
        leased = desk.claim(reviewer)
        assert leased.task.kind == kind
        desk.queue.release(leased.task.task_id, reviewer, leased.token)


def test_golden_tasks_come_as_often_as_was_asked_for(desk: Desk) -> None:
    with_golden(desk, 60)
    for _ in range(40):
        desk.decide()
    desk.use(replace(PLAIN, golden_share=0.25))
    kinds = []
    for reviewer in ("rita", "sven", "tove"):
        while (leased := desk.queue.claim(reviewer)) is not None and len(kinds) < 200:
            kinds.append(leased.task.kind)
            desk.give(leased, "approve")
    assert kinds.count("review") == 40
    assert 2 <= kinds.count("golden") <= 22


@pytest.mark.parametrize(
    ("said", "truth"),
    [([True], {"deceptive": True}), ([False, False, True], {"deceptive": False}), ([True, False], None), ([], None)],
)
def test_the_truth_is_what_most_raters_say(said: list[bool], truth: dict[str, bool] | None) -> None:
    ad = an_ad(1)
    found = golden.items([ad], [a_label(ad, violates=one) for one in said])
    assert [one.truth for one in found] == ([] if truth is None else [truth])


def test_items_of_an_advertiser_go_with_their_open_tasks_and_others_stay(desk: Desk) -> None:
    with_golden(desk, 2, advertiser_id="adv-gone")
    for _ in range(3):
        desk.decide()
    answered, held = desk.claim("rita"), desk.claim("sven")
    desk.give(answered, "reject")
    kept = an_ad(9, ad_id="gold-9", advertiser_id="adv-stays")
    with desk.ledger.change() as connection:
        golden.keep(connection, golden.items([kept], [a_label(kept)]))
    removed = golden.remove(desk.ledger, "adv-gone", desk.clock())
    assert (removed.items, removed.tasks) == (2, 1)
    assert {task.state for task in desk.tasks() if task.advertiser_id == "adv-gone"} == {"done", "withdrawn"}
    with pytest.raises(Conflict, match="no longer needed"):
        desk.give(held, "reject")
    with desk.ledger.look() as connection:
        for gone in (answered, held):
            with pytest.raises(NotFound):
                golden.item(connection, gone.task.about)
    shown = desk.claim("tove").task
    assert (shown.kind, shown.ad_id) == ("golden", "gold-9")
    assert golden.remove(desk.ledger, "adv-gone", desk.clock()) == golden.Removed()


def test_answers_to_a_removed_item_count_for_nobody(desk: Desk) -> None:
    with_golden(desk, 1)
    desk.decide()
    desk.say("rita", "reject")
    before = quality(desk.ledger)
    golden.remove(desk.ledger, "adv-7", desk.clock())
    assert sum(one.golden for one in before.workload) == 1
    assert sum(one.golden for one in quality(desk.ledger).workload) == 0


def test_nothing_of_a_removed_item_is_left_in_the_files(tmp_path: Path) -> None:
    ledger = Ledger.open(f"sqlite:///{tmp_path / 'ledger.db'}")
    ads = [an_ad(n, ad_id=f"gold-{n}", advertiser_id="adv-gone" if n % 2 else "adv-stays", body=f"word{n} " * 300) for n in range(40)]
    with ledger.change() as connection:
        golden.keep(connection, golden.items(ads, [a_label(ad) for ad in ads]))
    removed = golden.remove(ledger, "adv-gone", START)
    ledger.close()
    written = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert (removed.items, removed.traces) == (20, False)
    assert b"adv-stays" in written
    assert [word for word in (b"adv-gone", b"word1 ", b"word39") if word in written] == []


def test_a_pack_is_loaded_once_however_often(desk: Desk, tmp_path: Path) -> None:
    ads = [an_ad(number) for number in range(3)]
    labels = [Label(ad_id=ad.ad_id, policy="deceptive", violates=True, labelled_at=ad.submitted_at) for ad in ads[:2]]
    (tmp_path / "ads.jsonl").write_text("".join(ad.model_dump_json() + "\n" for ad in ads), encoding="utf-8")
    (tmp_path / "labels.jsonl").write_text("".join(label.model_dump_json() + "\n" for label in labels), encoding="utf-8")
    assert golden.load(desk.ledger, tmp_path) == golden.load(desk.ledger, tmp_path) == 2
    with desk.ledger.look() as connection, pytest.raises(NotFound):
        golden.item(connection, "gld-none")
