"""The risks at which verdicts change, ad by ad: what decides whether a costly model can still change anything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from adverdict.decisions.exits import NOTHING_HANGS_ON_IT, cuts
from adverdict.decisions.policy import PolicyBook
from adverdict.decisions.thresholds import SolvedThresholds
from adverdict.domain.ad import Ad
from adverdict.domain.identity import surface_key

Cuts = NDArray[np.float64]
"""``(n_ads, n_policies, 2)``: risks below the first approve, from the second on reject. 0 and 1 where no risk changes the verdict."""


@dataclass(frozen=True, slots=True)
class Exits:
    """What a model needs to know to let some ads leave early: ``cuts`` of these ads, in their order, and the doubt up to which they may."""

    cuts: Cuts
    limit: float


class CutTable:
    """Where the verdicts of each market and surface change, under one book and one set of thresholds; looked up once each.

    ``policies``: the columns of the result.
    """

    def __init__(self, book: PolicyBook, solved: SolvedThresholds, policies: Sequence[str]) -> None:
        column = {name: position for position, name in enumerate(policies)}

        @cache
        def of(market: str, surface: str | None) -> Cuts:
            found = np.tile(np.array(NOTHING_HANGS_ON_IT), (len(column), 1))
            for policy in book.in_force(market, surface):
                if policy.name in column:
                    found[column[policy.name]] = cuts(policy, market, solved)
            return found

        self._of = of
        self._rules = book.rules

    def __call__(self, ads: Sequence[Ad]) -> Cuts:
        return self.at([(ad.market, ad.surface) for ad in ads])

    def exits(self, ads: Sequence[Ad], limit: float) -> Exits:
        """For a model that lets ads in doubt by no more than ``limit`` leave early."""
        return Exits(self(ads), limit)

    def at(self, places: Sequence[tuple[str, str | None]]) -> Cuts:
        """Of ads at these (market, surface)."""
        return np.stack([self._at(market, surface) for market, surface in places])

    def _at(self, market: str, surface: str | None) -> Cuts:
        """Kept under the names of the policy files only: callers invent others without end."""
        rules = self._rules.get(market)
        if rules is None:
            return self._of("", None)
        named = surface_key(surface)
        return self._of(market, named if named in rules.by_surface else None)
