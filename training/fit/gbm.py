"""Fits LightGBM, one booster a policy."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from adverdict.models.gbm import GbmModel
from adverdict.training.parallel import side_by_side


@dataclass(frozen=True)
class GbmSettings:
    """LightGBM's own parameter names. The defaults suit a few thousand labels; ``--trials`` searches around them."""

    num_boost_round: int = 300
    learning_rate: float = 0.03
    num_leaves: int = 7
    min_data_in_leaf: int = 40
    feature_fraction: float = 0.4
    bagging_fraction: float = 0.8
    lambda_l2: float = 10.0


def fit_gbm(
    inputs: Callable[[int], NDArray[np.float64]],
    targets: NDArray[np.float64],
    weight: NDArray[np.float64],
    columns: Sequence[str],
    categories: Mapping[str, Sequence[str]],
    settings: GbmSettings,
    seed: int,
) -> GbmModel:
    """One booster a policy; ``inputs`` makes its ``float64 (n, n_columns)``, ``targets`` is ``(n, n_policies)`` in [0, 1] or NaN.

    The objective is cross-entropy on the raters' mean, so an ad they disagree on pulls both ways.
    """
    import lightgbm

    options = asdict(settings)
    rounds = options.pop("num_boost_round")
    options |= {
        "objective": "cross_entropy",
        "bagging_freq": 1,
        "seed": seed,
        "deterministic": True,
        "force_row_wise": True,
        "cat_l2": 20,
        "cat_smooth": 20,
        "max_bin": 63,
        "verbosity": -1,
        "num_threads": 1,  # a policy a core: faster than sharing the rows of one, and the same sums on every machine
    }

    def one(policy: int) -> str:
        known = np.flatnonzero(~np.isnan(targets[:, policy]))
        data = lightgbm.Dataset(
            inputs(policy)[known],
            targets[known, policy],
            weight=weight[known],
            feature_name=list(columns),
            categorical_feature=[name for name in columns if name in categories],
            params=options,
        )
        return str(lightgbm.train(options, data, num_boost_round=rounds).model_to_string())

    return GbmModel(tuple(side_by_side(one, targets.shape[1])))
