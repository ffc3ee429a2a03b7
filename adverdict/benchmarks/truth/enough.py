"""How many labels it takes: a thin random sample of simulated ads, larger and larger, until four deployments in five certify approvals."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from adverdict.benchmarks.truth.trial import Floats
from adverdict.benchmarks.truth.worlds import World, advertisers
from adverdict.certification.statistics.intervals import clopper_pearson
from adverdict.certification.thresholds.answers import nearest
from adverdict.certification.thresholds.sequence import Counts, LabelledAds, Side, fixed_sequence_test
from adverdict.decisions.policy import Thresholds
from adverdict.domain.progress import Progress

WORLD = World(0.03)
LIMIT, TRUE, LEVEL = 0.02, 0.0067, 0.025
"""Leakage asked for, leakage at the threshold aimed at, and the chance of error that approvals may spend."""
POWER = 0.8
MOST = 0.9
LABELS = tuple(range(300, 1201, 50))
ADVERTISERS = 4000
"""About 20,000 ads: the largest sample is one in twenty."""


def labels_to_certify(deployments: int, seed: int, progress: Progress) -> dict[str, Any]:
    """Labels, of all ads and not only of those below the threshold, from which on ``POWER`` of the deployments certify approvals.

    ``certified``: at some threshold up to the one aimed at. ``most``: at one that approves ``MOST`` of what the aim would. ``aim``: at the
    aim itself, which is harder, as every threshold before it has to pass too.
    """
    aim = WORLD.where(TRUE)
    share, leakage = WORLD.approved(aim)
    progress.stage("labels needed", deployments)
    found = []
    for number in range(deployments):
        found.append(_approved(np.random.default_rng([seed, number]), aim))
        progress.advance()
    of_aim = np.array(found) / share
    return {
        "deployments": deployments,
        "sizes": list(LABELS),
        "limit": LIMIT,
        "leakage": leakage,
        "approve_below": aim,
        "approved_at_aim": share,
        "approved_of_aim": of_aim.mean(axis=0).tolist(),
        "certified": _needed(of_aim > 0),
        "most": _needed(of_aim >= MOST),
        "aim": _needed(of_aim >= 1.0 - 1e-9),
    }


def _approved(rng: np.random.Generator, aim: float) -> Floats:
    """For each number of labels of one deployment, the true share of the ads that its certified threshold approves."""
    group = advertisers(rng, ADVERTISERS)
    truth, risk = WORLD.violations(rng, group)
    rows = rng.choice(len(group), LABELS[-1], replace=False)
    whole = LabelledAds(risk[rows], truth[rows], np.unique(group[rows], return_inverse=True)[1].astype(np.int64))
    shares = []
    for n in LABELS:
        sample = replace(whole, risk=whole.risk[:n], violating=whole.violating[:n], group=whole.group[:n])
        test = fixed_sequence_test(Counts(sample, Side.APPROVE), LIMIT, LEVEL, furthest=1.0, aim=aim)
        shares.append(WORLD.approved(nearest(test, None, Thresholds(aim, 1.0)).approve_below)[0])
    return np.array(shares)


def _needed(shown: np.ndarray) -> dict[str, Any]:
    """``shown`` bool (deployments, sizes). ``interval``: as far as the number of deployments tells, at 95 % for each size by itself."""
    deployments, counts = len(shown), shown.sum(axis=0).tolist()
    limits = [clopper_pearson(count, deployments) for count in counts]
    ends = [_first([high >= POWER for _, high in limits]), _first([low >= POWER for low, _ in limits])]
    return {"labels": _first([count >= POWER * deployments for count in counts]), "interval": ends, "counts": counts}


def _first(enough: list[bool]) -> int | None:
    """The fewest labels from which on it is so for every number tried; None: not for the most."""
    kept = 0 if all(enough) else len(enough) - enough[::-1].index(False)
    return LABELS[kept] if kept < len(LABELS) else None
