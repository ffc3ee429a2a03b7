"""Clusters are what the order of the ads says, whatever the batches; copies are in one, others are not."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adverdict.clusters.buckets import Buckets
from adverdict.clusters.fingerprints import Fingerprints, fingerprints, of_parts
from adverdict.clusters.fold import fold
from adverdict.clusters.index import ClusterIndex
from adverdict.clusters.kept import pack, unpack
from adverdict.clusters.minhash import likeness, signatures
from adverdict.clusters.pictures import apart, picture_keys, pictures
from adverdict.simulation.copies import SimulatedCopy, campaigns, copies
from tests.ledger.made import an_ad

TEXT = "Guaranteed profit without any work: ask our team how thousands of readers double their deposit every single week"


def prints(ads: list[SimulatedCopy]) -> Fingerprints:
    return of_parts([f"{ad.title}\n{ad.body}" for ad in ads], [ad.picture for ad in ads], [ad.domain for ad in ads])


@pytest.fixture(scope="module")
def simulated() -> list[SimulatedCopy]:
    return [ad for block in copies(campaigns(5, 3000)) for ad in block]


@pytest.mark.slow
def test_simulated_copies_are_found_and_others_are_not_taken_for_copies(simulated: list[SimulatedCopy]) -> None:
    found = ClusterIndex().add(prints(simulated))
    truth = np.unique([ad.campaign for ad in simulated], return_inverse=True)[1]
    together, same = found[:, None] == found[None, :], truth[:, None] == truth[None, :]
    both = (together & same).sum() - found.size
    assert both / (together.sum() - found.size) > 0.98
    assert both / (same.sum() - found.size) > 0.97


def test_batches_change_nothing(simulated: list[SimulatedCopy]) -> None:
    made = prints(simulated[:600])
    whole, parts = ClusterIndex(), ClusterIndex()
    whole.add(made)
    for start, end in ((0, 1), (1, 7), (7, 300), (300, 600)):
        parts.add(made[start:end])
    everybody = np.arange(600, dtype=np.int32)
    assert np.array_equal(whole.roots(everybody), parts.roots(everybody))


def test_asking_what_is_near_changes_nothing_and_finds_the_nearest_first(simulated: list[SimulatedCopy]) -> None:
    index = ClusterIndex()
    made = prints(simulated[:200])
    index.add(made)
    first = index.near(made[50:60])
    assert index.size == 200
    assert first == index.near(made[50:60])
    assert all(told[0].distance == 0.0 and told[0].other <= 50 + at for at, told in enumerate(first))
    assert all(near.distance <= following.distance for told in first for near, following in pairwise(told))


def test_short_words_alone_make_no_copies_and_a_shared_picture_does() -> None:
    picture, other = "bc30c28cce9eee31", "43cf3d733161114e"
    found = ClusterIndex().add(of_parts(["Shop now"] * 3, [None, None, None], [None, None, None]))
    assert found.tolist() == [0, 1, 2]
    found = ClusterIndex().add(of_parts(["", "", ""], [picture, picture[:-1] + "3", other], [None] * 3))
    assert found.tolist() == [0, 0, 2]


def test_a_stock_picture_makes_no_copies_of_ads_that_say_other_things() -> None:
    texts = [TEXT, "Fresh oat biscuits from the bakery round the corner, open late on Fridays and all of the weekend"]
    assert ClusterIndex().add(of_parts(texts, ["bc30c28cce9eee31"] * 2, ["one.example"] * 2)).tolist() == [0, 1]


def test_an_ad_that_is_near_two_clusters_makes_them_one() -> None:
    words = ["Guaranteed profit without any work at all", "ask how thousands double their pay", "our readers say it is too good"]
    words.append("no card, no office, no questions about papers")
    index = ClusterIndex()
    before = index.add(of_parts([" ".join(words[:3]), " ".join(words[1:])], [None] * 2, ["a.example"] * 2))
    joined = index.add(of_parts([" ".join(words)], [None], ["a.example"]))
    assert before.tolist() == [0, 1]
    assert joined.tolist() == [0]
    assert index.copies_of(1).tolist() == [0, 1, 2]


@settings(max_examples=25, deadline=None)
@given(st.sets(st.integers(0, 400)), st.sets(st.integers(0, 400)))
def test_estimated_likeness_is_that_of_the_shingles(one: set[int], other: set[int]) -> None:
    texts = ["".join(chr(0x4E00 + number) for number in sorted(some)) for some in (one, other)]
    shingles = [{text[at : at + 5] for at in range(max(1, len(text) - 4))} for text in texts]
    truth = len(shingles[0] & shingles[1]) / len(shingles[0] | shingles[1])
    found = signatures(fold(texts))
    assert float(likeness(found[0], found[1])) == pytest.approx(truth if one or other else 1.0, abs=0.22)


def test_near_pictures_share_a_key_and_are_counted_bit_by_bit() -> None:
    rng = np.random.default_rng(1)
    hashes = [int(one) for one in rng.integers(0, 2**63, 300)]
    flipped = [one ^ sum(1 << int(bit) for bit in rng.permutation(64)[:4]) for one in hashes]
    (one, bits), (other, _) = (pictures([f"{value:016x}" for value in some]) for some in (hashes, flipped))
    assert set(apart(one, other).tolist()) == {4}
    assert (picture_keys(one, bits) == picture_keys(other, bits)).any(axis=1).mean() > 0.95


@pytest.mark.parametrize("said", [None, "", "no hash", "0" * 16, "f" * 64, "12ab"])
def test_a_picture_that_says_nothing_is_none(said: str | None) -> None:
    assert pictures([said])[1].tolist() == [0]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(1, 40), max_size=200), st.integers(1, 50))
def test_a_bucket_belongs_to_whoever_came_first(keys: list[int], batch: int) -> None:
    buckets, first = Buckets(16), dict[int, int]()
    for start in range(0, len(keys), batch):
        some = keys[start : start + batch]
        owners = np.arange(start, start + len(some), dtype=np.int32)
        found = buckets.claim(np.array(some, dtype=np.uint64), owners)
        for key, owner in zip(some, owners.tolist(), strict=True):
            first.setdefault(key, owner)
        assert found.tolist() == [first[key] for key in some]
    asked = list(range(1, 41))
    assert buckets.find(np.array(asked, dtype=np.uint64)).tolist() == [first.get(key, -1) for key in asked]


def test_fingerprints_come_out_of_the_tables_as_they_went_in() -> None:
    made = fingerprints([an_ad(1), an_ad(2, title="", body=None, creative_phash="bc30c28cce9eee31")])
    again = unpack(pack(made))
    assert all(np.array_equal(getattr(made, name), getattr(again, name)) for name in ("words", "letters", "picture", "bits", "page"))
