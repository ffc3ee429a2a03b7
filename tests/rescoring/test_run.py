"""A whole run: refused before anything is written, resumed only as itself, and honest about what it could not decide."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from adverdict.decisions.steering import BrakeSide
from adverdict.domain.ad import Label
from adverdict.domain.errors import AdverdictError, Conflict, InvalidInput, InvalidSettings, NotFound, Unavailable, UntrustedBundle
from adverdict.ledger.in_force.steering import brake, release
from adverdict.ledger.store import Ledger
from adverdict.models.cascade import FILE
from adverdict.rescoring import memory
from adverdict.rescoring.deciding.job import RescoringJob, give_up
from adverdict.rescoring.deciding.progress import SilentProgress
from adverdict.rescoring.deciding.run import Options, rescore
from adverdict.rescoring.deciding.start import make_worker
from adverdict.rescoring.deciding.summary import Summary
from adverdict.rescoring.folder.manifest import RunFolder, ShardReport
from adverdict.rescoring.input.plan import Shard
from adverdict.rescoring.memory import MIB
from adverdict.storage.tables.pack import write_ads, write_labels
from tests.ledger.made import braked, minutes
from tests.rescoring.deciding import AS_OF, START, Bench, an_ad, files_of, in_process, rows_of
from tests.scoring.early import CASCADE, EXPIRES, ISSUED, issued, open_early
from tests.scoring.fakes import open_fake


def run(options: Options, **others: Any) -> Summary:
    return rescore(options, SilentProgress(), open_model=open_fake, **others)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Models are looked at and shards decided in this process; that they also are in others is for the tests of the engines."""
    in_process(monkeypatch)
    monkeypatch.setenv("ADVERDICT_HOME", str(tmp_path / "home"))


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench.make(tmp_path)


def test_every_ad_is_decided_and_counted(bench: Bench) -> None:
    summary = run(bench.options())
    assert summary.complete
    assert (summary.shards, summary.ads, summary.verdicts) == (6, 100, {"approve": 86, "reject": 14})
    assert summary.markets == {"GB": {"approve": 43, "reject": 7}, "SE": {"approve": 43, "reject": 7}}
    assert summary.effort.worker_peak_mib > 10
    assert Summary.model_validate_json((bench.home / "out/_adverdict/summary.json").read_bytes()) == summary
    assert [row["ad_id"] for row in rows_of(bench.home / "out")] == [f"ad-{n}" for n in range(1, 101)]


def test_fewer_workers_than_asked_for_are_told_of(bench: Bench) -> None:
    said: list[str] = []

    class Listening(SilentProgress):
        def say(self, sentence: str) -> None:
            said.append(sentence)

    each = memory.in_use() + memory.ROOM
    limit = memory.in_use() + memory.SLACK + each + each // 2
    rescore(bench.options(workers=4, limit_memory=limit), Listening(), open_model=open_fake)
    assert [sentence.split(" MiB")[0].split(" GiB")[0].rsplit(" ", 1)[0] for sentence in said] == ["1 of 4 workers fit into"]


def test_a_column_outside_the_contract_is_told_once(bench: Bench) -> None:
    said: list[str] = []

    class Listening(SilentProgress):
        def say(self, sentence: str) -> None:
            said.append(sentence)

    for path in (bench.home / "ads").iterdir():
        table = pq.read_table(path)
        pq.write_table(table.append_column("landing_domian", pa.array(["x.example"] * len(table))), path)
    rescore(bench.options(), Listening(), open_model=open_fake)
    column = "column 'landing_domian' is not in the data contract and was left out; is it 'landing_domain'?"
    assert said == [f"warning: 0.parquet, and wherever else it is: {column}"]


def test_only_ads_submitted_since_a_moment_are_decided(bench: Bench) -> None:
    summary = run(bench.options(since=START + timedelta(minutes=71)))
    assert (summary.ads, summary.skipped) == (30, 70)


def test_an_id_that_comes_twice_is_told(tmp_path: Path) -> None:
    bench = Bench.make(tmp_path, [an_ad(1), an_ad(2), an_ad(1, title="changed"), an_ad(3)])
    assert run(bench.options()).twice.model_dump() == {"ads": 1, "rows": 2, "examples": ("ad-1",)}


def test_what_a_folder_tells_is_known_and_nothing_else(bench: Bench) -> None:
    (bench.home / "known").mkdir()
    write_ads(bench.home / "known" / "ads.parquet", [an_ad(1), an_ad(2)])
    label = Label(ad_id="ad-1", policy="deceptive", violates=True, labelled_at=START + timedelta(days=1), rater_id="r1")
    write_labels(bench.home / "known" / "labels.parquet", [label])
    run(bench.options(history=bench.home / "known"))
    history = json.loads((bench.home / "out/_adverdict/run.json").read_text())["history"]
    assert (history["kind"], history["source"], history["seq"]) == ("folder", str(bench.home / "known"), None)


@pytest.mark.parametrize(
    ("changes", "error", "said"),
    [
        ({"ads": "nowhere"}, NotFound, "nowhere"),
        ({"history": Path("nowhere")}, NotFound, "no such folder: nowhere"),
        ({"rows_per_shard": 0}, InvalidInput, "rows_per_shard = 0"),
        ({"limit_memory": 64 * MIB}, InvalidSettings, "--limit-memory = '64 MiB'; expected at least"),
        ({"out": "gopher://there"}, InvalidInput, "gopher://"),
        ({"resume": True, "out": "full"}, NotFound, "no rescoring in"),
        ({"out": "full"}, Conflict, "is not empty"),
    ],
)
def test_what_cannot_be_done_is_refused_before_anything_is_written(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any], error: type[AdverdictError], said: str
) -> None:
    monkeypatch.chdir(bench.home)
    (bench.home / "full").mkdir()
    (bench.home / "full" / "somebody's").write_text("work")
    with pytest.raises(error, match=said):
        run(replace(bench.options(), **changes))
    assert not (bench.home / "out").exists()
    assert [path.name for path in (bench.home / "full").iterdir()] == ["somebody's"]


def test_a_folder_that_holds_no_bundle_is_refused_before_anything_is_written(bench: Bench) -> None:
    with pytest.raises(UntrustedBundle, match="is not a bundle"):
        run(bench.options(settings=bench.settings(model=str(bench.home / "ads"))))
    assert not (bench.home / "out").exists()


def test_a_real_bundle_that_is_missing_is_not_found(bench: Bench) -> None:
    with pytest.raises(NotFound, match=r"no model .*nowhere"):
        rescore(bench.options(settings=bench.settings(model=str(bench.home / "nowhere"))), SilentProgress())
    assert not (bench.home / "out").exists()


def test_a_finished_run_is_not_overwritten_and_resumed_for_nothing(bench: Bench) -> None:
    run(bench.options())
    before = files_of(bench.home / "out")
    with pytest.raises(Conflict, match="--resume"):
        run(bench.options())
    again = run(bench.options(as_of=None, resume=True))
    assert (again.ads, again.effort.shards, again.effort.ads) == (100, 0, 0)
    assert files_of(bench.home / "out") == before


def test_a_run_is_resumed_only_as_itself_and_every_difference_is_named(bench: Bench) -> None:
    run(bench.options())
    (bench.home / "bundle" / "bundle.json").write_text(json.dumps({"version": "v2"}))
    text = (bench.home / "policies" / "default.yaml").read_text()
    (bench.home / "policies" / "default.yaml").write_text(text.replace("reject_at: 0.9", "reject_at: 0.8"))
    write_ads(bench.home / "ads" / "2.parquet", [an_ad(500)])
    with pytest.raises(InvalidInput, match="holds run-") as refused:
        run(bench.options(resume=True, since=START, as_of=AS_OF + timedelta(days=1), rows_per_shard=10))
    assert [mistake.field for mistake in refused.value.mistakes] == [
        "model.version",
        "policy_hash",
        "as_of",
        "since",
        "rows_per_shard",
        "input 2.parquet",
    ]


def test_another_history_is_another_run(bench: Bench) -> None:
    run(bench.options())
    (bench.home / "known").mkdir()
    write_ads(bench.home / "known" / "ads.parquet", [an_ad(1)])
    write_labels(
        bench.home / "known" / "labels.jsonl", [Label(ad_id="ad-1", policy="deceptive", violates=True, labelled_at=START, rater_id="r1")]
    )
    with pytest.raises(InvalidInput) as refused:
        run(bench.options(resume=True, history=bench.home / "known"))
    assert [mistake.field for mistake in refused.value.mistakes] == ["history.digest"]


def test_a_run_killed_before_it_kept_its_history_freezes_the_same_again(bench: Bench) -> None:
    run(bench.options())
    before = files_of(bench.home / "out")
    for name in ("history", "done"):
        shutil.rmtree(bench.home / "out" / "_adverdict" / name)
    assert run(bench.options(resume=True)).complete
    assert rows_of(bench.home / "out")
    assert files_of(bench.home / "out") == before


def test_what_cannot_be_read_is_quarantined_and_all_else_decided(bench: Bench) -> None:
    (bench.home / "ads" / "1.parquet").write_bytes(b"PAR1 not really")
    summary = run(bench.options())
    assert not summary.complete
    assert (summary.ads, [one.shard for one in summary.quarantined_shards]) == (50, ["part-00001-00000"])
    assert "1.parquet" in summary.quarantined_shards[0].reason


def test_what_was_given_up_is_tried_again_when_the_run_is_resumed_and_all_else_stays(bench: Bench) -> None:
    first = run(bench.options(), make=gives_up)
    assert [(one.shard, one.reason) for one in first.quarantined_shards] == [("part-00000-00001", "3 workers died of it")]
    set_aside = bench.home / "out/_adverdict/quarantine/part-00000-00001.jsonl"
    assert set_aside.is_file()
    before = files_of(bench.home / "out")
    again = run(bench.options(resume=True))
    assert (again.complete, again.ads, again.effort.shards, set_aside.exists()) == (True, 100, 1, False)
    assert before.items() < files_of(bench.home / "out").items()
    assert [row["ad_id"] for row in rows_of(bench.home / "out")] == [f"ad-{n}" for n in range(1, 101)]


def test_a_file_that_came_back_as_it_was_is_decided_when_the_run_is_resumed(bench: Bench) -> None:
    file = bench.home / "ads" / "1.parquet"
    whole = file.read_bytes()

    def taken_away(job: RescoringJob) -> Callable[[Shard], ShardReport]:
        file.unlink(missing_ok=True)
        return make_worker(job)

    first = run(bench.options(), make=taken_away)
    assert (first.ads, len(first.quarantined_shards)) == (50, 3)
    file.write_bytes(whole)
    assert run(bench.options(resume=True)).ads == 100


def test_a_file_that_was_repaired_is_another_run(bench: Bench) -> None:
    file = bench.home / "ads" / "1.parquet"
    whole = file.read_bytes()
    file.write_bytes(whole[:-100])
    assert not run(bench.options()).complete
    file.write_bytes(whole)
    with pytest.raises(InvalidInput, match=r"another run; give an empty folder(?s:.*)input 1\.parquet = '50 rows"):
        run(bench.options(resume=True))


def test_an_outage_ends_the_run_and_says_how_to_go_on(bench: Bench) -> None:
    with pytest.raises(Unavailable, match=r"No space left on device\n.*--resume goes on"):
        run(bench.options(), make=full_disk)
    assert len(rows_of(bench.home / "out")) == 40
    assert run(bench.options(resume=True)).ads == 100


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """400 KiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=400k", "none", str(folder)], capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip("a file system can only be mounted by root")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_on_a_full_disk_the_run_ends_with_its_name_and_goes_on_when_there_is_room(tmp_path: Path, small_disk: Path) -> None:
    bench = Bench.make(tmp_path)
    filler = small_disk / "filler"
    filler.write_bytes(b"0" * 240 * 1024)
    with pytest.raises(Unavailable, match=r"(?s)disk/out.*No space left on device.*--resume goes on"):
        run(bench.options(str(small_disk / "out")))
    filler.unlink()
    assert run(bench.options(str(small_disk / "out"), resume=True)).complete
    assert [row["ad_id"] for row in rows_of(small_disk / "out")] == [f"ad-{n}" for n in range(1, 101)]


@pytest.mark.slow
def test_ads_and_decisions_may_lie_in_an_object_store(bench: Bench, bucket: str) -> None:
    from adverdict.storage.places import Place

    there = Place.at(f"{bucket}/ads")
    for path in (bench.home / "ads").iterdir():
        there.write(path.name, path.read_bytes())
    run(bench.options())
    summary = run(replace(bench.options(), ads=there.url, out=f"{bucket}/out"))
    assert summary.complete
    told = [{key: value for key, value in row.items() if key != "decided_at"} for row in rows_of(f"{bucket}/out")]
    assert told == [{key: value for key, value in row.items() if key != "decided_at"} for row in rows_of(bench.home / "out")]
    with pytest.raises(Conflict, match="not empty"):
        run(replace(bench.options(), ads=there.url, out=f"{bucket}/out"))


def gives_up(job: RescoringJob) -> Callable[[Shard], ShardReport]:
    """As an engine does with a shard of which workers died."""
    decide, poison = make_worker(job), "part-00000-00001"
    return lambda shard: (
        give_up(RunFolder.open(job.out), shard, "3 workers died of it", "driver") if shard.name == poison else decide(shard)
    )


def full_disk(job: RescoringJob) -> Callable[[Shard], ShardReport]:
    decide = make_worker(job)

    def until_full(shard: Shard) -> ShardReport:
        if shard.name == "part-00000-00002":
            raise Unavailable(f"cannot write {job.out}: No space left on device")
        return decide(shard)

    return until_full


# Ads that leave early ---------------------------------------------------------------------------------------------------------------


@pytest.fixture
def leaving(tmp_path: Path) -> Bench:
    """Every other ad is settled early. The bundle's folder says how its early exit is doubted, and certificates lie beside it."""
    bench = Bench.make(tmp_path, [an_ad(n, title="0.02 0.03" if n % 2 else "0.09 0.95") for n in range(1, 41)])
    (bench.home / "bundle" / FILE).write_text(json.dumps(CASCADE.to_json()))
    (bench.home / "certificates.json").write_text(issued().to_json())
    (bench.home / "others.json").write_text(issued(wrong=190).to_json())
    return bench


def early(bench: Bench, out: str = "out", certificates: str = "certificates.json", at: datetime = ISSUED, **others: Any) -> Summary:
    options = bench.options(out, settings=bench.settings(certificates=bench.home / certificates), **others)
    return rescore(options, SilentProgress(), open_model=open_early, now=lambda: at)


def test_settled_ads_leave_early_and_the_decisions_say_by_which_rule(leaving: Bench) -> None:
    early(leaving)
    rule = RunFolder.open(leaving.home / "out").run.exits
    assert rule is not None
    told = [(row["verdict"], row["exit"], row["exit_certificate"]) for row in rows_of(leaving.home / "out")]
    assert told == [("approve", "early", rule.certificate_id), ("reject", "full", rule.certificate_id)] * 20


def test_a_run_is_gone_on_with_by_its_own_exit_rule_or_not_at_all(leaving: Bench) -> None:
    early(leaving)
    with pytest.raises(InvalidInput, match=r"exits\.certificate = 'exit-[0-9a-f]+'; expected 'exit-[0-9a-f]+', as on record"):
        early(leaving, certificates="others.json", resume=True)
    before = files_of(leaving.home / "out")
    assert early(leaving, at=EXPIRES + timedelta(days=1), resume=True).complete, "the run began while the rule held"
    assert files_of(leaving.home / "out") == before


def test_a_run_begun_after_its_exit_rule_expired_has_none(leaving: Bench) -> None:
    early(leaving, at=EXPIRES)
    assert RunFolder.open(leaving.home / "out").run.exits is None
    assert {row["exit"] for row in rows_of(leaving.home / "out")} == {None}
    early(leaving, "before")
    runs = [RunFolder.open(leaving.home / name).run for name in ("out", "before")]
    assert len({run.run_id for run in runs}) == 2, "other ways through the model are other rows"


# Brakes -----------------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def ledger(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ledger]:
    """An empty one, which the environment names."""
    url = f"sqlite:///{bench.home / 'ledger.db'}"
    monkeypatch.setenv("ADVERDICT_DATABASE_URL", url)
    opened = Ledger.open(url)
    yield opened
    opened.close()


def put_on(ledger: Ledger, side: BrakeSide) -> tuple[str, int]:
    with ledger.write() as writing:
        return brake(writing, braked(side), minutes(1))


def test_a_rescoring_obeys_the_brakes_that_are_on_when_it_begins_also_when_it_is_gone_on_with(bench: Bench, ledger: Ledger) -> None:
    brake_id, seq = put_on(ledger, BrakeSide.APPROVE)
    run(bench.options(settings=bench.settings()))
    before = rows_of(bench.home / "out")
    assert {(row["verdict"], row["steered_seq"]) for row in before} == {("review", seq), ("reject", seq)}
    with ledger.write() as writing:
        release(writing, brake_id, "it has passed", "olga", minutes(2))
    for file in [*(bench.home / "out").glob("_adverdict/done/*.json"), *(bench.home / "out").glob("market=*/*.parquet")]:
        file.unlink()
    run(bench.options(settings=bench.settings(), resume=True))
    assert rows_of(bench.home / "out") == before
    run(bench.options("afterwards", settings=bench.settings()))
    assert {row["verdict"] for row in rows_of(bench.home / "afterwards")} == {"approve", "reject"}


def test_a_run_under_a_brake_is_another_run(bench: Bench, ledger: Ledger) -> None:
    run(bench.options("before", settings=bench.settings()))
    put_on(ledger, BrakeSide.REJECT)
    run(bench.options("under", settings=bench.settings()))
    without, under = (RunFolder.open(str(bench.home / name)).run for name in ("before", "under"))
    assert (without.steering, [one.side for one in under.steering.brakes] if under.steering else None) == (None, [BrakeSide.REJECT])
    assert without.run_id != under.run_id
