"""How the tables of one folder are to be read where they are not in the data contract's own form: what somebody said of them.

``data.yaml`` beside the tables says it once and for all; the options of a command say it for one reading, and win. Nothing is guessed
here: without either, a table is read strictly.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from adverdict.domain.ad import Ad, Label
from adverdict.domain.errors import InvalidInput, Mistake
from adverdict.domain.names import meant
from adverdict.domain.written import present
from adverdict.storage.tables.writers import FLAGS, LISTS, MOMENTS, NUMBERS
from adverdict.storage.yaml_text import read_yaml

FILE = "data.yaml"
NO_TIME = datetime(2000, 1, 1, tzinfo=UTC)
"""Of ads and labels whose time nobody kept: all are of one moment, so that none is another's past."""
NO_MARKET = "ZZ"
"""ISO 3166-1 keeps it free for an unknown country: rules of all markets apply, and no market's own."""
MAX_HEADER = 10_000
FORMATS = ("adcom",)
NAMES = ("map", "markets", "policies")
"""Keys that say what stands for what."""
SEPARATORS = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|", r"\t": "\t"}
_NOBODY = re.compile("unknown-[0-9a-f]{16}")
"""As ``_alone`` makes them."""
FIELDS = frozenset((*Ad.model_fields, *Label.model_fields))
TEXTS = FIELDS - MOMENTS - FLAGS - LISTS - NUMBERS


@dataclass(frozen=True)
class Reading:
    """What was said of the tables; nothing where they are in the contract's own form."""

    map: Mapping[str, str] = field(default_factory=dict)
    """Field of the contract -> column that holds it."""
    label: str | None = None
    """Column of the table of ads that says yes or no: whether the ad violates ``policy``."""
    policy: str | None = None
    market: str | None = None
    """Of every row that states none."""
    markets: Mapping[str, str] = field(default_factory=dict)
    """Code in the data -> code of ISO 3166-1: UK -> GB."""
    policies: Mapping[str, str] = field(default_factory=dict)
    """Name in the labels -> name of a policy: Gambling -> gambling."""
    surface: str | None = None
    timezone: str | None = None
    """Of times that state none."""
    date_format: str | None = None
    """As strptime has it, such as ``%d.%m.%Y``."""
    separator: str | None = None
    encoding: str | None = None
    sheet: str | None = None
    """Of an Excel workbook, where several hold something."""
    header_row: int | None = None
    """Line of a CSV file, row of a sheet, that names the columns; what stands above it is not read. From 1."""
    format: str | None = None
    """``adcom``: JSON lines of AdCOM's ``Ad``; else the suffix of a file says how it is to be read."""

    def __bool__(self) -> bool:
        return self != Reading()

    def over(self, other: Reading) -> Reading:
        """This one where it says something, else the other."""
        said = {one.name: getattr(self, one.name) for one in fields(self) if getattr(self, one.name)}
        return replace(other, **{**said, **{name: {**getattr(other, name), **getattr(self, name)} for name in NAMES}})

    def named(self, column: str, known: frozenset[str]) -> str:
        """The field that a column holds; the column's own name where nobody said otherwise."""
        told = self._columns()
        for name, other in told.items():
            if other == column and name in known:
                return name
        return f"({column})" if column in told and column in known else column  # the field is said to be another column

    def unused(self, header: Sequence[str]) -> list[Mistake]:
        """Fields whose column is not there, in a header that ``named`` has read."""
        return [
            Mistake(name, f"column {column}", f"one of the columns {', '.join(header)}")
            for name, column in self._columns().items()
            if name not in header
        ]

    def needed(self, known: frozenset[str]) -> frozenset[str]:
        """Required fields of ads or labels that nothing can stand in for."""
        if "violates" not in known:
            return frozenset()
        return frozenset({"violates"} if self.policy else {"violates", "policy"})

    def row(self, values: dict[str, Any], nameless: str, title: str) -> dict[str, Any]:
        """A row of ads or labels in the contract's form, as far as it was said how. ``nameless`` stands in for an id nobody gave."""
        found = {name: value for name, value in values.items() if present(value) is not None}
        for name in MOMENTS:
            if name in found:
                found[name] = self.moment(found[name])
        found = {name: _as_text(value) if name in TEXTS else value for name, value in found.items()}
        found.setdefault("ad_id", nameless)
        if title == "labels":
            submitted = found.pop("submitted_at", NO_TIME)
            if "policy" in found:
                found["policy"] = self.policies.get(str(found["policy"]).strip(), found["policy"])
            return {"policy": self.policy, "labelled_at": submitted, **found} if self.policy else found
        market = str(found.get("market", self.market or NO_MARKET))
        found["market"] = self.markets.get(market, market)
        found.setdefault("submitted_at", NO_TIME)
        found.setdefault("advertiser_id", _alone(found))
        if self.surface:
            found.setdefault("surface", self.surface)
        return found

    def moment(self, value: Any) -> Any:
        """A time of a row; as it came where nothing was said of it."""
        if isinstance(value, str) and self.date_format:
            try:
                value = datetime.strptime(value.strip(), self.date_format)  # its zone comes next
            except ValueError:
                return value
        elif isinstance(value, str) and self.timezone:
            try:
                value = datetime.fromisoformat(value.strip())
            except ValueError:
                return value
        if isinstance(value, datetime) and value.tzinfo is None and self.timezone:
            return value.replace(tzinfo=ZoneInfo(self.timezone))
        return value.isoformat() if isinstance(value, datetime) and value.tzinfo is None else value

    def plain(self) -> dict[str, Any]:
        """As ``data.yaml`` has it: only what was said."""
        return {name: dict(value) if isinstance(value, Mapping) else value for name, value in asdict(self).items() if value}

    def yaml(self) -> str:
        """Of ``data.yaml``."""
        import yaml

        head = "# How the tables beside this file are to be read; written by 'adverdict data check --write'.\n"
        return head + yaml.safe_dump(self.plain(), allow_unicode=True, sort_keys=False)

    @classmethod
    def of(cls, told: Mapping[str, Any], where: str = "") -> Self:
        """Raises InvalidInput with every mistake."""
        wrong = [
            Mistake(str(key), told[key], "one of " + ", ".join(one.name for one in fields(cls)), where) for key in told if key not in _KEYS
        ]
        for key in NAMES:
            value = told.get(key) or {}
            if not isinstance(value, Mapping) or not all(isinstance(one, str) for pair in value.items() for one in pair):
                wrong.append(Mistake(key, value, "names and what stands for them", where))
        mapped = told.get("map") or {}
        for name in mapped if isinstance(mapped, Mapping) else ():
            if name not in FIELDS:
                near = meant(str(name))
                wrong.append(Mistake("map", name, "a field of the data contract" + (f"; is it {near!r}?" if near else ""), where))
        wrong += _wrong_texts(told, where)
        if wrong:
            raise InvalidInput("it is not understood how the data is to be read", wrong)
        separator, header = told.get("separator"), told.get("header_row")
        read = {"separator": SEPARATORS.get(separator, separator) if separator else None, "header_row": int(header) if header else None}
        return cls(**{**told, **read})

    def _columns(self) -> dict[str, str]:
        return {**self.map, **({"violates": self.label} if self.label else {})}


_KEYS = frozenset(one.name for one in fields(Reading))
AS_IS = Reading()


@dataclass(frozen=True)
class Query:
    """A table that a database makes. It prints without a password."""

    url: str = field(repr=False)
    """As SQLAlchemy has it."""
    text: str

    name = "query"

    def __str__(self) -> str:
        from sqlalchemy.engine import make_url
        from sqlalchemy.exc import ArgumentError

        try:
            return make_url(self.url).render_as_string()
        except (ArgumentError, ValueError):
            return "a database"


Table = Path | Query
"""A file or folder of files, or what stands for one."""


@dataclass(frozen=True)
class Source:
    """A folder or file of tables, or a query, and what was said on the command line of how to read it."""

    path: Table
    reading: Reading

    def __str__(self) -> str:
        return str(self.path)


Place = Path | str | Source


def opened(place: Place) -> tuple[Table, Reading]:
    """Where the tables lie, and how they are read. Raises InvalidInput for a ``data.yaml`` that is not understood."""
    if isinstance(place, Source) and isinstance(place.path, Query):
        return place.path, place.reading
    path = Path(place.path if isinstance(place, Source) else place)  # type: ignore[arg-type]
    beside = reading_beside(path)
    return path, place.reading.over(beside) if isinstance(place, Source) else beside


def reading_beside(path: Path) -> Reading:
    """What ``data.yaml`` beside a table, or in its folder, says; nothing where there is none. Raises InvalidInput."""
    import yaml

    file = (path if path.is_dir() else path.parent) / FILE
    if not file.is_file():
        return Reading()
    try:
        told = read_yaml(file)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{file} cannot be read", [Mistake("file", str(error), "YAML in UTF-8", str(file))]) from error
    if not isinstance(told, dict):
        raise InvalidInput(f"{file} cannot be read", [Mistake("file", told, "names and values", str(file))])
    return Reading.of({key: value for key, value in told.items() if value is not None}, FILE)


def _wrong_texts(told: Mapping[str, Any], where: str) -> list[Mistake]:
    found = [
        Mistake(key, value, "text", where)
        for key, value in told.items()
        if key in _KEYS - {*NAMES, "header_row"} and not isinstance(value, str)
    ]
    header = told.get("header_row", 1)
    if isinstance(header, bool) or not str(header).isascii() or not str(header).isdigit() or not 1 <= int(header) <= MAX_HEADER:
        found.append(Mistake("header_row", header, f"the number of a line, from 1 to {MAX_HEADER}", where))
    if found:
        return found
    zone, separator, encoding = (told.get(key) for key in ("timezone", "separator", "encoding"))
    try:
        ZoneInfo(zone or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        found.append(Mistake("timezone", zone, "a name of the time zone database, such as Europe/Berlin", where))
    try:
        "".encode(encoding or "utf-8")
    except LookupError:
        found.append(Mistake("encoding", encoding, "the name of an encoding, such as cp1252 or utf-16", where))
    if told.get("format") not in (None, *FORMATS):
        found.append(Mistake("format", told["format"], " or ".join(FORMATS), where))
    if separator and len(SEPARATORS.get(separator, separator)) != 1:
        found.append(Mistake("separator", separator, "one character, or comma, semicolon, tab, pipe", where))
    return found


def _as_text(value: Any) -> Any:
    """Ids and texts that a table keeps as whole numbers."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        value = int(value)
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def stands_in(ad: Ad) -> Iterator[str]:
    """The fields of an ad that nobody stated, wherever the table was read first: what a row holds in their place says so."""
    if _NOBODY.fullmatch(ad.advertiser_id):
        yield "advertiser_id"
    if ad.submitted_at == NO_TIME:
        yield "submitted_at"
    if ad.market == NO_MARKET:
        yield "market"


def _alone(row: Mapping[str, Any]) -> str:
    """Stands in for an advertiser nobody named: one for each text, so that at least no text is on both sides of a split."""
    said = "\0".join(str(row.get(name, "")) for name in ("title", "body", "creative_ocr_text"))
    return f"unknown-{hashlib.blake2b(said.encode('utf-8', 'replace'), digest_size=8).hexdigest()}"
