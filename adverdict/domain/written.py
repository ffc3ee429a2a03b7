"""How other software writes a value: words for none, flags, moments, lists, rounded ids. One reading for every door.

Nothing here guesses: what is read has one meaning wherever it comes from, and the rest is left as it came, for the contract to refuse.
"""

from __future__ import annotations

import json
import re
from typing import Any

NOTHING = frozenset({"null", r"\n", "nan", "none", "n/a", "#n/a", "<na>", "nat"})
r"""Words for a missing value, in small letters: of databases (``NULL``, PostgreSQL's and MySQL's ``\N``), of pandas and Excel. ``NA`` is
none of them: it is Namibia."""
LONGEST_NOTHING = max(map(len, NOTHING))
_YES = ("1.0", "wahr", "ja", "vrai", "oui", "verdadero", "sí", "vero", "sì", "si", "verdadeiro", "sim", "waar")
_NO = ("0.0", "falsch", "nein", "nej", "nei", "nee", "faux", "non", "falso", "não", "nao", "onwaar")
FLAGS = {**dict.fromkeys(_YES, True), **dict.fromkeys(_NO, False)}
"""Beside what the schema library reads (true, yes, no, on, 1, t, y): numbers that were whole once, and what spreadsheets and people write
in other languages. None of these words says yes in one language and no in another."""
ROUNDED = re.compile(r"\d(?:[.,]\d+)?E\+\d+", re.IGNORECASE)
"""What a spreadsheet makes of a long number: ``1.23457E+17``."""
DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+")

_BASIC = re.compile(r"(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2}(?:[.,]\d+)?)?(Z|[+-]\d{2}(?::?\d{2})?)", re.IGNORECASE)
_ZONED = re.compile(r"(\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?) ?(UTC|GMT|Z|[+-]\d{2}(?::?\d{2})?)", re.IGNORECASE)


def says_nothing(value: Any) -> bool:
    """Whether a text is a word for a missing value."""
    return isinstance(value, str) and len(value) <= LONGEST_NOTHING + 2 and value.strip().lower() in NOTHING


def present(value: Any) -> Any:
    """None for a blank text and for a word that says so."""
    if not isinstance(value, str):
        return value
    said = value.strip()
    return None if not said or (len(value) <= LONGEST_NOTHING + 2 and said.lower() in NOTHING) else value


def flag(value: Any) -> Any:
    return FLAGS.get(value.strip().lower(), value.strip()) if isinstance(value, str) else value


def moment(value: Any) -> Any:
    """ISO 8601 in the form that every library reads, of what databases and warehouses write: the basic form, ``+00``, `` UTC``."""
    if not isinstance(value, str) or value.endswith("Z"):
        basic = _BASIC.fullmatch(value.strip()) if isinstance(value, str) and "-" not in value else None
        return _joined(basic) if basic else value
    text = value.strip()
    if found := _ZONED.fullmatch(text):
        return f"{found[1].replace(',', '.')}{_offset(found[2])}"
    basic = _BASIC.fullmatch(text)
    return _joined(basic) if basic else value


def texts(value: Any) -> Any:
    """A list, also where it came as JSON's text of it; without parts that say nothing."""
    if isinstance(value, str) and value.lstrip().startswith("["):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return value
    if isinstance(value, list | tuple):
        return [one for one in value if not says_nothing(one)]
    return present(value)


def _joined(found: re.Match[str]) -> str:
    year, month, day, hour, minute, second, zone = found.groups()
    return f"{year}-{month}-{day}T{hour}:{minute}:{(second or '00').replace(',', '.')}{_offset(zone)}"


def _offset(zone: str) -> str:
    if zone.upper() in ("UTC", "GMT", "Z"):
        return "Z"
    digits = zone[1:].replace(":", "").ljust(4, "0")
    return f"{zone[0]}{digits[:2]}:{digits[2:]}"
