"""A ledger that is not the one of before, a clock that went back, a disk that is full: nothing goes on as if nothing were."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import event

from adverdict.domain.degraded import Cause
from adverdict.domain.errors import Unavailable
from adverdict.ledger.store import Ledger
from adverdict.serving.worker.watches.record import BACK, RecordWatch, accept
from tests.ledger.made import an_ad, decided
from tests.scoring.ads import ad
from tests.serving.conftest import Serve, until

NOW = datetime(2026, 3, 1, tzinfo=UTC)


class Clocks:
    """A wall clock that may be set, and one that never goes back."""

    def __init__(self) -> None:
        self.wall, self.passed = NOW, 0.0

    def now(self) -> datetime:
        return self.wall

    def monotonic(self) -> float:
        return self.passed

    def wait(self, seconds: float) -> None:
        self.wall += timedelta(seconds=seconds)
        self.passed += seconds


@pytest.fixture
def clocks() -> Clocks:
    return Clocks()


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "ledger.db"


@pytest.fixture
def watch_of(tmp_path: Path, clocks: Clocks) -> Callable[[Ledger], RecordWatch]:
    return lambda ledger: RecordWatch(ledger, tmp_path / "cache", clocks.now, clocks.monotonic)


def opened(place: Path) -> Ledger:
    return Ledger.open(f"sqlite:///{place}")


def write(ledger: Ledger, name: str, at: datetime = NOW) -> None:
    made = decided(an_ad(), decision_id=f"dec-{name}")
    with ledger.write() as writing:
        writing.append(made.decision.decision_id, made, at)


def copied(place: Path, to: Path) -> Path:
    """The database as it is now, all that is written in one file."""
    with closing(sqlite3.connect(place)) as connection:
        connection.execute("VACUUM INTO ?", (str(to),))
    return to


def test_an_older_copy_put_under_a_running_worker_is_not_gone_on_with(
    place: Path, tmp_path: Path, watch_of: Callable[[Ledger], RecordWatch]
) -> None:
    ledger = opened(place)
    write(ledger, "a")
    older = copied(place, tmp_path / "older.db")
    write(ledger, "b")
    watch = watch_of(ledger)
    watch.look()
    assert watch.standing() == ()
    ledger.close()
    shutil.copy(older, place)  # into the same file
    watch.look()
    with pytest.raises(Unavailable, match=r"ends with entry 1, and entry 2 was on record before.*adverdict ledger accept"):
        watch.standing()


def test_a_worker_that_is_started_on_an_older_copy_remembers_until_somebody_accepts_it(
    place: Path, tmp_path: Path, watch_of: Callable[[Ledger], RecordWatch]
) -> None:
    ledger = opened(place)
    write(ledger, "a")
    older = copied(place, tmp_path / "older.db")
    write(ledger, "b")
    watch_of(ledger).look()
    ledger.close()
    place.unlink()
    older.rename(place)
    again = opened(place)
    fresh = watch_of(again)
    fresh.look()
    assert fresh.trouble is not None
    before, end = accept(again, tmp_path / "cache")
    assert (before.seq if before else None, end.seq) == (2, 1)
    accepted = watch_of(again)
    accepted.look()
    assert accepted.trouble is None
    write(again, "c")
    accepted.look()
    assert accepted.trouble is None, "a chain that grows is the same"
    again.close()


def test_a_worker_on_another_machine_knows_from_the_registry_where_the_chain_ended(
    place: Path, tmp_path: Path, clocks: Clocks, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlflow import MlflowClient

    from adverdict.domain.settings import Settings
    from adverdict.models.registry import use_registry

    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'mlflow.db'}")
    use_registry(Settings(tracking_uri=f"sqlite:///{tmp_path / 'mlflow.db'}"))
    MlflowClient().create_registered_model("adverdict")

    def watched(ledger: Ledger, machine: str) -> RecordWatch:
        watch = RecordWatch(ledger, tmp_path / machine, clocks.now, clocks.monotonic, model="models:/adverdict@champion")
        watch.look()
        return watch

    ledger = opened(place)
    write(ledger, "a")
    older = copied(place, tmp_path / "older.db")
    write(ledger, "b")
    assert watched(ledger, "one").trouble is None
    ledger.close()
    place.unlink()
    older.rename(place)
    again = opened(place)
    assert "ends with entry 1, and entry 2 was on record before" in (watched(again, "two").trouble or "")
    before, end = accept(again, tmp_path / "two", "models:/adverdict@champion")
    assert (before.seq if before else None, end.seq) == (2, 1)
    assert watched(again, "three").trouble is None
    again.close()
    other = opened(tmp_path / "other.db")
    write(other, "c")
    assert watched(other, "three").trouble is None, "another database is another record"
    other.close()


def test_another_chain_of_the_same_length_is_told_from_the_one_of_before(
    place: Path, tmp_path: Path, watch_of: Callable[[Ledger], RecordWatch]
) -> None:
    ledger, other = opened(place), opened(tmp_path / "other.db")
    write(ledger, "a")
    write(other, "a")
    watch_of(ledger).look()
    ledger.close()
    other.close()
    copied(tmp_path / "other.db", tmp_path / "whole.db").replace(place)
    again = opened(place)
    watch = watch_of(again)
    watch.look()
    assert watch.trouble is not None
    assert "entry 1 of the ledger is not the one that was on record before" in watch.trouble
    again.close()


def test_a_file_that_is_renamed_under_a_worker_takes_no_answer_with_it(place: Path, watch_of: Callable[[Ledger], RecordWatch]) -> None:
    ledger = opened(place)
    write(ledger, "a")
    watch = watch_of(ledger)
    watch.look()
    place.rename(place.with_name("away.db"))
    watch.look()
    with pytest.raises(Unavailable, match="another than the one that was opened"):
        watch.standing()
    place.with_name("away.db").rename(place)
    watch.look()
    assert watch.standing() == (), "it is back"
    ledger.close()


@pytest.mark.parametrize("back", [timedelta(days=400), BACK + timedelta(seconds=1)])
def test_while_the_clock_is_behind_what_was_people_decide(
    back: timedelta, place: Path, clocks: Clocks, watch_of: Callable[[Ledger], RecordWatch]
) -> None:
    ledger = opened(place)
    watch = watch_of(ledger)
    clocks.wait(60)
    clocks.wall -= back
    [told] = watch.standing()  # at once: no look is needed
    assert told.cause is Cause.CLOCK_BEHIND
    assert not told.cause.still_decides
    clocks.wall += back
    assert watch.standing() == ()
    ledger.close()


def test_a_clock_that_is_behind_the_last_entry_is_noticed_by_who_starts_with_it(
    place: Path, watch_of: Callable[[Ledger], RecordWatch]
) -> None:
    ledger = opened(place)
    write(ledger, "a", at=NOW + timedelta(days=3))
    watch = watch_of(ledger)
    watch.look()
    assert [str(told) for told in watch.standing()] == ["clock_behind:3 d"]
    ledger.close()


def test_what_cannot_be_written_makes_a_service_unready_and_is_told_and_it_comes_back_by_itself(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    from adverdict.serving.service import slot  # its libraries warn when they are imported

    full = False

    def limit(connection: sqlite3.Connection, *_: object) -> None:
        """SQLite's own limit: at most as many pages as there are."""
        connection.execute(f"PRAGMA max_page_count = {1 if full else 2**30}")

    with serve() as client:
        assert slot.runtime is not None
        assert slot.runtime.ledger is not None
        event.listen(slot.runtime.ledger.engine, "checkout", limit)
        assert client.post("/v1/score", json=ad()).status_code == 200
        full = True
        until(lambda: client.post("/v1/score", json=ad()).status_code == 503)  # the last page has some room
        assert client.post("/v1/score", json=ad()).status_code == 503
        ready = client.get("/readyz")
        assert (ready.status_code, ready.json()["status"]) == (503, "no_ledger")
        assert any(told.startswith("ledger_unwritable:") for told in ready.json()["degraded"])
        assert "not on record, so not answered" in caplog.text
        full = False
        assert client.get("/readyz").status_code == 200
        assert client.post("/v1/score", json=ad()).status_code == 200
