"""Searches settings with Optuna, judged by the log loss of advertisers that no part of a trial was fitted to."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from adverdict.domain.errors import InvalidSettings, Mistake
from adverdict.domain.progress import SILENT, Progress
from adverdict.training.cache.contents import ContentCache
from adverdict.training.dataset import Dataset
from adverdict.training.evaluation.gains import log_loss
from adverdict.training.fit.blend import OutOfFold, earn, fit_blend
from adverdict.training.fit.calibration import on_a_curve_of_others
from adverdict.training.fit.everything import gbm_out_of_fold, with_and_without_history
from adverdict.training.fit.facts import ridge_out_of_fold
from adverdict.training.fit.prepared import FitSettings, Prepared, prepare
from adverdict.training.fit.search_space import chosen, given, suggest

if TYPE_CHECKING:
    import optuna

FILE = "studies.db"
MADE_ON = "made_on"


@dataclass(frozen=True)
class Study:
    """Trials that are kept under ``name`` in ``home``, for a later search to go on with."""

    name: str
    home: Path

    def part(self, name: str) -> Study:
        """Of one part of nested folds, which must not know of the others' trials."""
        return Study(f"{self.name}, {name}", self.home)

    @property
    def storage(self) -> str:
        return f"sqlite:///{self.home / FILE}"


@dataclass(frozen=True)
class Trial:
    """``loss``: nats a label, out of fold, mean over policies."""

    number: int
    params: Mapping[str, Any]
    loss: float
    seconds: float


@dataclass(frozen=True)
class Searched:
    """``settings`` are the best of all trials, those made ``before`` this search included; ``trials`` this search's own."""

    settings: FitSettings
    trials: Sequence[Trial] = ()
    before: int = 0
    best: int | None = None
    study: str | None = None

    def told(self) -> dict[str, Any]:
        """For ``--json``. The losses chose the settings: they are too good, and no figure of a model."""
        return {"study": self.study, "trials_before": self.before, "trials": [asdict(one) for one in self.trials], "best": self.best}


def search(
    data: Dataset,
    settings: FitSettings,
    trials: int,
    progress: Progress,
    contents: ContentCache | None = None,
    study: Study | None = None,
    told: Callable[[Trial], None] = lambda trial: None,
) -> Searched:
    """So many more trials of ``study``; the given settings are its first. The transformer keeps its own. ``told``: of each when it ends.

    The losses found here are optimistic, as those of any search, and are no figure of a model: only the choice is kept.
    Raises InvalidSettings where ``study`` was made on other ads, labels or settings.
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    kept = _open(data, settings, study)
    before = len(_complete(kept))
    bench = _Bench(data, settings, contents or ContentCache())
    name = f"searching settings, going on with {study.name} after {before} trials" if study and before else "searching settings"
    progress.stage(name, trials)
    made: list[Trial] = []

    def objective(trial: optuna.Trial) -> float:
        began = time.monotonic()
        loss = bench.loss(chosen(settings, suggest(settings, trial)))
        made.append(Trial(trial.number, trial.params, loss, time.monotonic() - began))
        told(made[-1])
        progress.advance()
        return loss

    kept.enqueue_trial(given(settings), skip_if_exists=True)
    kept.optimize(objective, n_trials=trials)
    return Searched(chosen(settings, kept.best_params), tuple(made), before, kept.best_trial.number, study.name if study else None)


def _open(data: Dataset, settings: FitSettings, study: Study | None) -> optuna.Study:
    import optuna

    if study is None:
        return optuna.create_study(direction="minimize", sampler=_sampler(settings.seed))
    study.home.mkdir(parents=True, exist_ok=True)
    kept = optuna.create_study(study_name=study.name, storage=study.storage, direction="minimize", load_if_exists=True)
    made_on = _digest(data, settings)
    if kept.user_attrs.setdefault(MADE_ON, made_on) != made_on:
        expected = "a name of its own: trials of that one were made on other ads, labels or settings"
        raise InvalidSettings("this study cannot go on", [Mistake("--study", study.name, expected)])
    kept.set_user_attr(MADE_ON, made_on)
    kept.sampler = _sampler(settings.seed + len(kept.trials))  # the same again would draw the same again
    return kept


def _sampler(seed: int) -> optuna.samplers.BaseSampler:
    import optuna

    return optuna.samplers.TPESampler(seed=seed)


def _complete(study: optuna.Study) -> list[optuna.trial.FrozenTrial]:
    import optuna

    return study.get_trials(deepcopy=False, states=[optuna.trial.TrialState.COMPLETE])


def _digest(data: Dataset, settings: FitSettings) -> str:
    told = [json.dumps(asdict(replace(settings, encoder=None)), sort_keys=True), *data.policies]
    told += [f"{ad.ad_id} {targets.tolist()}" for ad, targets in zip(data.ads, data.targets, strict=True)]
    told += [source.digest for source in data.sources]
    return hashlib.sha256("\n".join(told).encode()).hexdigest()


class _Bench:
    """What trials are tried on: the same folds for all."""

    def __init__(self, data: Dataset, settings: FitSettings, contents: ContentCache) -> None:
        self._data, self._settings, self._contents = data, settings, contents
        self._prepared: dict[int | None, Prepared] = {}

    def loss(self, settings: FitSettings) -> float:
        """Nats a label, mean over policies, of ads whose advertisers neither the models nor the blend nor the curve has seen."""
        data, prepared = self._data, self._prepare(settings)
        ridge = ridge_out_of_fold(data, prepared, settings.ridge, settings.seed, SILENT.advance).said.log_odds
        known, fresh = gbm_out_of_fold(data, prepared, ridge, settings, SILENT)
        both = with_and_without_history(data, prepared.fold, {"ridge": ridge, "gbm": known}, {"ridge": ridge, "gbm": fresh})
        return float(np.mean([_loss(both.policy(column), settings) for column in range(len(data.policies))]))

    def _prepare(self, settings: FitSettings) -> Prepared:
        width = None if settings.vectors is None else settings.vectors.width
        if width not in self._prepared:
            self._prepared[width] = prepare(self._data, settings, SILENT, self._contents)
        return self._prepared[width]


def _loss(scores: OutOfFold, settings: FitSettings) -> float:
    """Of one policy: every fold on a blend and a curve of the others."""
    losses, earned = np.empty(len(scores.targets)), [*earn(scores, ("",), settings.keep)]
    violates = (scores.targets[:, 0] >= 0.5).astype(np.float64)
    for fold in np.unique(scores.fold):
        others = scores.fold != fold
        blend = fit_blend(scores.of(others), earned, ("",))
        said = on_a_curve_of_others(blend.logits(scores.parts)[:, 0], violates, scores.weight, others, settings.calibration_prior)
        losses[~others] = log_loss(said, violates[~others])
    return float(np.average(losses, weights=scores.weight))
