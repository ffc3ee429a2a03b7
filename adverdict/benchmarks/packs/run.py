"""Nested evaluation on labelled ads: by advertiser, in order of submission, or with whole markets left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from adverdict.benchmarks.packs.repeated import over_all
from adverdict.domain.ad import Ad
from adverdict.domain.errors import InvalidSettings, Mistake
from adverdict.domain.progress import Progress
from adverdict.storage.tables.pack import read_pack
from adverdict.training.cache.contents import ContentCache
from adverdict.training.dataset import Dataset, Rows, dataset
from adverdict.training.encoder.encoder_cache import EncoderCache
from adverdict.training.evaluation.evaluate import BLEND_MODEL
from adverdict.training.evaluation.metrics import Scored, measure
from adverdict.training.fit.crossvalidate import held_out
from adverdict.training.fit.prepared import FitSettings
from adverdict.training.fit.splits import by_advertiser, in_order, without_markets
from adverdict.training.fit.vectors import VectorSettings

FOLDS = 5


@dataclass(frozen=True)
class Asked:
    """``splits`` are each ``advertiser`` (5 folds), ``in-order`` (first 70 % train) or ``without:US+GB``; ``seeds`` how often each is done,
    with advertisers dealt anew. ``by`` is a field of an ad. ``live``: held-out labels become history once known. ``beside`` are word
    vectors to train with as well."""

    splits: tuple[str, ...] = ("advertiser",)
    policies: tuple[str, ...] = ()
    seeds: int = 1
    by: str | None = None
    live: bool = False
    beside: VectorSettings | None = None

    def __post_init__(self) -> None:
        if self.by is not None and self.by not in Ad.model_fields:
            raise InvalidSettings("no such field of an ad", [Mistake("--by", self.by, "one of " + ", ".join(Ad.model_fields))])


def run(folders: Sequence[Path], asked: Asked, settings: FitSettings, progress: Progress) -> dict[str, Any]:
    """``{"models": {MODEL: {"policies": …}}, "split": …}`` of the first split and seed, over every held-out ad.

    ``"slices"`` then holds the blend's figures for each value of ``asked.by``, and ``"over"`` those of all splits and seeds together
    (``repeated.over_all``), if there are several or other word vectors beside them. Raises InvalidSettings for any other split or field.
    """
    data = dataset([read_pack(folder) for folder in folders], asked.policies)
    for split in asked.splits:
        _parts(data, split, settings.seed)  # refused before anything is trained
    cache = EncoderCache(settings.encoder, data.ads) if settings.encoder is not None else None
    contents = ContentCache()

    def scored(split: str, seed: int, chosen: FitSettings) -> Scored:
        return held_out(
            data, _parts(data, split, seed), replace(chosen, seed=seed), progress, 0, cache, live_history=asked.live, contents=contents
        )

    each = [(split, settings.seed + more) for split in asked.splits for more in range(asked.seeds)]
    runs = [scored(split, seed, settings) for split, seed in each]
    beside = [scored(split, seed, replace(settings, vectors=asked.beside)) for split, seed in each] if asked.beside else []
    first = runs[0]
    progress.stage("figures", len(first.p))
    measured = {}
    for model in first.p:
        measured[model] = measure(first, model)
        progress.advance()
    found: dict[str, Any] = {"models": measured, "split": f"{asked.splits[0]}: {len(first.ad_ids)} held-out ads"}
    if asked.by is not None:
        found["slices"] = {asked.by: _slices(first, {ad.ad_id: str(getattr(ad, asked.by)) for ad in data.ads})}
    if len(runs) > 1 or beside:
        of = {"splits": list(asked.splits), "seeds": [settings.seed + more for more in range(asked.seeds)]}
        found["over"] = {**of, "beside": asked.beside.source if asked.beside else None, "policies": over_all(runs, beside)}
    return found


def _slices(scored: Scored, value_of: dict[str, str]) -> dict[str, Any]:
    values = np.array([value_of[ad_id] for ad_id in scored.ad_ids])
    return {str(value): measure(_take(scored, np.flatnonzero(values == value)), BLEND_MODEL)["policies"] for value in np.unique(values)}


def _take(scored: Scored, rows: Rows) -> Scored:
    return replace(
        scored,
        ad_ids=tuple(scored.ad_ids[row] for row in rows),
        markets=tuple(scored.markets[row] for row in rows),
        groups=tuple(scored.groups[row] for row in rows),
        targets=scored.targets[rows],
        p={model: p[rows] for model, p in scored.p.items()},
        familiarity=None if scored.familiarity is None else scored.familiarity[rows],
    )


def _parts(data: Dataset, split: str, seed: int) -> list[tuple[str, Rows, Rows]]:
    if split == "advertiser":
        return list(by_advertiser(data, FOLDS, seed))
    if split == "in-order":
        return [("in order", *in_order(data))]
    markets = frozenset(split.removeprefix("without:").split("+")) if split.startswith("without:") else frozenset()
    present = {ad.market for ad in data.ads}
    if not markets or not markets <= present or markets == present:
        expected = f"advertiser, in-order, or without: and some of {'+'.join(sorted(present))}"
        raise InvalidSettings("no such split", [Mistake("--split", split, expected)])
    train, rows = without_markets(data, markets)
    if not len(train):
        raise InvalidSettings("nothing is left to train on", [Mistake("--split", split, "markets whose advertisers are not everywhere")])
    return [(split, train, np.asarray(rows))]
