"""Facts about the creative and where it leads."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adverdict.features.creative import CREATIVE_CATEGORIES, CREATIVE_FACTS
from adverdict.features.landing import Landing, landing
from tests.features.worlds import an_ad


@pytest.mark.parametrize(
    ("name", "fields", "value"),
    [
        ("market", {}, "SE"),
        ("surface", {"surface": "feed"}, "feed"),
        ("language", {"language": "pt-BR"}, "pt"),
        ("creative_format", {"creative_format": "video"}, "video"),
        ("creative_category", {}, None),
        ("creative_duration_s", {"creative_duration_s": 15}, 15),
        ("creative_aspect_ratio", {"creative_width": 1920, "creative_height": 1080}, 16 / 9),
        ("creative_aspect_ratio", {"creative_width": 1920, "creative_height": 0}, math.nan),
        ("creative_aspect_ratio", {"creative_width": 1e12, "creative_height": 1e-300}, math.nan),
        ("creative_n_images", {}, math.nan),
        ("creative_made_for_kids", {"creative_made_for_kids": True}, 1),
        ("creative_has_ocr_text", {"creative_ocr_text": "x"}, 1),
        ("keywords", {"keywords": ["a", "b"]}, 2),
        ("keywords", {}, math.nan),
        ("advertiser_age_days", {"advertiser_created_at": "2026-02-28T12:00:00Z"}, 1.5),
        ("advertiser_verified", {"advertiser_verified": False}, 0),
        ("landing_suffix", {"landing_domain": "www.Shop.example.CO.UK"}, "co.uk"),
        ("landing_suffix", {"landing_domain": "127.0.0.1"}, ""),
        ("landing_suffix", {}, None),
        ("landing_name_length", {"landing_domain": "www.example.com"}, 7),
        ("landing_subdomains", {"landing_domain": "www.a.b.example.com"}, 2),
        ("landing_digits_share", {"landing_domain": "ab12.com"}, 0.5),
        ("landing_hyphens", {"landing_domain": "a-b.c-d.com"}, 2),
        ("landing_is_punycode", {"landing_domain": "xn--80ak6aa92e.com"}, 1),
        ("landing_is_punycode", {"landing_domain": "пример.рф"}, 1),
        ("landing_is_address", {"landing_domain": "127.0.0.1"}, 1),
        ("landing_is_address", {"landing_domain": "http://[::1]/x"}, 1),
        ("landing_borrows_brand", {"landing_domain": "paypal.com.evil.tk"}, 1),
        ("landing_borrows_brand", {"landing_domain": "paypal-login.com"}, 1),
        ("landing_borrows_brand", {"landing_domain": "www.paypal.com"}, 0),
        ("landing_borrows_brand", {"landing_domain": "news.paypal.com"}, 0),
        ("landing_borrows_brand", {}, math.nan),
    ],
)
def test_a_fact_is_what_its_name_says(name: str, fields: dict[str, Any], value: float | str | None) -> None:
    found = CREATIVE_FACTS[name](an_ad(**fields))
    assert found == value or found == pytest.approx(value, nan_ok=True)


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\0"), max_size=60))
def test_any_text_is_taken_for_a_landing_domain_without_an_error(domain: str) -> None:
    ad = an_ad(landing_domain=domain)
    for name, fact in CREATIVE_FACTS.items():
        value = fact(ad)
        assert (value is None or isinstance(value, str)) == (name in CREATIVE_CATEGORIES)


def test_a_domain_is_taken_apart_by_the_public_suffix_list() -> None:
    assert landing("a.b.example.co.uk") == Landing(("a", "b"), "example", "co.uk", is_address=False)
