"""Where a trained bundle goes: a folder, the reports, and MLflow, in which it is registered last of all."""

from __future__ import annotations

import shutil
from pathlib import Path

from adverdict.models.manifest import check
from adverdict.models.registry import BUNDLE_VERSION_TAG
from adverdict.storage.whole import making_folder
from adverdict.training.evaluation.evaluate import BLEND_MODEL
from adverdict.training.evaluation.headline import headline, table
from adverdict.training.fit.bundling import params_of
from adverdict.training.job import TrainJob
from adverdict.training.making import TrainedBundle
from adverdict.training.tracking.card import CardData, data_tags, figures_tags, model_card
from adverdict.training.tracking.commit import commit_tags
from adverdict.training.tracking.live import Followed
from adverdict.training.tracking.pyfunc import software_of
from adverdict.training.tracking.run import Registered, TrainingRun


def keep(job: TrainJob, made: TrainedBundle) -> Path:
    """The bundle to ``out``, the report beside the other local state; the report's page."""
    if job.out is not None:
        with making_folder(job.out) as work:
            shutil.copytree(made.bundle, work)
    target = job.settings.home / "reports" / made.version
    shutil.copytree(made.report, target, dirs_exist_ok=True)
    return target / "report.html"


def track(run: TrainingRun, made: TrainedBundle, progress: Followed) -> Registered:
    """What the run is worth, kept with it; last of all a version of the registered model. Raises Unavailable."""
    progress.stage("MLflow", 3)
    models = made.figures["models"]
    for model in made.scored.p:
        with run.model(model, params_of(model, made.settings)):
            run.log_metrics(model, models[model])
    run.log_table(table(models))
    progress.advance()
    card = _card(made)
    run.log_card(card)
    run.log_folder(made.report, "report")
    logged = run.log_bundle(made.bundle, made.scored.policies, software=software_of(check(made.bundle)[0]))
    run.log_headline(headline(models[BLEND_MODEL]), logged)
    run.tag("bundle_version", made.version)
    progress.advance()
    tags = {BUNDLE_VERSION_TAG: made.version, **figures_tags(models[BLEND_MODEL]), **data_tags(made.data.sources), **commit_tags()}
    progress.finish()
    registered = run.register(logged, tags, card)
    progress.advance()
    progress.ended()
    return registered


def _card(made: TrainedBundle) -> str:
    figures = made.figures
    return model_card(
        CardData(
            bundle_version=made.version,
            created_at=made.created_at,
            sources=made.data.sources,
            split=figures["split"],
            metrics=figures["models"][BLEND_MODEL],
            components=figures["components"],
            skipped=figures["skipped"],
            unstated=figures["unstated"],
        )
    )
