from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from adverdict.simulation import Written, write_marketplace

SMALL = 3000


@dataclass(frozen=True)
class Small:
    """A marketplace of ``SMALL`` ads, read back as plain rows."""

    folder: Path
    written: Written
    ads: list[dict[str, Any]]
    labels: list[dict[str, Any]]
    truth: list[dict[str, Any]]


def rows(path: Path) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = pq.read_table(path).to_pylist()
    return listed


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Small:
    folder = tmp_path_factory.mktemp("small")
    written = write_marketplace(folder, SMALL, 7)
    return Small(folder, written, rows(folder / "ads.parquet"), rows(folder / "labels.parquet"), rows(folder / "truth" / "truth.parquet"))
