"""Sets of policies that may have to decide from one round to the next are ready before they do, each with its own certificates."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from adverdict.decisions.policy import PolicyBook, Thresholds
from adverdict.domain.errors import Unavailable
from adverdict.ledger.in_force.policy_sets import keep_set, put, put_first, roll_back
from adverdict.ledger.store import Ledger
from adverdict.scoring.scorer import Scorer
from adverdict.serving.worker.champion import Champion
from adverdict.serving.worker.sets import SetsInForce
from tests.scoring.fakes import FakeRegistry, open_fake
from tests.serving.test_champion_certificates import certificates

NOW = datetime(2026, 11, 2, tzinfo=UTC)
FILES = {"default.yaml": "policies: {}"}


@pytest.fixture
def other(book: PolicyBook) -> PolicyBook:
    rules = {
        market: replace(here, elsewhere=tuple(replace(policy, thresholds=Thresholds(0.005, 0.9)) for policy in here.elsewhere))
        for market, here in book.rules.items()
    }
    return PolicyBook(book.names, rules)


@pytest.fixture
def ledger(tmp_path: Path, empty_ledger: Path, book: PolicyBook, other: PolicyBook) -> Iterator[Ledger]:
    """The other set was in force before the book."""
    path = tmp_path / "ledger.db"
    shutil.copy(empty_ledger, path)
    opened = Ledger.open(f"sqlite:///{path}", create=False)
    put_first(opened, other, FILES, NOW)
    with opened.write() as writing:
        put(writing, book.hash, keep_set(writing.connection, book, FILES, NOW), "another", "olga", NOW)
    yield opened
    opened.close()


@pytest.fixture
def champion(registry: FakeRegistry, book: PolicyBook, ledger: Ledger, tmp_path: Path) -> Champion:
    sets = SetsInForce(book, ledger)
    load = lambda folder: Scorer(open_fake(folder), sets.book, sets=sets)  # noqa: E731
    return Champion("models:/adverdict@champion", registry, load, tmp_path, fallback=Scorer(None, book), sets=sets)


def below(champion: Champion, policies: str) -> list[float]:
    """What the thresholds solved for a set approve below."""
    scorer = champion.current()[0].by_set(policies)
    assert scorer is not None
    assert scorer.book.hash == policies
    return [thresholds.approve_below for thresholds in scorer.solved.points.values()]


def test_each_set_is_ready_with_its_own_certificates(
    champion: Champion, registry: FakeRegistry, book: PolicyBook, other: PolicyBook
) -> None:
    registry.certified_for = {("1", book.hash): certificates(below=0.2), ("1", other.hash): certificates(below=0.3)}
    champion.check()
    assert (below(champion, book.hash), below(champion, other.hash)) == ([0.2], [0.3])
    registry.away = Unavailable("the registry is down")
    champion.check()
    assert (below(champion, book.hash), below(champion, other.hash)) == ([0.2], [0.3])


def test_a_set_solved_for_later_is_used_from_the_next_look_on_and_the_one_in_force_goes_on_as_it_did(
    champion: Champion, registry: FakeRegistry, book: PolicyBook, other: PolicyBook
) -> None:
    registry.certified_for = {("1", book.hash): certificates(below=0.2)}
    champion.check()
    assert (below(champion, book.hash), below(champion, other.hash)) == ([0.2], [0.2]), "what did not change stays certified"
    registry.certified_for["1", other.hash] = certificates(below=0.3)
    champion.check()
    assert (below(champion, book.hash), below(champion, other.hash)) == ([0.2], [0.3])
    registry.certified_for["1", "of-a-set-nobody-decides-by"] = certificates(below=0.4)
    champion.check()
    assert (below(champion, book.hash), champion.state.degraded) == ([0.2], ())


def test_who_keeps_a_scorer_decides_by_the_same_thresholds_to_the_end(
    champion: Champion, registry: FakeRegistry, book: PolicyBook, other: PolicyBook
) -> None:
    registry.certified_for = {("1", book.hash): certificates(below=0.2), ("1", other.hash): certificates(below=0.3)}
    champion.check()
    before = champion.current()[0]
    registry.certified_for["1", other.hash] = certificates(below=0.4)
    champion.check()
    kept = before.by_set(other.hash)
    assert kept is not None
    assert [thresholds.approve_below for thresholds in kept.solved.points.values()] == [0.3]
    assert below(champion, other.hash) == [0.4]


@pytest.mark.parametrize("away", [None, Unavailable("the registry is down")])
def test_a_set_that_comes_into_force_is_the_champions_own_by_the_next_look(
    champion: Champion, registry: FakeRegistry, ledger: Ledger, book: PolicyBook, other: PolicyBook, away: Exception | None
) -> None:
    registry.certified_for = {("1", book.hash): certificates(below=0.2), ("1", other.hash): certificates(below=0.3)}
    champion.check()
    registry.away = away
    with ledger.write() as writing:
        roll_back(writing, "too much leaks", "olga", NOW)
    champion.check()
    scorer = champion.current()[0]
    assert scorer.book.hash == other.hash
    assert [thresholds.approve_below for thresholds in scorer.solved.points.values()] == [0.3]
    assert len(champion.certificates()) == 1
    assert below(champion, book.hash) == [0.2], "the way back is ready, too"
