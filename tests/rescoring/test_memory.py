"""Amounts of memory: read, shown, and divided among workers."""

from __future__ import annotations

from mmap import mmap

import pytest

from adverdict.domain.errors import InvalidSettings
from adverdict.rescoring import memory
from adverdict.rescoring.memory import MIB, SLACK, Budget


@pytest.mark.parametrize(
    ("told", "size"),
    [("4GiB", 4 * 2**30), ("512MiB", 512 * MIB), ("512 mib", 512 * MIB), ("1.5GiB", 3 * 2**29), ("2GB", 2 * 10**9), ("1TiB", 2**40)],
)
def test_an_amount_is_a_number_with_a_unit(told: str, size: int) -> None:
    assert memory.parse(told) == size


@pytest.mark.parametrize("told", ["", "4", "4096", "lots", "-4GiB", "4Gi", "4 G iB", "0GiB", "1KiB", "nanGiB", "1e3MiB"])
def test_what_is_no_amount_is_refused_with_the_value(told: str) -> None:
    with pytest.raises(InvalidSettings, match="--limit-memory") as refused:
        memory.parse(told)
    assert refused.value.mistakes[0].value == told


@pytest.mark.parametrize(("size", "shown"), [(1, "1 MiB"), (512 * MIB, "512 MiB"), (MIB + 1, "2 MiB"), (3 * 2**29, "1.5 GiB")])
def test_bytes_are_shown_rounded_up(size: int, shown: str) -> None:
    assert memory.shown(size) == shown


@pytest.mark.parametrize(("total", "wanted", "fits"), [(1000, 4, 4), (500, 4, 4), (499, 4, 3), (200, 4, 1), (1000, 1, 1)])
def test_so_many_workers_fit_beside_the_driver(total: int, wanted: int, fits: int) -> None:
    assert Budget(total * MIB + SLACK, 100 * MIB).fit(wanted, 100 * MIB) == fits


def test_the_least_limit_that_would_do_is_named_and_does() -> None:
    with pytest.raises(InvalidSettings, match="at least 264 MiB"):
        Budget(263 * MIB, 100 * MIB).fit(4, 100 * MIB)
    assert Budget(264 * MIB, 100 * MIB).fit(4, 100 * MIB) == 1


def test_a_process_knows_what_it_holds_and_the_most_it_ever_held() -> None:
    before = memory.in_use()
    with mmap(-1, 64 * MIB) as held:  # straight from the kernel and back: an allocator may keep what it is given back
        for page in range(0, 64 * MIB, 4096):
            held[page] = 1
        during = memory.in_use()
    assert during - before > 60 * MIB
    assert memory.peak() >= during - MIB, "the kernel counts in batches"
    assert memory.in_use() < during
