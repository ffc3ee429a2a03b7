"""New kinds of ads, by their phrases."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np

from adverdict.domain.ad import Ad
from adverdict.monitoring.emerging import FEWEST, YOUNG, SeenAd, Watch

ORDINARY = (
    "running shoes for every day",
    "fresh bread from the oven",
    "a sofa that lasts",
    "learn to play the piano",
    "tickets to the coast",
)


def ad(n: int, text: str, *, marked: bool = False) -> SeenAd:
    made = Ad(
        ad_id=f"ad-{n}", advertiser_id=f"adv-{n}", market="GB", language="en-GB", submitted_at=datetime(2026, 5, 1, tzinfo=UTC), title=text
    )
    return SeenAd.of(made, marked=marked)


def ordinary(day: int, ads: int = 60) -> list[SeenAd]:
    return [ad(1000 * day + i, ORDINARY[i % len(ORDINARY)]) for i in range(ads)]


def watch(days: int = YOUNG + 7) -> Watch:
    made = Watch()
    for day in range(days):
        assert made.day(ordinary(day)) == []
    return made


def test_a_phrase_that_suddenly_many_advertisers_use_is_one_kind_with_its_ads() -> None:
    new = [ad(90_000 + i, "miracle crystal cures the fever") for i in range(FEWEST + 2)]
    (kind,) = watch().day([*ordinary(50), *new])
    assert (kind.language, kind.advertisers, kind.by_marks) == ("en", FEWEST + 2, False)
    assert "miracle crystal" in kind.phrases
    assert set(kind.ads) == {one.ad_id for one in new}


def test_many_ads_of_one_advertiser_are_no_kind() -> None:
    again = [SeenAd(f"ad-{i}", "adv-one", "en", frozenset({"miracle", "miracle crystal"})) for i in range(30)]
    assert watch().day([*ordinary(50), *again]) == []


def test_what_is_too_rare_among_all_ads_is_found_among_those_that_people_marked() -> None:
    made, found = watch(), []
    for day in range(50, 54):
        found += made.day([*ordinary(day), ad(95_000 + day, "miracle crystal cures the fever", marked=True)])
    assert found
    assert all(kind.by_marks and kind.advertisers >= 3 for kind in found)
    assert "miracle crystal" in found[0].phrases


def test_in_a_language_that_has_just_begun_nothing_is_new() -> None:
    made = Watch()
    assert made.day([ad(i, "miracle crystal cures the fever") for i in range(20)]) == []


def test_numbers_are_no_phrases() -> None:
    assert ad(1, "only 49 euro 2026").phrases == {"only", "euro", "only euro"}


def test_a_day_is_looked_at_while_it_comes_and_stays_new_until_it_is_over() -> None:
    made, new = watch(), [ad(90_000 + i, "miracle crystal cures the fever") for i in range(FEWEST + 2)]
    morning = [*ordinary(50)[:15], *new[:FEWEST]]
    assert [kind.advertisers for kind in made.look(morning)] == [FEWEST]
    assert [kind.advertisers for kind in made.look(morning)] == [FEWEST], "a look teaches nothing"
    assert [kind.advertisers for kind in made.day([*ordinary(50), *new])] == [FEWEST + 2]
    assert made.day([*ordinary(51), *(ad(91_000 + i, "miracle crystal") for i in range(2))]) == []


def test_among_many_rare_phrases_chance_finds_nothing() -> None:
    """Each of 4,000 phrases is used by one advertiser in 500: every day some are used by more than on any day before, in four languages."""
    rng, made = np.random.default_rng(3), Watch()
    names = [f"phrase {i}" for i in range(4_000)]
    for day in range(YOUNG + 30):
        used = rng.random((4, 150, len(names))) < 0.002
        ads = [
            SeenAd(f"ad-{day}-{k}-{i}", f"adv-{day}-{k}-{i}", language, frozenset(names[j] for j in np.flatnonzero(used[k, i])))
            for k, language in enumerate(("en", "de", "pt", "hi"))
            for i in range(used.shape[1])
        ]
        assert made.day(ads) == []
