"""Ads and histories for the tests of features."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from adverdict.domain.ad import Ad, Label
from adverdict.features.history.counts import HistoryCounts
from adverdict.features.history.state import HistoryState

POLICIES = ("deceptive", "gambling")


def an_ad(ad_id: str = "a1", **fields: Any) -> Ad:
    base = {"ad_id": ad_id, "advertiser_id": "adv", "market": "SE", "submitted_at": "2026-03-02T00:00:00Z", "title": "Hello"}
    return Ad.model_validate({**base, **fields})


def some_ads() -> list[Ad]:
    """Ads that leave no feature untouched."""
    return [
        an_ad("a1", submitted_at="2026-03-01T00:00:00Z", landing_domain="shop.example.co.uk", creative_id="c1", language="sv"),
        an_ad("a2", title="FREE m0n3y!!! Call +46 70 123 45 67", body="Only $100 today, 50% off www.win.example 🎉", surface="feed"),
        an_ad("a3", title=None, body=None, creative_width=1920, creative_height=1080, creative_duration_s=15, creative_format="video"),
        an_ad("a4", title="Распродажа обуви: скидки до 50 %", market="BG", landing_domain="192.168.0.1", advertiser_verified=True),
        an_ad(
            "a5", keywords=["loan", "cash"], advertiser_created_at="2026-02-01T00:00:00Z", creative_id="c1", creative_made_for_kids=False
        ),
        an_ad("a6", landing_domain="paypal-login.weebly.com", creative_category="people", impressions=1000, market="DE", surface="kids"),
    ]


def counts_of(ads: Sequence[Ad]) -> HistoryCounts:
    state = HistoryState()
    state.observe_ads(ads)
    label = Label.model_validate({"ad_id": ads[0].ad_id, "policy": "deceptive", "violates": True, "labelled_at": "2026-03-01T12:00:00Z"})
    state.observe_labels([label], {ad.ad_id: ad for ad in ads})
    return state.counts(ads, POLICIES)
