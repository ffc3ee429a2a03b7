"""Advertisers have a past that is worth knowing: rings share, rejected creatives return, intent shows in the record."""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from adverdict.simulation.marketplace import Block, Marketplace
from adverdict.simulation.resubmissions import CAPACITY, Rejections, Resubmissions, Submitted
from tests.simulation.conftest import Small


def test_a_ring_shares_landing_domains_and_creatives_across_advertisers(small: Small) -> None:
    ring = {row["ad_id"]: row["ring"] for row in small.truth if row["ring"]}
    domains, creatives = defaultdict(set), defaultdict(set)
    for ad in small.ads:
        if ad["ad_id"] in ring:
            domains[ad["landing_domain"]].add(ad["advertiser_id"])
            creatives[ad["creative_id"]].add(ad["advertiser_id"])
    assert max(map(len, domains.values())) >= 3
    assert sum(len(who) > 1 for who in creatives.values()) >= 3


def test_honest_advertisers_share_no_domain_with_a_ring(small: Small) -> None:
    intents = defaultdict(set)
    by_ad = {row["ad_id"]: row["intent"] for row in small.truth}
    for ad in small.ads:
        if any(sign.isdigit() for sign in ad["landing_domain"]):
            intents[ad["landing_domain"]].add(by_ad[ad["ad_id"]])
    assert set().union(*intents.values()) <= {"evasive", "ring"}


def test_creatives_are_reused_and_edited(small: Small) -> None:
    edits = {row["ad_id"]: row["edit"] for row in small.truth}
    assert len({ad["creative_id"] for ad in small.ads}) < 0.85 * len(small.ads)
    assert 0.1 < np.mean([edit > 0 for edit in edits.values()]) < 0.5


def test_a_rejected_creative_comes_back_after_its_verdict(small: Small) -> None:
    """Every resubmission follows an ad of the same advertiser on which some rater had by then found a violation."""
    again = {row["ad_id"] for row in small.truth if row["resubmitted"]}
    advertiser = {ad["ad_id"]: ad["advertiser_id"] for ad in small.ads}
    rejected_at = defaultdict(list)
    for label in small.labels:
        if label["violates"]:
            rejected_at[advertiser[label["ad_id"]]].append(label["labelled_at"])
    assert len(again) > 50
    for ad in small.ads:
        if ad["ad_id"] in again:
            assert min(rejected_at[ad["advertiser_id"]]) < ad["submitted_at"]


def test_the_past_foretells(small: Small) -> None:
    """Advertisers whose early labels were often violations violate more than twice as often later as the others."""
    advertiser = {ad["ad_id"]: ad["advertiser_id"] for ad in small.ads}
    first_half = {ad["ad_id"] for ad in small.ads[: len(small.ads) // 2]}
    early = defaultdict(list)
    for label in small.labels:
        if label["ad_id"] in first_half:
            early[advertiser[label["ad_id"]]].append(label["violates"])
    suspect = {name for name, verdicts in early.items() if np.mean(verdicts) > 0.08}
    later = [(advertiser[row["ad_id"]], row["violates"]) for row in small.truth if row["ad_id"] not in first_half]
    known, others = ([violates for name, violates in later if (name in suspect) is side and name in early] for side in (True, False))
    assert np.mean(known) > 2 * np.mean(others)


def test_what_is_remembered_of_rejections_is_bounded() -> None:
    waiting = Resubmissions()
    count = CAPACITY + 1000
    zeros, flags = np.zeros(count, dtype=np.int64), np.zeros(count, dtype=np.bool_)
    keys = zeros.astype(np.uint64)
    ads = Submitted(zeros, zeros + 2, zeros, keys, keys, zeros, flags, flags, zeros)
    for _ in range(3):
        waiting.schedule(~flags, zeros, ads, np.random.default_rng(1))
    assert len(waiting.take(10**9, 10**9)) == CAPACITY
    assert waiting.take(10**9, 10**9) == []


def test_nobody_comes_back_before_it_is_due() -> None:
    waiting = Resubmissions()
    zeros, flags = np.zeros(50, dtype=np.int64), np.zeros(50, dtype=np.bool_)
    keys = zeros.astype(np.uint64)
    ads = Submitted(zeros, zeros + 2, zeros, keys, keys, zeros, flags, flags, zeros)
    waiting.schedule(~flags, zeros + 1000, ads, np.random.default_rng(1))
    assert waiting.take(1000 + 2 * 3600 - 1, 50) == []
    assert waiting.take(1000 + 72 * 3600, 50) != []


class RejectsOnly:
    """A platform that rejects every ad of one advertiser, an hour after it was submitted, and no other."""

    def __init__(self, advertiser: int) -> None:
        self.advertiser = advertiser
        self.seen: list[Block] = []

    def rejections(self) -> list[Rejections]:
        last, self.seen = self.seen, []
        told = []
        for block in last:
            rows = np.flatnonzero(block.ads.advertiser == self.advertiser)
            told.append(Rejections(block.ads, rows, block.submitted_at[rows] + 3600))
        return told


def test_where_a_platform_decides_only_what_it_rejected_comes_back_and_says_as_which_ad_it_came_first() -> None:
    busiest = int(np.argmax(np.bincount(next(Marketplace(7, 3000).blocks()).ads.advertiser)))
    platform, submitted_by = RejectsOnly(busiest), dict[int, int]()
    again = []
    for block in Marketplace(7, 3000).blocks(platform):
        platform.seen.append(block)
        numbers = range(block.first, block.first + len(block.submitted_at))
        submitted_by |= zip(numbers, block.ads.advertiser.tolist(), strict=True)
        again += block.ads.origin[block.ads.resubmitted].tolist()
        assert (block.ads.origin[~block.ads.resubmitted] == np.array(numbers)[~block.ads.resubmitted]).all()
    assert len(again) > 3
    assert {submitted_by[origin] for origin in again} == {busiest}
