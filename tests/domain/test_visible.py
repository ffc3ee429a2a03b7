"""Text that shows nothing is not there; whatever door an ad comes through, it must show something."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from adverdict.domain.ad import ON_RECORD, Ad
from adverdict.domain.visible import anything_to_see, decoded

NOTHING = [
    "\u200b\u2060",
    "\u115f\u3164\uffa0",
    "\u2800 \u2800",
    "\u00a0\u3000",
    "\ufe0f\u034f",
    "\u0301\u0336",
    "\U000e0061\U000e007f",
    "\u202e\u202c",
    "&nbsp;&#8203;",
    "&amp;nbsp;",
    "<p> </p><br/>",
    "<img src=pixel>",
    "&lt;i&gt;&lt;/i&gt;",
    "<!-- nothing -->",
]


@pytest.mark.parametrize("text", NOTHING)
def test_nothing_is_seen_of_what_shows_nothing(text: str) -> None:
    assert not anything_to_see(text)


@pytest.mark.parametrize("text", ["a", "<p>a</p>", "&#105;", "5", "€", "🎉", "か", "م", "a\u0301", "<3"])
def test_a_letter_a_digit_and_a_sign_are_seen(text: str) -> None:
    assert anything_to_see(text)


BASE = {"ad_id": "a", "advertiser_id": "b", "market": "SE", "submitted_at": "2026-01-01T00:00:00Z"}


@pytest.mark.parametrize(
    "fields",
    [*({"title": text, "body": text} for text in NOTHING), {"keywords": ["", "\u200b"]}, {"creative_width": 0, "creative_height": 0}],
)
def test_an_ad_nobody_can_see_anything_of_is_refused_and_one_on_record_is_read(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="something to see"):
        Ad.model_validate(BASE | fields)
    assert Ad.model_validate(BASE | fields, context=ON_RECORD).ad_id == "a"


def test_a_text_is_decoded_as_often_as_it_was_encoded() -> None:
    assert decoded("fr&#101;&#x65;") == ("free", 1)
    assert decoded("fr&amp;amp;#101;e") == ("free", 1)
    assert decoded("fr&am&#112;;#101;e")[0] == "free"
    assert decoded("R&D, AT&T, fish & chips") == ("R&D, AT&T, fish & chips", 0)
