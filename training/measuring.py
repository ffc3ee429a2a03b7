"""The ads that a training reports on: held back, and scored by models that did not learn from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from adverdict.decisions.thresholds import SolvedThresholds
from adverdict.domain.progress import Progress
from adverdict.models.bundle import load_bundle
from adverdict.models.calibration import sigmoid
from adverdict.training.cache.contents import ContentCache
from adverdict.training.dataset import Dataset, Rows
from adverdict.training.encoder.encoder_cache import EncoderCache
from adverdict.training.evaluation.evaluate import BLEND_MODEL, EARLY_MODEL, alone, score_dataset
from adverdict.training.evaluation.metrics import Scored, measure
from adverdict.training.fit.bundling import write_bundle
from adverdict.training.fit.crossvalidate import held_out
from adverdict.training.fit.everything import Fitted
from adverdict.training.fit.splits import by_advertiser, development_and_test
from adverdict.training.fit.trainable import trainable
from adverdict.training.job import TrainJob
from adverdict.training.parallel import side_by_side


@dataclass(frozen=True)
class Split:
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


def split(job: TrainJob, everything: Dataset) -> Split:
    """By advertisers, as the job asks. Raises InvalidInput where too little is left to train on."""
    seed = job.fit.seed
    used = everything.part(development_and_test(everything, job.certify_share, seed + 1)[0])
    folds = list(by_advertiser(used, job.cross_validate, seed)) if job.cross_validate else []
    development_rows, test_rows = development_and_test(used, 0.0 if folds else job.test_share, seed)
    development, too_few = trainable(used.part(development_rows))
    return Split(used, development, used.part(test_rows).with_policies(development.policies), folds, too_few)


def score(
    job: TrainJob,
    parts: Split,
    fitted: Fitted,
    bundle: Path,
    whole: Path,
    progress: Progress,
    cache: EncoderCache | None,
    contents: ContentCache,
) -> Scored:
    """The ads to report on; see ``TrainJob`` for which these are. ``bundle`` is that of ``fitted``, and one with every component may be
    written to ``whole``."""
    if parts.folds:
        used = parts.used.with_policies(parts.development.policies)
        return held_out(used, parts.folds, job.fit, progress, job.trials, cache, contents=contents, study=job.kept_study)
    if len(parts.test.ads):
        write_bundle(fitted, SolvedThresholds(), parts.development, whole, datetime.now(UTC), {}, whole=True, like=bundle)
        return score_dataset(load_bundle(whole), parts.test, None, progress)
    return _out_of_fold(fitted)


def measured(scored: Scored, progress: Progress) -> dict[str, Any]:
    """The figures of each model."""
    progress.stage("figures", len(scored.p))
    models = [*scored.p]
    figures = side_by_side(lambda place: measure(scored, models[place]), len(models))
    progress.advance(len(models))
    return dict(zip(models, figures, strict=True))


def in_words(job: TrainJob, development: Dataset, scored: Scored, drawn: str) -> str:
    """Who was held back; ``drawn``: whose ads are held back together."""
    n = len(scored.ad_ids)
    if job.cross_validate:
        return f"{n} labelled ads, {drawn} held back in turn ({job.cross_validate} nested folds)"
    if job.test_share:
        return f"{n} labelled ads of {drawn} held back; trained on {len(development.ads)} others"
    return f"{n} labelled ads, out of fold: nothing was held back, so blend and calibration have seen them"


def _out_of_fold(fitted: Fitted) -> Scored:
    """The development ads as scored by models that had not seen them; the blend and the calibration had."""
    data = fitted.data
    others = {name: logits for name, logits in fitted.held_out.items() if name != BLEND_MODEL}
    parts = {name: sigmoid(logits) for name, logits in alone(others, "ridge").items()}
    early = {} if fitted.held_out_early is None else {EARLY_MODEL: fitted.held_out_early[:, :, 0]}
    return Scored(
        ad_ids=tuple(ad.ad_id for ad in data.ads),
        markets=tuple(ad.market for ad in data.ads),
        groups=data.groups,
        policies=data.policies,
        targets=data.targets,
        p={**parts, **early, BLEND_MODEL: fitted.held_out_risk[:, :, 0]},
    )
