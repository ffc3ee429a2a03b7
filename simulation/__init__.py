"""A marketplace whose truth is known: data for the quickstart, and the twin on which policies and capacity are tried out."""

from __future__ import annotations

from simulation.world import POLICIES
from simulation.write import Written, write_marketplace

__all__ = ["POLICIES", "Written", "write_marketplace"]
