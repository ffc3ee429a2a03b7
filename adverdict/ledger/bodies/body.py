"""What all contents of entries share."""

from __future__ import annotations

from typing import ClassVar

from pydantic import BaseModel, ConfigDict


class EntryBody(BaseModel):
    """Closed: a field that nobody knows is no content that was ever written."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    kind: ClassVar[str]
