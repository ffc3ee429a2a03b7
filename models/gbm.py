"""LightGBM, one booster a policy, over the n-gram score, text signals, creative facts and advertiser history."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from adverdict.features.native import core
from adverdict.models.forest import forest
from adverdict.models.single_row import ByPredict, SingleRow, single_row

if TYPE_CHECKING:
    from lightgbm import Booster

FOLDER = "gbm"
NGRAM_COLUMN = "ngram_logit"
FEW = 8
"""Rows up to which one at a time is faster than a matrix of them."""


@dataclass(frozen=True)
class GbmModel:
    """``texts`` are LightGBM's own model files, one a policy, in the order of the bundle's policies."""

    texts: tuple[str, ...]

    @cached_property
    def boosters(self) -> tuple[Booster, ...]:
        from lightgbm import Booster

        return tuple(Booster(model_str=text) for text in self.texts)

    @cached_property
    def _single(self) -> tuple[SingleRow | ByPredict, ...]:
        return tuple(single_row(booster, "raw") for booster in self.boosters)

    @cached_property
    def _explaining(self) -> tuple[SingleRow | ByPredict, ...]:
        return tuple(single_row(booster, "contributions") for booster in self.boosters)

    def logits(self, inputs: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
        """Log-odds, ``float64 (n_ads, n_policies)``, from one ``float64 (n_ads, n_features)`` matrix a policy (see ``gbm_input``)."""
        n = len(inputs[0])
        scored = np.empty((n, len(inputs)))
        for policy, rows in enumerate(inputs):
            if n <= FEW:
                for row in range(n):
                    scored[row, policy] = self._single[policy].predict(rows[row])[0]
            else:
                scored[:, policy] = self.boosters[policy].predict(rows, raw_score=True, num_threads=1)
        return scored

    def all_logits(
        self, shared: NDArray[np.float64], per_policy: NDArray[np.float64], ngram_logit: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """The same from what ``gbm_input`` takes: by the native core, where there is one, in one pass over all policies' trees."""
        trees = self._forest(shared.shape[1], per_policy.shape[2])
        if trees is None:
            return self.logits([gbm_input(shared, per_policy, ngram_logit, policy) for policy in range(len(self.texts))])
        scored = np.empty(ngram_logit.shape)
        trees.logits(np.ascontiguousarray(shared), np.ascontiguousarray(per_policy), np.ascontiguousarray(ngram_logit), scored)
        return scored

    def _forest(self, shared: int, own: int) -> Any | None:
        if core() is None:
            return None
        known = self._forests
        if (shared, own) not in known:
            known[shared, own] = forest(self.texts, shared, own)
        return known[shared, own]

    @cached_property
    def _forests(self) -> dict[tuple[int, int], Any | None]:
        return {}

    def effects(self, rows: NDArray[np.float64], policy: int) -> NDArray[np.float64]:
        """Log-odds each feature added, ``float64 (n_ads, n_features)``: LightGBM's own TreeSHAP (arXiv 1802.03888)."""
        if len(rows) <= FEW:
            effects = np.array([self._explaining[policy].predict(row) for row in rows]).reshape(len(rows), -1)
        else:
            effects = np.asarray(self.boosters[policy].predict(rows, pred_contrib=True, num_threads=1))
        return effects[:, :-1]  # the last column is the expected value, not a feature

    def save(self, folder: Path, policies: Sequence[str]) -> None:
        (folder / FOLDER).mkdir()
        for policy, text in zip(policies, self.texts, strict=True):
            (folder / FOLDER / f"{policy}.txt").write_text(text, encoding="utf-8", newline="\n")

    @classmethod
    def load(cls, folder: Path, policies: Sequence[str]) -> GbmModel:
        return cls(tuple((folder / FOLDER / f"{policy}.txt").read_text(encoding="utf-8") for policy in policies))


def gbm_input(
    shared: NDArray[np.float64], per_policy: NDArray[np.float64], ngram_logit: NDArray[np.float64], policy: int
) -> NDArray[np.float64]:
    """The columns one policy's booster sees: shared features, its own history features, its n-gram score; ``(n_ads, n_features)``."""
    one = np.empty((len(shared), shared.shape[1] + per_policy.shape[2] + 1))
    one[:, : shared.shape[1]] = shared
    one[:, shared.shape[1] : -1] = per_policy[:, policy, :]
    one[:, -1] = ngram_logit[:, policy]
    return one


def gbm_columns(shared: Sequence[str], per_policy: Sequence[str]) -> tuple[str, ...]:
    """Names of ``gbm_input``'s columns, in order."""
    return (*shared, *per_policy, NGRAM_COLUMN)
