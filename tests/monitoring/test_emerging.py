"""New kinds of ads, by their phrases."""

from __future__ import annotations

from datetime import UTC, datetime

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
