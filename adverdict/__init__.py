"""Decides which ads may run: calibrated risk, thresholds with stated guarantees, human review for the rest.

from adverdict import Scorer

scorer = Scorer.load("models:/adverdict@champion")
decisions = scorer.score(ads)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from adverdict.scoring.scorer import Scorer

__all__ = ["Scorer"]


def __getattr__(name: str) -> Any:
    """``Scorer`` on first use: importing a package of ours must not load the model libraries."""
    if name == "Scorer":
        from adverdict.scoring.scorer import Scorer

        return Scorer
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
