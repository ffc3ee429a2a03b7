"""A seed is a marketplace."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from adverdict.simulation import write_marketplace
from adverdict.simulation.marketplace import Marketplace
from adverdict.simulation.world import DAY, START
from tests.simulation.conftest import Small

FILES = ("ads.parquet", "labels.parquet", "truth/truth.parquet", "truth/handling.parquet", "truth/raters.parquet")
FIRST_BODIES = "993b13c9065b2b0d55a252191a2c66d922bbc481738268c79a599e3591f0512d"
"""sha256 of the bodies of seed 7's 500 ads. It changes only with the simulator; every measured figure then changes too."""


def digests(folder: Path) -> list[str]:
    return [hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in FILES]


def test_the_same_seed_gives_the_same_bytes(small: Small, tmp_path: Path) -> None:
    write_marketplace(tmp_path, small.written.ads, 7)
    assert digests(tmp_path) == digests(small.folder)


def test_another_seed_gives_other_ads(small: Small, tmp_path: Path) -> None:
    write_marketplace(tmp_path, small.written.ads, 8)
    assert not set(digests(tmp_path)) & set(digests(small.folder))


def test_seed_7_is_the_same_marketplace_on_every_machine() -> None:
    bodies = [text for block in Marketplace(7, 500).blocks() for text in block.texts.body]
    assert hashlib.sha256("\n".join(map(str, bodies)).encode()).hexdigest() == FIRST_BODIES


@pytest.mark.parametrize("ads", [1, 2, 59, 500])
def test_any_number_of_ads_comes_out_exactly(ads: int) -> None:
    assert sum(len(block.submitted_at) for block in Marketplace(3, ads).blocks()) == ads


def test_a_year_is_filled_to_its_end_with_a_sale_every_fifty_days() -> None:
    market = Marketplace(3, 4000, days=365)
    days = np.concatenate([(block.submitted_at - START) // DAY for block in market.blocks()])
    assert [len(days), int(days.min()), int(days.max())] == [4000, 0, 364]
    counts = np.bincount(days, minlength=365)
    assert counts[[338, 339]].mean() > 2 * np.median(counts[300:])
