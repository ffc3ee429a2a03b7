"""Splits that never put one advertiser on two sides."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from adverdict.training.dataset import Dataset, Rows

TWENTIETHS = 20


def folds(data: Dataset, n_folds: int, seed: int) -> NDArray[np.intp]:
    """Fold of each ad, ``intp (n_ads,)``: by ``Dataset.groups``, balanced in how many ads violate the commonest policy.

    There are ``n_folds``, or fewer where there are fewer groups or violations.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    out = np.empty(len(data.ads), dtype=np.intp)
    strata = _strata(data)
    most = min(len(set(data.groups)), max(2, int(np.bincount(strata).min())))
    splitter = StratifiedGroupKFold(min(n_folds, most), shuffle=True, random_state=seed)
    for fold, (_, held_out) in enumerate(splitter.split(np.zeros(len(strata)), strata, np.asarray(data.groups))):
        out[held_out] = fold
    return out


def some_advertisers(groups: Sequence[str], most: int, seed: int) -> Rows:
    """Rows of at most ``most`` ads, in order: all ads of advertisers (``Dataset.groups``) drawn at random. All, where there are no more."""
    if len(groups) <= most:
        return np.arange(len(groups))
    _, group, ads = np.unique(groups, return_inverse=True, return_counts=True)
    drawn = np.random.default_rng(seed).permutation(len(ads))
    return np.flatnonzero(np.isin(group, drawn[np.cumsum(ads[drawn]) <= most]))


def by_advertiser(data: Dataset, n_folds: int, seed: int) -> Iterator[tuple[str, Rows, Rows]]:
    """``(name, training rows, held-out rows)``, each advertiser held out once."""
    fold = folds(data, n_folds, seed)
    for k in range(int(fold.max()) + 1):
        yield f"fold {k + 1} of {fold.max() + 1}", np.flatnonzero(fold != k), np.flatnonzero(fold == k)


def without_markets(data: Dataset, markets: frozenset[str]) -> tuple[Rows, Rows]:
    """Hold out whole markets; advertisers who are also elsewhere are dropped from training."""
    held_out = np.array([ad.market in markets for ad in data.ads])
    strangers = {group for group, out in zip(data.groups, held_out, strict=True) if out}
    train = np.array([group not in strangers for group in data.groups])
    return np.flatnonzero(train), np.flatnonzero(held_out)


def in_order(data: Dataset, share: float = 0.7) -> tuple[Rows, Rows]:
    """Train on the first ``share`` of the ads, hold out the later ones whose creative training has not seen."""
    cut = round(len(data.ads) * share)
    seen = {ad.creative_id or ad.ad_id for ad in data.ads[:cut]}
    later = [row for row in range(cut, len(data.ads)) if (data.ads[row].creative_id or data.ads[row].ad_id) not in seen]
    return np.arange(cut), np.asarray(later, dtype=np.intp)


def development_and_test(data: Dataset, test_share: float, seed: int) -> tuple[Rows, Rows]:
    """Hold out about ``test_share`` of the advertisers; none when it is 0."""
    if test_share == 0:
        return np.arange(len(data.ads)), np.arange(0)
    fold = folds(data, TWENTIETHS, seed)
    test = fold < max(1, round(test_share * (fold.max() + 1)))
    return np.flatnonzero(~test), np.flatnonzero(test)


def _strata(data: Dataset) -> NDArray[np.bool_]:
    """Whether each ad violates the policy with the most violations: what the folds are balanced in."""
    return np.asarray(data.targets[:, int(data.positives.argmax())] >= 0.5)
