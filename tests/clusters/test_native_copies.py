"""The native core finds copies by the numbers that Python finds them by."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adverdict.clusters.buckets import Buckets
from adverdict.clusters.fingerprints import Fingerprints, of_parts, signed
from adverdict.clusters.index import ClusterIndex, bucket_keys
from adverdict.clusters.minhash import BANDS
from adverdict.clusters.native import copies
from adverdict.features.native import pure_python
from tests.effort import examples

pytestmark = pytest.mark.skipif(copies() is None, reason="the native core is not installed, or is of before: make native")

PIECES = (
    "Free entry",
    "FR33",
    "ca$h",
    "a1b",
    "!",
    "!!",
    "no!w",
    "€",
    "3",
    " ",
    "\n",
    "é",
    "ВUY",
    "日本",
    "देखो",
    "𝐟𝐫",
    "\u202etnatsnI\u202c",
    "Berlin",
    "<b>",
    "&amp;",
)
texts = st.lists(st.sampled_from(PIECES), max_size=30).map("".join) | st.text(max_size=60) | st.just("")
hashes = (
    st.none()
    | st.just("0" * 16)
    | st.sampled_from([16, 32, 64]).flatmap(lambda size: st.text("0123456789abcdef", min_size=size, max_size=size))
)
ads = st.lists(st.tuples(texts, hashes), min_size=1, max_size=6)


def prints(some: list[tuple[str, str | None]]) -> Fingerprints:
    return of_parts([text for text, _ in some], [told for _, told in some], [None] * len(some))


@given(some=st.lists(texts, max_size=6))
def test_any_texts_have_the_same_signatures_and_letters(some: list[str]) -> None:
    natively = signed(some)
    with pure_python():
        by_python = signed(some)
    assert [one.tolist() for one in natively] == [one.tolist() for one in by_python]
    assert [one.dtype for one in natively] == [one.dtype for one in by_python]


def test_a_lone_surrogate_is_read_as_python_reads_it() -> None:
    natively = signed(["a\ud800b", "\udfff"])
    with pure_python():
        assert [one.tolist() for one in signed(["a\ud800b", "\udfff"])] == [one.tolist() for one in natively]


@given(some=ads)
def test_any_ads_fall_into_the_same_buckets(some: list[tuple[str, str | None]]) -> None:
    made = prints(some)
    natively, there = bucket_keys(made), made.bits > 0
    with pure_python():
        by_python = bucket_keys(made)
    assert np.array_equal(natively[there], by_python[there])
    assert np.array_equal(natively[:, :BANDS], by_python[:, :BANDS])


@given(rounds=st.lists(st.lists(st.integers(0, 60), max_size=40), max_size=6))
@examples(100)
def test_whoever_had_a_key_first_is_the_same(rounds: list[list[int]]) -> None:
    """Keys that fall together at the table's end as well, and a table that grows on the way."""
    natively, by_python, owner = Buckets(16), Buckets(16), 0
    for some in rounds:
        keys = np.array(some, dtype=np.uint64) * np.uint64(5)
        owners = np.arange(owner, owner + len(some), dtype=np.int32)
        owner += len(some)
        found = natively.find(keys), natively.claim(keys, owners)
        with pure_python():
            assert found[0].tolist() == by_python.find(keys).tolist()
            assert found[1].tolist() == by_python.claim(keys, owners).tolist()


@given(some=st.lists(ads, max_size=4))
@examples(60)
def test_clusters_are_the_same(some: list[list[tuple[str, str | None]]]) -> None:
    natively, by_python = ClusterIndex(4), ClusterIndex(4)
    for few in some:
        made = prints(few)
        found = natively.near(made), natively.add(made).tolist()
        with pure_python():
            assert found == (by_python.near(made), by_python.add(made).tolist())
