"""Undoing a step restores what stood, and keeps what people have said since."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from adverdict.domain.errors import Conflict, InvalidInput, NotFound
from adverdict.domain.verdict import Verdict
from adverdict.ledger.effective import effective_decisions, export
from adverdict.ledger.entries import DecisionMade, Withdrawn
from adverdict.ledger.store import Ledger
from adverdict.ledger.verify import verify
from adverdict.rescoring.applying import listing
from adverdict.rescoring.applying.listing import ListedAd
from tests.effort import examples
from tests.ledger.made import minutes
from tests.rescoring.applying.world import APPROVE, AS_OF, REJECT, REVIEW, World

VERDICTS = st.sampled_from(list(Verdict))


def test_what_stood_before_stands_again(world: World) -> None:
    world.decide({1: APPROVE, 2: REVIEW, 3: REJECT})
    before, waiting = world.stands(), world.waiting()
    step = world.apply(world.run({1: REJECT, 2: REJECT, 3: REVIEW, 4: REVIEW})).step
    assert world.stands() != before
    done = world.undo(step)
    assert (world.stands(), world.waiting()) == (before, waiting)
    assert (done.decisions, done.closed, done.reopened) == (4, 2, 1)
    assert verify(world.ledger).found == 0


def test_undoing_is_one_entry_and_undoing_again_changes_nothing(world: World) -> None:
    step = world.apply(world.run({1: REJECT, 2: REVIEW})).step
    begun = world.ledger.end()[0]
    world.undo(step)
    assert world.ledger.end()[0] == begun + 1
    end, tasks = world.ledger.end(), world.tasks()
    again = world.undo(step, "once more")
    assert (world.ledger.end(), world.tasks()) == (end, tasks)
    assert again.before == Withdrawn(step=step, why="too many", by="olga")


def test_a_step_that_was_undone_is_not_applied_again(world: World) -> None:
    folder = world.run({1: REJECT, 2: REJECT})
    step = world.apply(folder).step
    world.undo(step)
    with pytest.raises(Conflict, match=rf"{step} was undone by olga \(too many\), and is not applied again: rescore as of a later moment"):
        world.apply(folder)
    assert world.apply(folder, "DE").applied == 0, "its decisions are on record, whichever step asks for them"
    later = world.run({1: REJECT, 2: REJECT}, name="later", as_of=AS_OF.replace(hour=23))
    assert world.apply(later).applied == 2


def test_a_step_that_is_undone_while_it_is_applied_stops(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adverdict.rescoring.applying.apply.BATCH", 1)
    folder = world.run({1: REJECT, 2: REJECT, 3: REJECT})
    step = world.apply(folder, most=1).step
    from adverdict.rescoring.applying.apply import Originals

    read = Originals.read
    monkeypatch.setattr(Originals, "read", lambda self, some: (world.undo(step), read(self, some))[1])
    with pytest.raises(Conflict, match="was undone"):
        world.apply(folder)
    assert world.stands() == {}


@pytest.mark.parametrize(("step", "why", "error"), [("stp-0", "x", NotFound), ("dec-1", "x", NotFound), ("stp-0", " ", InvalidInput)])
def test_only_a_step_on_record_can_be_undone_and_for_a_reason(world: World, step: str, why: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        world.undo(step, why)
    assert world.ledger.end()[0] == 0


def test_what_people_decided_meanwhile_stays(world: World) -> None:
    world.decide({1: APPROVE, 2: APPROVE})
    step = world.apply(world.run({1: REVIEW, 2: REVIEW})).step
    answered = world.desk.claim("rita")
    world.desk.give(answered, "reject")
    world.undo(step)
    person = int(answered.task.ad_id.removeprefix("ad-"))
    assert world.stands() == {person: ("reject", "person"), 3 - person: ("approve", "model")}
    assert world.waiting() == {}


def test_a_ruling_on_what_was_undone_stands_too(world: World) -> None:
    """The advertiser appeals, the step is undone, and the reader upholds the rejection: a person has spoken."""
    world.decide({1: APPROVE})
    step = world.apply(world.run({1: REJECT})).step
    world.desk.appeal(_of_step(world.ledger)[0])
    assert world.undo(step).closed == 0
    world.desk.say("rita", "reject")
    assert world.stands() == {1: ("reject", "person")}
    assert verify(world.ledger).found == 0


def test_nobody_can_appeal_against_what_was_undone(world: World) -> None:
    step = world.apply(world.run({1: REJECT})).step
    made = _of_step(world.ledger)[0]
    world.undo(step)
    with pytest.raises(InvalidInput, match="expected a decision that stands; this one was withdrawn on 2026-03-01"):
        world.desk.appeal(made)


def test_a_half_read_case_goes_on_where_it_was(world: World) -> None:
    world.decide({1: REVIEW})
    world.desk.say("rita", "unsure")
    before = world.waiting()
    step = world.apply(world.run({1: REJECT})).step
    assert world.waiting() == {}
    world.undo(step)
    assert world.waiting() == before, "the senior reader's task"


def test_a_lease_from_before_does_not_come_back(world: World) -> None:
    world.decide({1: REVIEW})
    leased = world.desk.claim("rita")
    step = world.apply(world.run({1: REJECT})).step
    world.undo(step)
    with pytest.raises(Conflict, match="given back"):
        world.desk.give(leased, "approve")
    world.desk.say("sven", "approve")
    assert world.stands() == {1: ("approve", "person")}


def test_steps_are_undone_in_any_order(world: World) -> None:
    world.decide({1: REVIEW})
    waiting = world.waiting()
    first = world.apply(world.run({1: APPROVE}, name="one")).step
    second = world.apply(world.run({1: REJECT}, name="two", as_of=AS_OF.replace(hour=22))).step
    world.undo(first)
    assert (world.stands(), world.waiting()) == ({1: ("reject", "model")}, {})
    world.undo(second)
    assert (world.stands(), world.waiting()) == ({1: ("review", "model")}, waiting)


def test_a_decision_that_came_after_the_step_stands(world: World) -> None:
    world.decide({1: APPROVE})
    step = world.apply(world.run({1: REJECT})).step
    world.decide({1: REVIEW})
    world.undo(step)
    assert world.stands() == {1: ("review", "model")}


_Told = list[tuple[int, Verdict]]


@examples(15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    before=st.lists(st.tuples(st.integers(1, 4), VERDICTS), max_size=6),
    steps=st.lists(st.dictionaries(st.integers(1, 5), VERDICTS, min_size=1), min_size=1, max_size=3),
    answers=st.lists(st.sampled_from(["approve", "reject", "unsure"]), max_size=3),
    order=st.randoms(use_true_random=False),
)
def test_whatever_is_applied_undoing_it_restores_the_standing(
    tmp_path_factory: pytest.TempPathFactory, before: _Told, steps: list[dict[int, Verdict]], answers: list[str], order: object
) -> None:
    home = tmp_path_factory.mktemp("world")
    ledger = Ledger.open(f"sqlite:///{home / 'ledger.db'}")
    world = World(ledger, home)
    for number, verdict in before:
        world.decide({number: verdict})
    for verdict in answers:
        leased = world.desk.queue.claim("rita")
        if leased is not None:
            world.desk.give(leased, verdict if not leased.task.senior else "approve")
    stood, waiting = world.standing(), world.waiting()
    made = [
        world.apply(world.run(verdicts, name=f"out-{number}", as_of=minutes(500 + number))).step for number, verdicts in enumerate(steps)
    ]
    order.shuffle(made)  # type: ignore[attr-defined]  # a random.Random
    for step in made:
        if any(True for entry in ledger.read(kinds=["rescoring"]) if entry.entry_id == step):
            world.undo(step)
    assert world.standing() == stood
    assert world.waiting() == waiting
    assert verify(ledger).found == 0
    ledger.close()


def test_what_stands_is_exported_as_it_is_looked_up(world: World, tmp_path: Path) -> None:
    world.decide({1: REVIEW, 2: REVIEW, 3: REJECT, 4: APPROVE})
    world.desk.say("rita", "reject")
    world.desk.appeal(_made(world.ledger)[2])
    until = world.ledger.end()[0]
    early = world.standing()
    world.desk.say("sven", "reject")
    kept = world.apply(world.run({4: REJECT, 5: APPROVE}, name="kept")).step
    gone = world.apply(world.run({5: REJECT, 6: REJECT}, name="gone", as_of=AS_OF.replace(hour=22))).step
    world.undo(gone)
    folder = tmp_path / "verdict=approve"  # not to be read as a column
    folder.mkdir()
    assert export(world.ledger, folder / "all.parquet") == 5
    rows = pq.ParquetFile(folder / "all.parquet").read().to_pylist()
    assert [row["ad_id"] for row in rows] == sorted(row["ad_id"] for row in rows)
    with world.ledger.look() as connection:
        looked_up = effective_decisions(connection, [f"ad-{number}" for number in range(1, 7)])
    for row in rows:
        one = looked_up[row["ad_id"]]
        assert (row["decision_id"], row["seq"], row["verdict"], row["by"]) == (one.decision_id, one.seq, one.verdict.value, one.by)
        assert (row["at"], row["step"]) == (one.at, one.step)
    assert looked_up["ad-4"].step == looked_up["ad-5"].step == kept
    assert export(world.ledger, folder / "early.parquet", until=until) == len(early) == 4
    assert {row["seq"] for row in pq.ParquetFile(folder / "early.parquet").read().to_pylist()} == {one.seq for one in early.values()}
    assert sorted(path.name for path in folder.iterdir() if path.name.startswith(".")) == []


READERS: dict[str, Callable[[Path], list[list[str | None]]]] = {
    ".parquet": lambda path: [list(row.values()) for row in pq.read_table(path).to_pylist()],
    ".csv": lambda path: [[cell or None for cell in row] for row in csv.reader(path.read_text(encoding="utf-8").splitlines())][1:],
    ".jsonl": lambda path: [list(json.loads(line).values()) for line in path.read_text().splitlines()],
}


@pytest.mark.parametrize("suffix", READERS)
def test_the_list_says_what_the_platform_has_to_do(world: World, tmp_path: Path, suffix: str) -> None:
    made = world.decide({1: APPROVE, 2: APPROVE, 3: APPROVE})
    folder = world.run({1: REJECT, 2: REVIEW, 3: REJECT, 4: REJECT})
    step = world.apply(folder).step
    by_ad = {one.ad.ad_id: one.decision.decision_id for one in _of_step(world.ledger)}
    world.decide({3: REVIEW})
    world.desk.give(next(leased for leased in iter(lambda: world.desk.claim("rita"), None) if leased.task.ad_id == "ad-2"), "reject")
    told = [["ad-4", by_ad["ad-4"], None, "reject", "SE"], ["ad-1", by_ad["ad-1"], "approve", "reject", "DE"]]
    file = tmp_path / f"list{suffix}"
    assert listing.write(file, listing.applied(world.ledger, step)) == 2
    assert READERS[suffix](file) == told, "ad 2 was settled by a person, ad 3 decided again"
    world.apply(folder)
    assert [list(line) for line in listing.applied(world.ledger, step)] == told, "the same after applying again"
    assert list(listing.undone(world.ledger, step)) == []
    world.undo(step)
    assert list(listing.applied(world.ledger, step)) == []
    assert list(listing.undone(world.ledger, step)) == [
        ListedAd("ad-4", None, "reject", None, "SE"),
        ListedAd("ad-1", made[1].decision.decision_id, "reject", "approve", "DE"),
    ]


def test_a_list_of_no_known_format_is_refused_before_anything_is_done(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"ends in \.parquet, \.csv, \.jsonl"):
        listing.check(tmp_path / "list.xlsx")


def _made(ledger: Ledger) -> list[DecisionMade]:
    return [entry.body for entry in ledger.read(kinds=["decision"]) if isinstance(entry.body, DecisionMade)]


def _of_step(ledger: Ledger) -> list[DecisionMade]:
    return [one for one in _made(ledger) if one.step]
