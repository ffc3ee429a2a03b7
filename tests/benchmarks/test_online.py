"""The benchmark of the service can fail: quantiles are observed ones, judges judge, and what is missing is said."""

from __future__ import annotations

import json
import math
import os
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adverdict.benchmarks.batch.batch_setup import BatchSetup
from adverdict.benchmarks.online import latency as online_latency
from adverdict.benchmarks.online import memory as online_memory
from adverdict.benchmarks.online import startup as online_startup
from adverdict.benchmarks.online import tail as online_tail
from adverdict.benchmarks.online import throughput as online_throughput
from adverdict.benchmarks.online.figures import LoadLog, median, quantile, slope, spread
from adverdict.benchmarks.online.online_setup import OnlineSetup
from adverdict.benchmarks.online.run import HEADLINES, PARTS, OnlineBenchmark, headlined, quick, run
from adverdict.benchmarks.online.throughput import ServerRounds, exit_share, versus
from adverdict.benchmarks.shared.certified_exit import CertifiedExit
from adverdict.benchmarks.shared.testbed import SimulatedTestBed
from adverdict.cli.benchmark.online import show
from adverdict.cli.console import out as console
from adverdict.domain.errors import InvalidSettings
from adverdict.domain.progress import Silent
from tests.golden import Golden


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=400), st.sampled_from([0.5, 0.9, 0.99]))
def test_a_quantile_is_the_least_value_that_so_many_do_not_exceed(values: list[float], q: float) -> None:
    found = quantile(values, q)
    if found is None:
        assert len(values) * (1 - q) < 1
    else:
        assert found in values
        assert sum(value <= found for value in values) >= q * len(values) - 1e-6
        assert sum(value < found for value in values) < q * len(values)


@pytest.mark.parametrize(
    ("count", "q", "expected"), [(100, 0.99, 99.0), (1000, 0.999, 999.0), (99, 0.99, None), (0, 0.5, None), (2, 0.5, 1.0)]
)
def test_no_quantile_is_told_that_so_few_cannot_show(count: int, q: float, expected: float | None) -> None:
    assert quantile(np.arange(1.0, count + 1), q) == expected


def test_the_spread_of_too_few_says_what_it_does_not_know() -> None:
    found = spread(np.array([1.0, 2.0, 3.0]))
    assert (found["p50_ms"], found["p99_ms"], found["p99_over_p50"], found["max_ms"]) == (2.0, None, None, 3.0)
    assert spread(np.array([]))["max_ms"] is None


def test_memory_that_grows_has_a_slope_and_memory_that_does_not_has_none() -> None:
    requests = [10_000, 40_000, 70_000, 100_000]
    assert slope(requests, [100.0, 103.0, 106.0, 109.0]) == pytest.approx(10.0)
    assert slope(requests, [100.0] * 4) == pytest.approx(0.0)
    assert slope(requests[:1], [100.0]) is None


def loaded(status: list[int], *, late: float = 0.0, retry_after: bool = False) -> LoadLog:
    """One request every 10 ms, each answered 5 ms after it was sent, and sent so much late."""
    n = len(status)
    intended = 0.01 * np.arange(n, dtype=np.float64)
    return LoadLog(
        number=np.arange(n),
        intended=intended,
        sent=intended + late,
        done=intended + late + 0.005,
        status=np.array(status, dtype=np.int16),
        retry_after=np.full(n, retry_after, dtype=np.int8),
        exit=np.zeros(n, dtype=np.int8),
        about={"errors": {}, "verdicts": {}, "degraded": {}, "exits": {}, "client_cpu_s": 1.0, "wall_s": 4.0},
    )


def test_only_what_was_answered_well_in_the_time_counts_for_a_rate() -> None:
    assert loaded([200] * 100).rate(0.0, 0.5) == 100.0
    assert loaded([200, 429] * 50).rate(0.0, 0.5) == 50.0
    assert loaded([200] * 100).rate(0.9, 0.5) == 20.0


def test_latency_counts_from_when_a_request_was_meant_to_be_sent() -> None:
    assert loaded([200], late=0.1).ms == pytest.approx([105.0])


def test_every_kind_of_outcome_is_counted_once() -> None:
    found = loaded([200, 200, 429, 500, 503, 400, 0, 1, 1], retry_after=True).outcome()
    assert {name: value for name, value in found.items() if isinstance(value, int)} == {
        "requests": 9,
        "accepted": 2,
        "refused": 1,
        "refused_with_retry_after": 1,
        "server_errors": 2,
        "other_statuses": 1,
        "connection_errors": 1,
        "timeouts": 2,
    }


def test_each_round_is_compared_with_its_own_and_none_counts_for_all() -> None:
    assert versus([10.0, 100.0, 12.0], [1.0, 10.0, 4.0]) == 10.0
    assert versus([10.0], [0.0]) is None
    assert median([None, None]) is None


def test_rounds_add_up() -> None:
    rounds = ServerRounds()
    for found in (loaded([200] * 100), loaded([200, 429] * 50)):
        rounds.add(found, 0.0, 0.5, cpu_s=0.2)
    assert (rounds.rates, rounds.cpu_us) == ([100.0, 50.0], [2000.0, 2000.0])
    assert rounds.outcome == Counter(requests=200, accepted=150, refused=50)


def test_the_share_that_left_early_is_of_those_that_could() -> None:
    assert exit_share({"early": 3, "full": 1, "": 40}) == 0.75
    assert exit_share({"": 40}) is None, "a model without an exit is not one that nobody takes"


def test_what_is_served_is_certified_as_what_is_scored_in_batches(tmp_path: Path) -> None:
    """The same file of the same folder: else the two benchmarks would tell of two exits."""
    from adverdict.models.cascade import FILE

    bundle = tmp_path / "bundle"
    bundle.mkdir()
    (bundle / "manifest.json").write_text(json.dumps({"encoder": {}, "policies": ["gambling"]}), encoding="utf-8")
    (bundle / FILE).write_text("{}", encoding="utf-8")
    (tmp_path / "rules").mkdir()
    testbed, rules = SimulatedTestBed(tmp_path, model=bundle), tmp_path / "rules"
    batch = BatchSetup(testbed, 10, 40, policies=rules)
    named = CertifiedExit(testbed, 40, by_hand=False).folder(bundle, rules)
    named.mkdir()
    online = OnlineSetup(testbed, 10, 40, policies=rules)
    assert online.certificates_for(bundle) == batch.certified() == named / "certificates.json"


def test_why_nobody_leaves_early_is_said(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text(json.dumps({"encoder": None}), encoding="utf-8")
    setup = OnlineSetup(SimulatedTestBed(tmp_path, model=tmp_path), 10, policies=tmp_path)
    assert setup.certificates_for(tmp_path) is None
    assert "has no early exit" in setup.exit(tmp_path)["why_none"]


def test_an_overload_is_judged_by_who_gets_in_and_what_they_feel() -> None:
    before = {"p99_ms": 10.0}
    during = {**loaded([200] * 50 + [429] * 48 + [500, 1]).outcome(), "p99_ms": 25.0}
    assert online_tail.judged(during, before) == {
        "overload_accepted_share": 0.5,
        "overload_refused_share": 0.48,
        "overload_refused_without_retry_after": 48,
        "overload_5xx": 1,
        "overload_connection_errors": 1,
        "overload_p99_over_before": 2.5,
    }


CHOSEN = {
    "decisions that say so": ({"encoder: early": 50, "encoder: full": 50, "plain": 50}, ("encoder: early", "encoder: full")),
    "decisions that say nothing": ({"encoder": 50, "plain": 50}, ("plain", "encoder")),
    "too few that say so": ({"encoder: early": 500, "encoder: full": 5, "plain": 50}, ("encoder: early", None)),
    "nothing but a bundle with an encoder": ({"encoder": 50}, (None, "encoder")),
}


@pytest.mark.parametrize("case", CHOSEN)
def test_whether_the_encoder_was_used_is_told_by_decisions_else_by_the_bundle(case: str) -> None:
    groups, expected = CHOSEN[case]
    told = {name: {"requests": requests} for name, requests in groups.items()}
    assert tuple(online_latency.chosen(told, kind) for kind in ("skipped", "used")) == expected


def test_memory_that_grows_with_new_ads_is_told_from_memory_that_grows_with_requests() -> None:
    new = [{"requests": 1000 * k, "pss": 100.0 + k, "rss": 150.0 + k} for k in (1, 2, 3)]
    known = [{"requests": 1000 * k, "pss": 103.0, "rss": 153.0} for k in (0, 1, 2)]
    found = online_memory.reckoned(new, known)
    assert (found["memory_first_mib"], found["memory_last_mib"]) == (101.0, 103.0)
    assert found["memory_mib_per_1e5_requests"] == pytest.approx(100.0)
    assert found["memory_mib_per_1e5_known_ads"] == pytest.approx(0.0)


def test_memory_is_looked_at_from_the_first_mark_to_the_last() -> None:
    assert online_memory.marks(online_memory.MemoryPlan(10_000, 100_000, 3)) == [10_000, 40_000, 70_000, 100_000]
    assert online_memory.marks(online_memory.MemoryPlan(10_000, 500, 8)) == [500]


def test_more_workers_are_tried_only_where_there_are_cores_for_them(tmp_path: Path) -> None:
    setup, plan = OnlineSetup(SimulatedTestBed(tmp_path), 10), online_throughput.ThroughputPlan()
    assert [(name, workers) for name, _, workers, _ in online_throughput.groups(setup, plan, 1)] == [("encoder", 1), ("plain", 1)]
    assert [name for name, *_ in online_throughput.groups(setup, plan, 2)] == ["encoder", "encoder_2_workers", "plain"]


def test_a_bundle_of_ones_own_is_the_only_one_measured(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text(json.dumps({"encoder": None}), encoding="utf-8")
    setup = OnlineSetup(SimulatedTestBed(tmp_path, model=tmp_path), 10)
    assert [name for name, *_ in online_throughput.groups(setup, online_throughput.ThroughputPlan(), 2)] == ["plain", "plain_2_workers"]
    assert online_latency.bundles(setup) == [False]


def test_mistakes_are_told_before_anything_is_measured(tmp_path: Path) -> None:
    nowhere = tmp_path / "nowhere"
    with pytest.raises(InvalidSettings) as refused:
        run(OnlineBenchmark(parts=("tail", "tale"), policies=nowhere, certificates=nowhere), Silent(), lambda figures: None)
    assert [mistake.field for mistake in refused.value.mistakes] == ["--part", "--policies", "--certificates", "--model"]


def test_every_part_is_measured_and_has_a_headline() -> None:
    assert set(HEADLINES.values()) == set(PARTS)


def test_quick_is_less_of_every_part() -> None:
    job = OnlineBenchmark(work=Path("here"))
    less = quick(job)
    assert less.work == job.work
    assert all(getattr(less, name) != getattr(job, name) for name in ("quick", "ads", "throughput", "latency", "tail", "memory", "startup"))


SPREAD = {"requests": 42_000, "p50_ms": 1.5, "p90_ms": 2.0, "p99_ms": 5.0, "p999_ms": 9.25, "max_ms": 31.0, "p99_over_p50": 3.333}
SERVER = {"requests_per_s": 910.0, "p50_ms": 33.1, "cpu_us_per_request": 1050.0, "pss": 410.0}
CERTIFICATE = {
    "certificate_id": "exit-1",
    "limit": 0.01,
    "max_flipped": 0.001,
    "confidence": 0.95,
    "flipped": 2,
    "ads": 8000,
    "advertisers": 910,
}
FIGURES: dict[str, Any] = {
    "throughput": {
        "clients": 32,
        "encoder": {
            "exit": {"certificate": CERTIFICATE, "why_none": None},
            "service": {**SERVER, "exits": {"early": 380, "full": 20}, "exit_share": 0.95},
            "fastapi": {**SERVER, "requests_per_s": 2210.0},
            "mlflow_serve": {**SERVER, "requests_per_s": 42.5, "p50_ms": 750.0},
            "vs_mlflow_serve": 21.4,
        },
        "encoder_2_workers": {
            "exit": {"certificate": {**CERTIFICATE, "limit": 0.0}, "why_none": None},
            "service": {**SERVER, "requests_per_s": 1400.0, "exits": {}, "exit_share": None},
        },
        "plain": {"exit": {"certificate": None, "why_none": "bundle-plain has no early exit"}, "service": SERVER},
        "vs_mlflow_serve": 21.4,
        "vs_fastapi": 0.41,
        "left_out": {"encoder_2_workers: mlflow_serve": "mlflow models serve does not answer"},
    },
    "latency_one": {
        "groups": {
            "encoder: early": {"requests": 1400, "p50_ms": 1.91, "bare_p50_ms": 1.0, "p50_over_bare": 1.91},
            "encoder: full": {"requests": 12, "p50_ms": 8.0, "bare_p50_ms": 7.0, "p50_over_bare": 1.14},
        },
        "p50_over_bare_skipped": 1.91,
        "skipped_is": "encoder: early",
        "p50_over_bare_used": None,
        "used_is": None,
        "left_out": {"p50_over_bare_used": "no 20 requests had the encoder used"},
    },
    "tail": {
        "share_of_saturation": 0.7,
        "saturation_per_s": 1000.0,
        "service": SPREAD,
        "untuned": {**SPREAD, "p999_ms": None, "max_ms": 288.0},
        "p99_over_p50": 3.333,
        "left_out": {},
    },
    "overload": {
        "times_saturation": 2.0,
        "beside": {**SPREAD, "accepted": 10_500},
        "overloaded": {**SPREAD, "requests": 60_000, "accepted": 29_500},
        "after": {**SPREAD, "requests": 100, "p99_ms": None, "p999_ms": None, "p99_over_p50": None},
        "overload_accepted_share": 0.4917,
        "overload_refused_share": 0.5083,
        "overload_refused_without_retry_after": 0,
        "overload_5xx": 0,
        "overload_connection_errors": 0,
        "overload_p99_over_before": 1.04,
    },
    "memory": {
        "looks": [
            {"requests": 0, "pss": 400.0, "rss": 450.0},
            {"requests": 10_000, "pss": 420.0, "rss": 470.0, "ledger_mib": 38.5},
            {"requests": 100_000, "pss": 424.5, "rss": 474.0, "ledger_mib": 385.0},
        ],
        "memory_mib_per_1e5_requests": 5.0,
        "memory_mib_per_1e5_known_ads": 0.0,
    },
    "startup": {
        "ready": {"service": {"seconds": 3.4}, "mlflow_serve": {"seconds": None}},
        "commands": {"adverdict --help": {"wall_s": 0.27, "cpu_s": 0.25}, "python -c pass": {"wall_s": 0.02, "cpu_s": 0.015}},
        "ready_s": 3.4,
        "help_s": 0.27,
    },
}


def test_what_is_asked_for_first_is_at_the_top() -> None:
    found = headlined(FIGURES)
    assert (found["vs_mlflow_serve"], found["p50_over_bare_used"], found["ready_s"]) == (21.4, None, 3.4)
    assert found["left_out"]["latency_one: p50_over_bare_used"] == "no 20 requests had the encoder used"
    assert found["parts"] == FIGURES
    assert "p99_over_p50" not in headlined({"startup": FIGURES["startup"]})


def test_what_a_person_reads(golden: Golden) -> None:
    with console.capture() as read:
        show(headlined(FIGURES))
    golden.check("online.txt", "\n".join(line.rstrip() for line in read.get().splitlines()))


@pytest.mark.slow
def test_all_of_it_small(tiny_bundle: Path, tmp_path: Path) -> None:
    """Every part against the real service, with next to nothing of each; and no process is left."""
    job = replace(
        quick(OnlineBenchmark(model=tiny_bundle, work=tmp_path / "work")),
        ads=200,
        throughput=online_throughput.ThroughputPlan(1, 3.0, 3.0, 1.0, (1,), 1),
        latency=online_latency.LatencyPlan(1, 60),
        tail=online_tail.TailPlan(1.0, 1.0, 2.0, 2.0, 1.0),
        memory=online_memory.MemoryPlan(50, 150, 2, 40),
        startup=online_startup.StartupPlan(1, 1),
    )
    written: list[dict[str, Any]] = []
    found = run(job, Silent(), lambda figures: written.append(json.loads(json.dumps(figures, allow_nan=False))))
    assert set(found["parts"]) == set(PARTS)
    assert written[-1]["parts"].keys() == found["parts"].keys()
    assert found["parts"]["throughput"]["encoder"]["service"]["requests_per_s"] > 0
    assert found["vs_fastapi"] < 1.5
    measured = [found[f"p50_over_bare_{kind}"] for kind in ("skipped", "used")]  # who leaves early depends on the exit
    assert [one for one in measured if one is not None and one > 0.8]
    assert found["overload_5xx"] == 0
    assert [look["requests"] for look in found["parts"]["memory"]["looks"]] == [0, 50, 100, 150]
    assert len(found["parts"]["memory"]["again"]) == 5
    assert math.isfinite(found["help_s"])
    assert found["parts"]["tail"]["untuned"]["without"].startswith("the garbage collector")
    assert found["exit_share"] is None or 0 <= found["exit_share"] <= 1
    assert not [pid for pid in os.listdir("/proc") if pid.isdigit() and _mentions(pid, str(tmp_path))]


def _mentions(pid: str, folder: str) -> bool:
    try:
        return int(pid) != os.getpid() and folder.encode() in Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return False
