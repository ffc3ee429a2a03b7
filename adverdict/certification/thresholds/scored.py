"""Scored ads, some of them labelled: what thresholds are solved from."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from adverdict.certification.thresholds.sequence import LabelledAds
from adverdict.domain.errors import InvalidInput, Mistake


@dataclass(frozen=True)
class ScoredAds:
    """Ads that the models were not trained on, with their risks and what raters said.

    One entry an ad: ``market`` and ``surface`` str (n,) (surface "" where none is given), ``group`` int64 (n,) from 0 (ads of one
    advertiser or with a common creative). ``risk`` float64 (n, n_policies), calibrated P(violates); ``verdict`` float64 (n, n_policies),
    the mean of the raters' verdicts in [0, 1], NaN where nobody labelled the ad under that policy. Raises InvalidInput for other shapes
    and values.
    """

    policies: tuple[str, ...]
    market: NDArray[np.str_]
    surface: NDArray[np.str_]
    group: NDArray[np.int64]
    risk: NDArray[np.float64]
    verdict: NDArray[np.float64]

    def __post_init__(self) -> None:
        n, shape = len(self.market), (len(self.market), len(self.policies))
        found = {"surface": self.surface.shape, "group": self.group.shape}
        mistakes = [Mistake(name, shape_, f"one entry an ad: ({n},)") for name, shape_ in found.items() if shape_ != (n,)]
        for name, values in (("risk", self.risk), ("verdict", self.verdict)):
            if values.shape != shape:
                mistakes.append(Mistake(name, values.shape, f"one entry an ad and policy: {shape}"))
        wrong = self.risk[~((self.risk >= 0) & (self.risk <= 1))]  # NaN is outside every interval
        if wrong.size:
            mistakes.append(Mistake("risk", float(wrong.flat[0]), f"risks from 0 to 1; {wrong.size} are not"))
        off = self.verdict[~(np.isnan(self.verdict) | ((self.verdict >= 0) & (self.verdict <= 1)))]
        if off.size:
            mistakes.append(Mistake("verdict", float(off.flat[0]), f"verdicts from 0 to 1, or NaN; {off.size} are not"))
        if mistakes:
            raise InvalidInput("these scored ads cannot be used", mistakes)

    def __len__(self) -> int:
        return len(self.market)

    def labelled(self, policy: str, rows: NDArray[np.intp]) -> LabelledAds:
        """The ads of ``rows`` that have a label under the policy. A tie of the raters counts as violating."""
        column = self.policies.index(policy)
        verdict = self.verdict[rows, column]
        kept = ~np.isnan(verdict)
        return LabelledAds(self.risk[rows[kept], column], verdict[kept] >= 0.5, self.group[rows[kept]])

    @cached_property
    def places(self) -> dict[tuple[str, str], NDArray[np.intp]]:
        """Rows of each (market, surface) there is."""
        if not len(self):
            return {}
        keys = np.char.add(np.char.add(self.market, "\n"), self.surface)
        names, inverse = np.unique(keys, return_inverse=True)
        order = np.argsort(inverse, kind="stable")
        parts = np.split(order, np.cumsum(np.bincount(inverse, minlength=len(names)))[:-1])
        return {(str(name).split("\n")[0], str(name).split("\n")[1]): rows for name, rows in zip(names, parts, strict=True)}
