"""What the driver hands its workers. Light: the driver of a long run loads no model library."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from adverdict.rescoring import memory
from adverdict.rescoring.folder.manifest import RunFolder, ShardReport, own_folder
from adverdict.rescoring.input.plan import Shard, ShardPlan
from adverdict.storage.places import Place

if TYPE_CHECKING:
    from adverdict.scoring.model import Model

HISTORY = "history"
"""Where a run keeps its frozen history, in its own folder."""


def opened(folder: Path) -> Model:
    """The bundle in a folder. Raises NotFound, UntrustedBundle or ContractMismatch."""
    from adverdict.scoring.opened import open_bundle

    return open_bundle(folder)


@dataclass(frozen=True, slots=True)
class RescoringJob:
    """What a worker must know, wherever it runs. The rest is in the run's folder."""

    out: str
    plan: ShardPlan
    bundle: Path
    """The model as the driver has it; on another machine it is fetched."""
    source: str
    """The exact model: ``models:/name/version`` or a folder."""
    cache: Path
    """Where a fetched model is kept."""
    registry: str
    """MLflow's address."""
    history: Path
    """The frozen history as the driver has it; on another machine it is fetched from the run's folder."""
    open_model: Callable[[Path], Model] = opened
    audit_secret: bytes | None = field(default=None, repr=False)
    """By which ads are drawn for the audit stream. It goes from process to process, and into no folder."""


def kept_history(place: Place) -> Place:
    """Where the run at ``place`` keeps its frozen history."""
    return place.child(own_folder(place), HISTORY)


def fetch_history(place: Place, folder: Path) -> Path:
    """Copy a run's frozen history from where the run is kept into an empty folder here. Raises NotFound, Unavailable."""
    frozen = kept_history(place)
    for name in frozen.names():
        (folder / name).write_bytes(frozen.read(name))
    return folder


def give_up(folder: RunFolder, shard: Shard, reason: str, worker: str) -> ShardReport:
    """Quarantine a shard as a whole."""
    from adverdict.rescoring.folder.columns import to_table

    report = ShardReport(shard=shard.name, reason=reason, peak_mib=memory.peak() / memory.MIB, worker=worker)
    return folder.publish(shard, to_table([], [], [], shard.name), report, [])
