"""Every door that an ad comes in by, knocked on with the same ad: what it read, what it said beside that, and what it refused."""

from __future__ import annotations

import csv
import io
import json
import re
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from starlette.testclient import TestClient
from typer.main import get_command
from typer.testing import CliRunner, Result

from adverdict.cli import console
from adverdict.cli.main import app
from adverdict.domain.ad import Ad
from adverdict.domain.errors import Conflict, InvalidInput
from adverdict.models.opening import FoundModel
from adverdict.rescoring.deciding.job import RescoringJob
from adverdict.rescoring.deciding.run import rescore
from adverdict.rescoring.deciding.start import make_worker
from adverdict.rescoring.input.plan import Shard
from adverdict.scoring.bootstrap import bootstrap
from adverdict.storage.tables.frames import ads_from_frame
from tests.rescoring.deciding import in_process
from tests.scoring.fakes import FakeModel, FakeRisks

BOM = "\ufeff"
LABEL = {"ad_id": "a", "policy": "gambling", "violates": "no", "labelled_at": "2026-03-02T00:00:00Z"}
PLACE = re.compile(r"^(the frame|frame row \d+|\S+\.(csv|jsonl|json|parquet)( row \d+|, and wherever else it is)?): ")
"""What a sentence begins with that says where: file, row."""
RESCORE = "rescore, Parquet"


@dataclass(frozen=True)
class Knock:
    """What is brought to every door: rows of ads as JSON has them, and what only text can have."""

    rows: Sequence[Mapping[str, Any]]
    twice: str | None = None
    """A field that stands a second time in the first row's JSON."""
    mark: bool = False
    """A byte order mark."""

    @property
    def plain(self) -> bool:
        return not self.twice and not self.mark

    def line(self, row: Mapping[str, Any]) -> str:
        text = json.dumps(row)
        return f'{text[:-1]}, "{self.twice}": "again"}}' if self.twice else text

    def jsonl(self) -> str:
        return BOM * self.mark + "".join(self.line(row) + "\n" for row in self.rows)

    def csv(self) -> str:
        names = list(self.rows[0])
        text = io.StringIO()
        csv.writer(text).writerows([names, *([_cell(row[name]) for name in names] for row in self.rows)])
        return BOM * self.mark + text.getvalue()


@dataclass
class Answer:
    """What a door made of a knock; ``ads`` is empty where it refused."""

    ads: list[Ad] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    @property
    def plainly_told(self) -> list[str]:
        return list(dict.fromkeys(PLACE.sub("", one) for one in self.told))

    @property
    def plainly_refused(self) -> list[str]:
        return list(dict.fromkeys(PLACE.sub("", one) for one in self.refused))


@dataclass(frozen=True)
class Reader(FakeModel):
    """Keeps what it is asked to score."""

    read: list[Ad] = field(default_factory=list)

    def score(self, ads: Sequence[Ad], history: Any = None) -> FakeRisks:
        self.read.extend(ads)
        return super().score(ads, history)


READER = Reader()


def open_reader(folder: Path) -> Reader:
    return READER


@contextmanager
def commands_that_read(home: Path, policies: Path) -> Iterator[None]:
    """Commands whose models only keep what they are given, on lines of any length."""
    command = get_command(app)  # once: it takes longer than what most commands do here
    with pytest.MonkeyPatch.context() as patch:
        in_process(patch)
        patch.setattr("typer.testing._get_command", lambda _: command)
        patch.setattr("adverdict.rescoring.deciding.run.rescore", partial(rescore, open_model=open_reader))
        patch.setattr("adverdict.scoring.bootstrap.bootstrap", partial(bootstrap, open_bundle=open_reader))
        patch.setattr(FoundModel, "load", lambda _: READER)
        patch.setattr("adverdict.training.evaluation.evaluate.evaluate", _measured)
        patch.setattr("adverdict.training.train.dataset", _joined)
        patch.setattr(console.out, "width", 10_000)
        patch.setattr(console.err, "width", 10_000)
        patch.setenv("ADVERDICT_HOME", str(home))
        patch.setenv("ADVERDICT_DATABASE_URL", "none")
        patch.setenv("ADVERDICT_POLICIES", str(policies))
        yield


def by_request(knock: Knock, client: TestClient) -> Answer | None:
    """One ad in a request; several in a batch."""
    if len(knock.rows) > 1:
        return None
    body = (BOM * knock.mark + knock.line(knock.rows[0])).encode()
    answer = client.post("/v1/score", content=body, headers={"content-type": "application/json"}).json()
    return _answered(answer.get("error", {}).get("mistakes", ()))


def by_batch(knock: Knock, client: TestClient) -> Answer:
    body = f'{BOM * knock.mark}{{"ads": [{", ".join(map(knock.line, knock.rows))}]}}'
    answer = client.post("/v1/score/batch", content=body.encode(), headers={"content-type": "application/json"}).json()
    return _answered([one for result in answer["results"] for one in result.get("error", {}).get("mistakes", ())], answer["warnings"])


def _answered(wrong: Sequence[Mapping[str, Any]], told: Sequence[str] = ()) -> Answer:
    refused = [f"{one['field']} = {one['value']!r}; expected {one['expected']}" for one in wrong]
    return Answer([] if wrong else list(READER.read), [*told], refused)


def by_explain(knock: Knock, folder: Path, home: Path) -> Answer | None:
    if len(knock.rows) > 1:
        return None
    (folder / "ad.json").write_text(knock.jsonl())
    return _said(_run("explain", "--ad", folder / "ad.json", "--model", home))


def by_score(suffix: str) -> Callable[[Knock, Path, Path], Answer | None]:
    def knocked(knock: Knock, folder: Path, home: Path) -> Answer | None:
        if not _write(knock, folder / f"ads.{suffix}"):
            return None
        return _said(_run("score", "--ads", folder / f"ads.{suffix}", "--out", folder / "x", "--model", home))

    return knocked


def by_evaluate(knock: Knock, folder: Path, home: Path) -> Answer:
    _write(knock, folder / "ads.jsonl")
    (folder / "labels.jsonl").write_text(json.dumps({**LABEL, "ad_id": knock.rows[0].get("ad_id", "a")}))
    return _said(_run("evaluate", "--data", folder, "--model", home))


def by_train(knock: Knock, folder: Path, home: Path) -> Answer | None:
    if not _write(knock, folder / "ads.csv"):
        return None
    row = {**LABEL, "ad_id": knock.rows[0].get("ad_id", "a")}
    (folder / "labels.csv").write_text(f"{','.join(row)}\n{','.join(row.values())}\n")
    return _said(_run("train", "--data", folder, "--no-register", "--encoder", "none"))


def by_rescore(knocks: Mapping[str, Knock], home: Path) -> dict[str, Answer | None]:
    """All of them in one run, a file each, as a run takes its time to begin. What is refused of a row lies in the folder of what is set
    aside."""
    (home / "ads").mkdir()
    answers: dict[str, Answer | None] = dict.fromkeys(knocks)
    files: dict[str, Answer] = {}
    for number, (name, knock) in enumerate(knocks.items()):
        if knock.plain:
            file = f"{number:02d}.parquet"
            rows = [{**row, "ad_id": file if row["ad_id"] == "a" else row["ad_id"]} for row in knock.rows]
            pq.write_table(pa.Table.from_pylist(rows), home / "ads" / file)
            answers[name] = files[file] = Answer()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("adverdict.rescoring.deciding.local.run", partial(_decided_by_file, files))
        said = _said(_run("rescore", "--ads", home / "ads", "--out", home / "out", "--model", home))
    for sentence in said.told:
        files[next(file for file in files if file in sentence)].told.append(sentence)
    for one in (json.loads(line) for file in (home / "out").rglob("quarantine/*.jsonl") for line in file.read_text().splitlines()):
        refused = files[one["file"]].refused
        refused += [f"{wrong['field']} = {wrong['value']}; expected {wrong['expected']}" for wrong in one.get("mistakes", ())]
        refused += [line.strip().removeprefix("- ") for line in one.get("reason", "").splitlines()[1:]]
    return answers


def _decided_by_file(answers: Mapping[str, Answer], job: RescoringJob, shards: Sequence[Shard], workers: int, done: Any, **_: Any) -> None:
    """An engine in this process, that keeps what was read of each file."""
    decide = make_worker(job)
    for shard in shards:
        READER.read.clear()
        done(decide(shard))
        answers[shard.input].ads += READER.read


def by_model(knock: Knock, folder: Path, home: Path) -> Answer | None:
    """The MLflow model, which takes a frame."""
    if not knock.plain:
        return None
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        try:
            return Answer(ads_from_frame(pd.DataFrame(knock.rows)), [str(one.message) for one in told])
        except InvalidInput as error:
            return Answer([], [str(one.message) for one in told], list(map(str, error.mistakes)))


def by_check(knock: Knock, folder: Path, home: Path) -> Answer | None:
    if not _write(knock, folder / "ads.csv"):
        return None
    _run("data", "check", folder / "ads.csv", "--json", folder / "x.json")
    found = json.loads((folder / "x.json").read_text())
    assumed = [f"assumed: {told}: {why}" for told, why in found["assumed"].items()]
    refused = [one["first"] for one in found["ads"]["mistakes"]]
    told = [*assumed, *found["ads"]["warnings"], *(one for one in found["suggestions"] if "labels" not in one)]
    return Answer([] if refused else [Ad(**one) for one in found["ads"]["first"]], told, refused)


COMMANDS: Mapping[str, Callable[[Knock, Path, Path], Answer | None]] = {
    "explain": by_explain,
    "score, CSV": by_score("csv"),
    "score, JSONL": by_score("jsonl"),
    "evaluate, JSONL": by_evaluate,
    "train, CSV": by_train,
    "MLflow, frame": by_model,
    "data check, CSV": by_check,
}
REQUESTS: Mapping[str, Callable[[Knock, TestClient], Answer | None]] = {"POST score": by_request, "POST batch": by_batch}


def _write(knock: Knock, file: Path) -> bool:
    """Whether the form of the file can hold what is brought."""
    if file.suffix == ".csv" and (knock.twice or any(list(row) != list(knock.rows[0]) for row in knock.rows)):
        return False
    file.write_text(knock.csv() if file.suffix == ".csv" else knock.jsonl(), newline="")
    return True


def _cell(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, list) else value


def _run(*arguments: Any) -> Result:
    return CliRunner().invoke(app, [str(one) for one in arguments])


def _said(result: Result) -> Answer:
    """From what was printed: sentences that begin with ``warning:`` or speak of columns, and mistakes, one a line."""
    lines = [line.strip() for line in result.stderr.splitlines()]
    told = [line.removeprefix("warning: ") for line in lines if line.startswith("warning: ") or " left out" in line]
    told += [line.removeprefix("warning: ") for line in result.stdout.splitlines() if line.startswith("warning: ")]
    refused = [line.removeprefix("- ") for line in lines if line.startswith("- ")]
    read = list(READER.read)
    if result.exit_code and not refused and not read:
        refused = [result.stderr.strip() or repr(result.exception)]
    return Answer([] if refused else read, told, refused)


def _measured(bundle: Any, packs: Sequence[Any], progress: Any) -> dict[str, Any]:
    """In place of measuring."""
    READER.read.extend(ad for pack in packs for ad in pack.ads)
    return {"models": {}, "trained_on": []}


def _joined(packs: Sequence[Any], policies: Sequence[str]) -> Any:
    """In place of joining packs for a training: the data is read, and nothing is trained."""
    READER.read.extend(ad for pack in packs for ad in pack.ads)
    raise Conflict("nothing is trained here")
