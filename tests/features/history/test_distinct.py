"""Distinct things used before a moment, whatever the order in which the uses become known."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from adverdict.features.history.distinct import Distinct


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.integers(-3, 3))))
def test_counts_things_by_their_earliest_use(uses: list[tuple[str, int]]) -> None:
    distinct = Distinct()
    for thing, at in uses:
        distinct.add(thing, at)
    first = distinct.first_uses()
    again = Distinct.of([thing for thing, _ in first], [at for _, at in first])
    for t in range(-4, 5):
        assert distinct.before(t) == again.before(t) == len({thing for thing, at in uses if at < t})
