"""Times on the command line."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import overload

from adverdict.domain.errors import InvalidSettings, Mistake


@overload
def moment(option: str, value: str) -> datetime: ...
@overload
def moment(option: str, value: None) -> None: ...
@overload
def moment(option: str, value: str | None) -> datetime | None: ...
def moment(option: str, value: str | None) -> datetime | None:
    """A day or a time, UTC unless it says otherwise; None when not given. Raises InvalidSettings."""
    try:
        read = None if value is None else datetime.fromisoformat(value)
    except ValueError:
        raise InvalidSettings(
            "not a time", [Mistake(option, value, "a day such as 2026-03-01, or a time such as 2026-03-01T09:30")]
        ) from None
    return read if read is None or read.tzinfo else read.replace(tzinfo=UTC)
