"""CSV files that people keep: read whole, every mistake with file and line."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from adverdict.decisions.files.countries import COUNTRIES
from adverdict.decisions.files.fields import one_of
from adverdict.domain.errors import Mistake

DAY = "a day such as 2026-11-27"


@dataclass
class Row:
    """One line of a file; what cannot be read of it is added to ``mistakes`` and comes back as None."""

    values: Mapping[str, str]
    where: str
    mistakes: list[Mistake]
    wrong: int = field(default=0)

    def text(self, column: str) -> str:
        return (self.values.get(column) or "").strip()

    def required(self, column: str) -> str:
        if not self.text(column):
            self.refuse(column, "", "some text")
        return self.text(column)

    def words(self, column: str) -> tuple[str, ...]:
        """Values apart by ``+`` or blanks; none means all."""
        return tuple(dict.fromkeys(self.text(column).replace("+", " ").split()))

    def markets(self, column: str = "markets") -> tuple[str, ...]:
        found = self.words(column)
        for market in found:
            if market not in COUNTRIES:
                self.refuse(column, market, "ISO 3166-1 country codes such as SE+DE")
        return found

    def day(self, column: str, *, needed: bool = True) -> date | None:
        told = self.text(column)
        if not told and not needed:
            return None
        try:
            return date.fromisoformat(told)
        except ValueError:
            self.refuse(column, told, DAY)
            return None

    def number(self, column: str, expected: str, low: float, high: float = math.inf, *, needed: bool = True) -> float | None:
        """Above ``low``, up to and including ``high``."""
        told = self.text(column)
        if not told and not needed:
            return None
        try:
            value = float(told)
        except ValueError:
            value = math.nan
        if not low < value <= high or not math.isfinite(value):
            self.refuse(column, told, expected)
            return None
        return value

    def flag(self, column: str) -> bool:
        told = self.text(column).lower()
        if told not in ("", "yes", "no", "true", "false"):
            self.refuse(column, told, "yes or no")
        return told in ("yes", "true")

    def refuse(self, column: str, value: object, expected: str) -> None:
        self.wrong += 1
        self.mistakes.append(Mistake(column, value, expected, self.where))


def read_rows(path: Path, required: Sequence[str], optional: Sequence[str], mistakes: list[Mistake]) -> list[Row]:
    """The lines of a CSV file with these columns; none where its header cannot be understood."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, restval="", strict=True)
            lines = [(reader.line_num, row) for row in reader if any(isinstance(told, str) and told.strip() for told in row.values())]
            header = [name.strip() for name in reader.fieldnames or ()]
    except UnicodeDecodeError:
        mistakes.append(Mistake("file", path.name, "text in UTF-8", path.name))
        return []
    except csv.Error as error:
        mistakes.append(Mistake("file", str(error), "comma-separated values", path.name))
        return []
    known = (*required, *optional)
    wrong = [Mistake("header", name, f"a known column: {one_of(known, name)}", f"{path.name}:1") for name in header if name not in known]
    wrong += [Mistake("header", ", ".join(header), f"a column {name}", f"{path.name}:1") for name in required if name not in header]
    wrong += [Mistake("header", name, "each column once", f"{path.name}:1") for name in sorted({n for n in header if header.count(n) > 1})]
    mistakes.extend(wrong)
    if wrong:
        return []
    for line, row in lines:
        if None in row:
            mistakes.append(Mistake("line", row[None], f"{len(header)} values, one a column", f"{path.name}:{line}"))
    return [Row(row, f"{path.name}:{line}", mistakes) for line, row in lines if None not in row]
