"""Looking at a model in a process of its own: whether workers can load it, what it holds, and how much memory that takes.

The driver of a long run never loads a model itself: it would hold all that memory for nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

from adverdict.decisions.thresholds import SolvedThresholds
from adverdict.domain.errors import Unavailable
from adverdict.rescoring import memory
from adverdict.rescoring.deciding import threads

if TYPE_CHECKING:
    from adverdict.scoring.model import Model

SNAPSHOT = "history.parquet"
"""Of a bundle, as ``models.bundle`` names it; its module is heavy."""


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """What a loaded model told."""

    version: str
    solved: SolvedThresholds
    """The thresholds it brings."""
    policies: tuple[str, ...]
    snapshot: Path | None
    """What it knew of advertisers when it was made."""
    in_use: int
    """Bytes a process holds once it has loaded the model and scored an ad with it: much is loaded only then."""


def probe(open_model: Callable[[Path], Model], folder: Path) -> ProbeResult:
    """Raises what opening the model raises (NotFound, UntrustedBundle, ContractMismatch); Unavailable when loading kills the process."""
    with threads.for_children(), ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        try:
            return pool.submit(look, open_model, folder).result()
        except BrokenProcessPool:
            raise Unavailable(f"a process that loads the model in {folder} dies of it, as when memory runs out") from None


def look(open_model: Callable[[Path], Model], folder: Path) -> ProbeResult:
    """The same in this process."""
    from adverdict.scoring.warm_up import WARM_UP

    model = open_model(folder)
    model.score([WARM_UP]).reasons(0, model.policies)
    snapshot = folder / SNAPSHOT
    return ProbeResult(model.version, model.solved, model.policies, snapshot if snapshot.is_file() else None, memory.in_use())
