"""What the schema library found wrong, as mistakes a person can act on. Tables and the HTTP service both speak through this."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from adverdict.domain.errors import Mistake
from adverdict.domain.names import meant

MOMENT = "a date and time with a time zone, such as 2026-03-01T09:30:00Z"

EXPECTED = {
    "bool_parsing": "true or false",
    "bool_type": "true or false",
    "date_from_datetime_inexact": MOMENT,
    "datetime_from_date_parsing": MOMENT,
    "datetime_object_invalid": MOMENT,
    "datetime_parsing": MOMENT,
    "datetime_type": MOMENT,
    "dict_type": "an object of fields and values",
    "extra_forbidden": "no such field: its name is not in the data contract",
    "finite_number": "a finite number",
    "float_parsing": "a number",
    "float_type": "a number",
    "greater_than": "a number above {gt:g}",
    "greater_than_equal": "a number of at least {ge:g}",
    "json_invalid": "valid JSON",
    "json_type": "JSON text",
    "less_than_equal": "a number of at most {le:g}",
    "list_type": "a list",
    "literal_error": "one of {expected}",
    "missing": "a value: the field is required",
    "model_attributes_type": "an object of fields and values",
    "model_type": "an object of fields and values",
    "recursion_loop": "values nested less deeply",
    "string_too_long": "text of at most {max_length} characters",
    "string_too_short": "text of at least {min_length} character(s)",
    "string_type": "text",
    "string_unicode": "text that can be encoded as UTF-8 (no lone surrogates)",
    "timezone_aware": MOMENT,
    "too_long": "at most {max_length} items",
    "too_short": "at least {min_length} item(s)",
    "tuple_type": "a list",
}
"""The schema library's error types in words; braces are filled from the error's own context."""

MARKET = r"[A-Z]{2}"
PATTERNS = {
    MARKET: "an ISO 3166-1 alpha-2 code such as SE",
    r"[a-z][a-z0-9_]{0,62}": "a policy's name such as kids_unsuitable: small letters, digits and _",
    r"[a-z][a-z0-9_]{0,62}:[A-Z]{2}": "a policy and the market of its licence, such as gambling:SE",
}
"""What the contract's patterns mean; a pattern itself helps nobody."""


def mistakes(error: ValidationError, where: str = "", of: type[BaseModel] | None = None) -> list[Mistake]:
    """Every mistake in one object, in the order of its fields. ``where``: table and row, empty for a request's body. ``of``: what the
    object was to be, where that is neither an ad nor a label: its fields are then those that a wrong name may have meant."""
    return [mistake(detail, where=where, of=of) for detail in error.errors(include_url=False)]


def mistake(detail: ErrorDetails, *, where: str = "", skip: int = 0, of: type[BaseModel] | None = None) -> Mistake:
    """One mistake; ``skip`` leaves out that many leading parts of its path (an ad's position in a batch)."""
    path = detail["loc"][skip:]
    value = None if detail["type"] == "missing" else detail["input"]
    missing = value is None and len(path) == 1 and detail["type"].endswith("_type")  # a null where a value is needed
    if not path and isinstance(value, dict):
        value = sorted(str(key) for key in value)  # the whole object is wrong: the fields that came say enough
    return Mistake(field=_field(path), value=value, expected=EXPECTED["missing"] if missing else _expected(detail, of), where=where)


def probably(mistake: Mistake, left_out: Iterable[str]) -> str | None:
    """Of the names that were not understood, the one that a missing field probably has."""
    return next((name for name in sorted(left_out) if mistake.value is None and meant(name) == mistake.field), None)


def _field(path: Sequence[int | str]) -> str:
    name = ""
    for part in path:
        name += f"[{part}]" if isinstance(part, int) else f".{part}" if name else part
    return name or "(the whole)"


def _expected(detail: ErrorDetails, of: type[BaseModel] | None = None) -> str:
    context: dict[str, Any] = detail.get("ctx", {})
    kind = detail["type"]
    if kind == "extra_forbidden":
        return _no_such_field(detail["loc"], of)
    if kind == "string_pattern_mismatch":
        pattern = str(context["pattern"])
        bare = pattern.removeprefix("^").removesuffix("$").removesuffix(r"\Z")
        capital = str(detail["input"]).strip().upper()
        if bare == MARKET and re.fullmatch(MARKET, capital):
            return f"{PATTERNS[bare]}; is it {'GB' if capital == 'UK' else capital}?"
        return PATTERNS.get(bare, f"text matching {json.dumps(pattern)}")
    if kind == "value_error":
        return str(context["error"])
    if isinstance(detail["input"], str):  # a length asked of text that was read before says only that it is too short or too long
        kind = {"too_short": "string_too_short", "too_long": "string_too_long"}.get(kind, kind)
    template = EXPECTED.get(kind)
    return template.format(**context) if template else detail["msg"][:1].lower() + detail["msg"][1:]


def _no_such_field(path: Sequence[int | str], of: type[BaseModel] | None) -> str:
    """What may stand there instead of a name: the nearest of its neighbours, else all of them where they are not the data contract's."""
    name = str(path[-1])
    if of is None:
        near, refused = meant(name), EXPECTED["extra_forbidden"]
    else:
        there = [field for model in _models_at(of, path[:-1]) for field in model.model_fields]
        near, refused = meant(name, there), "no such field here"
        if near is None and there:
            return f"{refused}: there are {', '.join(dict.fromkeys(there))}"
    return f"{refused}; is it {near!r}?" if near else refused


def _models_at(model: type[BaseModel], path: Sequence[int | str]) -> list[type[BaseModel]]:
    """The models that may stand at a path below another; positions in lists, and keys that are no fields, lead nowhere further."""
    here = [model]
    for part in path:
        below = [one.model_fields[part].annotation for one in here if isinstance(part, str) and part in one.model_fields]
        here = [found for annotation in below for found in _within(annotation)] or here
    return here


def _within(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _within(part)
