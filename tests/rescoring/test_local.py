"""The engine of one machine: whoever dies is known with what it held, nothing else is lost, and nothing is left running."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from adverdict.domain.errors import InvalidSettings, Unavailable
from adverdict.rescoring.deciding import local
from adverdict.rescoring.deciding.job import RescoringJob
from adverdict.rescoring.deciding.progress import SilentProgress
from adverdict.rescoring.deciding.run import rescore
from adverdict.rescoring.folder.manifest import RunFolder, ShardReport
from adverdict.rescoring.input.plan import Shard
from adverdict.rescoring.memory import MIB, Budget
from tests.rescoring.deciding import Bench, a_bug, dies_while_loading, files_of, poisoned, rows_of
from tests.scoring.fakes import open_fake

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """A rescoring that nothing interrupted."""
    bench = Bench.make(tmp_path_factory.mktemp("whole"))
    rescore(bench.options(), SilentProgress(), open_model=open_fake)
    return bench


def running(home: Path) -> list[str]:
    """Processes whose environment tells of this folder: the driver and the workers it started."""
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            if f"ADVERDICT_HOME={home}".encode() in path.read_bytes().split(b"\0"):
                found.append(path.parent.name)
        except OSError:
            continue
    return found


def wait_until(holds: Callable[[], bool], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


@pytest.mark.slow
def test_a_shard_that_kills_its_worker_is_blamed_exactly_and_all_others_are_decided(whole: Bench, tmp_path: Path) -> None:
    said: list[str] = []

    class Listening(SilentProgress):
        def say(self, sentence: str) -> None:
            said.append(sentence)

    summary = rescore(whole.options(str(tmp_path / "out"), workers=2), Listening(), open_model=open_fake, make=poisoned)
    assert [(one.shard, one.reason) for one in summary.quarantined_shards] == [
        ("part-00000-00001", "3 workers died of it: SIGKILL, as when memory runs out")
    ]
    assert summary.rows_in_quarantined_shards == 20
    expected = [row for row in rows_of(whole.home / "out") if row["shard"] != "part-00000-00001"]
    assert [row["decision_id"] for row in rows_of(tmp_path / "out")] == [row["decision_id"] for row in expected]
    assert sum("killed the worker that had it" in sentence for sentence in said) == 2
    assert not multiprocessing.active_children()


@pytest.mark.slow
def test_a_killed_run_takes_its_workers_along_and_once_resumed_has_the_rows_of_an_uninterrupted_one(whole: Bench, tmp_path: Path) -> None:
    started = RunFolder.open(whole.home / "out").run.started_at
    bench = Bench.make(tmp_path)
    command = [sys.executable, "-m", "tests.rescoring.deciding", str(tmp_path), started.isoformat()]
    driver = subprocess.Popen(command, cwd=ROOT, env=os.environ | {"ADVERDICT_HOME": str(tmp_path)})
    done = tmp_path / "out" / "_adverdict" / "done"
    wait_until(lambda: len(list(done.glob("*.json"))) >= 2)
    os.kill(driver.pid, signal.SIGKILL)
    driver.wait()
    wait_until(lambda: not running(tmp_path))
    before = {path.name: path.stat().st_mtime_ns for path in done.glob("*.json")}
    assert 2 <= len(before) < 6
    summary = rescore(bench.options(resume=True), SilentProgress(), open_model=open_fake)
    after = {path.name: path.stat().st_mtime_ns for path in done.glob("*.json")}
    assert len(after) == 6
    assert before.items() <= after.items(), "what was done was not done again"
    assert summary.effort.shards <= 6 - len(before)
    assert files_of(tmp_path / "out") == files_of(whole.home / "out")


@pytest.mark.slow
def test_a_model_that_kills_whoever_loads_it_ends_the_run(whole: Bench, tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match=r"3 workers in a row died while they loaded the model: SIGKILL"):
        rescore(whole.options(str(tmp_path / "out")), SilentProgress(), open_model=open_fake, make=dies_while_loading)
    assert not multiprocessing.active_children()


def test_a_bug_in_a_worker_is_raised_with_its_trace_and_leaves_nothing_running(whole: Bench, tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="ZeroDivisionError: while loading"):
        rescore(whole.options(str(tmp_path / "out")), SilentProgress(), open_model=open_fake, make=a_bug)
    assert not multiprocessing.active_children()


@pytest.mark.slow
def test_the_first_shards_peak_says_how_many_workers_fit(whole: Bench) -> None:
    job = job_of(whole)
    said: list[str] = []
    reports: list[ShardReport] = []
    budget = Budget(total=330 * MIB + 64 * MIB, driver=0)
    local.run(job, job.plan.shards, 4, reports.append, budget=budget, say=said.append, make=hungry)
    assert len(reports) == 6
    assert said == ["3 of 4 workers fit into 394 MiB: each needs 100 MiB"]
    assert len({report.worker for report in reports}) <= 3


def test_a_worker_that_does_not_fit_at_all_ends_the_run_with_the_least_that_would_do(whole: Bench) -> None:
    job = job_of(whole)
    with pytest.raises(InvalidSettings, match=r"--limit-memory = '150 MiB'; expected at least 164 MiB"):
        local.run(job, job.plan.shards, 4, lambda _: None, budget=Budget(total=150 * MIB, driver=0), make=hungry)
    assert not multiprocessing.active_children()


@pytest.mark.slow
def test_a_worker_that_holds_more_than_its_share_is_replaced(whole: Bench) -> None:
    job = job_of(whole)
    said: list[str] = []
    reports: list[ShardReport] = []
    local.run(job, job.plan.shards[:3], 1, reports.append, budget=Budget(total=64 * MIB + 2 * MIB, driver=0), say=said.append, make=modest)
    assert [report.shard for report in reports] == [shard.name for shard in job.plan.shards[:3]]
    assert len({report.worker for report in reports}) == 2, "the first shard measures, and after the second it holds too much"
    assert said[0].endswith("more than its 2 MiB; another takes its place")


def job_of(bench: Bench) -> RescoringJob:
    run = RunFolder.open(bench.home / "out").run
    return RescoringJob(str(bench.home / "out"), run.plan, bench.home / "bundle", "", Path(), "", Path())


def hungry(job: RescoringJob) -> Tells:
    return Tells(100.0)


def modest(job: RescoringJob) -> Tells:
    """Says so."""
    return Tells(1.0)


class Tells:
    """Decides nothing, and says it needed so much memory for it."""

    def __init__(self, peak_mib: float) -> None:
        self.peak_mib = peak_mib

    def __call__(self, shard: Shard) -> ShardReport:
        return ShardReport(shard=shard.name, peak_mib=self.peak_mib, worker=str(os.getpid()))
