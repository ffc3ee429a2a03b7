"""The forecast of labels still needed: found by halving, it is what trying every number of errors finds."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy import special

from adverdict.certification.statistics.bounds import _shown


def _by_trying_all(n: int, rate: float, limit: float, level: float, power: float) -> bool:
    allowed = np.arange(int(limit * n) + 1)
    passing = allowed[special.bdtr(allowed, n, limit) <= level]
    return bool(len(passing)) and bool(special.bdtr(passing[-1], n, rate) >= power)


@given(
    n=st.integers(1, 30_000),
    limit=st.floats(0.001, 0.5),
    share=st.floats(0.01, 0.999),
    level=st.floats(1e-6, 0.1),
    power=st.sampled_from([0.5, 0.8, 0.95]),
)
def test_halving_finds_what_trying_every_number_of_errors_finds(n: int, limit: float, share: float, level: float, power: float) -> None:
    assert _shown(n, limit * share, limit, level, power) == _by_trying_all(n, limit * share, limit, level, power)


def test_the_cases_above_are_not_all_alike() -> None:
    assert _shown(1000, 0.01, 0.05, 0.05, 0.8)
    assert not _shown(1000, 0.045, 0.05, 0.05, 0.8)
    assert not _shown(10, 0.001, 0.05, 0.05, 0.8)
