"""A marketplace whose truth is known: data for the quickstart, and the twin on which policies and capacity are tried out."""

from __future__ import annotations

from adverdict.simulation.world import POLICIES
from adverdict.simulation.write import Written, write_marketplace

__all__ = ["POLICIES", "Written", "write_marketplace"]
