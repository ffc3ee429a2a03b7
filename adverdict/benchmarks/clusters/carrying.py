"""Verdicts carried to copies where the truth is known: how many are wrong, in how many campaigns, and what is leaked. All of it simulated.

Ads come in the order of their submission. The models approve some by themselves, violating ones too; the others wait for people, who err. A
fifth of those is read blind. When half of the time is over, what was read blind is looked at once and distances are certified; from then on
verdicts are carried to what is not read blind, as ``review.carrying`` does it: from the nearest that was read, where nobody has made the
opposite of another copy. Measured are the campaigns that begin after that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from adverdict.benchmarks.clusters.finding import INTERVAL, RESAMPLES
from adverdict.certification.carrying import GRID, CarryingCertificate, CarryingEvidence, certify
from adverdict.clusters.fingerprints import of_parts
from adverdict.clusters.index import ClusterIndex
from adverdict.domain.progress import Progress
from adverdict.review.tasks.copies import BLIND
from adverdict.simulation.copies import DAYS, SimulatedCopy, campaigns, copies

CAMPAIGNS = 300
LIMIT, CONFIDENCE = 0.05, 0.95
SENSITIVITY, SPECIFICITY = 0.97, 0.99
"""P(a reader rejects | violates), P(a reader approves | does not)."""
MISSED, PASSED = 0.3, 0.6
"""Shares of violating, and of other, ads that the models approve by themselves."""
SHARED = 200


@dataclass
class _Tally:
    """Of one campaign that began after the certificates."""

    carried: int = 0
    wrong: int = 0
    leaked: float = 0.0
    """Impressions of violating ads that were approved."""
    leaked_before: float = 0.0
    """The same if nothing were known of copies."""


@dataclass
class _World:
    rng: np.random.Generator
    numbers: NDArray[np.int32]
    """Of the ads that people read, as many as ``read`` has."""
    index: ClusterIndex = field(default_factory=ClusterIndex)
    read: dict[int, bool] = field(default_factory=dict)
    """Ads that people read -> whether they rejected it."""
    evidence: dict[bool, list[tuple[float, bool, int, int]]] = field(default_factory=lambda: {True: [], False: []})
    certified: dict[bool, CarryingCertificate] = field(default_factory=dict)
    """By whether it rejects."""


def carrying(ads: int, seed: int, progress: Progress) -> dict[str, Any]:
    """``campaigns_over_limit`` of ``campaigns_carried`` campaigns had more than the limit of their carried verdicts wrong."""
    told = campaigns(seed + 1, ads, alone=0.2)
    world, tallies = _World(np.random.default_rng([seed, 33]), np.empty(ads, dtype=np.int32)), dict[int, _Tally]()
    half, begun = DAYS * 86_400 // 2, False
    progress.stage("carrying verdicts", ads)
    for block in copies(told):
        for start in range(0, len(block), SHARED):
            some = block[start : start + SHARED]
            if not begun and some[0].at >= half:
                world.certified, begun = {side: _certified(rows) for side, rows in world.evidence.items()}, True
            _come(world, some, told.first, half, tallies)
            progress.advance(len(some))
    return _figures(world, [one for _, one in sorted(tallies.items()) if one.carried][:CAMPAIGNS], list(tallies.values()), seed)


def _come(world: _World, some: Sequence[SimulatedCopy], first: Any, half: int, tallies: dict[int, _Tally]) -> None:
    made = of_parts([f"{ad.title}\n{ad.body}" for ad in some], [ad.picture for ad in some], [ad.domain for ad in some])
    for row, ad in enumerate(some):
        world.index.add(made[row : row + 1])
        own = world.index.size - 1
        tally = tallies.setdefault(ad.campaign, _Tally()) if first[ad.campaign] >= half else _Tally()
        near = _read_copies(world, own)
        passes, blind, reads = world.rng.random(3)
        passed = bool(passes < (MISSED if ad.violates else PASSED))
        rejects = bool(reads < SENSITIVITY) if ad.violates else bool(reads >= SPECIFICITY)
        tally.leaked_before += ad.impressions if ad.violates and (passed or not rejects) else 0
        if passed and not (near and near[0][1]):
            tally.leaked += ad.impressions if ad.violates else 0
            continue
        source = near[0] if near and len({rejected for _, rejected in near}) == 1 else None
        certificate = world.certified.get(source[1]) if source else None
        if source and blind >= BLIND and certificate and certificate.distance is not None and source[0] <= certificate.distance + 1e-9:
            tally.carried += 1
            tally.wrong += source[1] != ad.violates
            tally.leaked += ad.impressions if ad.violates and not source[1] else 0
            continue
        world.numbers[len(world.read)] = own
        world.read[own] = rejects
        tally.leaked += ad.impressions if ad.violates and not rejects else 0
        if source and blind < BLIND:
            root = int(world.index.roots(np.array([own], dtype=np.int32))[0])
            world.evidence[source[1]].append((source[0], rejects != source[1], root, ad.advertiser))


def _read_copies(world: _World, own: int) -> list[tuple[float, bool]]:
    """Distance of the copies that people have read, nearest first, of two as near a rejection first; and whether they rejected it."""
    everybody = world.numbers[: len(world.read)]
    if not everybody.size:
        return []
    roots = world.index.roots(np.append(everybody, np.int32(own)))
    same = everybody[roots[:-1] == roots[-1]]
    near = [(one.distance, world.read[one.one]) for one in world.index.compare_with(same, own)]
    return sorted((one for one in near if one[0] <= GRID[-1] + 1e-9), key=lambda one: (one[0], not one[1]))


def _certified(rows: Sequence[tuple[float, bool, int, int]]) -> CarryingCertificate:
    parent: dict[tuple[str, int], tuple[str, int]] = {}

    def root(name: tuple[str, int]) -> tuple[str, int]:
        while parent.setdefault(name, name) != name:
            name = parent[name]
        return name

    for _, _, cluster, advertiser in rows:
        parent[root(("advertiser", advertiser))] = root(("cluster", cluster))
    names = [root(("cluster", cluster)) for _, _, cluster, _ in rows]
    numbers = {name: number for number, name in enumerate(dict.fromkeys(names))}
    return certify(
        CarryingEvidence(
            np.array([row[0] for row in rows], dtype=np.float64),
            np.array([row[1] for row in rows], dtype=np.bool_),
            np.array([numbers[name] for name in names], dtype=np.int64),
        ),
        LIMIT,
        CONFIDENCE,
    )


def _figures(world: _World, some: Sequence[_Tally], everybody: Sequence[_Tally], seed: int) -> dict[str, Any]:
    wrong, carried = np.array([one.wrong for one in some], dtype=np.float64), np.array([one.carried for one in some], dtype=np.float64)
    leaked, before = np.array([one.leaked for one in everybody]), np.array([one.leaked_before for one in everybody])
    rng = np.random.default_rng([seed, 34])
    return {
        "propagation_limit": LIMIT,
        "propagation_confidence": CONFIDENCE,
        "propagation_distance": {"reject" if side else "approve": one.distance for side, one in world.certified.items()},
        "propagation_evidence": {
            "reject" if side else "approve": {"copies": one.pairs, "campaigns": one.groups, "wrong": one.wrong, "upper": one.upper}
            for side, one in world.certified.items()
        },
        "campaigns_carried": len(some),
        "verdicts_carried": int(carried.sum()),
        "verdicts_carried_wrong": int(wrong.sum()),
        "propagation_wrong_share": float(wrong.sum() / max(1.0, carried.sum())),
        "propagation_wrong_share_interval": _ratio(wrong, carried, rng),
        "campaigns_over_limit": int((wrong > LIMIT * carried).sum()),
        "leaked_impressions_ratio": float(leaked.sum() / max(1.0, before.sum())),
        "leaked_impressions_ratio_interval": _ratio(leaked, before, rng),
        "leaked_campaigns": int((before > 0).sum()),
    }


def _ratio(part: Any, whole: Any, rng: np.random.Generator) -> list[float]:
    """95 %, of a ratio of sums, by Poisson resampling of campaigns."""
    drawn = []
    for _ in range(RESAMPLES):
        weight = rng.poisson(1.0, len(part))
        drawn.append(float((weight * part).sum() / max(1.0, (weight * whole).sum())))
    return [float(one) for one in np.percentile(drawn, INTERVAL)]
