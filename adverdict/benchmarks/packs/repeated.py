"""One figure of several evaluations of the same ads: over partitions into folds, over splits, and paired with other word vectors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from adverdict.training.evaluation.metrics import Scored, defined
from adverdict.training.evaluation.resampling import draw, interval, ranking

BOOTSTRAP = 1000


def over_all(runs: Sequence[Scored], beside: Sequence[Scored] = ()) -> dict[str, Any]:
    """``{POLICY: {MODEL: {"ap", "ap_interval", "auroc", "auroc_interval", "ap_each", ["beside", "difference", "difference_interval"]}}}``
    of the policies and models that all have: the mean over ``runs``, its 95 % interval by a bootstrap over the advertisers of all of them.

    One resample of advertisers serves every run, so the same ads scored twice count once. ``beside`` are runs on the same ads in the same
    order: their AP and what ours is above it, on the same resamples.
    """
    every = [*runs, *beside]
    names = np.unique(np.concatenate([np.asarray(one.groups, dtype=object) for one in every]).astype(str))
    counts = np.concatenate([np.ones((len(names), 1)), draw(len(names), BOOTSTRAP, 0)], axis=1)
    policies = [policy for policy in runs[0].policies if all(policy in one.policies for one in every)]
    models = [model for model in runs[0].p if all(model in one.p for one in every)]
    return {
        policy: {model: _figures(*(_each(kind, model, policy, names, counts) for kind in (runs, beside))) for model in models}
        for policy in policies
    }


def _each(runs: Sequence[Scored], model: str, policy: str, names: NDArray[np.str_], counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """AP and AUROC ``(2, n_runs, 1 + resamples)``, of the ads as they are and of each resample."""
    found = [ranking(*_rated(one, model, policy, names), counts) for one in runs]
    return np.array(found).reshape(len(runs), 2, counts.shape[1]).swapaxes(0, 1)


def _rated(
    scored: Scored, model: str, policy: str, names: NDArray[np.str_]
) -> tuple[NDArray[np.bool_], NDArray[np.float64], NDArray[np.intp]]:
    rated = scored.labelled(model, policy)
    known = np.flatnonzero(~np.isnan(scored.targets[:, scored.policies.index(policy)]))
    return rated.y, rated.p, np.searchsorted(names, np.asarray(scored.groups, dtype=object)[known].astype(str))


def _figures(ours: NDArray[np.float64], beside: NDArray[np.float64]) -> dict[str, Any]:
    (ap, auroc), of_beside = ours.mean(axis=1), beside[0]
    found = {
        "ap": defined(ap[0]),
        "ap_interval": interval(ap[1:]),
        "auroc": defined(auroc[0]),
        "auroc_interval": interval(auroc[1:]),
        "ap_each": [defined(value) for value in ours[0, :, 0]],
    }
    if not len(of_beside):
        return found
    theirs = of_beside.mean(axis=0)
    above = ap - theirs
    return found | {"beside": defined(theirs[0]), "difference": defined(above[0]), "difference_interval": interval(above[1:])}
