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
    the mean of the raters' verdicts in [0, 1], NaN where nobody labelled the ad under that policy, of a random part of all ads.
    ``risky``: the same of ads that were labelled because of their risk, all of one risk with the same probability; they only speak where
    nothing less risky is counted with them. None: there are none. Raises InvalidInput for other shapes and values.
    """

    policies: tuple[str, ...]
    market: NDArray[np.str_]
    surface: NDArray[np.str_]
    group: NDArray[np.int64]
    risk: NDArray[np.float64]
    verdict: NDArray[np.float64]
    risky: NDArray[np.float64] | None = None

    def __post_init__(self) -> None:
        n, shape = len(self.market), (len(self.market), len(self.policies))
        found = {"surface": self.surface.shape, "group": self.group.shape}
        mistakes = [Mistake(name, shape_, f"one entry an ad: ({n},)") for name, shape_ in found.items() if shape_ != (n,)]
        labels = [("verdict", self.verdict), *([("risky", self.risky)] if self.risky is not None else [])]
        for name, values in (("risk", self.risk), *labels):
            if values.shape != shape:
                mistakes.append(Mistake(name, values.shape, f"one entry an ad and policy: {shape}"))
        wrong = self.risk[~((self.risk >= 0) & (self.risk <= 1))]  # NaN is outside every interval
        if wrong.size:
            mistakes.append(Mistake("risk", float(wrong.flat[0]), f"risks from 0 to 1; {wrong.size} are not"))
        for name, values in labels:
            off = values[~(np.isnan(values) | ((values >= 0) & (values <= 1)))]
            if off.size:
                mistakes.append(Mistake(name, float(off.flat[0]), f"verdicts from 0 to 1, or NaN; {off.size} are not"))
        if mistakes:
            raise InvalidInput("these scored ads cannot be used", mistakes)

    def __len__(self) -> int:
        return len(self.market)

    def labelled(self, policy: str, rows: NDArray[np.intp]) -> LabelledAds:
        """The ads of ``rows`` that have a label under the policy, as a random part. A tie of the raters counts as violating."""
        return self._chosen(policy, rows, self.verdict)

    def labelled_from(self, policy: str, rows: NDArray[np.intp], risk: float) -> LabelledAds:
        """The same of ads with at least this risk, those labelled because of it with them."""
        rows = rows[self.risk[rows, self.policies.index(policy)] >= risk]
        return self._chosen(
            policy, rows, self.verdict if self.risky is None else np.where(np.isnan(self.verdict), self.risky, self.verdict)
        )

    def _chosen(self, policy: str, rows: NDArray[np.intp], verdicts: NDArray[np.float64]) -> LabelledAds:
        column = self.policies.index(policy)
        verdict = verdicts[rows, column]
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
