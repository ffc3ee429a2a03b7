"""What could not be decided, as lines of JSON for the people who own the data. Their values stand here and nowhere else."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from adverdict.domain.errors import shorten
from adverdict.rescoring.input.plan import Shard
from adverdict.rescoring.input.reading import QuarantinedRow

SHOWN = 200
"""Characters of a value that are kept."""


def rows_set_aside(shard: Shard, rows: Sequence[QuarantinedRow]) -> bytes:
    """One line a row: its file, its number there from 1, and each mistake with what came and what was expected."""
    return b"".join(_line({"file": shard.input, "row": one.row, "mistakes": _mistakes(one)}) for one in rows)


def shard_set_aside(shard: Shard, reason: str) -> bytes:
    """One line for all rows of a shard: from the first, counted from 1, to the last."""
    return _line({"file": shard.input, "from_row": shard.start + 1, "to_row": shard.stop, "reason": reason})


def _mistakes(row: QuarantinedRow) -> list[dict[str, str]]:
    return [{"field": one.field, "value": shorten(one.value, SHOWN), "expected": one.expected} for one in row.mistakes]


def _line(content: dict[str, Any]) -> bytes:
    # Escaped to ASCII: values may hold lone surrogates, which no UTF-8 file can.
    return json.dumps(content, ensure_ascii=True).encode() + b"\n"
