"""LightGBM, one booster a policy, over the n-gram score, text signals, creative facts and advertiser history."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from lightgbm import Booster

FOLDER = "gbm"
NGRAM_COLUMN = "ngram_logit"


@dataclass(frozen=True)
class GbmModel:
    """``texts`` are LightGBM's own model files, one a policy, in the order of the bundle's policies."""

    texts: tuple[str, ...]

    @cached_property
    def boosters(self) -> tuple[Booster, ...]:
        from lightgbm import Booster

        return tuple(Booster(model_str=text) for text in self.texts)

    def logits(self, inputs: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
        """Log-odds, ``float64 (n_ads, n_policies)``, from one ``float64 (n_ads, n_features)`` matrix a policy (see ``gbm_input``)."""
        scored = [booster.predict(rows, raw_score=True, num_threads=1) for booster, rows in zip(self.boosters, inputs, strict=True)]
        return np.column_stack([np.asarray(column, dtype=np.float64) for column in scored])

    def effects(self, rows: NDArray[np.float64], policy: int) -> NDArray[np.float64]:
        """Log-odds each feature added, ``float64 (n_ads, n_features)``: LightGBM's own TreeSHAP (arXiv 1802.03888)."""
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
    return np.column_stack([shared, per_policy[:, policy, :], ngram_logit[:, policy]])


def gbm_columns(shared: Sequence[str], per_policy: Sequence[str]) -> tuple[str, ...]:
    """Names of ``gbm_input``'s columns, in order."""
    return (*shared, *per_policy, NGRAM_COLUMN)
