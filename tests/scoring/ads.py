"""The ad of the documentation, as a caller writes it."""

from __future__ import annotations

from typing import Any

from adverdict.domain.ad import Ad

AD: dict[str, Any] = Ad.model_json_schema()["examples"][0]


def ad(**changes: Any) -> dict[str, Any]:
    return {**AD, **changes}
