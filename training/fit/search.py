"""Searches LightGBM's settings with Optuna, judged on advertisers the booster has not seen."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from adverdict.domain.progress import Progress, Silent
from adverdict.training.cache.contents import ContentCache
from adverdict.training.dataset import Dataset
from adverdict.training.fit.everything import FitSettings, gbm_out_of_fold, prepare
from adverdict.training.fit.facts import ridge_out_of_fold
from adverdict.training.fit.gbm import GbmSettings


def search(data: Dataset, settings: FitSettings, trials: int, progress: Progress, contents: ContentCache | None = None) -> FitSettings:
    """The settings with the best mean average precision over policies, out of fold; the given ones are the first trial.

    The figures found here are optimistic, as those of any search, and are reported nowhere: only the choice is kept.
    """
    import optuna
    from sklearn.metrics import average_precision_score

    prepared = prepare(data, settings, progress, contents)
    ridge = ridge_out_of_fold(data, prepared.read, prepared.fold, settings.ridge, settings.seed, Silent().advance).logits
    progress.stage("searching LightGBM settings", trials)

    def mean_ap(scores: NDArray[np.float64]) -> float:
        known = [data.labelled(policy) for policy in range(len(data.policies))]
        return float(np.mean([average_precision_score(data.targets[rows, i] >= 0.5, scores[rows, i]) for i, rows in enumerate(known)]))

    def objective(trial: optuna.Trial) -> float:
        chosen = replace(settings, gbm=_suggest(trial))
        known, fresh = gbm_out_of_fold(data, prepared, ridge, chosen, Silent())
        progress.advance()
        return (mean_ap(known) + mean_ap(fresh)) / 2

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=settings.seed))
    study.enqueue_trial({name: getattr(settings.gbm, name) for name in SEARCHED})
    study.optimize(objective, n_trials=trials)
    return replace(settings, gbm=GbmSettings(**study.best_params))


SEARCHED = ("num_boost_round", "learning_rate", "num_leaves", "min_data_in_leaf", "feature_fraction", "bagging_fraction", "lambda_l2")


def _suggest(trial: object) -> GbmSettings:
    suggest_int, suggest_float = trial.suggest_int, trial.suggest_float  # type: ignore[attr-defined]  # Optuna's Trial, imported late
    return GbmSettings(
        num_boost_round=suggest_int("num_boost_round", 10, 1000, log=True),
        learning_rate=suggest_float("learning_rate", 0.01, 0.2, log=True),
        num_leaves=suggest_int("num_leaves", 4, 64, log=True),
        min_data_in_leaf=suggest_int("min_data_in_leaf", 5, 100, log=True),
        feature_fraction=suggest_float("feature_fraction", 0.2, 1.0),
        bagging_fraction=suggest_float("bagging_fraction", 0.5, 1.0),
        lambda_l2=suggest_float("lambda_l2", 0.1, 100.0, log=True),
    )
