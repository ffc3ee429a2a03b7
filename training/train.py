"""The training job: packs in, an evaluated bundle registered as the challenger out, or nothing at all.

read and split -> (search) -> fit -> thresholds -> score the advertisers held back -> seal the bundle -> report -> MLflow
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from adverdict.certification.thresholds.empirical import solve_all
from adverdict.certification.thresholds.scored import ScoredAds
from adverdict.decisions.files.read import read_policies
from adverdict.decisions.policy import PolicyBook
from adverdict.decisions.thresholds import SolvedThresholds
from adverdict.domain.errors import InvalidSettings, Mistake
from adverdict.domain.identity import surface_key
from adverdict.domain.plugins import COMPONENTS, SIGNALS, known
from adverdict.domain.progress import Progress
from adverdict.domain.settings import Settings
from adverdict.models.bundle import load_bundle
from adverdict.models.manifest import check
from adverdict.models.plugins import PREFIX
from adverdict.models.registry import BUNDLE_VERSION_TAG
from adverdict.storage.tables.pack import read_pack
from adverdict.storage.tables.reading import Source
from adverdict.storage.whole import making_folder
from adverdict.training.cache.contents import ContentCache
from adverdict.training.cache.disk_cache import DiskCache
from adverdict.training.dataset import Dataset, Rows, dataset
from adverdict.training.encoder.device import device_of
from adverdict.training.encoder.encoder_cache import EncoderCache
from adverdict.training.encoder.tables import token_table
from adverdict.training.encoder.tune import EncoderSettings
from adverdict.training.evaluation.evaluate import BLEND_MODEL, EARLY_MODEL, alone, score_dataset
from adverdict.training.evaluation.headline import headline, table
from adverdict.training.evaluation.importance import importance, sample
from adverdict.training.evaluation.metrics import Scored, measure
from adverdict.training.fit.bundling import described, params_of, rewrite_bundle, write_bundle
from adverdict.training.fit.crossvalidate import held_out
from adverdict.training.fit.everything import FitSettings, Fitted, fit
from adverdict.training.fit.search import Searched, Study, Trial, search
from adverdict.training.fit.splits import by_advertiser, development_and_test
from adverdict.training.fit.trainable import trainable
from adverdict.training.fit.vectors import VectorSettings
from adverdict.training.pages.report import ReportData, write_report
from adverdict.training.pages.unstated import costs, whom
from adverdict.training.tracking.card import CardData, data_tags, figures_tags, model_card
from adverdict.training.tracking.commit import commit_tags
from adverdict.training.tracking.live import Followed
from adverdict.training.tracking.opening import flattened, opened
from adverdict.training.tracking.pyfunc import software_of
from adverdict.training.tracking.run import Registered, TrainingRun
from adverdict.training.tracking.server import configure, ping

WriteReport = Callable[[Path, ReportData], object]
"""As ``pages.report.write_report``."""
CACHE_BYTES = 10 * 2**30
"""Of texts and ads, about 50 kB each where an encoder as small as minilm is fine-tuned."""


@dataclass(frozen=True)
class TrainJob:
    """What to train on, how, and where it goes. ``cross_validate`` folds report on every ad and leave all of them to fit on;
    otherwise a ``test_share`` of the advertisers is held back. A ``certify_share`` of them is not looked at: their labels are for
    certificates, which may use nothing the model was chosen by. ``cache_bytes``: what texts and ads were made into is kept for the
    next training, under the settings' home and as far as it fits; 0 keeps and reads nothing. It changes no digit of the result."""

    data: Sequence[Path | Source]
    settings: Settings
    policies: Sequence[str] = ()
    fit: FitSettings = field(default_factory=lambda: FitSettings(encoder=EncoderSettings("minilm"), vectors=VectorSettings()))
    trials: int = 0
    study: str | None = None
    """Name under which trials are kept, for a later training to go on with."""
    test_share: float = 0.2
    certify_share: float = 0.0
    cross_validate: int = 0
    out: Path | None = None
    register: bool = True
    cache_bytes: int = CACHE_BYTES


@dataclass(frozen=True)
class Trained:
    """``figures`` is ``{"models": {MODEL: {"policies": …}}, …}``; ``registered`` None when the bundle was only written to ``out``."""

    figures: Mapping[str, Any]
    version: str
    registered: Registered | None
    report: Path
    warnings: tuple[str, ...]


def train(job: TrainJob, progress: Progress, *, report: WriteReport = write_report) -> Trained:
    """Run the job. Raises InvalidInput, NotFound or Unavailable before any training where it can; leaves nothing half-done."""
    _check(job)
    if job.fit.vectors is not None:
        token_table(job.fit.vectors.source)
    if job.fit.encoder is not None:
        device_of(job.fit.encoder.device)
    store = configure(job.settings) if job.register else None
    if store is not None:
        ping(store)
    book = read_policies(job.settings.policies)
    packs = [read_pack(folder) for folder in job.data]
    everything, skipped = trainable(dataset(packs, job.policies))
    disk_cache = DiskCache(job.settings.home / "cache", job.cache_bytes) if job.cache_bytes else None
    try:
        with ExitStack() as stack:
            work = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="adverdict-train-")))
            run = None if store is None else stack.enter_context(opened(store, everything, job.data, _known(job, everything)))
            followed = None if run is None else Followed(progress, run)
            made = _make(job, everything, skipped, book, work, followed or progress, disk_cache, report, run)
            page = _keep(job, made)
            registered = None if run is None or followed is None else _track(job, run, made, followed)
    except BaseException:
        if job.out is not None:
            shutil.rmtree(job.out, ignore_errors=True)
        raise
    warnings = [*(warning for pack in packs for warning in pack.warnings), *(disk_cache.warnings if disk_cache else ())]
    return Trained(made.figures, made.version, registered, page, tuple(warnings))


def _check(job: TrainJob) -> None:
    mistakes = []
    if job.cross_validate == 1:
        mistakes.append(Mistake("cross_validate", 1, "0, or at least 2 folds"))
    if job.out is not None and job.out.exists():
        mistakes.append(Mistake("out", str(job.out), "a path where nothing is yet"))
    if job.study is not None and not job.trials:
        mistakes.append(Mistake("study", job.study, "--trials of at least 1 beside it"))
    encoder = job.fit.encoder
    known(SIGNALS, job.fit.signals, "--signal")
    known(COMPONENTS, job.fit.components, "--component")
    can_be_kept = (
        "gbm",
        *(PREFIX + name for name in job.fit.components),
        *(() if encoder is None else ("transformer",)),
        *(("encoder",) if encoder is not None and encoder.tune else ()),
    )
    mistakes += [
        Mistake("keep", name, f"a model that is fitted beside the ridge: {', '.join(can_be_kept)}")
        for name in job.fit.keep
        if name not in can_be_kept
    ]
    if mistakes:
        raise InvalidSettings("this training cannot start", mistakes)


@dataclass(frozen=True)
class _TrainedBundle:
    data: Dataset
    searched: Searched
    scored: Scored
    figures: Mapping[str, Any]
    bundle: Path
    version: str
    report: Path
    created_at: datetime


@dataclass(frozen=True)
class _Split:
    """Who is trained on and who is reported on."""

    used: Dataset
    """Everything but the advertisers kept for certificates."""
    development: Dataset
    test: Dataset
    """Held back; without an ad when cross-validated, or when no share of the advertisers was to be."""
    folds: Sequence[tuple[str, Rows, Rows]]
    """Of ``used``, when cross-validated."""
    too_few: Mapping[str, str]
    """Policies that holding advertisers back left too little of to train on, and why."""


def _split(job: TrainJob, everything: Dataset) -> _Split:
    seed = job.fit.seed
    used = everything.part(development_and_test(everything, job.certify_share, seed + 1)[0])
    folds = list(by_advertiser(used, job.cross_validate, seed)) if job.cross_validate else []
    development_rows, test_rows = development_and_test(used, 0.0 if folds else job.test_share, seed)
    development, too_few = trainable(used.part(development_rows))
    return _Split(used, development, used.part(test_rows).with_policies(development.policies), folds, too_few)


def _make(
    job: TrainJob,
    everything: Dataset,
    skipped: Mapping[str, str],
    book: PolicyBook,
    work: Path,
    progress: Progress,
    disk_cache: DiskCache | None,
    write: WriteReport,
    run: TrainingRun | None,
) -> _TrainedBundle:
    split, contents = _split(job, everything), ContentCache(disk_cache)
    searched = _searched(job, split.development, progress, contents, run)
    settings = searched.settings
    if run is not None:
        run.log_params({**flattened(asdict(replace(settings, encoder=None))), **_encoder_params(settings)})
    cache = None if settings.encoder is None else EncoderCache(settings.encoder, split.used.ads, disk_cache)
    fitted = fit(split.development, settings, progress, cache, contents)
    thresholds = solve_thresholds(fitted, book)
    bundle, created_at = work / "bundle", datetime.now(UTC)
    write_bundle(fitted, thresholds, split.development, bundle, created_at, {**described(settings), **_shares(job)})
    scored = _scored(job, split, fitted, work / "whole", progress, cache, contents)
    measured = _measured(scored, progress)
    drawn = whom(everything.unstated, len(everything.ads))
    words = _split_in_words(job, split.development, scored, drawn)
    unstated = costs(everything.unstated, len(everything.ads))
    without = {**skipped, **split.too_few}
    some = sample(split.test.ads or split.development.ads)
    moved = importance(load_bundle(bundle), some)
    version = rewrite_bundle(bundle, split.used, everything, measured[BLEND_MODEL])
    report = work / "report"
    report_data = ReportData(
        scored=scored,
        metrics=measured,
        sources=everything.sources,
        split=words,
        bundle_version=version,
        created_at=created_at,
        thresholds=thresholds,
        skipped=without,
        familiarity=fitted.familiarity,
        earned=fitted.earned,
        unstated=unstated,
        importance=moved,
        sampled=len(some),
        drawn=drawn,
    )
    write(report, report_data)
    figures = {
        "models": measured,
        "served": BLEND_MODEL,
        "components": list(fitted.served),
        "earned": [asdict(one) for one in fitted.earned],
        "split": words,
        "skipped": without,
        "unstated": unstated,
    }
    if job.trials:
        figures["search"] = searched.told()
    return _TrainedBundle(everything, searched, scored, figures, bundle, version, report, created_at)


def _searched(job: TrainJob, development: Dataset, progress: Progress, contents: ContentCache, run: TrainingRun | None) -> Searched:
    if not job.trials:
        return Searched(job.fit)

    def told(trial: Trial) -> None:
        if run is not None:
            run.log_trial(trial.number, trial.params, {"log_loss": trial.loss, "seconds": trial.seconds}, trial.seconds)

    return search(development, job.fit, job.trials, progress, contents, _study(job), told)


def _scored(
    job: TrainJob,
    split: _Split,
    fitted: Fitted,
    whole: Path,
    progress: Progress,
    cache: EncoderCache | None,
    contents: ContentCache,
) -> Scored:
    """The ads to report on, as scored by models that did not learn from them; see ``TrainJob`` for which ads these are. ``whole`` is where
    a bundle with every component may be written."""
    if split.folds:
        used = split.used.with_policies(split.development.policies)
        return held_out(used, split.folds, job.fit, progress, job.trials, cache, contents=contents, study=_study(job))
    if len(split.test.ads):
        write_bundle(fitted, SolvedThresholds(), split.development, whole, datetime.now(UTC), {}, whole=True)
        return score_dataset(load_bundle(whole), split.test, None, progress)
    return out_of_fold(fitted)


def _measured(scored: Scored, progress: Progress) -> dict[str, Any]:
    """The figures of each model."""
    progress.stage("figures", len(scored.p))
    measured = {}
    for model in scored.p:
        measured[model] = measure(scored, model)
        progress.advance()
    return measured


def solve_thresholds(fitted: Fitted, book: PolicyBook) -> SolvedThresholds:
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


def out_of_fold(fitted: Fitted) -> Scored:
    """The development ads as scored by models that had not seen them; the blend and the calibration had."""
    from adverdict.models.calibration import sigmoid

    data = fitted.data
    held_out = {name: logits for name, logits in fitted.held_out.items() if name != BLEND_MODEL}
    parts = {name: sigmoid(logits) for name, logits in alone(held_out, "ridge").items()}
    early = {} if fitted.held_out_early is None else {EARLY_MODEL: fitted.held_out_early[:, :, 0]}
    return Scored(
        ad_ids=tuple(ad.ad_id for ad in data.ads),
        markets=tuple(ad.market for ad in data.ads),
        groups=data.groups,
        policies=data.policies,
        targets=data.targets,
        p={**parts, **early, BLEND_MODEL: fitted.held_out_risk[:, :, 0]},
    )


def _split_in_words(job: TrainJob, development: Dataset, scored: Scored, drawn: str) -> str:
    """``drawn``: whose ads are held back together."""
    n = len(scored.ad_ids)
    if job.cross_validate:
        return f"{n} labelled ads, {drawn} held back in turn ({job.cross_validate} nested folds)"
    if job.test_share:
        return f"{n} labelled ads of {drawn} held back; trained on {len(development.ads)} others"
    return f"{n} labelled ads, out of fold: nothing was held back, so blend and calibration have seen them"


def _track(job: TrainJob, run: TrainingRun, made: _TrainedBundle, progress: Followed) -> Registered:
    """What the run is worth, kept with it; last of all a version of the registered model."""
    progress.stage("MLflow", 3)
    figures, served = made.figures, made.figures["models"][BLEND_MODEL]
    for model in made.scored.p:
        with run.model(model, params_of(model, made.searched.settings)):
            run.log_metrics(model, figures["models"][model])
    run.log_table(table(figures["models"]))
    progress.advance()
    card = model_card(
        CardData(
            bundle_version=made.version,
            created_at=made.created_at,
            sources=made.data.sources,
            split=figures["split"],
            metrics=served,
            components=figures["components"],
            skipped=figures["skipped"],
            unstated=figures["unstated"],
        )
    )
    run.log_card(card)
    run.log_folder(made.report, "report")
    logged = run.log_bundle(made.bundle, made.scored.policies, software=software_of(check(made.bundle)[0]))
    run.log_headline(headline(served), logged)
    run.tag("bundle_version", made.version)
    progress.advance()
    tags = {BUNDLE_VERSION_TAG: made.version, **figures_tags(served), **data_tags(made.data.sources), **commit_tags()}
    progress.finish()
    registered = run.register(logged, tags, card)
    progress.advance()
    return registered


def _known(job: TrainJob, everything: Dataset) -> dict[str, Any]:
    """What is known of a training before it starts, as parameters of its run."""
    return {"data": [source.name for source in everything.sources], "policies": list(everything.policies), **_shares(job)}


def _encoder_params(settings: FitSettings) -> dict[str, Any]:
    return {} if settings.encoder is None else flattened({"encoder": described(settings)["encoder"]})


def _study(job: TrainJob) -> Study | None:
    return None if job.study is None else Study(job.study, job.settings.home)


def _shares(job: TrainJob) -> dict[str, Any]:
    shares = {"test_share": job.test_share, "certify_share": job.certify_share, "cross_validate": job.cross_validate}
    return {"trials": job.trials, **shares}


def _keep(job: TrainJob, made: _TrainedBundle) -> Path:
    """The bundle to ``out``, the report beside the other local state; the report's page."""
    if job.out is not None:
        with making_folder(job.out) as work:
            shutil.copytree(made.bundle, work)
    target = job.settings.home / "reports" / made.version
    shutil.copytree(made.report, target, dirs_exist_ok=True)
    return target / "report.html"
