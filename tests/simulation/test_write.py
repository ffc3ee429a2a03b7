"""Writing is all or nothing, and refuses with every mistake at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from adverdict.domain.errors import InvalidSettings
from adverdict.domain.progress import Silent
from adverdict.simulation import write_marketplace


class Counting(Silent):
    """How many ads are done; gives up after ``most``."""

    def __init__(self, most: int) -> None:
        self.done, self.most = 0, most

    def advance(self, steps: int = 1) -> None:
        self.done += steps
        if self.done > self.most:
            raise KeyboardInterrupt


def test_progress_advances_by_every_ad_once(tmp_path: Path) -> None:
    counting = Counting(most=400)
    write_marketplace(tmp_path, 400, 1, counting)
    assert counting.done == 400


def test_an_interrupted_run_leaves_no_file_behind(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        write_marketplace(tmp_path, 400, 1, Counting(most=200))
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_mistakes_are_named_together(tmp_path: Path) -> None:
    with pytest.raises(InvalidSettings) as refused:
        write_marketplace(tmp_path / "never", 0, -1, days=60)
    assert [mistake.field for mistake in refused.value.mistakes] == ["ads", "seed", "days"]
    assert not (tmp_path / "never").exists()
