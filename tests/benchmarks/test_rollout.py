"""The benchmark of roll-outs: its simulated truth is what it says, and its figures are what is asked for."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from adverdict.benchmarks.rollout import guards, shadow
from adverdict.benchmarks.rollout.arms import arm, discordant
from adverdict.benchmarks.rollout.run import HEADLINES, RolloutBenchmark, run
from adverdict.cli.main import app
from adverdict.domain.progress import SILENT


@pytest.mark.parametrize("correlation", [0.02, 0.85])
def test_a_simulated_arm_leaks_as_it_is_told_to_whoever_is_alike(correlation: float) -> None:
    rng = np.random.default_rng(0)
    arms = [arm(rng, 2_000, 0.05, correlation, delay=0.001) for _ in range(4)]
    errors = np.concatenate([one.errors for one in arms])
    assert abs(errors.mean() - 0.05) < 4 * np.sqrt(0.05 * 0.95 / len(errors))
    for one in arms:
        assert len(one.errors) == len(one.weights) == len(one.settled_at)
        assert np.all(np.diff(one.settled_at) >= 0)
        assert 0.5 < one.weights.mean() < 2.0


def test_contested_audits_settle_later() -> None:
    told = arm(np.random.default_rng(1), 4_000, 0.2, 0.3, delay=100.0)
    violating = told.errors == 1
    assert told.settled_at[violating].mean() > told.settled_at[~violating].mean()


def test_only_pairs_that_differ_tell_the_arms_apart() -> None:
    assert discordant(np.array([1.0, 0, 1, 0]), np.array([1.0, 1, 0])).tolist() == [0.0, 1.0]


def test_the_changes_that_shadows_are_tried_on_are_worse_by_a_fifth_at_least() -> None:
    assert min(change.by for change in shadow.CHANGES) >= 0.2


def test_every_headline_of_the_simulated_parts_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guards, "TABLE", dict.fromkeys(((0.02, 3), (0.005, 5)), 20))
    monkeypatch.setattr(guards, "ADVERTISERS", dict.fromkeys(guards.RATES, 50))
    figures = run(RolloutBenchmark(harmless=2, harmful=4, shadows=4, parts=("guards", "shadow")), SILENT)
    assert {name for name, part in HEADLINES.items() if part in ("guards", "shadow")} <= figures.keys()
    assert json.loads(json.dumps(figures, default=str))


@pytest.mark.slow
def test_the_whole_of_it_quickly(tmp_path: Path) -> None:
    result = CliRunner().invoke(
        app, ["benchmark", "rollout", "--quick", "--part", "kills", "--part", "cost", "--json", str(tmp_path / "r.json")]
    )
    assert result.exit_code == 0, result.output
    figures = json.loads((tmp_path / "r.json").read_text())
    assert (figures["stages_lost"], figures["watcher_kills"] >= 60) == (0, True)
