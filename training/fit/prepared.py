"""What a training is asked for, and what is known of its ads before any model is fitted."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from adverdict.domain.progress import Progress
from adverdict.features.contract import FeatureContract
from adverdict.features.extra import plugin_values, with_signals
from adverdict.features.history.asof import counts_asof
from adverdict.features.history.counts import without_labels
from adverdict.features.table import FeatureTable, beside, with_history
from adverdict.features.text.traits import Traits
from adverdict.models.ridge import WORDS
from adverdict.models.vectors import WordVectors
from adverdict.training.cache.contents import ContentCache
from adverdict.training.dataset import Dataset
from adverdict.training.encoder.tables import token_table
from adverdict.training.encoder.tune import EncoderSettings
from adverdict.training.fit.calibration import RIDGE
from adverdict.training.fit.gbm import GbmSettings
from adverdict.training.fit.ridge.design import Design, Read, Tried
from adverdict.training.fit.ridge.kernels import facts_of
from adverdict.training.fit.ridge.regression import RidgeSettings
from adverdict.training.fit.splits import folds, some_advertisers
from adverdict.training.fit.vectors import VectorSettings, fit_vectors

MOST_TRIED = 10_000
"""Ads by which kinds of facts are chosen, and how deep a text is read; more choose the same."""


@dataclass(frozen=True)
class FitSettings:
    """``encoder`` None leaves it out; ``history`` False blanks what raters said of an advertiser's past (to measure what it is worth)."""

    encoder: EncoderSettings | None
    gbm: GbmSettings = field(default_factory=GbmSettings)
    ridge: RidgeSettings = field(default_factory=RidgeSettings)
    vectors: VectorSettings | None = None
    """None: the ridge reads no word vectors."""
    keep: tuple[str, ...] = ()
    """Components that stay whether or not they earn their place."""
    signals: tuple[str, ...] = ()
    """Plug-ins that the models read besides our own features."""
    components: tuple[str, ...] = ()
    """Plug-ins that are fitted beside our own models."""
    n_folds: int = 3
    calibration_prior: float = RIDGE
    """As ``prior`` of ``training.fit.calibration``."""
    history: bool = True
    seed: int = 0


@dataclass(frozen=True)
class Prepared:
    """What is known of the development ads before any model is fitted. ``fresh`` is ``table`` as if no rater had ever judged the
    advertiser, creative or domain; ``design`` has the n-grams of all, ``tried`` those of the ads by which settings are chosen."""

    contract: FeatureContract
    table: FeatureTable
    fresh: FeatureTable
    read: Read
    design: Design
    tried: Tried | None
    """None: they are chosen by all."""
    vectors: WordVectors | None
    traits: tuple[Traits, ...]
    fold: NDArray[np.intp]


def prepare(data: Dataset, settings: FitSettings, progress: Progress, contents: ContentCache | None = None) -> Prepared:
    """Features of the development ads, history as of each ad's submission: from labels, so never kept."""
    progress.stage("features", len(data.ads))
    content = (contents or ContentCache()).of(data.ads, progress)
    contract = with_signals(content.contract(), data.ads, settings.signals)
    counts = counts_asof(data.ads, data.known_ads, data.labels, data.policies)
    table = content.table(contract, counts)
    fresh = with_history(table, without_labels(counts))
    if contract.signals:
        values = plugin_values(data.ads, contract)
        table, fresh = beside(table, values), beside(fresh, values)
    vectors, views = None, {}
    if settings.vectors is not None:
        progress.stage("word vectors", 1)
        vectors = fit_vectors(token_table(settings.vectors.source), content.texts, settings.vectors.width)
        views[WORDS] = vectors.of(content.texts)
        progress.advance()
    read = Read(fresh.shared, contract.shared, facts_of(contract.shared, contract.levels), views)
    fold = folds(data, settings.n_folds, settings.seed)
    rows = some_advertisers(data.groups, MOST_TRIED, settings.seed)
    tried = None if len(rows) == len(data.ads) else Tried.of(content.counts[rows], read.part(rows), fold[rows], rows)
    design = Design.of(content.counts, read, fold)
    known = table if settings.history else fresh
    return Prepared(contract, known, fresh, read, design, tried, vectors, content.traits, fold)
