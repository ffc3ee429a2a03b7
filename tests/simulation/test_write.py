"""Writing is all or nothing, and refuses with every mistake at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from adverdict.domain.errors import InvalidSettings
from adverdict.simulation import write_marketplace


def test_progress_is_told_how_many_ads_are_done(tmp_path: Path) -> None:
    told: list[int] = []
    write_marketplace(tmp_path, 400, 1, told.append)
    assert told == sorted(told)
    assert told[-1] == 400


def test_an_interrupted_run_leaves_no_file_behind(tmp_path: Path) -> None:
    def give_up(done: int) -> None:
        if done > 200:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_marketplace(tmp_path, 400, 1, give_up)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_mistakes_are_named_together(tmp_path: Path) -> None:
    with pytest.raises(InvalidSettings) as refused:
        write_marketplace(tmp_path / "never", 0, -1)
    assert [mistake.field for mistake in refused.value.mistakes] == ["ads", "seed"]
    assert not (tmp_path / "never").exists()
