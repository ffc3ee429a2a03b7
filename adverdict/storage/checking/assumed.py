"""What is assumed of a table that nobody said anything of: which column holds which field, how times and markets are written.

Only ``adverdict data check`` assumes, and shows what; every other command reads what was said.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter, ValidationError

from adverdict.domain.ad import Ad, Flag, Label
from adverdict.domain.names import meant
from adverdict.domain.written import moment, present
from adverdict.storage.checking.peek import Peek
from adverdict.storage.tables.reading import Reading
from adverdict.storage.tables.writers import MOMENTS

FORMATS = tuple(
    f"{day}{clock}"
    for day in ("%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%Y", "%Y/%m/%d", "%d.%m.%y", "%m/%d/%y", "%d/%m/%y", "%Y%m%d")
    for clock in ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p")
)
"""Ways to write a time that are tried; one counts only when every value is written so."""
UNSAID = frozenset({"label", "labels", "violates", "violation", "is_violation", "violating", "flagged", "target", "rejected", "y", "class"})
"""Columns of labels whose names do not say what they are about."""
MOST_MARKETS = 300
MOST_POLICIES = 100
POLICY = r"[a-z][a-z0-9_]{0,62}"


def assume(found: Peek, policies: Collection[str], *, apart: bool) -> Peek:
    """The table of ads, with everything assumed that it takes to read it.

    ``policies``: names of those that a column may be a label of. ``apart``: whether labels have a table of their own.
    """
    _map(found, frozenset(Ad.model_fields))
    if not apart:
        _label(found, policies)
    _times(found, MOMENTS & Ad.model_fields.keys())
    _markets(found)
    return found


def assume_labels(found: Peek) -> Peek:
    """The same of a table of labels."""
    _map(found, frozenset(Label.model_fields))
    _times(found, MOMENTS & Label.model_fields.keys())
    _policies(found)
    return found


def _map(found: Peek, fields: Collection[str]) -> None:
    said = {*found.reading.map.values(), found.reading.label}
    held = {found.reading.named(name, frozenset(fields)) for name in found.columns}
    for column in found.columns:
        name = meant(column, fields)
        if name and name not in held and column not in fields and column not in said:
            held.add(name)
            _add(found, "map", {**found.reading.map, name: column})
            found.assumed[f"map {name}={column}"] = "the names are alike"


def _label(found: Peek, policies: Collection[str]) -> None:
    """A column of the ads that says yes or no, where its name says what about."""
    for column, values in found.columns.items():
        plain = re.sub(r"[^a-z0-9]+", "_", column.lower()).strip("_")
        about = re.sub(r"^is_|^violates_|^label_|_label$", "", plain)
        if (
            column in found.columns.keys() - Ad.model_fields.keys()
            and (meant(column) == "violates" or about in policies)
            and are_flags(values)
        ):
            policy = found.reading.policy or (None if plain in UNSAID else about)
        else:
            policy = None
        if policy and not found.reading.label:
            found.reading = replace(found.reading, label=column, policy=policy)
            found.assumed["label"] = "it says yes or no; see that yes is the violation"
            return


def _times(found: Peek, names: Collection[str]) -> None:
    values = [value for name in names for value in values_of(found, name) if present(value) is not None]
    texts = [value.strip() for value in values if isinstance(value, str)]
    foreign = [text for text in texts if _iso(text) is None]
    reading = found.reading
    if foreign and not reading.date_format:
        fitting = [form for form in FORMATS if all(_written(text, form) for text in foreign)]
        if fitting and len(foreign) == len(texts):
            other = f"; {fitting[1]} fits them as well, so look at the rows" if len(fitting) > 1 else ""
            _add(found, "date_format", fitting[0])
            found.assumed["date_format"] = f"all times are written so, such as {texts[0]}{other}"
    naive = any(isinstance(value, datetime) and value.tzinfo is None for value in values)
    naive = naive or any((at := _iso(text)) is not None and at.tzinfo is None for text in texts)
    if (naive or (foreign and found.reading.date_format and "%z" not in found.reading.date_format)) and not reading.timezone:
        _add(found, "timezone", "UTC")
        found.assumed["timezone"] = "the times state no zone, and nothing tells theirs"


def _markets(found: Peek) -> None:
    from babel import Locale

    names = Locale("en").territories
    codes = {name.lower(): code for code, name in names.items() if re.fullmatch("[A-Z]{2}", code)}
    for value in sorted({value for value in values_of(found, "market") if isinstance(value, str)} - found.reading.markets.keys())[
        :MOST_MARKETS
    ]:
        word = value.strip()
        code = "GB" if word.upper() == "UK" else word.upper() if word.upper() in names else codes.get(word.lower())
        if code and code != value:
            _add(found, "markets", {**found.reading.markets, value: code})
            found.assumed[f"market {value}={code}"] = f"{code} is {names.get(code, code)}"


def _policies(found: Peek) -> None:
    """Names that are none of a policy's, as far as they have letters of the alphabet: ``Adult Content``, ``Glücksspiel``."""
    for value in sorted({value.strip() for value in values_of(found, "policy") if isinstance(value, str)} - found.reading.policies.keys())[
        :MOST_POLICIES
    ]:
        letters = unicodedata.normalize("NFKD", value).encode("ascii", "ignore").decode().lower()
        name = re.sub(r"[^a-z0-9]+", "_", letters).strip("_")
        if re.fullmatch(POLICY, name) and value != name and not re.fullmatch(POLICY, value):
            _add(found, "policies", {**found.reading.policies, value: name})
            found.assumed[f"policy {value}={name}"] = "a policy's name is small letters, digits and _; another one: in data.yaml"


def values_of(found: Peek, field: str) -> list[Any]:
    """The first rows' values of a field, whatever its column is called."""
    column = found.reading.map.get(field, field)
    return found.columns.get(column, [])


def are_flags(values: Iterable[Any]) -> bool:
    """Whether all that is there says yes or no."""
    there = [value for value in values if present(value) is not None]
    try:
        TypeAdapter(list[Flag]).validate_python(there)
    except ValidationError:
        return False
    return bool(there)


def _add(found: Peek, name: str, value: Any) -> None:
    found.reading = replace(found.reading, **{name: value})


def _iso(text: str) -> datetime | None:
    if re.fullmatch(r"[\d.,+-]*", text) and "-" not in text[1:]:
        return None  # a bare number is no time, though 20260301 can be read as one
    try:
        return datetime.fromisoformat(str(moment(text)))
    except ValueError:
        return None


def _written(text: str, form: str) -> bool:
    try:
        datetime.strptime(text, form)  # its zone is assumed next
    except ValueError:
        return False
    return True


def reading_of(ads: Peek, labels: Peek | None) -> Reading:
    """One reading for the tables of a folder: what is assumed of the ads wins."""
    if labels is None:
        return ads.reading
    both = ads.reading.over(labels.reading)
    return replace(both, map={name: column for name, column in both.map.items() if name not in at_odds(ads, labels)})


def at_odds(ads: Peek, labels: Peek | None) -> dict[str, str]:
    """Fields that the two tables call differently, which no reading can say, with what the labels call them."""
    fields = labels.reading.map.items() if labels else ()
    return {
        name: column for name, column in fields if name in Ad.model_fields and values_of(ads, name) and ads.reading.map.get(name) != column
    }
