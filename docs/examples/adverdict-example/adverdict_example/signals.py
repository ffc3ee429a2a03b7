"""A signal: how many prices and percentages an ad names."""

from __future__ import annotations

import re
from typing import Any

PRICE = re.compile(r"[$€£¥₹]\s?\d|\d+\s?(?:[$€£¥₹%]|kr\b|usd\b|eur\b)", re.IGNORECASE)


class PriceClaims:
    kind = "number"
    version = "1"

    def of(self, ad: Any) -> float | None:
        texts = [text for text in (ad.title, ad.body, ad.creative_ocr_text) if text]
        return float(sum(len(PRICE.findall(text)) for text in texts)) if texts else None

    def in_words(self, value: float | str) -> str:
        count = int(float(value))
        return "it names no price" if count == 0 else f"it names {count} price{'' if count == 1 else 's'} or percentages"


PRICE_CLAIMS = PriceClaims()
