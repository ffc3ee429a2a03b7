"""Nested evaluation on labelled ads: by advertiser, in order of submission, or with whole markets left out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from domain.errors import InvalidSettings, Mistake
from features.tables import read_pack
from training.crossvalidate import held_out
from training.dataset import Dataset, Rows, dataset
from training.fit import FitSettings
from training.metrics import measure
from training.progress import Progress
from training.splits import by_advertiser, in_order, without_markets

FOLDS = 5


def run(folders: Sequence[Path], split: str, policies: Sequence[str], settings: FitSettings, progress: Progress) -> dict[str, Any]:
    """``{"models": {MODEL: {"policies": …}}, "split": …}`` over every held-out ad, pooled over the parts of the split.

    ``split`` is ``advertiser`` (5 folds), ``in-order`` (first 70 % train) or ``without:US+GB``. Raises InvalidSettings for any other.
    """
    data = dataset([read_pack(folder) for folder in folders], policies)
    parts = _parts(data, split, settings.seed)
    scored = held_out(data, parts, settings, progress)
    progress.stage("figures", len(scored.p))
    measured = {}
    for model in scored.p:
        measured[model] = measure(scored, model)
        progress.advance()
    return {"models": measured, "split": f"{split}: {len(scored.ad_ids)} held-out ads"}


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
