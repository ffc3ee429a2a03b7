"""What a training keeps of the texts it saw, and how it holds the share of honest ads that it takes for strange."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from adverdict.features.text.traits import GRAM_BITS, Traits
from adverdict.models.familiarity.familiarity import FamiliarityModel
from adverdict.training.dataset import Dataset
from adverdict.training.fit.familiarity import LEAST, MOST, fit_familiarity
from tests.training.data import ad


def data(advertisers: Sequence[str], surfaces: Sequence[str | None], violating: Sequence[bool] | None = None) -> Dataset:
    ads = tuple(ad(i, advertiser, surface=surface) for i, (advertiser, surface) in enumerate(zip(advertisers, surfaces, strict=True)))
    targets = np.array([float(one) for one in violating or [False] * len(ads)]).reshape(-1, 1)
    return Dataset(ads, ("gambling",), targets, (), (), ())


def said(*grams: int, language: str = "en", script: str = "LATIN") -> Traits:
    return Traits(np.array(grams, dtype=np.int32), language, script)


def fitted(data: Dataset, traits: Sequence[Traits]) -> FamiliarityModel:
    model = fit_familiarity(data, traits)
    assert model is not None
    return model


def world(n: int, seed: int, per_advertiser: int = 4) -> tuple[list[str], list[Traits]]:
    """Advertisers who write words that many use, and some that only they do."""
    rng = np.random.default_rng(seed)
    advertisers, traits = [], []
    for number in range(n):
        own = rng.integers(5000, 2**GRAM_BITS, 6)
        for _ in range(per_advertiser):
            shared = np.minimum(rng.zipf(1.3, int(rng.integers(10, 80))), 4999)
            advertisers.append(f"adv-{seed}-{number}")
            traits.append(said(*shared.tolist(), *own[: rng.integers(0, 7)].tolist()))
    return advertisers, traits


def test_the_share_of_honest_ads_of_new_advertisers_is_held() -> None:
    model = fitted(data((named := world(600, seed=1))[0], ["feed"] * 2400), named[1])
    _, new = world(1500, seed=2)
    p = np.array([one.p for one in model.of(new, ["feed"] * len(new))])
    for share in (0.01, 0.02, 0.05):
        assert (p <= share).mean() == pytest.approx(share, abs=0.006 + 0.2 * share)


def test_an_advertisers_own_words_are_not_known_until_another_writes_them() -> None:
    model = fitted(data(["a", "a", "b"], ["feed"] * 3), [said(1, 2), said(1, 2), said(2, 3)])
    assert model.groups[None, None].tolist() == pytest.approx([1 / 22, 1 / 22, 1 / 22])
    assert np.flatnonzero(model.known.grams).tolist() == [1, 2, 3]


def test_violating_ads_are_known_and_are_no_measure_of_honest_ones() -> None:
    model = fitted(data(["a", "b"], ["feed"] * 2, violating=[True, False]), [said(1), said(2)])
    assert len(model.groups[None, None]) == 1
    assert model.known.grams[1]


def test_without_an_honest_ad_there_is_no_familiarity() -> None:
    assert fit_familiarity(data(["a"], ["feed"], violating=[True]), [said(1)]) is None


def test_small_groups_are_pooled_by_language_and_then_with_all() -> None:
    sizes = {
        ("en", "feed"): LEAST,
        ("en", "search"): LEAST - 1,
        ("de", "feed"): LEAST // 2,
        ("de", "search"): LEAST // 2,
        ("sv", "feed"): 10,
    }
    names = [name for name, n in sizes.items() for _ in range(n)]
    pooled = data([f"adv-{i}" for i in range(len(names))], [surface for _, surface in names])
    model = fitted(pooled, [said(1, language=language) for language, _ in names])
    assert {group: len(reference) for group, reference in model.groups.items()} == {
        ("en", "feed"): LEAST,
        ("en", None): 2 * LEAST - 1,
        ("de", None): LEAST,
        (None, None): sum(sizes.values()),
    }


def test_no_group_keeps_more_than_it_needs() -> None:
    n = 2 * MOST + 5
    model = fitted(data([f"adv-{i}" for i in range(n)], ["feed"] * n), [said(1, 10 + i) for i in range(n)])
    assert len(model.groups["en", "feed"]) <= MOST


def test_a_language_of_one_advertiser_is_new_to_itself_and_known_to_others() -> None:
    model = fitted(data(["a", "b", "c"], ["feed"] * 3), [said(), said(), said(language="de")])
    assert model.groups[None, None].tolist() == [0, 0, 1]
    assert model.known.languages == {"en", "de"}
