"""What is erased is gone from the files, and the chain is as whole as before."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, event, insert, select, update

from adverdict.decisions.policy import MarketRules, PolicyBook
from adverdict.domain.ad import Ad
from adverdict.domain.errors import InvalidInput
from adverdict.ledger import erase as erasing
from adverdict.ledger.database import WRITES
from adverdict.ledger.entries import Erased, Founded
from adverdict.ledger.erase import Erasure, erase, runs
from adverdict.ledger.idempotency import Request, answer, answered
from adverdict.ledger.schema import contents, entries, golden, idempotency, kept, tasks
from adverdict.ledger.store import Ledger, Writing, keep
from adverdict.ledger.verify import verify
from tests.decisions.build import POLICY
from tests.ledger import made
from tests.ledger.made import START, an_ad, append_decisions, decided, labelled, minutes

LATER = minutes(100_000)
BOOK = PolicyBook(names=("deceptive",), rules={"SE": MarketRules((POLICY,))})
GONE = "adv-who-asked-to-be-forgotten"


def forgotten(ledger: Ledger, **asked: Any) -> Erasure:
    return erase(ledger, **{"why": "asked to", "by": "dora", "now": LATER, **asked})


def name(ad: Ad) -> str:
    """``ad-1`` for the ad of the first minute, whatever its id: ids of entries say nothing of an ad."""
    return f"ad-{(ad.submitted_at - START).seconds // 60}"


def a_task(ad: Ad, state: str = "withdrawn") -> dict[str, Any]:
    told = {"task_id": f"tsk-{name(ad)}", "case_id": f"case-{name(ad)}", "kind": "review", "about": f"dec-{name(ad)}", "ad_id": ad.ad_id}
    more = {"lane": "", "policies": '["deceptive"]', "probability": 1.0, "harm": 1.0, "opened_at": 0, "due_at": 0, "state": state}
    return {**told, "advertiser_id": ad.advertiser_id, "market": ad.market, **more}


def fill(ledger: Ledger, ads: Sequence[Ad], state: str = "withdrawn") -> None:
    """A decision, a task, a key and a label for each."""
    with ledger.write() as writing:
        for ad in ads:
            about = decided(ad, decision_id=f"dec-{name(ad)}")
            writing.append(f"dec-{name(ad)}", about, ad.submitted_at)
            writing.connection.execute(insert(tasks).values(a_task(ad, state)))
            answer(writing.connection, Request("platform", name(ad), b"r" * 32), [f"dec-{name(ad)}"], ad.submitted_at)
            writing.append(f"lab-{name(ad)}", labelled(about), ad.submitted_at)


def rows(ledger: Ledger) -> dict[str, list[tuple[Any, ...]]]:
    with ledger.look() as connection:
        return {table.name: sorted(tuple(row) for row in connection.execute(select(table))) for table in (contents, tasks)}


def test_everything_about_an_advertiser_goes_and_nothing_else(ledger: Ledger) -> None:
    fill(ledger, [an_ad(number) for number in (1, 2)])
    before = rows(ledger)
    fill(ledger, [an_ad(number, advertiser_id=GONE) for number in (3, 4)])
    done = forgotten(ledger, advertiser=GONE)
    assert (done.contents, done.tasks, done.keys) == (4, 2, 2)
    after = rows(ledger)
    assert after["tasks"] == before["tasks"]
    assert [row for row in after["contents"] if row[0] <= 4] == before["contents"]
    assert [row[0] for row in after["contents"]] == [1, 2, 3, 4, 9], "the ninth says what was erased"
    with ledger.look() as connection:
        assert answered(connection, Request("platform", "ad-1", b"r" * 32)) == ["dec-ad-1"]
        assert answered(connection, Request("platform", "ad-3", b"r" * 32)) is None


def test_the_chain_stays_whole_and_says_what_was_erased(ledger: Ledger) -> None:
    fill(ledger, [an_ad(1, advertiser_id=GONE), an_ad(2), an_ad(3, advertiser_id=GONE)])
    done = forgotten(ledger, advertiser=GONE)
    found = verify(ledger)
    assert (found.problems, found.erased) == ((), 4)
    body = ledger.find(done.entry_ids[0]).body
    assert body == Erased(seqs=((1, 2), (5, 6)), why="asked to", by="dora", history=None)
    append_decisions(ledger, decided(an_ad(9)))
    assert verify(ledger).found == 0


def test_entries_of_every_kind_about_an_advertiser_go(ledger: Ledger) -> None:
    made.every_kind(ledger)
    assert forgotten(ledger, advertiser="adv-7").contents == 6
    kinds = {entry.body.kind for entry in ledger.read() if entry.body is not None}
    assert kinds == {"foundation", "erasure"}
    assert verify(ledger).found == 0


def test_erasing_again_changes_nothing(ledger: Ledger) -> None:
    fill(ledger, [an_ad(1, advertiser_id=GONE)])
    forgotten(ledger, advertiser=GONE)
    end = ledger.end()
    assert forgotten(ledger, advertiser=GONE) == Erasure()
    assert ledger.end() == end


def test_retention_takes_old_decisions_with_all_that_was_said_of_them_since(ledger: Ledger) -> None:
    old, new = an_ad(1), an_ad(500)
    fill(ledger, [old, new])
    with ledger.write() as writing:
        writing.append("app-1", made.appealed(decided(old)), minutes(600))
        writing.append("app-2", made.appealed(decided(new)), minutes(600))
    done = forgotten(ledger, before=minutes(400))
    assert (done.contents, done.tasks, done.keys, done.held_back) == (3, 1, 1, 0)
    assert [entry.entry_id for entry in ledger.read() if entry.body and entry.body.kind != "erasure"] == [
        "dec-ad-500",
        "lab-ad-500",
        "app-2",
    ]
    assert verify(ledger).found == 0


@pytest.mark.parametrize("state", ["open", "leased"])
def test_retention_waits_for_who_is_still_to_answer(ledger: Ledger, state: str) -> None:
    fill(ledger, [an_ad(1)], state)
    assert forgotten(ledger, before=minutes(400)) == Erasure(held_back=1)
    assert forgotten(ledger, advertiser="adv-7").contents == 2, "a request to be forgotten does not wait"


def test_retention_takes_old_answers_to_golden_tasks(ledger: Ledger) -> None:
    about = decided(an_ad(1), decision_id="gld-1")
    with ledger.write() as writing:
        writing.append("ans-1", made.answered(about, kind="golden"), minutes(1))
        writing.append("ans-2", made.answered(about, kind="golden", task_id="tsk-2"), minutes(500))
    assert forgotten(ledger, before=minutes(400)).contents == 1
    assert ledger.find("ans-2").body is not None


def test_retention_can_be_of_one_advertiser(ledger: Ledger) -> None:
    fill(ledger, [an_ad(1), an_ad(2, advertiser_id=GONE), an_ad(500, advertiser_id=GONE)])
    assert forgotten(ledger, before=minutes(400), advertiser=GONE).contents == 2
    assert ledger.find("dec-ad-1").body is not None
    assert ledger.find("dec-ad-500").body is not None


def test_much_is_erased_a_batch_at_a_time(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(erasing, "BATCH", 7)
    fill(ledger, [an_ad(number) for number in range(10)])
    done = forgotten(ledger, before=minutes(400))
    assert (done.contents, done.tasks, len(done.entry_ids)) == (20, 10, 3)
    assert verify(ledger).found == 0


def test_only_keys_of_the_times_of_what_goes_are_read(ledger: Ledger) -> None:
    fill(ledger, [an_ad(1, advertiser_id=GONE), an_ad(2)])
    with ledger.change() as connection:
        for at in (0, minutes(500).timestamp() * 1e6):
            unreadable = {"caller": "platform", "key": f"of {at}", "request": b"r" * 32, "entry_ids": "not JSON", "at": at}
            connection.execute(insert(idempotency).values(unreadable))
    assert forgotten(ledger, advertiser=GONE).keys == 1


def test_a_key_that_answered_for_several_advertisers_goes_with_one_of_them(ledger: Ledger) -> None:
    with ledger.write() as writing:
        for number, of in ((1, GONE), (2, "adv-8")):
            writing.append(f"dec-{number}", decided(an_ad(number, advertiser_id=of), decision_id=f"dec-{number}"), minutes(9))
        answer(writing.connection, Request("platform", "both", b"r" * 32), ["dec-2", None, "dec-1"], minutes(9))
        answer(writing.connection, Request("platform", "other", b"r" * 32), ["dec-2"], minutes(9))
    assert forgotten(ledger, advertiser=GONE).keys == 1
    with ledger.look() as connection:
        assert list(connection.scalars(select(idempotency.c.key))) == ["other"]


def test_keys_are_looked_for_before_anybody_has_to_wait(ledger: Ledger) -> None:
    fill(ledger, [an_ad(number, advertiser_id=GONE) for number in range(3)])
    said: list[tuple[bool, str]] = []

    @event.listens_for(ledger.engine, "before_cursor_execute")
    def heard(connection: Connection, cursor: object, statement: str, *_: object) -> None:
        said.append((bool(connection.get_execution_options().get(WRITES)), statement))

    assert forgotten(ledger, advertiser=GONE, rewrite=False).keys == 3
    on_keys = {(waiting, statement.split()[0]) for waiting, statement in said if "idempotency" in statement}
    assert on_keys == {(False, "SELECT"), (True, "DELETE")}


@pytest.mark.parametrize("asked", [{"advertiser": GONE}, {"before": minutes(1)}])
def test_who_holds_the_end_of_the_chain_is_not_waited_for_when_there_is_nothing_to_erase(ledger: Ledger, asked: dict[str, Any]) -> None:
    fill(ledger, [an_ad(2)])
    with ledger.write():
        assert forgotten(ledger, **asked, rewrite=False).contents == 0


class Meanwhile(Ledger):
    """Something happens between looking and the first writing."""

    def __init__(self, ledger: Ledger, happens: Callable[[], object]) -> None:
        super().__init__(ledger.engine)
        self._happens = [happens]

    def write(self) -> AbstractContextManager[Writing]:
        while self._happens:
            self._happens.pop()()
        return super().write()


def test_a_decision_that_somebody_came_to_need_since_it_was_found_stays(ledger: Ledger) -> None:
    fill(ledger, [an_ad(1), an_ad(2)])

    def reopened() -> None:
        with ledger.change() as connection:
            connection.execute(update(tasks).where(tasks.c.task_id == "tsk-ad-1").values(state="open"))

    done = forgotten(Meanwhile(ledger, reopened), before=minutes(400))
    assert (done.contents, done.tasks, done.keys, done.held_back) == (2, 1, 1, 1)
    with ledger.look() as connection:
        assert list(connection.scalars(select(idempotency.c.key))) == ["ad-1"]


def test_two_who_erase_at_once_both_leave_the_kept_history(ledger: Ledger) -> None:
    snapshot = f"{GONE} adv-7 adv-8".encode()
    with ledger.write() as writing:
        writing.append("fnd-1", Founded(history=hashlib.sha256(snapshot).hexdigest(), bundle_version="v1"), START)
        keep(writing.connection, "history", hashlib.sha256(snapshot).hexdigest(), snapshot, START)
    fill(ledger, [an_ad(1, advertiser_id=GONE)])
    also = Meanwhile(ledger, lambda: forgotten(ledger, advertiser=GONE, forget=without))
    done = forgotten(also, advertiser="adv-8", forget=without)
    assert done.history is not None
    assert (ledger.recall("history", done.history), done.contents) == (b" adv-7 ", 0)
    assert verify(ledger).found == 0


@pytest.mark.parametrize(
    ("asked", "complaint"),
    [
        ({}, "at least one of them"),
        ({"advertiser": GONE, "why": "  "}, "a reason, which stays in the chain"),
        ({"advertiser": GONE, "why": f"{GONE} asked"}, "does not name the advertiser"),
        ({"before": LATER.replace(year=2100)}, "a moment that has passed"),
    ],
)
def test_orders_that_cannot_be_right_are_refused(ledger: Ledger, asked: dict[str, Any], complaint: str) -> None:
    with pytest.raises(InvalidInput, match=complaint):
        forgotten(ledger, **asked)


def without(snapshot: bytes, advertiser: str) -> bytes:
    return snapshot.replace(advertiser.encode(), b"")


def test_the_kept_history_forgets_with_the_ledger(ledger: Ledger) -> None:
    snapshot = f"{GONE} adv-7".encode()
    digest = hashlib.sha256(snapshot).hexdigest()
    with ledger.write() as writing:
        writing.append("fnd-1", Founded(history=digest, bundle_version="v1"), START)
        writing.connection.execute(insert(kept).values(kind="history", digest=digest, body=snapshot, at=0))
        writing.connection.execute(insert(kept).values(kind="policies", digest=BOOK.hash, body=BOOK.to_json(), at=0))
    fill(ledger, [an_ad(1, advertiser_id=GONE)])
    done = forgotten(ledger, advertiser=GONE, forget=without)
    assert done.history == hashlib.sha256(b" adv-7").hexdigest()
    assert ledger.recall("history", done.history) == b" adv-7"
    with ledger.look() as connection:
        assert sorted(connection.execute(select(kept.c.kind)).scalars()) == ["history", "policies", "tasks"]
    assert verify(ledger).found == 0
    assert forgotten(ledger, advertiser=GONE, forget=without) == Erasure(), "it was forgotten already"


def test_golden_items_that_show_an_erased_advertiser_are_told(ledger: Ledger) -> None:
    ad = an_ad(1, advertiser_id=GONE)
    with ledger.change() as connection:
        connection.execute(insert(golden).values(golden_id="gld-1", ad=ad.model_dump_json(), truth="{}", market="SE"))
    assert forgotten(ledger, advertiser=GONE).golden == 1


def test_a_service_that_goes_on_writing_is_not_in_the_way(ledger: Ledger) -> None:
    fill(ledger, [an_ad(number, advertiser_id=GONE if number % 2 else "adv-7") for number in range(100)])
    stop = threading.Event()

    def write() -> None:
        number = 1000
        while not stop.is_set():
            append_decisions(ledger, decided(an_ad(number)))
            number += 1

    writer = threading.Thread(target=write)
    writer.start()
    done = forgotten(ledger, advertiser=GONE)
    stop.set()
    writer.join()
    assert done.contents == 100
    assert verify(ledger).found == 0


def test_no_byte_of_it_stays_in_the_files_of_sqlite(tmp_path: Path) -> None:
    """Neither of the ids nor of the contents, in the tables, their indexes or the log; while another process has the database open."""
    url = f"sqlite:///{tmp_path / 'ledger.db'}"
    ledger, other = Ledger.open(url), Ledger.open(url)
    assert other.end()[0] == 0
    for part in range(3):
        numbers = range(part * 100, part * 100 + 100)
        fill(ledger, [an_ad(number, **named(number)) for number in numbers])
    secret = secrets(ledger)
    assert any(one in file_bytes(tmp_path) for one in secret), "the search would find it"
    done = forgotten(ledger, advertiser=GONE)
    assert (done.contents, done.tasks, done.traces) == (200, 100, False)
    left = file_bytes(tmp_path)
    assert [one for one in secret if one in left] == []
    assert verify(ledger).found == 0
    ledger.close()
    other.close()


def named(number: int) -> dict[str, str]:
    """Every third ad is of the advertiser who goes, its ids long enough to be unlike anything else."""
    if number % 3:
        return {}
    return {
        "advertiser_id": GONE,
        "ad_id": f"ad-of-{GONE}-{number}",
        "creative_id": f"cr-of-{GONE}-{number}",
        "body": "x" * (number % 7) * 50,
    }


def secrets(ledger: Ledger) -> list[bytes]:
    """The advertiser's id, and pieces of all that is stored about it."""
    with ledger.look() as connection:
        found = connection.execute(select(contents.c.salt, contents.c.body).where(contents.c.advertiser_id == GONE)).all()
    pieces = [body[start : start + 24] for _, body in found for start in range(8, len(body) - 24, 24)]
    return [GONE.encode(), *(salt for salt, _ in found), *{piece for piece in pieces if pieces.count(piece) == 1}]


def file_bytes(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in sorted(folder.iterdir()))


def test_pieces_that_may_be_left_are_told(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'ledger.db'}?timeout=0.1"
    ledger, reader = Ledger.open(url), Ledger.open(url)
    fill(ledger, [an_ad(1, advertiser_id=GONE)])
    with ledger.engine.connect() as quick:
        quick.exec_driver_sql("PRAGMA busy_timeout = 50")
    with reader.look() as connection:
        connection.execute(select(entries)).all()
        assert forgotten(ledger, advertiser=GONE).traces, "somebody reads the old pages"
    assert forgotten(ledger, advertiser=GONE, rewrite=False).traces, "nothing was written anew"
    assert not forgotten(ledger, advertiser=GONE).traces
    ledger.close()
    reader.close()


def test_tables_that_may_not_be_written_anew_may_hold_pieces(ledger: Ledger) -> None:
    if ledger.engine.dialect.name != "postgresql":
        pytest.skip("on SQLite who may write may do everything")
    role = f"writer_{uuid4().hex[:12]}"
    with ledger.change() as connection:
        connection.exec_driver_sql(f"CREATE ROLE {role}")
        connection.exec_driver_sql(f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role}")
    fill(ledger, [an_ad(1, advertiser_id=GONE)])
    writer = Ledger.open(ledger.engine.url.update_query_dict({"options": f"-c role={role}"}).render_as_string(False), create=False)
    try:
        done = forgotten(writer, advertiser=GONE)
    finally:
        writer.close()
        with ledger.change() as connection:
            connection.exec_driver_sql(f"DROP OWNED BY {role}")
            connection.exec_driver_sql(f"DROP ROLE {role}")
    assert (done.contents, done.traces) == (2, True)
    assert not forgotten(ledger, advertiser=GONE).traces, "its owner may"


@given(st.sets(st.integers(1, 60)))
def test_runs_hold_exactly_the_numbers(numbers: set[int]) -> None:
    found = runs(sorted(numbers))
    assert [number for first, last in found for number in range(first, last + 1)] == sorted(numbers)
    assert all(two[0] > one[1] + 1 for one, two in pairwise(found))
