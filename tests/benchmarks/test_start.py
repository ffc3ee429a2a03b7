"""The benchmark of starting takes both ways over a real ledger, which count the same, and shows what a store of many more takes."""

from __future__ import annotations

from pathlib import Path

import pytest

from adverdict.benchmarks.history.run import StartBenchmark, run
from adverdict.cli.benchmark.start import show
from adverdict.cli.console import out as console
from adverdict.domain.errors import InvalidSettings
from adverdict.domain.progress import Silent


@pytest.mark.slow
def test_both_ways_count_the_same_and_are_shown_beside_a_larger_store(tmp_path: Path) -> None:
    found = run(StartBenchmark(decisions=3000, ledger=200, starts=1, work=tmp_path), Silent())
    assert found["ledger"]["same_counts"]
    assert found["store"]["decisions"] == 3000
    assert found["store"]["built"]["peak_mib"] > 0
    with console.capture() as said:
        show(found)
    assert all(words in said.get() for words in ("the ledger, read", "a synthetic store", "both count the same"))
    assert list(tmp_path.iterdir()) == []


def test_nothing_to_measure_is_refused() -> None:
    with pytest.raises(InvalidSettings, match="decisions = 0"):
        run(StartBenchmark(decisions=0), Silent())
