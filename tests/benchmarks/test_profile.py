"""The profile names every step, its sum is of its steps, and it passes the ads through the real path."""

from __future__ import annotations

from pathlib import Path

import pytest

from adverdict.benchmarks.profile import STEPS, ProfileBenchmark, run
from adverdict.cli.benchmark.profile import show
from adverdict.cli.console import out as console
from adverdict.domain.errors import InvalidSettings
from adverdict.domain.progress import Silent

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADVERDICT_HOME", str(tmp_path))


def test_every_step_is_told_and_they_add_up(tiny_bundle: Path, marketplace: Path) -> None:
    found = run(ProfileBenchmark(str(tiny_bundle), marketplace, ads=6, sizes=(1, 4), rounds=1), Silent())
    assert found["ads"] == 6
    assert set(found["batches"]) == {"1", "4"}
    for batch in found["batches"].values():
        assert set(batch["steps"]) == set(STEPS)
        assert batch["sum_us"] == pytest.approx(sum(step["wall_us"] for step in batch["steps"].values()))
        assert sum(step["share"] for step in batch["steps"].values()) == pytest.approx(1)
        assert batch["whole"]["wall_us"] > 0
    with console.capture() as said:
        show(found)
    assert all(step in said.get() for step in (*STEPS, "one by one", "4 at once", "the path as one"))


@pytest.mark.parametrize("job", [ProfileBenchmark("x", sizes=()), ProfileBenchmark("x", sizes=(0,))])
def test_no_ad_at_a_time_is_refused(job: ProfileBenchmark) -> None:
    with pytest.raises(InvalidSettings, match="nothing to measure"):
        run(job, Silent())
