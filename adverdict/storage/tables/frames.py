"""A pandas frame in the data contract's columns, as MLflow hands it to a model."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter, ValidationError

from adverdict.domain.ad import Ad
from adverdict.domain.errors import InvalidTable
from adverdict.domain.mistakes import mistake, probably
from adverdict.storage.tables.told import DataWarning, Told

if TYPE_CHECKING:
    import pandas as pd


def ads_from_frame(frame: pd.DataFrame) -> list[Ad]:
    """One ad a row, in order. ``None``, NaN, NaT and ``pandas.NA`` are missing. Columns outside the contract are left out, words that say
    that there is no value are read so, and an id may come twice, with a warning each.

    Raises InvalidTable with every mistake, by row from 1.
    """
    told = Told(Ad)
    known = [name for name in frame.columns if name in Ad.model_fields]
    told.left_out(str(name) for name in frame.columns if name not in Ad.model_fields)
    rows = [_present(row) for row in frame[known].to_dict("records")]
    try:
        told.read(rows)
        ads = TypeAdapter(list[Ad]).validate_python(rows)
        for sentence in told.sentences("the frame"):
            warnings.warn(sentence, DataWarning, stacklevel=2)
        return ads
    except ValidationError as error:
        found = [mistake(detail, where=f"frame row {int(detail['loc'][0]) + 1}", skip=1) for detail in error.errors()]
        others = [str(name) for name in frame.columns if name not in Ad.model_fields]
        cured = [replace(one, expected=f"{one.expected}; is it {near!r}?") if (near := probably(one, others)) else one for one in found]
        raise InvalidTable("the frame is not a table of ads", cured) from error


def _present(row: Mapping[Any, Any]) -> dict[str, Any]:
    return {str(name): _plain(value) for name, value in row.items() if not _missing(value)}


def _missing(value: Any) -> bool:
    return value is None or type(value).__name__ in ("NaTType", "NAType") or (isinstance(value, float) and math.isnan(value))


def _plain(value: Any) -> Any:
    """Arrays and NumPy scalars as Python's own; pandas' timestamps are datetimes already."""
    return value.tolist() if hasattr(value, "tolist") else value
