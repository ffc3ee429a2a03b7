"""Ads as a notebook or MLflow has them: a frame, pandas' or Polars', in the data contract's columns, rows, one row, or columns."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter, ValidationError

from adverdict.domain.ad import Ad
from adverdict.domain.errors import InvalidTable, Mistake
from adverdict.domain.mistakes import mistake, probably
from adverdict.storage.tables.told import DataWarning, Told

if TYPE_CHECKING:
    import pandas as pd


TAKEN = (
    "ads as a pandas or Polars frame, an Arrow table, a list of ads or of dicts, one dict or Series of an ad's fields, or a dict of columns"
)


def ads_from(given: Any) -> Sequence[Ad]:
    """Ads from whatever a notebook holds them in (``TAKEN``), in order; a sequence of ``Ad`` is itself.

    Missing values, columns outside the contract and ids that come twice are as in ``ads_from_frame``. Raises InvalidTable with every
    mistake, by row from 1.
    """
    if isinstance(given, list | tuple) and all(isinstance(one, Ad) for one in given):
        return given
    if hasattr(given, "collect_schema") and hasattr(given, "collect"):
        given = given.collect()  # a lazy frame
    if hasattr(given, "to_dicts"):
        return _ads(given.to_dicts(), "the frame", "frame row")
    if hasattr(given, "to_pylist"):
        return _ads(given.to_pylist(), "the table", "table row")
    if hasattr(given, "columns") and hasattr(given, "to_dict"):
        return ads_from_frame(given)
    rows = _rows(given)
    if rows is None:
        raise InvalidTable("these are no ads", [Mistake("ads", type(given).__name__, TAKEN)])
    return _ads(rows, "the ads", "ad")


def ads_from_frame(frame: pd.DataFrame) -> list[Ad]:
    """One ad a row, in order. ``None``, NaN, NaT and ``pandas.NA`` are missing. Columns outside the contract are left out, words that say
    that there is no value are read so, and an id may come twice, with a warning each.

    Raises InvalidTable with every mistake, by row from 1.
    """
    return _ads(frame.to_dict("records"), "the frame", "frame row", [str(name) for name in frame.columns])


def _ads(rows: Sequence[Mapping[Any, Any]], what: str, where: str, columns: Sequence[str] | None = None) -> list[Ad]:
    """``columns``: those there are; None: those that any row has."""
    told = Told(Ad)
    names = dict.fromkeys(str(name) for row in rows for name in row) if columns is None else columns
    others = [name for name in names if name not in Ad.model_fields]
    told.left_out(others)
    known = [_present(row) for row in rows]
    try:
        told.read(known)
        ads = TypeAdapter(list[Ad]).validate_python(known)
        for sentence in told.sentences(what):
            warnings.warn(sentence, DataWarning, stacklevel=3)
        return ads
    except ValidationError as error:
        found = [mistake(detail, where=f"{where} {int(detail['loc'][0]) + 1}", skip=1) for detail in error.errors()]
        cured = [replace(one, expected=f"{one.expected}; is it {near!r}?") if (near := probably(one, others)) else one for one in found]
        raise InvalidTable(f"{what} is not a table of ads" if what != "the ads" else "these are no ads", cured) from error


def _rows(given: Any) -> list[Mapping[Any, Any]] | None:
    """Rows of what is no frame; None: it has none."""
    if hasattr(given, "tolist") and not isinstance(given, Mapping):  # a Series or an array: of rows, or one row by its fields
        values = given.tolist()
        if isinstance(values, list) and not any(isinstance(one, Mapping | Ad) for one in values) and hasattr(given, "index"):
            return [dict(zip(given.index, values, strict=True))]
        given = values
    if isinstance(given, Mapping):
        if isinstance(given.get("ad_id"), str) or not given:
            return [given]
        columns = {name: list(values) for name, values in given.items() if hasattr(values, "__len__") and not isinstance(values, str)}
        if len(columns) != len(given) or len({len(values) for values in columns.values()}) != 1:
            return [given]  # one ad, whose mistakes will be told
        return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    if isinstance(given, list | tuple) and all(isinstance(one, Mapping | Ad) for one in given):
        return [one.model_dump(exclude_none=True) if isinstance(one, Ad) else one for one in given]
    return None


def _present(row: Mapping[Any, Any]) -> dict[str, Any]:
    return {str(name): _plain(value) for name, value in row.items() if name in Ad.model_fields and not _missing(value)}


def _missing(value: Any) -> bool:
    return value is None or type(value).__name__ in ("NaTType", "NAType") or (isinstance(value, float) and math.isnan(value))


def _plain(value: Any) -> Any:
    """Arrays and NumPy scalars as Python's own; pandas' timestamps are datetimes already."""
    return value.tolist() if hasattr(value, "tolist") else value
