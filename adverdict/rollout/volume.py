"""How many ads a day each market gets: a CSV with ``market`` and ``ads_per_day``."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping
from pathlib import Path

from adverdict.decisions.files.countries import COUNTRIES
from adverdict.domain.errors import InvalidInput, Mistake, NotFound

COLUMNS = ("market", "ads_per_day")


def read_volume(path: Path) -> dict[str, float]:
    """Ads a day by market. Raises NotFound, or InvalidInput with every mistake and its line."""
    if not path.is_file():
        raise NotFound(f"no file of volumes at {path}")
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, restval="")
            rows = [(reader.line_num, row) for row in reader]
            header = list(reader.fieldnames or ())
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{path} cannot be read", [Mistake("file", str(path), "text in UTF-8")]) from error
    if sorted(header) != sorted(COLUMNS):
        raise InvalidInput(f"{path} cannot be read", [Mistake("header", ", ".join(header), "market, ads_per_day", f"{path.name}:1")])
    mistakes: list[Mistake] = []
    volumes: dict[str, float] = {}
    for line, row in rows:
        where, market = f"{path.name}:{line}", row["market"].strip()
        ads = _number(row["ads_per_day"])
        if market not in COUNTRIES or market in volumes:
            mistakes.append(Mistake("market", market, "an ISO 3166-1 country code, once", where))
        if ads is None:
            mistakes.append(Mistake("ads_per_day", row["ads_per_day"], "a number, 0 or more", where))
        volumes[market] = ads or 0.0
    if not rows:
        mistakes.append(Mistake("rows", 0, "at least one market", path.name))
    if mistakes:
        raise InvalidInput(f"{path} cannot be used", mistakes)
    return volumes


def read_capacity(text: str) -> float:
    """Reviews a day from ``400/day`` or ``400``. Raises InvalidInput."""
    number = _number(text.removesuffix("/day"))
    if number is None:
        raise InvalidInput("not a capacity", [Mistake("--capacity", text, "reviews a day, such as 400/day")])
    return number


def refuse_unseen(volume: Mapping[str, float], seen: set[str]) -> None:
    """Raises InvalidInput for a market whose ads nobody scored: nothing could stand for its traffic."""
    missing = [
        Mistake("market", market, f"a market with ads in the data: {', '.join(sorted(seen))}")
        for market, ads in volume.items()
        if ads and market not in seen
    ]
    if missing:
        raise InvalidInput("these volumes cannot be planned for", missing)


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) and value >= 0 else None
