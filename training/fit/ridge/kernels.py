"""Kernels on views of an ad, told by nearness to centres (Nyström); and which facts are of which kind."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from adverdict.features.creative import CREATIVE_FACTS
from adverdict.features.history.counts import PER_POLICY, SHARED
from adverdict.features.text.signals import TEXT_SIGNALS
from adverdict.models.ridge import FACTS, NearCentres, Views, nearness, point

JITTER = 1e-4
LEAST_EIGENVALUE = 1e-6

CREATIVE, PAST, SIGNALS = "creative", "past", "signals"
"""Kinds of facts: of the creative, of what its advertiser and landing domain did before, of how its text is written."""
PAST_FACTS = ("advertiser_ads_28d", "advertiser_formats", "advertiser_categories", "advertiser_surfaces")
"""What is known of the past without a label."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class KernelSettings:
    """A kernel exp(-sharpness |a - b|^2) on the views in ``reads``, side by side; ``weight`` beside 2.75, all that n-grams of an ad weigh
    together. Facts, those of one kind, are standardised; beside words each counts ``beside`` of that."""

    reads: tuple[str, ...]
    weight: float
    sharpness: float
    centres: int
    beside: float = 1.0
    facts: str = CREATIVE


def facts_of(columns: Sequence[str], categories: Collection[str]) -> tuple[str, ...]:
    """Features that are facts in numbers; what raters said of the past is LightGBM's, which sees it as of each ad."""
    return tuple(name for name in columns if kind_of(name) and name not in categories)


def kind_of(fact: str) -> str | None:
    """None: it is no fact that the ridge reads."""
    if fact in CREATIVE_FACTS:
        return CREATIVE
    if fact in PAST_FACTS:
        return PAST
    # What is none of ours is a plug-in's.
    return SIGNALS if fact in TEXT_SIGNALS or fact not in (*SHARED, *PER_POLICY) else None


@dataclass(frozen=True)
class Near:
    """Nearness to the ``centres`` times ``root`` are features whose inner products are the kernel's times its weight, as far as the centres
    tell."""

    reads: tuple[str, ...]
    scale: Floats
    centres: Floats
    sharpness: float
    root: Floats
    facts: str | None
    """Which kind it reads."""


def there(kernel: KernelSettings, views: Views, facts: Sequence[str]) -> bool:
    """Whether ads have what a kernel reads; ``facts`` as in ``near_centres``."""
    stated = FACTS not in kernel.reads or any(kind_of(name) == kernel.facts for name in facts)
    return stated and all(name in views and views[name].shape[1] for name in kernel.reads)


def near_centres(views: Views, facts: Sequence[str], settings: KernelSettings, seed: int) -> tuple[Near, Floats]:
    """Centres by k-means, which serves Nyström's approximation better than ads drawn by chance (Zhang, Tsang & Kwok 2008, ICML).

    ``facts`` names the columns of the view of facts; those of another kind than the kernel's count nothing.
    """
    from sklearn.cluster import MiniBatchKMeans

    of_kind = np.array([settings.beside if kind_of(name) == settings.facts else 0.0 for name in facts])
    scale = np.concatenate([of_kind if name == FACTS else np.ones(views[name].shape[1]) for name in settings.reads])
    points = point(views, settings.reads, scale)
    distinct = np.unique(points, axis=0)
    n = min(settings.centres, len(distinct))
    means = MiniBatchKMeans(n, random_state=seed, n_init=1, batch_size=1024, max_iter=20)
    centres = distinct if n == len(distinct) else means.fit(points).cluster_centers_.astype(np.float64)
    values, vectors = np.linalg.eigh(nearness(centres, centres, settings.sharpness) + JITTER * np.eye(n))
    root = np.sqrt(settings.weight) * (vectors / np.sqrt(np.maximum(values, LEAST_EIGENVALUE))) @ vectors.T
    near = nearness(points, centres, settings.sharpness)
    kind = settings.facts if FACTS in settings.reads else None
    return Near(settings.reads, scale, centres, settings.sharpness, root, kind), near @ root


def with_coefficients(kernels: Sequence[Near], coefficients: NDArray[np.floating]) -> tuple[NearCentres, ...]:
    """The kernels as served, from ``coefficients`` ``(n_near, n_policies)`` of their features side by side; those that count nowhere
    are not."""
    ends = np.cumsum([len(kernel.root) for kernel in kernels][:-1])
    return tuple(
        NearCentres(kernel.reads, kernel.scale, kernel.centres, kernel.root @ part.astype(np.float64), kernel.sharpness)
        for kernel, part in zip(kernels, np.split(coefficients, ends) if kernels else (), strict=True)
        if part.any()
    )


def of_facts(kernels: Sequence[Near], kind: str) -> NDArray[np.bool_]:
    """Which of their features read facts of a kind, ``(n_near,)``."""
    return np.repeat([kernel.facts == kind for kernel in kernels], [len(kernel.root) for kernel in kernels])
