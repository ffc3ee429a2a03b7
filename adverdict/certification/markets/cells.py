"""Risks counted by cell and group, so that resampling advertisers is a product of matrices."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from adverdict.certification.thresholds.sequence import GRID, LabelledAds
from adverdict.domain.errors import InvalidInput, Mistake

Floats = NDArray[np.float64]

MIN_SOURCE = 10
"""Violating ads, and others, from as many groups, that it takes to know how each kind is scored."""
MIN_TARGET = 30
"""Ads of a market; fewer say nothing about a rate of some per cent."""
_EDGES = np.log(GRID) - np.log1p(-GRID)
CENTRES = np.concatenate([[_EDGES[0]], (_EDGES[1:] + _EDGES[:-1]) / 2, [_EDGES[-1]]])
"""float64 (n_cells,): the log-odds that stand for each cell. Cells are those of the thresholds' grid, 1/20 wide."""


@dataclass(frozen=True)
class Unlabelled:
    """Ads of a market: ``risk`` float64 (m,) in [0, 1], and ``group`` int64 (m,) from 0, the advertisers (see ``LabelledAds``)."""

    risk: Floats
    group: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.risk)


@dataclass(frozen=True)
class Cells:
    """Ads by cell and group, one sparse (n_cells, n_groups) a kind of ad."""

    kinds: tuple[sparse.csr_matrix, ...]

    @classmethod
    def of_labelled(cls, ads: LabelledAds, weight: Floats | None = None) -> Cells:
        """Kinds: not violating, violating. ``weight`` float64 (n,), 1 each unless given."""
        group, kinds = numbered(ads.group), (~ads.violating, ads.violating)
        weight = np.ones(len(ads)) if weight is None else weight
        return cls(tuple(_table(ads.risk[rows], group[rows], weight[rows], int(group.max()) + 1) for rows in kinds))

    @classmethod
    def of_unlabelled(cls, ads: Unlabelled, weight: Floats | None = None) -> Cells:
        group = numbered(ads.group)
        return cls((_table(ads.risk, group, np.ones(len(ads)) if weight is None else weight, int(group.max()) + 1),))

    def all(self) -> tuple[Floats, ...]:
        """Ads in each cell, (n_cells, 1) a kind."""
        return tuple(np.asarray(kind.sum(axis=1), dtype=np.float64).reshape(-1, 1) for kind in self.kinds)

    def resampled(self, rng: np.random.Generator, times: int) -> tuple[Floats, ...]:
        """The same over groups drawn with replacement, (n_cells, times) a kind."""
        n = self.kinds[0].shape[1]
        drawn = np.column_stack([np.bincount(rng.integers(n, size=n), minlength=n) for _ in range(times)]).astype(np.float64)
        return tuple(kind @ drawn for kind in self.kinds)


def too_few(source: LabelledAds, target: Unlabelled) -> list[Mistake]:
    """Everything that is too little to say anything; empty when there is enough."""
    mistakes = []
    for kind, rows in (("violating", source.violating), ("not violating", ~source.violating)):
        ads, groups = int(rows.sum()), len(np.unique(source.group[rows]))
        if min(ads, groups) < MIN_SOURCE:
            expected = f"at least {MIN_SOURCE} ads of {MIN_SOURCE} advertisers"
            mistakes.append(Mistake(f"labelled elsewhere as {kind}", f"{ads} ads of {groups} advertisers", expected))
    if len(target) < MIN_TARGET:
        mistakes.append(Mistake("ads of the new market", len(target), f"at least {MIN_TARGET}"))
    return mistakes


def refuse_too_few(source: LabelledAds, target: Unlabelled) -> None:
    """Raises InvalidInput with what ``too_few`` finds."""
    mistakes = too_few(source, target)
    if mistakes:
        raise InvalidInput("the base rate cannot be estimated", mistakes)


def cell(risk: Floats) -> NDArray[np.intp]:
    """The cell of each risk, intp of the same shape."""
    return np.asarray(np.searchsorted(GRID, risk, side="right"))


def numbered(groups: NDArray[np.int64]) -> NDArray[np.intp]:
    """Groups as numbers from 0, without gaps."""
    return np.unique(groups, return_inverse=True)[1]


def log_odds(p: Floats) -> Floats:
    kept = np.clip(p, 1e-9, 1 - 1e-9)
    return np.asarray(np.log(kept) - np.log1p(-kept))


def probability(log_odds: Floats) -> Floats:
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * log_odds)))


def _table(risk: Floats, group: NDArray[np.intp], weight: Floats, groups: int) -> sparse.csr_matrix:
    return sparse.csr_matrix((weight, (cell(risk), group)), shape=(len(CENTRES), groups))
