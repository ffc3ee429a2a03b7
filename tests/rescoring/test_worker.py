"""The per-shard function: as of one moment, the same ids every time, and one strange ad or file costs no other ad its decision."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from adverdict.decisions.files.read import read_policies
from adverdict.domain.errors import Conflict
from adverdict.domain.verdict import Verdict
from adverdict.features.history.state import HistoryState
from adverdict.rescoring.deciding import worker as module
from adverdict.rescoring.deciding.job import RescoringJob
from adverdict.rescoring.deciding.progress import SilentProgress
from adverdict.rescoring.deciding.run import rescore
from adverdict.rescoring.deciding.worker import Worker, decision_id
from adverdict.rescoring.folder.columns import decisions_of
from adverdict.rescoring.folder.manifest import RunFolder
from adverdict.rescoring.input.plan import plan
from adverdict.scoring.known import HistorySnapshot
from adverdict.scoring.scorer import Scorer
from tests.rescoring.deciding import AS_OF, Bench, an_ad
from tests.scoring.fakes import open_fake


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """A run that has been begun and decided; its shards can be decided again elsewhere."""
    ads = [an_ad(number, **({"title": "stumble"} if number == 25 else {})) for number in range(1, 101)]
    made = Bench.make(tmp_path_factory.mktemp("worker"), ads)
    rescore(made.options(reasons=True), SilentProgress(), open_model=open_fake)
    return made


@pytest.fixture
def job(bench: Bench, tmp_path: Path) -> RescoringJob:
    """The same run, none of whose shards is done."""
    shutil.copytree(bench.home / "out" / "_adverdict", tmp_path / "out" / "_adverdict")
    shutil.rmtree(tmp_path / "out" / "_adverdict" / "done")
    history = tmp_path / "out" / "_adverdict" / "history"
    planned = plan(str(bench.home / "ads"), 20)
    return RescoringJob(str(tmp_path / "out"), planned, bench.home / "bundle", "", tmp_path / "cache", "", history, open_fake)


def test_ads_are_drawn_for_the_audit_by_the_secret_of_the_job_which_is_written_nowhere(job: RescoringJob) -> None:
    secret = b"told from process to process, only"
    Worker(replace(job, audit_secret=secret))(job.plan.shards[0])
    [table] = RunFolder.open(job.out).decisions()
    assert {one.audit.design for one in decisions_of(table) if one.audit} == {"audit-2"}
    assert not [path for path in Path(job.out).rglob("*") if path.is_file() and secret in path.read_bytes()]
    assert str(secret) not in repr(replace(job, audit_secret=secret))


def test_a_decision_is_what_the_scorer_says_of_the_ad_as_if_submitted_again(job: RescoringJob, bench: Bench) -> None:
    shard = job.plan.shards[0]
    report = Worker(job)(shard)
    folder = RunFolder.open(job.out)
    [table] = folder.decisions()
    book = read_policies(bench.home / "policies")
    ids = iter([decision_id(folder.run.run_id, shard.name, row) for row in range(1, 21)])
    scorer = Scorer(open_fake(bench.home / "bundle"), book, clock=lambda: folder.run.started_at, ids=lambda: next(ids))
    serial = scorer.score([an_ad(n) for n in range(1, 21)], as_of=AS_OF, explain="stopped", known=HistorySnapshot(HistoryState(), None))
    assert decisions_of(table) == serial
    assert table["row"].to_pylist() == list(range(1, 21))
    assert {decision.as_of for decision in serial} == {AS_OF}
    assert report.rows == 20
    assert report.verdicts == {"approve": 18, "reject": 2}
    assert all(bool(one.reasons) == (one.verdict is not Verdict.APPROVE) for one in serial)


def test_how_many_ads_are_scored_at_once_changes_no_row(job: RescoringJob, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = Worker(job)(job.plan.shards[0])
    before = Path(job.out, next(iter(whole.files))).read_bytes()
    Path(job.out, "_adverdict/done/part-00000-00000.json").unlink()
    monkeypatch.setattr(module, "PIECE", 3)
    assert Worker(job)(job.plan.shards[0]).files == whole.files
    assert Path(job.out, next(iter(whole.files))).read_bytes() == before


def test_an_ad_that_the_model_stumbles_over_is_set_aside_alone(job: RescoringJob) -> None:
    report = Worker(job)(job.plan.shards[1])
    assert (report.rows, report.quarantined_rows, report.reason) == (19, 1, None)
    line = json.loads(Path(job.out, "_adverdict/quarantine/part-00000-00001.jsonl").read_text())
    assert line["row"] == 25
    assert "ZeroDivisionError" in json.dumps(line)
    assert "a secret of the inside" not in json.dumps(line)


def test_a_model_that_stumbles_over_every_ad_costs_the_shard(job: RescoringJob, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "HOPELESS", 5)
    worker = Worker(replace(job, open_model=open_broken))
    report = worker(job.plan.shards[0])
    assert report.rows == 0
    assert report.reason is not None
    assert report.reason.startswith("none of 5 ads from row 1 on can be scored: ad_id = 'ad-1'")


def test_a_file_that_changed_since_the_run_was_planned_costs_its_shard(job: RescoringJob) -> None:
    wrong = replace(job, plan=replace(job.plan, inputs=(replace(job.plan.inputs[0], digest="0" * 64), job.plan.inputs[1])))
    report = Worker(wrong)(job.plan.shards[0])
    assert report.reason is not None
    assert "has changed since the run was planned" in report.reason


@pytest.mark.parametrize(("what", "expected"), [("model", "has bundle v1, and the run decides by v2"), ("history", "is not the run's")])
def test_a_worker_with_another_model_or_history_than_the_runs_refuses_to_work(job: RescoringJob, what: str, expected: str) -> None:
    run = RunFolder.open(job.out).run
    changed = {"model": run.model.model_copy(update={"version": "v2"})} if what == "model" else {}
    if what == "history":
        changed = {"history": run.history.model_copy(update={"digest": "0" * 64})}
    other = run.model_copy(update=changed)
    other = other.model_copy(update={"run_id": other.identity()})
    Path(job.out, "_adverdict/run.json").write_bytes(other.to_json())
    with pytest.raises(Conflict, match=expected):
        Worker(job)


def test_on_another_machine_the_history_comes_from_the_runs_folder(job: RescoringJob, tmp_path: Path) -> None:
    elsewhere = replace(job, history=tmp_path / "not here")
    assert Worker(elsewhere)(job.plan.shards[0]).rows == 20


def open_broken(folder: Path) -> Broken:
    return Broken()


class Broken:
    """A model with a bug."""

    version, policies, snapshot = "v1", ("deceptive", "gambling"), None

    def score(self, ads: object, history: object = None) -> object:
        raise ZeroDivisionError
