"""A run's folder: only a shard's marker makes it count, and a run is resumed as what it was or not at all."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from adverdict.decisions.policy import PolicyBook
from adverdict.decisions.thresholds import SolvedThresholds
from adverdict.domain.ad import Ad
from adverdict.domain.decision import Decision
from adverdict.domain.errors import Conflict, InvalidInput, Mistake, NotFound, Unavailable
from adverdict.rescoring.folder.columns import COLUMNS, decisions_of, to_table
from adverdict.rescoring.folder.manifest import HistoryUsed, ModelUsed, Run, RunFolder, ShardReport
from adverdict.rescoring.input.plan import Input, Shard, ShardPlan, plan
from adverdict.rescoring.input.reading import QuarantinedRow, read_shard
from adverdict.storage.places import Place
from tests.rescoring.tables import MOMENT, a_decision, an_ad, columns_of, put

BOOK, SOLVED = PolicyBook(names=(), rules={}), SolvedThresholds()
INPUTS = (Input("a.parquet", 1000, 10, "d" * 64), Input("b.parquet", 2000, 3, "e" * 64))
PLAN = ShardPlan("/ads", "/ads", INPUTS, 5)
FIELDS: dict[str, Any] = {
    "started_at": MOMENT,
    "as_of": MOMENT,
    "since": None,
    "model": ModelUsed(source="models:/adverdict@champion", resolved="models:/adverdict/3", version="abc"),
    "policy_hash": BOOK.hash,
    "thresholds": SOLVED.digest,
    "exits": None,
    "history": HistoryUsed(kind="ledger", digest="f" * 64, seq=12, source="the ledger"),
}
SHARDS = PLAN.shards
DONE = "_adverdict/done"


def a_run(plan: ShardPlan = PLAN, **fields: Any) -> Run:
    return Run.of(plan, **{**FIELDS, **fields})


def begun(url: str, run: Run | None = None, resume: bool = False) -> RunFolder:
    folder = RunFolder(url)
    folder.begin(run or a_run(), BOOK.to_json(), SOLVED.to_json().encode(), resume)
    return folder


def decided(shard: Shard, markets: tuple[str, ...] = ("DE", "SE")) -> tuple[pa.Table, list[Decision]]:
    ads: list[Ad] = [an_ad(row, market=markets[row % len(markets)]) for row in range(shard.start, shard.stop)]
    told = [a_decision(ad) for ad in ads]
    return to_table(range(shard.start + 1, shard.stop + 1), ads, told, shard.name), told


def publish(folder: RunFolder, shard: Shard, **fields: Any) -> list[Decision]:
    table, told = decided(shard)
    folder.publish(shard, table, ShardReport(shard=shard.name, **fields), [])
    return told


class Killed(BaseException):
    """As a process is: nothing catches it."""


class Mortal(RunFolder):
    """Dies when it is about to write a file."""

    def __init__(self, out: str, dies: Callable[[str], bool]) -> None:
        super().__init__(_MortalPlace(Place.at(out).url, dies))
        self._run = RunFolder.open(out).run


class _MortalPlace(Place):
    __slots__ = ("dies",)
    dies: Callable[[str], bool]

    def __init__(self, url: str, dies: Callable[[str], bool]) -> None:
        super().__init__(url)
        object.__setattr__(self, "dies", dies)

    def write(self, name: str, content: bytes) -> None:
        if self.dies(name):
            raise Killed
        super().write(name, content)


# What a run is ----------------------------------------------------------------------------------------------------------------------


def test_a_run_is_named_by_what_determines_its_rows_alone() -> None:
    run = a_run()
    assert run.run_id == run.identity()
    moved = ShardPlan("s3://there/ads", "s3://there/ads", INPUTS, 5)
    other_source = FIELDS["model"].model_copy(update={"source": "models:/adverdict/3", "resolved": "here"})
    for same in (a_run(started_at=MOMENT + timedelta(days=1)), a_run(moved), a_run(model=other_source)):
        assert same.run_id == run.run_id


OTHERS: dict[str, tuple[dict[str, Any], ShardPlan, str]] = {
    "as_of": ({"as_of": MOMENT + timedelta(microseconds=1)}, PLAN, "2026-03-01T09:30:00.000001+00:00"),
    "since": ({"since": MOMENT}, PLAN, "2026-03-01T09:30:00+00:00"),
    "model.version": ({"model": ModelUsed(source="", resolved="", version="xyz")}, PLAN, "xyz"),
    "policy_hash": ({"policy_hash": "1" * 64}, PLAN, "1" * 64),
    "thresholds": ({"thresholds": "2" * 64}, PLAN, "2" * 64),
    "history.digest": ({"history": HistoryUsed(kind="ledger", digest="0" * 64, seq=13)}, PLAN, "0" * 64),
    "rows_per_shard": ({}, replace(PLAN, rows_per_shard=6), "6"),
    "input a.parquet": ({}, replace(PLAN, inputs=(replace(INPUTS[0], rows=11), INPUTS[1])), "11 rows in 1000 bytes, footer dddddddddddd"),
    "input b.parquet": ({}, replace(PLAN, inputs=INPUTS[:1]), "None"),
    "input c.parquet": (
        {},
        replace(PLAN, inputs=(*INPUTS, Input("c.parquet", 1, 0, "", "no Parquet"))),
        "0 rows in 1 bytes, footer unreadable",
    ),
}


def test_a_champion_that_moved_on_is_told_with_what_it_was_when_the_run_began(tmp_path: Path) -> None:
    begun(str(tmp_path))
    moved = a_run(model=ModelUsed(source="models:/adverdict@champion", resolved="models:/adverdict/4", version="xyz"))
    with pytest.raises(InvalidInput, match=r"model\.version = 'xyz'; expected 'abc' \(--model models:/adverdict/3\), as on record"):
        begun(str(tmp_path), moved, resume=True)


@pytest.mark.parametrize("field", OTHERS)
def test_another_run_has_another_id_and_resuming_it_names_the_difference(tmp_path: Path, field: str) -> None:
    fields, other, shown = OTHERS[field]
    now = a_run(other, **fields)
    assert now.run_id != a_run().run_id
    folder = begun(str(tmp_path))
    with pytest.raises(InvalidInput) as error:
        begun(str(tmp_path), now, resume=True)
    [mistake] = error.value.mistakes
    assert (mistake.field, str(mistake.value), mistake.expected.endswith("as on record")) == (field, shown, True)
    assert RunFolder.open(tmp_path).run == folder.run


def test_every_difference_is_named_at_once_with_what_is_on_record(tmp_path: Path) -> None:
    begun(str(tmp_path))
    other = a_run(replace(PLAN, rows_per_shard=7), policy_hash="1" * 64, as_of=MOMENT + timedelta(hours=1))
    with pytest.raises(InvalidInput, match=r"rows_per_shard = 7; expected 5, as on record") as error:
        begun(str(tmp_path), other, resume=True)
    assert {one.field for one in error.value.mistakes} == {"rows_per_shard", "policy_hash", "as_of"}


# Beginning, resuming, opening -------------------------------------------------------------------------------------------------------


def test_what_is_begun_is_opened_again_the_same(anywhere: str) -> None:
    run = begun(anywhere).run
    opened = RunFolder.open(anywhere)
    assert (opened.run, opened.run.plan, opened.done(), opened.files()) == (run, PLAN, {}, [])
    assert (opened.book(), opened.thresholds(), list(opened.decisions())) == (BOOK, SOLVED, [])
    assert opened.place.names() == ["_adverdict/policies.json", "_adverdict/run.json", "_adverdict/thresholds.json"]


def test_a_folder_in_use_is_refused_unless_it_is_to_be_resumed(anywhere: str) -> None:
    run = begun(anywhere).run
    with pytest.raises(Conflict, match=rf"holds {run.run_id}, begun 2026-03-01 09:30 UTC; go on with it by --resume"):
        begun(anywhere, a_run(started_at=MOMENT + timedelta(days=1)))
    resumed = begun(anywhere, a_run(started_at=MOMENT + timedelta(days=1)), resume=True)
    assert resumed.run.started_at == MOMENT


@pytest.mark.parametrize("resume", [False, True])
def test_a_folder_of_something_else_is_refused(anywhere: str, resume: bool) -> None:
    Place.at(anywhere).write("thesis.doc", b"")
    with pytest.raises(Conflict, match="is not empty and holds no rescoring"):
        begun(anywhere, resume=resume)
    with pytest.raises(NotFound, match=r"no rescoring in .*run\.json is missing"):
        RunFolder.open(anywhere)


def test_resuming_where_nothing_was_begun_begins(tmp_path: Path) -> None:
    assert begun(str(tmp_path), resume=True).run == a_run()


def test_a_run_killed_while_it_began_is_completed_by_resuming(tmp_path: Path) -> None:
    place = Place.at(tmp_path)
    place.write("_adverdict/run.json", a_run().to_json())
    (tmp_path / "_adverdict" / ".policies.json.0123456789ab.part").write_bytes(b"half")
    assert begun(str(tmp_path), resume=True).book() == BOOK
    assert place.sweep() == []


def test_a_resumed_run_reads_the_ads_where_they_lie_now(tmp_path: Path) -> None:
    begun(str(tmp_path))
    moved = replace(PLAN, ads="/moved", root="/moved")
    assert begun(str(tmp_path), a_run(moved), resume=True).run.plan == moved
    assert RunFolder.open(tmp_path).run.plan == PLAN


@pytest.mark.parametrize(
    ("name", "content", "ask"),
    [
        ("run.json", b"{", lambda folder: folder.run),
        ("run.json", a_run().to_json().replace(b'"rows_per_shard": 5', b'"rows_per_shard": 6'), lambda folder: folder.run),
        ("run.json", a_run().to_json().replace(b'"ads"', b'"adz"'), lambda folder: folder.run),
        ("policies.json", b"[]", RunFolder.book),
        ("policies.json", PolicyBook(names=("other",), rules={}).to_json(), RunFolder.book),
        ("thresholds.json", b"\xff", RunFolder.thresholds),
        ("thresholds.json", b'{"schema": 2, "solved": [1]}', RunFolder.thresholds),
        ("done/part-00000-00000.json", b"", RunFolder.done),
        ("done/part-00000-00000.json", b'{"shard": "part-00000-00001"}', RunFolder.done),
        ("done/part-00000-00000.json", b'{"shard": "part-00000-00000", "files": {"../../etc/passwd": 1}}', RunFolder.done),
    ],
)
def test_a_broken_file_is_named(tmp_path: Path, name: str, content: bytes, ask: Callable[[RunFolder], Any]) -> None:
    begun(str(tmp_path))
    Place.at(tmp_path).write(f"_adverdict/{name}", content)
    with pytest.raises(InvalidInput, match=f"is not as it was written\n.*_adverdict/{name}"):
        ask(RunFolder.open(tmp_path))


# Publishing -------------------------------------------------------------------------------------------------------------------------


def test_decisions_come_back_in_the_order_of_the_rows_whatever_was_published_first(anywhere: str) -> None:
    folder = begun(anywhere)
    told = {shard.name: publish(folder, shard) for shard in reversed(SHARDS)}
    opened = RunFolder.open(anywhere)
    tables = list(opened.decisions())
    assert [one for table in tables for one in decisions_of(table)] == [one for shard in SHARDS for one in told[shard.name]]
    assert all(tuple(table.column_names) == COLUMNS for table in tables)
    [first, *_] = opened.decisions(["market", "ad_id"], market="SE")
    assert first.to_pylist() == [{"market": "SE", "ad_id": "ad-1"}, {"market": "SE", "ad_id": "ad-3"}]
    assert list(opened.done()) == [shard.name for shard in SHARDS]
    assert opened.files("DE") == [f"{opened.place.url}/market=DE/{shard.name}.parquet" for shard in SHARDS]


def test_a_marker_tells_the_files_and_counts_of_its_shard(tmp_path: Path) -> None:
    folder = begun(str(tmp_path))
    publish(folder, SHARDS[0], texts=5, seconds=1.5, worker="w1", skipped=2)
    done = folder.done()[SHARDS[0].name]
    assert done.files == {"market=DE/part-00000-00000.parquet": 3, "market=SE/part-00000-00000.parquet": 2}
    assert (done.rows, done.verdicts, done.texts, done.seconds, done.worker, done.skipped) == (5, {"reject": 5}, 5, 1.5, "w1", 2)


def test_the_market_is_in_the_path_and_duckdb_reads_it_from_there(tmp_path: Path) -> None:
    import duckdb

    folder = begun(str(tmp_path))
    publish(folder, SHARDS[0])
    assert "market" not in pq.read_schema(folder.files()[0]).names
    query = "SELECT market, count(*) FROM read_parquet(?, hive_partitioning=true) GROUP BY market ORDER BY market"
    assert duckdb.execute(query, [folder.files()]).fetchall() == [("DE", 3), ("SE", 2)]


@pytest.mark.parametrize("dies_at", ["market=SE/", "_adverdict/quarantine/", f"{DONE}/"])
def test_a_shard_whose_writer_died_before_the_marker_is_not_done(anywhere: str, dies_at: str) -> None:
    begun(anywhere)
    table, told = decided(SHARDS[0])
    row = QuarantinedRow(3, (Mistake("market", "x", "a market"),))
    with pytest.raises(Killed):
        Mortal(anywhere, lambda name: name.startswith(dies_at)).publish(SHARDS[0], table, ShardReport(shard=SHARDS[0].name), [row])
    folder = RunFolder.open(anywhere)
    assert (folder.done(), folder.files(), list(folder.decisions())) == ({}, [], [])
    folder.publish(SHARDS[0], table, ShardReport(shard=SHARDS[0].name), [row])
    assert [one for found in folder.decisions() for one in decisions_of(found)] == told


def test_killed_and_done_again_leaves_the_same_files_as_never_killed(tmp_path: Path) -> None:
    whole, again = begun(str(tmp_path / "whole")), begun(str(tmp_path / "again"))
    with pytest.raises(Killed):
        publish(Mortal(str(tmp_path / "again"), lambda name: name.startswith(DONE)), SHARDS[0])
    for folder in (whole, again):
        for shard in SHARDS:
            publish(folder, shard)
    assert {name: whole.place.read(name) for name in whole.place.names()} == {name: again.place.read(name) for name in again.place.names()}


def test_what_a_dead_attempt_left_in_other_markets_is_removed_before_the_marker(anywhere: str) -> None:
    begun(anywhere)
    table, _ = decided(SHARDS[0], ("FR", "SE"))
    row = QuarantinedRow(1, (Mistake("market", "x", "a market"),))
    with pytest.raises(Killed):
        Mortal(anywhere, lambda name: name.startswith(DONE)).publish(SHARDS[0], table, ShardReport(shard=SHARDS[0].name), [row])
    folder = RunFolder.open(anywhere)
    publish(folder, SHARDS[1])
    publish(folder, SHARDS[0])
    parts = ["market=DE/part-00000-00000.parquet", "market=DE/part-00000-00001.parquet"]
    parts += [part.replace("DE", "SE") for part in parts]
    assert [name for name in folder.place.names() if "part" in name and "done" not in name] == parts


def test_a_shard_that_is_done_stays_as_it_is(tmp_path: Path) -> None:
    folder = begun(str(tmp_path))
    told = publish(folder, SHARDS[0], worker="first")
    empty = to_table([], [], [], SHARDS[0].name)
    late = folder.publish(SHARDS[0], empty, ShardReport(shard=SHARDS[0].name, reason="its worker died of it", worker="second"), [])
    assert (late.worker, late.reason, late.rows) == ("first", None, 5)
    assert [one for table in folder.decisions() for one in decisions_of(table)] == told


def test_files_without_a_marker_are_never_read(tmp_path: Path) -> None:
    folder = begun(str(tmp_path))
    told = publish(folder, SHARDS[0])
    folder.place.write("market=DE/part-00009-00000.parquet", b"no Parquet")
    folder.place.write(f"{DONE}/notes.txt", b"no marker")
    assert [one for table in folder.decisions() for one in decisions_of(table)] == told


@pytest.mark.parametrize("content", [b"no Parquet", "other rows"])
def test_a_published_file_that_has_changed_is_named(tmp_path: Path, content: bytes | str) -> None:
    folder = begun(str(tmp_path))
    publish(folder, SHARDS[0])
    if isinstance(content, str):
        put(str(tmp_path), "market=DE/part-00000-00000.parquet", decided(SHARDS[1])[0].drop_columns(["market"]))
    else:
        folder.place.write("market=DE/part-00000-00000.parquet", content)
    with pytest.raises(InvalidInput, match=r"market=DE/part-00000-00000\.parquet"):
        list(folder.decisions())
    folder.place.remove("market=DE/part-00000-00000.parquet")
    with pytest.raises(NotFound, match=r"market=DE/part-00000-00000\.parquet"):
        list(folder.decisions())


# Quarantine -------------------------------------------------------------------------------------------------------------------------


def test_rows_set_aside_are_told_with_every_mistake(tmp_path: Path) -> None:
    folder = begun(str(tmp_path))
    table, _ = decided(SHARDS[0])
    mistakes = (Mistake("market", "Sverige", "an ISO 3166-1 alpha-2 code such as SE"), Mistake("title", "x" * 9000 + "\udc00", "text"))
    done = folder.publish(SHARDS[0], table, ShardReport(shard=SHARDS[0].name), [QuarantinedRow(7, mistakes)])
    assert (done.quarantined_rows, done.rows, done.reason) == (1, 5, None)
    [line] = folder.place.read("_adverdict/quarantine/part-00000-00000.jsonl").decode("ascii").splitlines()
    told = json.loads(line)
    assert (told["file"], told["row"], told["mistakes"][0]["value"]) == ("a.parquet", 7, "'Sverige'")
    assert len(told["mistakes"][1]["value"]) == 200
    assert "Sverige" not in folder.place.read(f"{DONE}/part-00000-00000.json").decode()


def test_a_shard_set_aside_as_a_whole_says_why(anywhere: str) -> None:
    folder = begun(anywhere)
    empty = to_table([], [], [], SHARDS[1].name)
    folder.publish(SHARDS[1], empty, ShardReport(shard=SHARDS[1].name, reason="no market"), [])
    done = RunFolder.open(anywhere).done()[SHARDS[1].name]
    assert (done.reason, done.rows, done.files, done.verdicts) == ("no market", 0, {}, {})
    told = json.loads(folder.place.read("_adverdict/quarantine/part-00000-00001.jsonl"))
    assert told == {"file": "a.parquet", "from_row": 6, "to_row": 10, "reason": "no market"}
    with pytest.raises(ValueError, match="quarantined as a whole, and yet has rows"):
        folder.publish(SHARDS[0], decided(SHARDS[0])[0], ShardReport(shard=SHARDS[0].name, reason="x"), [])


def test_a_place_that_cannot_be_written_leaves_the_shard_undone(tmp_path: Path) -> None:
    folder = begun(str(tmp_path))
    (tmp_path / "market=SE").write_text("a file where a folder is needed")
    with pytest.raises(Unavailable, match=r"cannot write .*market=SE/part-00000-00000\.parquet"):
        publish(folder, SHARDS[0])
    assert folder.done() == {}


def test_from_ads_to_decisions_and_back(anywhere: str) -> None:
    ads = [an_ad(i) for i in range(23)]
    put(f"{anywhere}/in", "ads/one.parquet", columns_of(ads[:15]), group=4)
    put(f"{anywhere}/in", "ads/two.parquet", columns_of(ads[15:]))
    found = plan(f"{anywhere}/in", 6)
    folder = begun(f"{anywhere}/out", a_run(found))
    told = []
    for shard in found.shards:
        read = read_shard(folder.run.plan, shard, None)
        told += [a_decision(ad) for ad in read.ads]
        table = to_table(read.rows, read.ads, told[-len(read.ads) :], shard.name)
        folder.publish(shard, table, ShardReport(shard=shard.name), read.quarantined)
    assert [one for table in RunFolder.open(f"{anywhere}/out").decisions() for one in decisions_of(table)] == told
    assert plan(f"{anywhere}/in", 6) == found
