"""Nothing can be changed in the ledger unseen, and nothing is said of a ledger that nobody changed."""

from __future__ import annotations

import hashlib
import json
import threading
import zlib
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Connection, insert, text, update

from adverdict.benchmarks.ledger.mutations import all_mutations, try_all, unguard
from adverdict.decisions.policy import MarketRules, PolicyBook
from adverdict.decisions.thresholds import SolvedThresholds
from adverdict.domain.verdict import Verdict
from adverdict.ledger import chain
from adverdict.ledger.chain import GENESIS
from adverdict.ledger.columns import COLUMNS, columns_of, outline
from adverdict.ledger.entries import KINDS, Erased, Founded
from adverdict.ledger.schema import contents, entries, head, kept
from adverdict.ledger.store import Ledger
from adverdict.ledger.verify import SHOWN, Problem, read_anchor, verify, verify_view
from tests.decisions.build import POLICY
from tests.effort import part_of
from tests.ledger.made import (
    a_step,
    an_ad,
    append_decisions,
    carry_over,
    decided,
    emerge,
    every_kind,
    in_an_arm,
    minutes,
    open_market,
    plan,
    ring,
    roll_out,
    signal,
    steer,
)


def test_a_ledger_nobody_changed_has_no_problems(ledger: Ledger) -> None:
    every_kind(ledger)
    found = verify(ledger)
    assert (found.problems, found.found) == ((), 0)
    assert (found.rows, found.erased) == (9, 1)
    assert (found.seq, found.hash) == ledger.end()


def test_an_empty_ledger_has_no_problems(ledger: Ledger) -> None:
    found = verify(ledger, anchor=(0, GENESIS))
    assert (found.rows, found.found, found.seq, found.hash) == (0, 0, 0, GENESIS)


@pytest.mark.sampled
def test_every_mutation_of_a_chain_with_every_kind_of_entry_is_found(ledger: Ledger) -> None:
    every_kind(ledger)
    a_step(ledger)
    steer(ledger)
    roll_out(ledger)
    plan(ledger)
    ring(ledger)
    open_market(ledger)
    emerge(ledger)
    signal(ledger)
    carry_over(ledger)
    assert {entry.body.kind for entry in ledger.read() if entry.body} == set(KINDS)
    tried = try_all(ledger, most=part_of(1200, 0.15))
    assert tried.missed == ()
    assert tried.tried > part_of(900, 0.15)
    assert verify(ledger).found == 0, "the mutations were rolled back"


def test_an_ad_moved_to_the_other_side_of_a_roll_out_is_found(ledger: Ledger) -> None:
    append_decisions(ledger, in_an_arm(an_ad(1)))
    with ledger.look() as connection:
        assert connection.execute(text("SELECT arm FROM contents")).scalars().all() == ["rol-1/candidate"]
    assert verify(ledger).found == 0
    assert tampered(ledger, "UPDATE contents SET arm = 'rol-1/control'")


def test_every_column_is_among_the_mutations(ledger: Ledger) -> None:
    import random

    every_kind(ledger)
    tables: dict[str, Any] = {}
    with ledger.look() as connection:
        for name in ("entries", "contents", "head"):
            tables[name] = [dict(row) for row in connection.execute(text(f"SELECT * FROM {name}")).mappings()]
    edited = {mutation.name.split()[1] for mutation in all_mutations(tables, random.Random(0)) if mutation.name.startswith("edit")}
    assert edited == {f"{table.name}.{column.name}" for table in (entries, contents, head) for column in table.columns}


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        ("UPDATE entries SET at = at + 1 WHERE seq = 4", Problem(4, "its hash is not that of what it says after the entry before")),
        ("DELETE FROM entries WHERE seq IN (4, 5)", Problem(4, "entries 4 to 5 are missing")),
        ("DELETE FROM contents WHERE seq = 4", Problem(4, "its content is missing, and no later entry says that it was erased")),
        ("UPDATE contents SET market = 'DE' WHERE seq = 4", Problem(4, "its column market of contents does not say what its content says")),
        ("UPDATE contents SET salt = body WHERE seq = 4", Problem(4, "its content is not the one that was written")),
        ("UPDATE contents SET body = salt WHERE seq = 4", Problem(4, "its content cannot be read: ")),
        ("UPDATE contents SET seq = 3 WHERE seq = 4", Problem(3, "its content is there, although a later entry says that it was erased")),
        ("UPDATE contents SET seq = 77 WHERE seq = 4", Problem(77, "there is a content, and no entry")),
        ("UPDATE head SET seq = 8", Problem(None, "the chain ends with entry 9; the head says with entry 8")),
        (
            "UPDATE head SET hash = (SELECT hash FROM entries WHERE seq = 8)",
            Problem(None, "the head does not say the hash of the last entry"),
        ),
        ("DELETE FROM head", Problem(None, "the chain ends with entry 9; the head says with nothing")),
    ],
)
def test_a_problem_says_where_and_what(ledger: Ledger, statement: str, problem: Problem) -> None:
    every_kind(ledger)
    found = tampered(ledger, statement)
    assert any(one.seq == problem.seq and one.what.startswith(problem.what) for one in found), found


def tampered(ledger: Ledger, *statements: str) -> tuple[Problem, ...]:
    with ledger.change() as connection:
        unguard(connection)
        for statement in statements:
            connection.execute(text(statement))
        found = verify_view(connection).problems
        connection.rollback()
    return found


def test_values_that_no_entry_could_have_are_told_and_not_stumbled_over(ledger: Ledger) -> None:
    if ledger.engine.dialect.name != "sqlite":
        pytest.skip("PostgreSQL refuses values of another type by itself")
    every_kind(ledger)
    for column in ("seq", "kind", "entry_id", "at", "digest", "hash"):
        for value in ("'text'", "x'ff00'", "CAST(x'ff' AS TEXT)", "1.5"):
            assert tampered(ledger, f"UPDATE entries SET {column} = {value} WHERE seq = 4"), (column, value)
    for column in ("salt", "body", *COLUMNS):
        for value in ("'text'", "x'ff00'", "CAST(x'ff' AS TEXT)", "1.5"):
            assert tampered(ledger, f"UPDATE contents SET {column} = {value} WHERE seq = 4"), (column, value)


def test_a_chain_rewritten_whole_is_found_with_an_end_noted_earlier(ledger: Ledger) -> None:
    every_kind(ledger)
    anchor = read_anchor(verify(ledger).end)
    append_decisions(ledger, decided(an_ad(50)))
    assert verify(ledger, anchor=anchor).found == 0, "the chain may have grown since"
    rewrite(ledger)
    assert verify(ledger).found == 0
    assert [one.what for one in verify(ledger, anchor=anchor).problems] == [
        "its hash is not the one noted elsewhere: the chain was written anew"
    ]


def rewrite(ledger: Ledger) -> None:
    """Another time of the second entry, with all the hashes that follow from it."""
    with ledger.change() as connection:
        connection.execute(update(entries).where(entries.c.seq == 2).values(at=entries.c.at + 1))
        before = GENESIS
        for row in connection.execute(entries.select().order_by(entries.c.seq)).all():
            before = chain.link(before, row.seq, row.kind, row.entry_id, row.at, row.digest)
            connection.execute(update(entries).where(entries.c.seq == row.seq).values(hash=before))
        connection.execute(update(head).values(hash=before))


@pytest.mark.parametrize("told", ["", "12", "12:zz", "12:abcd", "x:" + "00" * 32, "-1:" + "00" * 32])
def test_what_is_no_end_of_a_chain_is_refused(told: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        read_anchor(told)


@pytest.mark.parametrize("last", [2, 3])
def test_an_erasure_covers_only_what_was_before_it(ledger: Ledger, last: int) -> None:
    append_decisions(ledger, decided(an_ad(1)))
    with ledger.write() as writing:
        writing.append("ers-1", Erased(seqs=((1, last),), why="in advance", by="test"), minutes(5))
        writing.append("dec-2", decided(an_ad(2)), minutes(6))
        writing.flush()
        writing.connection.execute(contents.delete().where(contents.c.seq.in_([1, 3])))
    found = verify(ledger).problems
    assert Problem(2, f"says that entries 1 to {last} were erased, which are not all before it") in found
    assert Problem(3, "its content is missing, and no later entry says that it was erased") in found


def test_problems_past_the_first_are_counted(ledger: Ledger) -> None:
    append_decisions(ledger, *(decided(an_ad(number)) for number in range(SHOWN + 5)))
    with ledger.change() as connection:
        connection.execute(update(contents).values(market="DE"))
    found = verify(ledger)
    assert len(found.problems) == SHOWN
    assert found.found == SHOWN + 5


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"history", None),
        (b"another", "the kept history {digest} is not the one that was kept"),
        (None, "the kept history {digest} is missing"),
    ],
)
def test_the_history_that_the_chain_names_is_held_against_its_digest(ledger: Ledger, body: bytes | None, problem: str | None) -> None:
    digest = hashlib.sha256(b"history").hexdigest()
    with ledger.write() as writing:
        writing.append("fnd-1", Founded(history=digest, bundle_version="v1"), minutes(0))
        if body is not None:
            writing.connection.execute(insert(kept).values(kind="history", digest=digest, body=body, at=0))
    assert [one.what for one in verify(ledger).problems] == ([problem.format(digest=digest)] if problem else [])


BOOK = PolicyBook(names=("deceptive",), rules={"SE": MarketRules((POLICY,))})
SOLVED = SolvedThresholds()


def with_versions(ledger: Ledger) -> None:
    """Two decisions as the service records them, with what they were made by. Nobody was asked about either."""
    ledger.keep("policies", BOOK.hash, BOOK.to_json, minutes(0))
    ledger.keep("thresholds", SOLVED.digest, lambda: SOLVED.to_json().encode(), minutes(0))
    for number in (1, 2):
        made = decided(an_ad(number), Verdict.APPROVE)
        decision = made.decision.model_copy(update={"policy_hash": BOOK.hash})
        append_decisions(ledger, made.model_copy(update={"decision": decision, "thresholds": SOLVED.digest}))


@pytest.mark.parametrize(
    ("statement", "problems"),
    [
        ("UPDATE kept SET at = at + 1", []),
        ("DELETE FROM kept WHERE kind = 'policies'", ["the kept policies {book}, which entry 1 names, is missing"]),
        ("DELETE FROM kept WHERE kind = 'thresholds'", ["the kept thresholds {solved}, which entry 1 names, is missing"]),
        (
            "DELETE FROM kept",
            [
                "the kept thresholds {solved}, which entry 1 names, is missing",
                "the kept policies {book}, which entry 1 names, is missing",
            ],
        ),
        (
            "UPDATE kept SET body = (SELECT salt FROM contents WHERE seq = 1)",
            ["the kept policies {book} is not the one that was kept", "the kept thresholds {solved} is not the one that was kept"],
        ),
    ],
)
def test_what_decisions_were_made_by_is_missed(ledger: Ledger, statement: str, problems: list[str]) -> None:
    with_versions(ledger)
    assert verify(ledger).found == 0
    assert [one.what for one in tampered(ledger, statement)] == [one.format(book=BOOK.hash, solved=SOLVED.digest) for one in problems]


def test_policies_kept_in_another_spelling_are_the_ones_that_were_kept_and_others_are_not(ledger: Ledger) -> None:
    with_versions(ledger)
    other = replace(BOOK, rules={"SE": MarketRules((replace(POLICY, audit_share=0.5),))})
    for body, found in ((json.dumps(json.loads(BOOK.to_json()), indent=2).encode(), 0), (other.to_json(), 1)):
        with ledger.change() as connection:
            connection.execute(update(kept).where(kept.c.kind == "policies").values(body=body))
        assert verify(ledger).found == found


def test_decisions_that_name_no_thresholds_go_back_to_nothing_that_is_kept(ledger: Ledger) -> None:
    append_decisions(ledger, decided(an_ad(1)))
    assert verify(ledger).found == 0


def test_columns_read_fast_are_the_columns_that_were_written(ledger: Ledger) -> None:
    every_kind(ledger)
    a_step(ledger)
    steer(ledger)
    roll_out(ledger)
    plan(ledger)
    ring(ledger)
    open_market(ledger)
    emerge(ledger)
    signal(ledger)
    carry_over(ledger)
    append_decisions(ledger, decided(an_ad(9, submitted_at=minutes(9).replace(microsecond=7), creative_id=None, landing_domain=None)))
    append_decisions(ledger, in_an_arm(an_ad(10)))
    seen = set()
    for entry in ledger.read():
        if entry.body is not None:
            plain = outline(entry.body.kind, zlib.decompress(chain.seal(entry.body).body))
            told = chain.looked_up_by(entry.body, entry.entry_id)
            assert columns_of(entry.body.kind, plain, entry.entry_id) == [told[name] for name in COLUMNS]
            seen.add(entry.body.kind)
    assert seen == set(KINDS)
    with ledger.look() as connection:
        assert names(connection) == ["seq", *COLUMNS[:-5], "salt", "body", *COLUMNS[-5:]], "migrations added the last five"


@pytest.mark.parametrize("title", ['"', '","policies":[', '\\","policies":[', "}}", ',"policies":[', ',"first":', ',"policy_hash":'])
def test_an_ad_cannot_hide_where_its_decision_begins(ledger: Ledger, title: str) -> None:
    append_decisions(ledger, decided(an_ad(1, title=title, body=title, keywords=[title])))
    assert verify(ledger).found == 0
    assert tampered(ledger, "UPDATE contents SET verdict = 'approve'")


def test_a_content_in_another_order_is_read_whole() -> None:
    plain = b'{"decision":{"policies":[],"verdict":"review"},"ad":{},"first":true}'
    assert outline("decision", plain) == {"decision": {"policies": [], "verdict": "review"}, "ad": {}, "first": True}


def names(connection: Connection) -> list[str]:
    return list(connection.execute(text("SELECT * FROM contents")).keys())


def test_a_service_that_goes_on_writing_raises_no_alarm(ledger: Ledger) -> None:
    append_decisions(ledger, *(decided(an_ad(number)) for number in range(200)))
    stop = threading.Event()

    def write() -> None:
        number = 1000
        while not stop.is_set():
            append_decisions(ledger, decided(an_ad(number)))
            number += 1

    writer = threading.Thread(target=write)
    writer.start()
    try:
        found = [verify(ledger) for _ in range(15)]
    finally:
        stop.set()
        writer.join()
    assert [one.problems for one in found] == [()] * 15
    assert found[-1].rows > found[0].rows


def test_progress_adds_up_to_the_rows(ledger: Ledger) -> None:
    class Counting:
        total = steps = 0

        def stage(self, name: str, total: int) -> None:
            self.total = total

        def advance(self, steps: int = 1) -> None:
            self.steps += steps

    every_kind(ledger)
    counting = Counting()
    verify(ledger, progress=counting)
    assert (counting.total, counting.steps) == (9, 9)
