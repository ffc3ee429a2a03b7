"""Nested evaluation: everything, calibration included, is fitted anew without the held-out ads, written as a bundle, and scored from it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from adverdict.decisions.thresholds import SolvedThresholds
from adverdict.domain.progress import Named, Progress
from adverdict.models.bundle import load_bundle
from adverdict.training.cache.contents import ContentCache
from adverdict.training.dataset import Dataset, Rows
from adverdict.training.encoder.encoder_cache import EncoderCache
from adverdict.training.evaluation.evaluate import score_dataset
from adverdict.training.evaluation.metrics import Scored
from adverdict.training.fit.bundling import write_bundle
from adverdict.training.fit.everything import fit
from adverdict.training.fit.prepared import FitSettings
from adverdict.training.fit.search import Study, search
from adverdict.training.fit.trainable import trainable


def held_out(
    data: Dataset,
    parts: Iterable[tuple[str, Rows, Rows]],
    settings: FitSettings,
    progress: Progress,
    trials: int = 0,
    cache: EncoderCache | None = None,
    live_history: bool = False,
    contents: ContentCache | None = None,
    study: Study | None = None,
) -> Scored:
    """Risks of every held-out ad, pooled over the parts ``(name, training rows, held-out rows)``; each part searches ``trials`` anew, under
    a ``study`` of its own.

    With ``live_history`` a held-out ad's label becomes history for later ads once it is known, as it does in service; without, held-out
    labels stay unknown to all.

    A policy that one of the parts cannot be trained on (too few violations there) is left out of all of them.
    """
    parts = list(parts)
    data = _trainable_everywhere(data, [train for _, train, _ in parts])
    if cache is None and settings.encoder is not None:
        cache = EncoderCache(settings.encoder, data.ads)
    contents = contents or ContentCache()
    return pooled(
        [
            _held_out(data, train, rows, settings, Named(progress, name), trials, cache, live_history, contents, study and study.part(name))
            for name, train, rows in parts
        ]
    )


def pooled(parts: Sequence[Scored]) -> Scored:
    """One ``Scored`` of several with the same policies and no ad in common, of the models that all have."""
    first = parts[0]
    models = [model for model in first.p if all(model in part.p for part in parts)]
    return replace(
        first,
        ad_ids=tuple(ad for part in parts for ad in part.ad_ids),
        markets=tuple(market for part in parts for market in part.markets),
        groups=tuple(group for part in parts for group in part.groups),
        targets=np.concatenate([part.targets for part in parts]),
        p={model: np.concatenate([part.p[model] for part in parts]) for model in models},
        familiarity=_joined([part.familiarity for part in parts]),
    )


def _joined(parts: Sequence[NDArray[np.float64] | None]) -> NDArray[np.float64] | None:
    told = [part for part in parts if part is not None]
    return np.concatenate(told) if len(told) == len(parts) else None


def _held_out(
    data: Dataset,
    train: Rows,
    rows: Rows,
    settings: FitSettings,
    progress: Progress,
    trials: int,
    cache: EncoderCache | None,
    live_history: bool,
    contents: ContentCache,
    study: Study | None,
) -> Scored:
    development = data.part(train)
    chosen = search(development, settings, trials, progress, contents, study).settings if trials else settings
    fitted = fit(development, chosen, progress, cache, contents)
    with tempfile.TemporaryDirectory(prefix="adverdict-fold-") as work:
        folder = Path(work) / "bundle"
        write_bundle(fitted, SolvedThresholds(), development, folder, datetime.now(UTC), {}, whole=True)
        bundle, test = load_bundle(folder), data.part(rows)
        # The bundle's history knows every submission, but of labels only those of the training part.
        history = bundle.fresh_history()
        if live_history:
            history.observe_labels(test.labels, {ad.ad_id: ad for ad in test.ads})
        return score_dataset(bundle, test, history, progress)


def _trainable_everywhere(data: Dataset, trains: Sequence[Rows]) -> Dataset:
    kept = set(data.policies)
    for train in trains:
        kept &= set(trainable(data.part(train))[0].policies)
    return data.with_policies([policy for policy in data.policies if policy in kept])
