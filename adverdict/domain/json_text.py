"""JSON as others send it: with a byte order mark before it, or with a field twice, of which every parser would silently drop one."""

from __future__ import annotations

import json
import re
from typing import Any

from adverdict.domain.errors import Mistake

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_NAMES = re.compile(rb'"\s*:')


class FieldTwice(dict[str, Any]):
    """A JSON object in which some name stands more than once."""

    twice: tuple[str, ...] = ()


def parse(text: bytes) -> Any:
    """The value of a JSON document in UTF-8; objects with a name twice are ``FieldTwice``. Raises ValueError, RecursionError."""
    return json.loads(text.removeprefix(BYTE_ORDER_MARK).decode("utf-8"), object_pairs_hook=_object)


def named_twice(value: Any) -> list[Mistake]:
    """Every field that stands twice in its object, however deep."""
    found = [Mistake(name, "twice", "each field once") for name in value.twice] if isinstance(value, FieldTwice) else []
    within = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [*found, *(mistake for one in within for mistake in named_twice(one))]


def may_name_twice(text: bytes, fields: int) -> bool:
    """Whether a document in which a parser found so many different fields could name one twice: a look at it that costs next to nothing."""
    return len(_NAMES.findall(text)) != fields


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    twice = FieldTwice(found)
    names = [name for name, _ in pairs]
    twice.twice = tuple(name for name in found if names.count(name) > 1)
    return twice
