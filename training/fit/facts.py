"""Which kinds of facts the ridge reads beside words, policy by policy: those that the risks of unseen advertisers gain by."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from adverdict.training.dataset import Dataset
from adverdict.training.evaluation.gains import NEEDED_ERRORS, by_advertiser, log_loss
from adverdict.training.fit.prepared import Prepared
from adverdict.training.fit.ridge.design import Design, Tried
from adverdict.training.fit.ridge.kernels import CREATIVE, PAST, SIGNALS, of_facts
from adverdict.training.fit.ridge.regression import FactsRead, FoldFits, RidgeSettings, out_of_fold

Logits = NDArray[np.float64]


@dataclass(frozen=True)
class RidgeOutOfFold:
    """What a ridge ``said`` of ads that it was not fitted to, and under which policies facts of which kind count beside n-grams."""

    design: Design
    said: FoldFits
    reads: FactsRead
    tried: Tried | None = None
    """The ads by which it was chosen; None: all."""


def ridge_out_of_fold(
    data: Dataset, prepared: Prepared, settings: RidgeSettings, seed: int, advance: Callable[[], object]
) -> RidgeOutOfFold:
    """Kinds of facts join one after the other, where they make the log loss of unseen advertisers better (``how_many_kinds``): of all of
    them, or of as many as tell."""
    design, fold, tried = prepared.design.beside(prepared.read, {}, settings.kernels, seed), prepared.fold, prepared.tried
    if tried is None:
        reads, said = _with_more_and_more(data, design, fold, settings.penalty, advance)
        return RidgeOutOfFold(design, said, reads)
    few = replace(tried, design=tried.design.beside(tried.read, {}, settings.kernels, seed))
    reads, _ = _with_more_and_more(data.part(tried.rows), few.design, fold[tried.rows], settings.penalty, lambda: None)
    said = out_of_fold(design, data.targets, fold, settings.penalty, reads, advance=advance, whole=True)
    return RidgeOutOfFold(design, said, reads, few)


def _with_more_and_more(
    data: Dataset, design: Design, fold: NDArray[np.intp], penalty: float, advance: Callable[[], object]
) -> tuple[FactsRead, FoldFits]:
    """Of every policy, how many kinds of facts count, and what a ridge says that reads those."""
    n = len(data.policies)
    kinds = [kind for kind in (CREATIVE, PAST, SIGNALS) if of_facts(design.kernels, kind).any()]
    several = len(kinds) + 1
    copies, reads = np.tile(data.targets, several), {kind: np.repeat(np.arange(several) > i, n) for i, kind in enumerate(kinds)}
    said = out_of_fold(design, copies, fold, penalty, reads, advance=advance)
    by_kinds = said.log_odds.reshape(len(data.ads), several, n)
    groups = np.unique(data.groups, return_inverse=True)[1]
    kept = np.array([how_many_kinds(by_kinds[:, :, policy], data.targets[:, policy], groups, kinds) for policy in range(n)], dtype=np.intp)
    return {kind: kept > i for i, kind in enumerate(kinds)}, said.of(kept * n + np.arange(n))


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
