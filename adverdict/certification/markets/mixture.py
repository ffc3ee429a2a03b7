"""A test of label shift that needs no label of the new market: are its risks a mixture of the two kinds' risks elsewhere?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from adverdict.certification.markets.cells import CENTRES, Cells, Floats, Unlabelled, cell, numbered, refuse_too_few
from adverdict.certification.markets.label_shift import RESAMPLES
from adverdict.certification.thresholds.sequence import LabelledAds

REJECTED_BELOW = 0.05
"""A p-value below this rejects."""


@dataclass(frozen=True)
class MixtureTest:
    """What the test found."""

    distance: float
    """Cramér-von Mises distance of the new market's distribution of risk from the nearest mixture's, with risks ranked over both sides."""
    p_value: float
    """Share of imitations, in which the assumption holds, that came out at least as far."""

    @property
    def accepted(self) -> bool:
        """True says that nothing speaks against it, which is not that it holds: see ``label_shift``."""
        return self.p_value >= REJECTED_BELOW


def mixture_test(source: LabelledAds, target: Unlabelled, seed: int = 0, resamples: int = RESAMPLES) -> MixtureTest:
    """Test the assumption by a bootstrap that imitates it.

    Each advertiser counts once, however many ads it has: with one that has hundreds, resampling is no guide to how distributions vary. An
    imitated market has the real one's groups, each filled with ads of one group of the labelled ads, violating ones as much more or less
    likely as the nearest mixture says; the labelled side is resampled by groups; the nearest mixture is found anew each time. A group
    filled from a smaller one repeats its ads, which makes imitations vary more, and the test slower to reject.

    Raises InvalidInput where there are too few ads, as ``base_rates``.
    """
    refuse_too_few(source, target)
    rng = np.random.default_rng([seed, 2])
    weight = _one_each(source.group), _one_each(target.group)
    elsewhere, here = Cells.of_labelled(source, weight[0]), Cells.of_unlabelled(target, weight[1]).all()[0]
    observed = elsewhere.all()
    where = _where(observed, here)
    rate, distance = _nearest(observed, here, where)
    imitation = _Imitation(source, target, float(rate[0]))
    drawn = np.column_stack([imitation.draw(rng) for _ in range(resamples)])
    _, distances = _nearest(elsewhere.resampled(rng, resamples), drawn, where)
    beyond = int((distances >= distance[0] * (1 - 1e-9)).sum())
    return MixtureTest(float(np.sqrt(distance[0])), (1 + beyond) / (1 + resamples))


def _one_each(groups: NDArray[np.int64]) -> Floats:
    """Weight of each ad: one over the ads of its group."""
    group = numbered(groups)
    return np.asarray(1.0 / np.bincount(group)[group])


def _where(source: tuple[Floats, ...], target: Floats) -> Floats:
    """Weight of each cell in the distance, (n_cells, 1): half from either side, so that neither's size decides where one looks."""
    both = source[0] + source[1]
    return np.asarray(both / both.sum() + target / target.sum()) / 2


def _nearest(source: tuple[Floats, ...], target: Floats, weight: Floats) -> tuple[Floats, Floats]:
    """Rate and squared distance of the nearest mixture for each resample; the distance is quadratic in the rate."""
    others, violating, there = (np.cumsum(part, axis=0) / np.maximum(part.sum(axis=0), 1e-12) for part in (*source, target))
    apart, off = violating - others, there - others
    rate = np.clip((weight * off * apart).sum(axis=0) / np.maximum((weight * apart**2).sum(axis=0), 1e-12), 0.0, 1.0)
    return np.asarray(rate), np.asarray((weight * (off - rate * apart) ** 2).sum(axis=0))


class _Imitation:
    """Draws markets in which the assumption holds: see ``mixture_test``."""

    def __init__(self, source: LabelledAds, target: Unlabelled, rate: float) -> None:
        order = np.argsort(source.group, kind="stable")
        violating, once = source.violating[order], _one_each(source.group)[order]
        share = float(once[violating].sum() / once.sum())
        self._cell = cell(source.risk[order])
        self._group = numbered(source.group[order])
        self._upto = np.concatenate([[0.0], np.cumsum(once * np.where(violating, rate / share, (1 - rate) / (1 - share)))])
        self._first = np.concatenate([[0], np.cumsum(np.bincount(self._group))])
        self._sizes = np.bincount(numbered(target.group))

    def draw(self, rng: np.random.Generator) -> Floats:
        """Weight of the ads in each cell, float64 (n_cells,); each group weighs 1."""
        chosen = self._group[self._at(rng.random(len(self._sizes)) * self._upto[-1])]
        start, end = (np.repeat(self._upto[self._first[chosen + more]], self._sizes) for more in (0, 1))
        ads = self._at(start + rng.random(len(start)) * (end - start))
        weight = np.repeat(1.0 / self._sizes, self._sizes)
        return np.bincount(self._cell[ads], weight, minlength=len(CENTRES)).astype(np.float64)

    def _at(self, position: Floats) -> NDArray[np.intp]:
        return np.minimum(np.searchsorted(self._upto, position, side="right") - 1, len(self._cell) - 1)
