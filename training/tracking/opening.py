"""The run of a training as it begins: named by its data and the day, with what it is made of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from adverdict.storage.tables.reading import Source
from adverdict.training.dataset import Dataset
from adverdict.training.tracking.run import TrainingRun
from adverdict.training.tracking.store import Store

LONGEST = 60
"""Characters of the data's names in a run's name."""


@contextmanager
def opened(store: Store, data: Dataset, places: Sequence[Path | Source], params: Mapping[str, Any]) -> Iterator[TrainingRun]:
    """A training's run, open while it lasts. ``places``: where the packs of ``data`` were read from, in their order."""
    with TrainingRun(store, params, name=named([one.name for one in data.sources], datetime.now(UTC))) as run:
        for source, place in zip(data.sources, places, strict=True):
            run.log_data(source, "training", where(place))
        yield run


def named(sources: Sequence[str], at: datetime) -> str:
    """``market, reviewed, 2026-11-30 05:12``."""
    names = ", ".join(sources)
    return f"{names if len(names) <= LONGEST else names[: LONGEST - 1] + '…'}, {at:%Y-%m-%d %H:%M}"


def where(place: Path | Source) -> str | None:
    """A path that holds wherever it is read; None for the answer to a query, which lies nowhere."""
    path = place.path if isinstance(place, Source) else place
    if not isinstance(path, Path | str):
        return None
    return str(path) if "://" in str(path) else str(Path(path).resolve())


def flattened(settings: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    """Settings within settings by dotted names, so that runs can be compared by each."""
    found: dict[str, Any] = {}
    for name, value in settings.items():
        found |= flattened(value, f"{before}{name}.") if isinstance(value, Mapping) and value else {f"{before}{name}": value}
    return found
