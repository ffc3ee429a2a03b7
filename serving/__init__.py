"""Everything that faces outside: the path of an ad (``Scorer``) and the HTTP service around it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from adverdict.scoring.scorer import Scorer

__all__ = ["Scorer"]


def __getattr__(name: str) -> Any:
    """``Scorer`` on first use: importing this package must not load the model libraries."""
    if name == "Scorer":
        from adverdict.scoring.scorer import Scorer

        return Scorer
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
