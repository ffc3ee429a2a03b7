"""The benchmark of rescoring can fail: each judge finds what it is there to find, and a kill leaves nobody behind."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from onnx import TensorProto, helper, numpy_helper

from adverdict.benchmarks.rescore import growth as rescore_growth
from adverdict.benchmarks.rescore import kills as rescore_kills
from adverdict.benchmarks.rescore import same as rescore_same
from adverdict.benchmarks.rescore import speed as rescore_speed
from adverdict.benchmarks.rescore.kills import KillTally, phase
from adverdict.benchmarks.rescore.run import RescoreBenchmark, headlined, run
from adverdict.benchmarks.shared import arithmetic
from adverdict.benchmarks.shared import processes as rescored
from adverdict.benchmarks.shared.processes import CommandResult, RunningCommand, decided, differences, lost_and_twice
from adverdict.cli.benchmark.rescore import show
from adverdict.cli.console import out as console
from adverdict.domain.errors import InvalidSettings
from adverdict.domain.progress import Silent
from tests.golden import Golden

WELL = CommandResult(code=0, seconds=2.0, said="", peak_mib=100.0, hwm_mib=150.0, processes=3)
T0, T1 = "2026-05-06T00:00:00Z", "2026-05-07T00:00:00Z"


def table(ads: Sequence[str] = ("a", "b", "c"), *, decided_at: Sequence[str] | None = None, **columns: Sequence[Any]) -> pa.Table:
    own = {"shard": ["part-00000-00000"] * len(ads), "row": list(range(1, len(ads) + 1)), "ad_id": list(ads)}
    return pa.table({**own, "verdict": ["approve"] * len(ads), "decided_at": decided_at or [T0] * len(ads), **columns})


def published(out: Path, files: Mapping[str, pa.Table], vouched: Sequence[str]) -> None:
    for name, rows in files.items():
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(rows, out / name)
    done = out / rescored.OWN / "done"
    done.mkdir(parents=True)
    told = {"files": {name: files[name].num_rows for name in vouched}}
    (done / "part-00000-00000.json").write_text(json.dumps(told), encoding="utf-8")


CHANGED = {
    "the same": (table(), {}),
    "begun at another time": (table(decided_at=[T1] * 3), {}),
    "another verdict": (table(verdict=["approve", "reject", "approve"]), {"verdict": 1}),
    "a row less": (table(["a", "b"]), {"missing": 1}),
    "a row more": (table(["a", "b", "c", "d"]), {"extra": 1}),
    "rows of others": (table(["b", "a", "c"]), {"ad_id": 2}),
    "a column less": (table().drop_columns(["verdict"]), {"no column verdict": 1}),
}


@pytest.mark.parametrize("name", CHANGED)
def test_every_row_and_cell_that_differs_is_counted(name: str) -> None:
    other, expected = CHANGED[name]
    assert differences(table(), other) == expected


def test_rows_without_a_decision_are_lost_and_further_decisions_are_twice() -> None:
    assert lost_and_twice(table(["a", "b", "b", "b"]), ["a", "b", "c", "d"]) == (2, 2)
    assert lost_and_twice(table(["a", "b"]), ["a", "b"]) == (0, 0)


def test_only_files_that_a_marker_vouches_for_are_decisions(tmp_path: Path) -> None:
    plain = table(["a", "b"])
    published(
        tmp_path,
        {"market=DE/part-00000-00000.parquet": plain, "market=SE/part-00000-00000.parquet": plain},
        ["market=DE/part-00000-00000.parquet"],
    )
    assert decided(tmp_path).select(["ad_id", "market"]).to_pylist() == [{"ad_id": "a", "market": "DE"}, {"ad_id": "b", "market": "DE"}]


JUDGED = {
    "as it would have been": (table(), WELL, 0, 0),
    "a row short": (table(["a", "b"]), WELL, 1, 0),
    "decided at two moments": (table(decided_at=[T0, T0, T1]), WELL, 1, 0),
    "refused to go on": (table(), CommandResult(2, 1.0, "--> reading\nerror (conflict): no\nmore", 0, 0, 1), 0, 1),
}


@pytest.mark.parametrize("name", JUDGED)
def test_a_resumed_run_that_is_not_the_uninterrupted_one_is_found(tmp_path: Path, name: str) -> None:
    rows, ran, mismatches, refused = JUDGED[name]
    published(tmp_path, {"market=DE/part-00000-00000.parquet": rows}, ["market=DE/part-00000-00000.parquet"])
    storm, reference = KillTally(), table().append_column("market", pa.array(["DE"] * 3))
    rescore_kills.judge(storm, reference, tmp_path, ran)
    assert (storm.mismatches, len(storm.refused)) == (mismatches, refused)
    assert storm.refused == (["exit code 2: error (conflict): no"] if refused else [])


PHASES = {
    "starting": ([], "", False),
    "beginning the folder": ([], "", True),
    "freezing the history": (["_adverdict/run.json"], "--> reading the ads that are known: done after 1 s\n", True),
    "publishing": (["_adverdict/run.json", "market=DE/part-00000-00000.parquet"], "--> deciding", True),
    "starting again": (["_adverdict/run.json"], "", True),
    "before the first shard": (["_adverdict/run.json"], "--> counting what is known: done", True),
}


@pytest.mark.parametrize("expected", PHASES)
def test_what_a_kill_interrupted_is_told_by_what_is_left(tmp_path: Path, expected: str) -> None:
    left, said, there = PHASES[expected]
    out = tmp_path / "out"
    if there:
        out.mkdir()
    for name in left:
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (out / name).touch()
    assert phase(out, said) == expected


def answer(verdict: str = "approve", p: float | None = 0.25, certificate: str | None = None) -> rescore_same.Answer:
    return verdict, {"gambling": (verdict, p, p, p, 0.3, 0.8, certificate)}


AGAINST = {
    "nothing": (answer(), 0, 0, 0.0),
    "the last digit of a risk": (answer(p=float(np.nextafter(0.25, 1))), 1, 1, float(np.nextafter(0.25, 1)) - 0.25),
    "a verdict": (answer("review"), 1, 0, 0.0),
    "a certificate": (answer(certificate="cert-1"), 1, 0, 0.0),
    "a risk that is missing": (answer(p=None), 1, 1, 0.0),
}


@pytest.mark.parametrize("differing", AGAINST)
def test_another_answer_is_a_mismatch(differing: str) -> None:
    other, mismatches, risks, largest = AGAINST[differing]
    found = rescore_same.against({"x": answer(), "y": answer()}, {"x": answer(), "y": other})
    assert (found["mismatches"], found["risks_differ"], found["largest_difference"]) == (mismatches, risks, largest)


def test_an_ad_that_only_one_way_decides_is_a_mismatch() -> None:
    assert rescore_same.against({"x": answer()}, {"x": answer(), "y": answer()})["mismatches"] == 1


def test_a_decision_as_json_and_as_a_row_give_the_same_answer() -> None:
    policy = {"policy": "gambling", "verdict": "approve", "approve_below": 0.3, "reject_at": 0.8, "certificate_id": None}
    told = rescore_same.answers(
        [{"ad_id": "x", "verdict": "approve", "policies": [{**policy, "risk": {"p": 0.25, "p_low": 0.25, "p_high": 0.25}}]}]
    )
    assert told == {"x": answer()}


def test_a_rate_is_of_all_rows_and_of_the_busiest_worker() -> None:
    done = [
        {"rows": 30, "seconds": 1.0, "worker": "a"},
        {"rows": 30, "seconds": 0.5, "worker": "a"},
        {"rows": 60, "seconds": 1.2, "worker": "b"},
    ]
    found = rescore_speed.told(WELL, done)
    assert (found["rows"], found["rows_per_s"], found["rows_per_s_working"]) == (120, 60.0, 80.0)


def test_a_size_that_was_not_run_is_marked_and_its_memory_is_not_guessed() -> None:
    found = rescore_growth.extrapolated([{"rows_per_s": 50.0, "extrapolated": False}], 1000, 9.0)
    assert (found["extrapolated"], found["seconds"], found["peak_mib"]) == (True, 20.0, None)


def test_arithmetic_is_counted_from_the_graph(tmp_path: Path) -> None:
    """One layer of width 4: a product with a stored 4 x 4 matrix, and two of what was computed."""
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["q"]),
        helper.make_node("Transpose", ["q"], ["k"], perm=[0, 2, 1]),
        helper.make_node("MatMul", ["q", "k"], ["a"]),
        helper.make_node("MatMul", ["a", "q"], ["y"]),
    ]
    shape = ["ads", "tokens", 4]
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in ("x", "y")]
    graph = helper.make_graph(nodes, "layer", values[:1], values[1:], [numpy_helper.from_array(np.eye(4, dtype=np.float32), "w")])
    onnx.save(helper.make_model(graph), tmp_path / "model.onnx")
    work = arithmetic.work_of(tmp_path / "model.onnx")
    assert work == arithmetic.Work(per_token=16, layers=1, width=4)
    assert work.flop([3, 2]) == 2 * (16 * 5 + 2 * 4 * (9 + 4))


@pytest.mark.parametrize("kind", arithmetic.KINDS)
def test_the_peak_is_that_of_a_product_that_runs(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arithmetic, "SECONDS", 0.02)
    assert arithmetic._speed(kind, (64, 64, 64), 1) > 0


LEAVES_ITS_GROUP = """
import subprocess, sys, time
subprocess.Popen([sys.executable, "-c", "import time; x = bytearray(40_000_000); time.sleep(60)"], start_new_session=True)
time.sleep(60)
"""


def test_a_kill_reaches_those_that_left_the_group_and_memory_counts_them(tmp_path: Path) -> None:
    with RunningCommand([sys.executable, "-c", LEAVES_ITS_GROUP], dict(os.environ), tmp_path / "log") as running:
        end = time.monotonic() + 20
        while running._memory.found()[0] < 40 and time.monotonic() < end:
            time.sleep(0.02)
        assert running._memory.found()[0] > 40, "the child's memory was not seen"
        assert len(running.children()) == 1
        assert running.kill() == 1
    end = time.monotonic() + 10
    while rescored.pids(running.mark) and time.monotonic() < end:
        time.sleep(0.02)
    assert rescored.pids(running.mark) == []


def test_mistakes_are_told_before_anything_is_measured(tmp_path: Path) -> None:
    job = RescoreBenchmark(parts=("speed", "sped"), data=(tmp_path,), model=tmp_path)
    with pytest.raises(InvalidSettings) as refused:
        run(job, Silent(), lambda figures: None)
    assert [mistake.field for mistake in refused.value.mistakes] == ["--part", "--data", "--model"]


FIGURES: dict[str, Any] = {
    "speed": {
        "rows_per_s": {"local": {"1": {"2000": 151.2}, "2": {"2000": 290.0}}, "ray": {"1": {"2000": 70.0}}},
        "rows_per_s_working": {"local": {"1": {"2000": 230.0}, "2": {"2000": 450.0}}},
        "peak_mib": {"local": {"1": {"2000": 610.0}, "2": {"2000": 1010.0}}, "ray": {"1": {"2000": 1900.0}}},
        "comparators": {"pipeline": [{"rows_per_s": 40.5}], "pyfunc_batch": [{"rows_per_s": 200.0}]},
        "vs_pipeline": 3.73,
        "vs_pipeline_working": 5.68,
        "encoder": {"texts_per_s": 300.0, "gflop_per_s": 230.0, "int8_share_of_peak": 0.52, "int8_peak_gflop_per_s": 440.0},
        "left_out": {"mlflow_serve_row_by_row": "mlflow models serve did not start"},
    },
    "growth": {
        "plain": [{"size": 10_000, "seconds": 12.5, "rows_per_s": 800.0, "peak_mib": 700.0, "extrapolated": False}],
        "encoded": [{"size": 100_000, "seconds": 900.0, "rows_per_s": 111.0, "peak_mib": None, "extrapolated": True}],
    },
    "kills": {
        "kills": 60,
        "killed_while": {"freezing the history": 9, "publishing": 30, "starting": 21},
        "resume_mismatches": 0,
        "resumed_runs": 3,
        "refused_to_resume": ["exit code 2: error (conflict): no"],
    },
    "same": {
        "ads": {"ads-200": {"ads": 200, "moment": T0, "adverdict score": {"compared": 200, "mismatches": 1, "largest_difference": 1e-17}}}
    },
    "faults": {
        "left_out": {},
        "disk_full": {
            "exit_code": 1,
            "said": "error (unavailable): cannot write",
            "rows_lost": 9,
            "rows_twice": 0,
            "after": {"exit_code": 0, "said": "9 ads"},
        },
    },
}


def test_what_is_asked_for_first_is_at_the_top() -> None:
    found = headlined(FIGURES)
    assert (found["kills"], found["resume_mismatches"], found["vs_pipeline"]) == (60, 0, 3.73)
    assert found["rows_per_s"]["local"]["2"]["2000"] == 290.0
    assert found["parts"] == FIGURES
    assert "vs_pipeline" not in headlined({"kills": FIGURES["kills"]})


def test_what_a_person_reads(golden: Golden) -> None:
    with console.capture() as read:
        show(headlined(FIGURES))
    golden.check("rescore.txt", "\n".join(line.rstrip() for line in read.get().splitlines()))
