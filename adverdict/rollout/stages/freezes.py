"""Windows in which nothing advances: sales, launches, holidays. What stops harm (abort, pause, brake, rollback) passes them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from adverdict.domain.ad import Market, Utc
from adverdict.domain.errors import InvalidInput, Mistake, NotFound
from adverdict.domain.mistakes import mistakes
from adverdict.storage.yaml_text import read_yaml


class Freeze(BaseModel):
    """From ``since`` up to, and without, ``until``."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    name: str
    since: Utc = Field(alias="from")
    until: Utc
    markets: tuple[Market, ...] = Field(default=(), description="empty: all")

    def holds(self, at: datetime, markets: Collection[str]) -> bool:
        """For a roll-out in these markets (empty: in all) at a moment (aware)."""
        return self.since <= at < self.until and (not self.markets or not markets or bool(set(self.markets) & set(markets)))


class _Calendar(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    freezes: tuple[Freeze, ...] = ()


def read_freezes(path: Path | None) -> tuple[Freeze, ...]:
    """Of a YAML file; none when None. Raises NotFound, or InvalidInput with every mistake."""
    if path is None:
        return ()
    if not path.is_file():
        raise NotFound(f"no calendar of freezes at {path}")
    try:
        told = read_yaml(path, texts=True)
        calendar = TypeAdapter(_Calendar).validate_python(told or {})
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{path} is no calendar:", [Mistake("file", path.name, f"YAML in UTF-8 ({error})")]) from error
    except ValidationError as error:
        raise InvalidInput(f"{path} cannot be used:", mistakes(error, of=_Calendar)) from error
    wrong = [
        Mistake(f"freezes[{number}].until", one.until.isoformat(), f"after from, {one.since.isoformat()}")
        for number, one in enumerate(calendar.freezes)
        if one.until <= one.since
    ]
    if wrong:
        raise InvalidInput(f"{path} cannot be used:", wrong)
    return calendar.freezes


def frozen(freezes: Sequence[Freeze], at: datetime, markets: Collection[str]) -> Freeze | None:
    """The window that holds then; None: none does."""
    return next((one for one in freezes if one.holds(at, markets)), None)
