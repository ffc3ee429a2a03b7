"""Nested evaluation on labelled ads: by advertiser, in order of submission, or with whole markets left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from adverdict.domain.ad import Ad
from adverdict.domain.errors import InvalidSettings, Mistake
from adverdict.domain.progress import Progress
from adverdict.storage.tables.pack import read_pack
from adverdict.training.dataset import Dataset, Rows, dataset
from adverdict.training.evaluation.evaluate import BLEND_MODEL
from adverdict.training.evaluation.metrics import Scored, measure
from adverdict.training.fit.crossvalidate import held_out
from adverdict.training.fit.everything import FitSettings
from adverdict.training.fit.splits import by_advertiser, in_order, without_markets

FOLDS = 5


def run(
    folders: Sequence[Path],
    split: str,
    policies: Sequence[str],
    settings: FitSettings,
    progress: Progress,
    by: str | None = None,
    live: bool = False,
) -> dict[str, Any]:
    """``{"models": {MODEL: {"policies": …}}, "split": …}`` over every held-out ad, pooled over the parts of the split.

    ``split`` is ``advertiser`` (5 folds), ``in-order`` (first 70 % train) or ``without:US+GB``. ``by`` is a field of an ad: ``"slices"``
    then holds the blend's figures for each of its values. ``live``: held-out labels become history once known.

    Raises InvalidSettings for any other split or field.
    """
    if by is not None and by not in Ad.model_fields:
        raise InvalidSettings("no such field of an ad", [Mistake("--by", by, "one of " + ", ".join(Ad.model_fields))])
    data = dataset([read_pack(folder) for folder in folders], policies)
    parts = _parts(data, split, settings.seed)
    scored = held_out(data, parts, settings, progress, live_history=live)
    progress.stage("figures", len(scored.p))
    measured = {}
    for model in scored.p:
        measured[model] = measure(scored, model)
        progress.advance()
    slices = {} if by is None else {"slices": {by: _slices(scored, {ad.ad_id: str(getattr(ad, by)) for ad in data.ads})}}
    return {"models": measured, "split": f"{split}: {len(scored.ad_ids)} held-out ads", **slices}


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
