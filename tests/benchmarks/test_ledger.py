"""The benchmark of the ledger can fail: each judge finds what it is there to find. And the whole of it runs, small."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import text, update

from adverdict.benchmarks.ledger import claims, kills, mutations, size
from adverdict.benchmarks.ledger import cost as ledger_cost
from adverdict.benchmarks.ledger.kills import Witness
from adverdict.benchmarks.ledger.lively import live
from adverdict.benchmarks.shared.killable import CountingModel, write_policies
from adverdict.cli.benchmark.ledger import show
from adverdict.decisions.files.read import read_policies
from adverdict.decisions.policy import PolicyBook
from adverdict.domain.verdict import Verdict
from adverdict.ledger.entries import KINDS, DecisionMade
from adverdict.ledger.history import LedgerHistory
from adverdict.ledger.schema import contents, tasks
from adverdict.ledger.store import Ledger
from adverdict.ledger.verify import verify
from adverdict.review.tasks.opening import open_tasks
from adverdict.review.tasks.settings import ReviewSettings
from adverdict.scoring.known import HistorySnapshot
from adverdict.scoring.scorer import Scorer
from tests.golden import Golden
from tests.ledger.made import an_ad

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> PolicyBook:
    return read_policies(write_policies(tmp_path_factory.mktemp("benchmark") / "policies"))


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'ledger.db'}"


@pytest.fixture
def ledger(url: str) -> Iterator[Ledger]:
    opened = Ledger.open(url)
    yield opened
    opened.close()


def decide(ledger: Ledger, book: PolicyBook, count: int) -> Witness:
    """Decisions with the history as of each, as the service makes them, all answered. One task a case: chance asks nobody twice."""
    settings = ReviewSettings(double_share=0.0)
    history, scorer, witness = LedgerHistory(ledger), Scorer(CountingModel(), book), Witness()
    for number in range(count):
        ad = an_ad(number)
        decision = scorer.score([ad], known=HistorySnapshot(history.catch_up(), history.seq))[0]
        made = DecisionMade(ad=ad, decision=decision, first=True)
        with ledger.write() as writing:
            writing.append(decision.decision_id, made, decision.decided_at)
            open_tasks(writing, [made], book, settings, decision.decided_at)
        witness.answered[ad.ad_id] = decision
    return witness


FINE = ("lost", "duplicated", "contradicted", "unexpected", "chain_errors", "tasks_missing", "history_mismatches", "offline_mismatches")


def test_a_service_that_did_right_is_judged_so(ledger: Ledger, url: str, book: PolicyBook) -> None:
    found = kills.judge(url, decide(ledger, book, 60))
    assert {name: found[name] for name in FINE} == dict.fromkeys(FINE, 0)
    assert (found["answered"], found["decisions"], found["history_checked"]) == (60, 60, 60)


def test_an_answer_that_is_not_on_record_is_lost(ledger: Ledger, url: str, book: PolicyBook) -> None:
    witness = decide(ledger, book, 5)
    witness.answered["ad-x"] = witness.answered["ad-1"].model_copy(update={"decision_id": "dec-nowhere"})
    witness.answered["ad-2"] = witness.answered["ad-2"].model_copy(update={"verdict": Verdict.REJECT})
    witness.labelled["key"] = ["lab-nowhere"]
    assert kills.judge(url, witness)["lost"] == 3


def test_an_ad_decided_twice_is_duplicated(ledger: Ledger, url: str, book: PolicyBook) -> None:
    witness = decide(ledger, book, 5)
    decide(ledger, book, 2)
    assert kills.judge(url, witness)["duplicated"] == 2


def test_a_decision_made_with_another_history_is_found(ledger: Ledger, url: str, book: PolicyBook) -> None:
    """Online against a recomputation, and both against the features of the whole table."""
    witness = decide(ledger, book, 20)
    stale = Scorer(CountingModel(), book)
    ad = an_ad(30)
    decision = stale.score([ad], known=HistorySnapshot(LedgerHistory(ledger).catch_up(10), ledger.end()[0]))[0]
    with ledger.write() as writing:
        writing.append(decision.decision_id, DecisionMade(ad=ad, decision=decision, first=True), decision.decided_at)
    found = kills.judge(url, witness)
    assert (found["history_mismatches"], found["offline_mismatches"]) == (1, 1)


def test_a_missing_task_is_found(ledger: Ledger, url: str, book: PolicyBook) -> None:
    witness = decide(ledger, book, 90)
    with ledger.change() as connection:
        gone = connection.execute(text("DELETE FROM tasks WHERE task_id = (SELECT min(task_id) FROM tasks)")).rowcount
    assert gone == 1
    assert kills.judge(url, witness)["tasks_missing"] == 1


def test_claims_of_a_small_shift_lose_and_repeat_nothing(ledger: Ledger, book: PolicyBook) -> None:
    found = claims.claims(ledger, book, 60, seed=2)
    names = ("double_decided", "tasks_lost", "answers_lost", "contradicted", "overdue", "chain_errors")
    assert {name: found[name] for name in names} == dict.fromkeys(names, 0)
    assert found["claims"] >= 60
    assert 0 < found["longest_wait_of_bound"] <= 1


def test_a_task_decided_twice_lost_or_late_is_found(ledger: Ledger, book: PolicyBook) -> None:
    told = claims.ToldReviewers()
    claims_made = claims._Shift(ledger, book, 0, 0, lambda steps: None)
    claims_made.open(60)
    assert claims.judge(ledger, told)["tasks_lost"] > 0, "nobody has answered them"
    told.accepted["tsk-1"] = {("ann", 1), ("bo", 2)}
    with ledger.change() as connection:
        connection.execute(update(tasks).values(state="done", closed_at=tasks.c.opened_at + 9 * 3600 * 10**6))
    found = claims.judge(ledger, told)
    assert found["double_decided"] == 1
    assert found["answers_lost"] == 2
    assert found["overdue"] == found["tasks"]


def test_a_lively_ledger_holds_every_kind_of_entry(ledger: Ledger, book: PolicyBook) -> None:
    live(ledger, book)
    assert {entry.body.kind for entry in ledger.read() if entry.body} == set(KINDS)
    found = verify(ledger)
    assert (found.found, found.erased > 0) == (0, True)


def test_tampering_that_nobody_notices_is_missed(ledger: Ledger, book: PolicyBook, monkeypatch: pytest.MonkeyPatch) -> None:
    live(ledger, book)
    assert mutations.try_all(ledger, most=40).missed == ()
    blind = monkeypatch.setattr("adverdict.ledger.verify.columns_of", lambda kind, plain, entry_id: _Anything())
    assert blind is None
    missed = mutations.try_all(ledger, seed=1, most=200).missed
    assert missed
    assert all(name.startswith("edit contents.") for name in missed)


class _Anything(list[object]):
    """Equal to all columns, as a verification that does not look at them would have it."""

    def __ne__(self, other: object) -> bool:
        return False


def test_mutations_leave_the_ledger_as_it_was(ledger: Ledger, book: PolicyBook) -> None:
    live(ledger, book)
    before = ledger.end()
    with ledger.look() as connection:
        rows = connection.execute(contents.select()).all()
    mutations.try_all(ledger, most=100)
    with ledger.look() as connection:
        assert connection.execute(contents.select()).all() == rows
    assert ledger.end() == before


def test_room_is_that_of_the_whole_database_with_tasks_and_copies(ledger: Ledger, book: PolicyBook) -> None:
    scorer, ads = Scorer(CountingModel(), book), [an_ad(number) for number in range(60)]
    decided = list(zip(ads, scorer.score(ads, explain="none"), strict=True))
    found = size.size(ledger, scorer, decided, 400, lambda: None)
    assert (found["decisions"], found["verified_rows"] >= 400, found["verify_problems"]) == (400, True, 0)
    assert 500 < found["bytes_per_decision"] < 10_000
    assert found["copies_bytes_per_decision"] > 0


@pytest.mark.parametrize(("share", "expected"), [(0.5, 50), (0.99, 99), (1.0, 100), (0.001, 1)])
def test_a_quantile_is_one_of_the_numbers(share: float, expected: int) -> None:
    numbers = list(range(1, 101))
    random.Random(0).shuffle(numbers)
    assert ledger_cost.quantile(sorted(numbers), share) == expected


def test_figures_are_printed_side_by_side(golden: Golden, capsys: pytest.CaptureFixture[str]) -> None:
    asked = {"16": {"p50_ms": 21.0, "p99_ms": 40.0, "of_without": 0.91}}
    one = {"kills": 200, "lost": 0, "mutations": 812, "mutations_found": 812, "verify_rows_per_s": 41234.5, "of_without": 0.91}
    figures = {
        "databases": {"sqlite": {**one, "with_ledger": asked, "without_ledger": asked}, "postgres": {"kills": 200, "lost": 1}},
        "missing": {"postgres": "no PostgreSQL: it is away"},
    }
    show(figures)
    golden.check("benchmark_ledger.txt", capsys.readouterr().out)


def test_a_service_killed_ten_times_loses_nothing(tmp_path: Path) -> None:
    @contextmanager
    def new() -> Iterator[str]:
        yield f"sqlite:///{tmp_path / 'ledger.db'}"

    fresh: AbstractContextManager[str] = new()
    found = kills.kills(lambda: fresh, 10, seed=5)
    assert found["kills"] == 10
    assert {name: found[name] for name in FINE} == dict.fromkeys(FINE, 0)
    assert found["answered"] > 20
    assert found["broken"] > 0, "some were killed with a request under way"
