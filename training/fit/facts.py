"""Which kinds of facts the ridge reads beside words, policy by policy: those that the risks of unseen advertisers gain by."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from adverdict.training.dataset import Dataset, Rows
from adverdict.training.evaluation.gains import NEEDED_ERRORS, by_advertiser, log_loss
from adverdict.training.fit.parallel import side_by_side
from adverdict.training.fit.ridge import CREATIVE, PAST, SIGNALS, Design, FactsRead, Read, RidgeSettings, fit_ridge, of_facts

Logits = NDArray[np.float64]


@dataclass(frozen=True)
class RidgeOutOfFold:
    """``logits`` of each ad from a ridge fitted to the other folds, and under which policies facts of which kind count beside n-grams."""

    design: Design
    logits: Logits
    reads: FactsRead


def ridge_out_of_fold(
    data: Dataset, read: Read, fold: NDArray[np.intp], settings: RidgeSettings, seed: int, advance: Callable[[], object]
) -> RidgeOutOfFold:
    """Kinds of facts join one after the other, where they make the log loss of unseen advertisers better (``how_many_kinds``)."""
    design, n = Design.of(read, settings, seed), len(data.policies)
    kinds = [kind for kind in (CREATIVE, PAST, SIGNALS) if of_facts(design.kernels, kind).any()]
    several = len(kinds) + 1
    copies, reads = np.tile(data.targets, several), {kind: np.repeat(np.arange(several) > i, n) for i, kind in enumerate(kinds)}

    def one(k: int) -> tuple[Rows, Logits]:
        train, held_out = np.flatnonzero(fold != k), np.flatnonzero(fold == k)
        return held_out, design.log_odds(fit_ridge(design, train, copies[train], settings.penalty, reads), held_out)

    out = np.empty_like(copies)
    for held_out, logits in side_by_side(one, int(fold.max()) + 1):
        out[held_out] = logits
        advance()
    groups = np.unique(data.groups, return_inverse=True)[1]
    said = out.reshape(len(out), several, n)
    kept = np.array([how_many_kinds(said[:, :, policy], data.targets[:, policy], groups, kinds) for policy in range(n)], dtype=np.intp)
    return RidgeOutOfFold(design, said[:, kept, np.arange(n)], {kind: kept > i for i, kind in enumerate(kinds)})


def how_many_kinds(said: Logits, targets: NDArray[np.float64], groups: NDArray[np.intp], kinds: Sequence[str]) -> int:
    """How many of ``kinds`` count under a policy; column i of ``said`` are log-odds, out of fold, with the first i of them.

    Facts of the creative where they do no harm, for what they are worth in a market not seen no fold tells; others where they gain more
    than a standard error, as a component has to.
    """
    known, kept = np.flatnonzero(~np.isnan(targets)), 0
    loss = log_loss(said[known], targets[known, None])
    for i, kind in enumerate(kinds, start=1):
        gain, error = by_advertiser(loss[:, kept] - loss[:, i], np.ones(len(known)), groups[known])
        if gain >= 0 if kind == CREATIVE else gain > NEEDED_ERRORS * error:
            kept = i
    return kept
