"""What people have spoken of is found by its cluster, however clusters grow together and whatever is taken back."""

from __future__ import annotations

from typing import cast

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from adverdict.clusters.fingerprints import of_parts
from adverdict.clusters.follower import ClusterFollower
from adverdict.clusters.index import ClusterIndex
from adverdict.clusters.spoken import SpokenOf
from tests.effort import examples

FIRST, SECOND = "Guaranteed profit without any work today", "Fresh oat biscuits from the bakery round the corner"
WRITTEN = (
    FIRST,
    SECOND,
    f"{FIRST}: ask our team",
    f"{SECOND}, open late",
    f"{FIRST} {SECOND}",
    "Sofas for small rooms, delivered and built",
)
PICTURES = (None, "bc30c28cce9eee31", "bc30c28cce9eee33")


class Follower:
    """As much of one as is asked: the ad of entry 10 n is the n-th."""

    def __init__(self) -> None:
        self.index = ClusterIndex(4)

    def number_of(self, seq: int) -> int | None:
        return seq // 10 if seq // 10 < self.index.size else None


steps = st.lists(
    st.one_of(
        st.tuples(st.just("ad"), st.integers(0, len(WRITTEN) - 1), st.integers(0, len(PICTURES) - 1)),
        st.tuples(st.just("spoken"), st.integers(0, 14), st.just(0)),
        st.tuples(st.just("taken back"), st.integers(0, 14), st.just(0)),
        st.tuples(st.just("begun anew"), st.just(0), st.just(0)),
    ),
    max_size=40,
)


@given(steps=steps)
@examples(150)
def test_they_are_those_that_looking_through_all_of_them_finds(steps: list[tuple[str, int, int]]) -> None:
    follower, spoken_of = Follower(), set[int]()
    filed = SpokenOf(cast(ClusterFollower, follower))
    for what, number, other in steps:
        if what == "ad":
            follower.index.add(of_parts([WRITTEN[number]], [PICTURES[other]], [None]))
        elif what == "begun anew":
            taken, follower.index = follower.index.taken(), ClusterIndex(4)
            follower.index.add(taken)
        elif number < follower.index.size:
            filed.change([10 * number] if what == "spoken" else [], [10 * number] if what == "taken back" else [])
            spoken_of = spoken_of | {number} if what == "spoken" else spoken_of - {number}
        everybody = np.array(sorted(spoken_of), dtype=np.int32)
        roots = follower.index.roots(everybody)
        for root in range(follower.index.size):
            assert filed.of(root).tolist() == everybody[roots == root].tolist()
