"""What comes with the ads of a caller, a market: which fields are missing, which languages and formats. Counts by the day."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from adverdict.domain.identity import language_key

FIELDS = ("title", "body", "language", "landing_domain", "creative_format", "creative_category", "surface", "advertiser_created_at")
"""Optional, and used by the models: a caller that stops sending one sends other ads, as far as they can tell."""
MOST = 40
"""Characters of a format that are told apart."""
ADS = "data/{}/{}/ads"
"""Submissions; of them, those that went to people."""


def data_of(told: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    """What a submission adds, from the JSON of its entry: (what, of them). ``number`` of each is one."""
    ad, decision = told["ad"], told["decision"]
    whose = f"data/{told.get('caller') or ''}/{ad['market']}"
    yield f"{whose}/ads", decision["verdict"] == "review"
    for name in FIELDS:
        if ad.get(name) in (None, ""):
            yield f"{whose}/missing/{name}", 1
    yield f"{whose}/language/{language_key(ad.get('language')) or ''}", 1
    yield f"{whose}/format/{(ad.get('creative_format') or '')[:MOST]}", 1
    if any(cause.startswith("unfamiliar") for cause in decision.get("degraded") or ()):
        yield f"{whose}/unfamiliar", 1
