"""Random bytes are given out once, to every thread and to every process."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from adverdict.ledger.entropy import DRAWS, Entropy, draw, hexadecimal


def test_no_draw_is_given_out_twice_whoever_asks() -> None:
    entropy = Entropy()
    with ThreadPoolExecutor(8) as threads:
        drawn = list(threads.map(lambda _: entropy.draw(), range(20 * DRAWS + 1)))
    assert len(set(drawn)) == len(drawn)
    assert {len(one) for one in drawn} == {16}


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # this child does nothing but draw
def test_a_forked_process_draws_its_own() -> None:
    draw()  # so that some are in store
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, draw())
        os._exit(0)
    os.waitpid(child, 0)
    theirs = os.read(reading, 16)
    for end in (reading, writing):
        os.close(end)
    assert len(theirs) == 16
    assert theirs not in {draw() for _ in range(2 * DRAWS)}


def test_an_id_is_32_hexadecimal_digits() -> None:
    assert len(bytes.fromhex(hexadecimal())) == 16
