"""What the simulator writes is a pack like any other."""

from __future__ import annotations

import unicodedata
from collections import Counter

from adverdict.domain.ad import Ad, Label
from adverdict.simulation import POLICIES
from adverdict.simulation.world import DAY, DAYS, LAUNCH_DAY, MARKET_CODES, START, SURFACES
from tests.simulation.conftest import SMALL, Small

SCRIPTS = ("LATIN", "CYRILLIC", "GREEK", "DEVANAGARI", "ARABIC", "HIRAGANA", "CJK")


def test_every_ad_and_label_passes_the_data_contract(small: Small) -> None:
    assert [Ad.model_validate(row).ad_id for row in small.ads] == [row["ad_id"] for row in small.ads]
    assert all(Label.model_validate(row).policy in POLICIES for row in small.labels)


def test_there_are_exactly_as_many_ads_as_asked_each_once_oldest_first(small: Small) -> None:
    times = [row["submitted_at"] for row in small.ads]
    assert [len(small.ads), len({row["ad_id"] for row in small.ads}), small.written.ads] == [SMALL] * 3
    assert times == sorted(times)
    assert times[0].timestamp() >= START
    assert times[-1].timestamp() < START + DAYS * DAY


def test_every_market_surface_policy_and_script_occurs(small: Small) -> None:
    script = Counter(unicodedata.name(char, "?").split()[0] for row in small.ads for char in (row["body"] or ""))
    assert {row["market"] for row in small.ads} == set(MARKET_CODES)
    assert {row["surface"] for row in small.ads} == set(SURFACES)
    assert {row["policy"] for row in small.labels} == set(POLICIES)
    assert min(script[name] for name in SCRIPTS) > 100


def test_nothing_points_to_the_real_world(small: Small) -> None:
    assert all(row["landing_domain"].endswith(".example") for row in small.ads)
    assert not any(sign in (row["body"] or "") for row in small.ads for sign in ("http", "www.", "+1"))


def test_no_ad_is_shown_in_a_market_before_its_launch(small: Small) -> None:
    launch = dict(zip(MARKET_CODES, (START + LAUNCH_DAY * DAY).tolist(), strict=True))
    assert all(row["submitted_at"].timestamp() >= launch[row["market"]] for row in small.ads)


def test_a_missing_label_is_common_and_says_nothing(small: Small) -> None:
    labelled = {(row["ad_id"], row["policy"]) for row in small.labels}
    asked = [(row["ad_id"], row["policy"]) for row in small.truth]
    rates = {
        violates: sum(pair in labelled for pair, row in zip(asked, small.truth, strict=True) if row["violates"] is violates)
        / sum(row["violates"] is violates for row in small.truth)
        for violates in (True, False)
    }
    assert 0.35 < rates[False] < 0.6
    assert abs(rates[True] - rates[False]) < 0.08


def test_kids_unsuitable_is_asked_only_beside_childrens_videos(small: Small) -> None:
    surface = {row["ad_id"]: row["surface"] for row in small.ads}
    for table in (small.labels, small.truth):
        assert {surface[row["ad_id"]] for row in table if row["policy"] == "kids_unsuitable"} == {"kids_video"}


def test_base_rates_differ_by_policy_and_by_market(small: Small) -> None:
    market = {row["ad_id"]: row["market"] for row in small.ads}
    by_market = {code: [row["violates"] for row in small.truth if market[row["ad_id"]] == code] for code in ("SE", "IN")}
    assert all(0.01 < small.written.base_rate(policy) < 0.25 for policy in POLICIES)
    assert sum(by_market["IN"]) / len(by_market["IN"]) > 1.3 * sum(by_market["SE"]) / len(by_market["SE"])
