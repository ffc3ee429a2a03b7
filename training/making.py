"""Labelled ads in, a sealed bundle with its figures and its report out.

split -> (search) -> fit -> thresholds -> write -> score the advertisers held back -> seal -> report
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from adverdict.certification.thresholds.empirical import solve_all
from adverdict.certification.thresholds.scored import ScoredAds
from adverdict.decisions.policy import PolicyBook
from adverdict.decisions.thresholds import SolvedThresholds
from adverdict.domain.identity import surface_key
from adverdict.domain.progress import Progress
from adverdict.models.bundle import load_bundle
from adverdict.training.cache.contents import ContentCache
from adverdict.training.cache.disk_cache import DiskCache
from adverdict.training.dataset import Dataset
from adverdict.training.encoder.encoder_cache import EncoderCache
from adverdict.training.evaluation.evaluate import BLEND_MODEL
from adverdict.training.evaluation.importance import importance, sample
from adverdict.training.evaluation.metrics import Scored
from adverdict.training.fit.bundling import described, rewrite_bundle, write_bundle
from adverdict.training.fit.everything import Fitted, fit
from adverdict.training.fit.prepared import FitSettings
from adverdict.training.fit.search import Searched, Trial, search
from adverdict.training.job import TrainJob
from adverdict.training.measuring import Split, in_words, measured, score, split
from adverdict.training.pages.report import ReportData
from adverdict.training.pages.unstated import costs, whom
from adverdict.training.tracking.opening import flattened
from adverdict.training.tracking.run import TrainingRun

WriteReport = Callable[[Path, ReportData], object]
"""As ``pages.report.write_report``."""


@dataclass(frozen=True)
class Workshop:
    """What a training is made with."""

    job: TrainJob
    book: PolicyBook
    folder: Path
    """Empty, and gone afterwards."""
    progress: Progress
    disk_cache: DiskCache | None
    write_report: WriteReport
    run: TrainingRun | None
    """Where trials and settings are told while they come about; None: nowhere."""


@dataclass(frozen=True)
class TrainedBundle:
    """A sealed bundle and everything that is said of it, not yet kept anywhere."""

    data: Dataset
    settings: FitSettings
    """As they were found, where they were searched."""
    scored: Scored
    figures: Mapping[str, Any]
    bundle: Path
    version: str
    report: Path
    created_at: datetime


@dataclass(frozen=True)
class _Learnt:
    searched: Searched
    fitted: Fitted
    thresholds: SolvedThresholds
    bundle: Path
    """Written, with no figures in it yet."""
    created_at: datetime
    cache: EncoderCache | None


def make(shop: Workshop, everything: Dataset, skipped: Mapping[str, str]) -> TrainedBundle:
    """``skipped``: policies that have too few labels to be trained, and why. Raises InvalidInput."""
    job, progress = shop.job, shop.progress
    contents = ContentCache(shop.disk_cache, once=not job.trials and not job.cross_validate)
    parts = split(job, everything)
    learnt = _learn(shop, parts, contents)
    scored = score(job, parts, learnt.fitted, learnt.bundle, shop.folder / "whole", progress, learnt.cache, contents)
    by_model = measured(scored, progress)
    some = sample(parts.test.ads or parts.development.ads)
    moved = importance(load_bundle(learnt.bundle), some)
    version = rewrite_bundle(learnt.bundle, parts.used, everything, by_model[BLEND_MODEL])
    drawn = whom(everything.unstated, len(everything.ads))
    report = ReportData(
        scored=scored,
        metrics=by_model,
        sources=everything.sources,
        split=in_words(job, parts.development, scored, drawn),
        bundle_version=version,
        created_at=learnt.created_at,
        thresholds=learnt.thresholds,
        skipped={**skipped, **parts.too_few},
        familiarity=learnt.fitted.familiarity,
        earned=learnt.fitted.earned,
        unstated=costs(everything.unstated, len(everything.ads)),
        importance=moved,
        sampled=len(some),
        drawn=drawn,
    )
    shop.write_report(shop.folder / "report", report)
    figures = _figures(report, learnt, searched=bool(job.trials))
    settings, created_at = learnt.searched.settings, learnt.created_at
    return TrainedBundle(everything, settings, scored, figures, learnt.bundle, version, shop.folder / "report", created_at)


def _learn(shop: Workshop, parts: Split, contents: ContentCache) -> _Learnt:
    """Everything that is learnt of the development ads, written as a bundle."""
    searched = _searched(shop, parts.development, contents)
    settings = searched.settings
    if shop.run is not None:
        shop.run.log_params({**flattened(asdict(replace(settings, encoder=None))), **_encoder_params(settings)})
    cache = None if settings.encoder is None else EncoderCache(settings.encoder, parts.used.ads if parts.folds else (), shop.disk_cache)
    fitted = fit(parts.development, settings, shop.progress, cache, contents)
    thresholds = _thresholds(fitted, shop.book)
    bundle, created_at = shop.folder / "bundle", datetime.now(UTC)
    write_bundle(fitted, thresholds, parts.development, bundle, created_at, {**described(settings), **shop.job.shares})
    return _Learnt(searched, fitted, thresholds, bundle, created_at, cache)


def _searched(shop: Workshop, development: Dataset, contents: ContentCache) -> Searched:
    job, run = shop.job, shop.run
    if not job.trials:
        return Searched(job.fit)

    def told(trial: Trial) -> None:
        if run is not None:
            run.log_trial(trial.number, trial.params, {"log_loss": trial.loss, "seconds": trial.seconds}, trial.seconds)

    return search(development, job.fit, job.trials, shop.progress, contents, job.kept_study, told)


def _encoder_params(settings: FitSettings) -> dict[str, Any]:
    return {} if settings.encoder is None else flattened({"encoder": described(settings)["encoder"]})


def _thresholds(fitted: Fitted, book: PolicyBook) -> SolvedThresholds:
    """The empirical thresholds of every policy in the book, on the out-of-fold risks of the development ads."""
    data = fitted.data
    scored = ScoredAds(
        policies=data.policies,
        market=np.array([ad.market for ad in data.ads]),
        surface=np.array([surface_key(ad.surface) for ad in data.ads]),
        group=np.unique(data.groups, return_inverse=True)[1].astype(np.int64),
        risk=fitted.held_out_risk[:, :, 0],
        verdict=data.targets,
    )
    return solve_all(scored, book)


def _figures(report: ReportData, learnt: _Learnt, *, searched: bool) -> dict[str, Any]:
    """For machines: what the report says in figures."""
    figures = {
        "models": report.metrics,
        "served": BLEND_MODEL,
        "components": list(learnt.fitted.served),
        "earned": [asdict(one) for one in learnt.fitted.earned],
        "split": report.split,
        "skipped": report.skipped,
        "unstated": report.unstated,
    }
    return {**figures, "search": learnt.searched.told()} if searched else figures
