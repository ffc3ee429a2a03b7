"""The benchmark of familiarity sees what it claims to, on a small marketplace."""

from __future__ import annotations

import pytest

from adverdict.benchmarks.truth.familiarity import LANGUAGES, FamiliarityBenchmark, run
from adverdict.cli.benchmark.familiarity import show
from adverdict.domain.progress import Silent

pytestmark = pytest.mark.slow


def test_honest_ads_are_few_strange_ones_are_nearly_all_and_each_subject_is_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    figures = run(FamiliarityBenchmark(quick=True), Silent())
    assert figures["unfamiliar_honest"] < 0.03
    assert figures["unfamiliar_strange_stopped"] > 0.95
    assert set(figures["strange"]) == {*LANGUAGES, "random letters"}
    assert len(figures["subjects"]) == 8
    show(figures)
    assert "names in zh" in capsys.readouterr().out
