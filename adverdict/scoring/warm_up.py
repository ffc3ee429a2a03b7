"""An ad that nobody submitted: scored before the first request, and to see whether a model can be used at all."""

from __future__ import annotations

from adverdict.domain.ad import Ad

WARM_UP = Ad.model_validate(
    {
        "ad_id": "warm-up",
        "advertiser_id": "warm-up",
        "market": "SE",
        "submitted_at": "2026-01-01T00:00:00Z",
        "title": "Warm-up",
        # The stretched word has the list of English words read, which disguised texts are held against.
        "body": "Scored before the first request, so that the first request is not the sloooow one.",
        "landing_domain": "warm-up.example",
        "creative_format": "image",
    }
)
