"""The early exit on real ads: certified on one half of a pack's advertisers, its flips counted and its ranking measured on the other."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from adverdict.benchmarks.batch.batch_setup import BatchSetup, Figures
from adverdict.benchmarks.batch.counts import flipped_of, left_early
from adverdict.benchmarks.batch.scoring import OpenedPack, opened, pieces
from adverdict.benchmarks.shared import beside
from adverdict.benchmarks.shared.certified_exit import CONFIDENCE, refuse_without_exit
from adverdict.domain.ad import Label
from adverdict.domain.errors import InvalidInput, Mistake, NotFound

if TYPE_CHECKING:
    from adverdict.certification.exits.cuts import Cuts

MAX_FLIPPED = (0.001, 0.003, 0.01, 0.03)
"""Real packs are small: a limit that takes more ads to certify than there are is reported as one that lets nobody leave."""
BOOTSTRAP = 1000

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Risks:
    """Of ``n`` ads: ``early`` and ``whole`` ``(n, n_policies)``, ``cuts`` ``(n, n_policies, 2)``, ``doubt`` and ``group`` ``(n,)``."""

    early: Floats
    whole: Floats
    cuts: Cuts
    doubt: Floats
    group: NDArray[np.int64]


def halved(setup: BatchSetup, pack: Path) -> Figures:
    """Raises InvalidInput for a pack whose policies the bundle does not know, or that is all of advertisers it was made with; NotFound
    where the bundle has no early exit."""
    bundle = setup.bundle()
    refuse_without_exit(bundle)
    refuse_others_policies(bundle, pack)
    return beside.threaded(_halved, 1, bundle, setup.rules(pack), pack)


def refuse_others_policies(bundle: Path, pack: Path) -> None:
    """Raises InvalidInput."""
    import pyarrow.parquet as pq

    known = set(json.loads((bundle / "manifest.json").read_text(encoding="utf-8"))["policies"])
    labelled = sorted(set(pq.read_table(pack / "labels.parquet", columns=["policy"])["policy"].to_pylist()))
    if not known & set(labelled):
        wrong = Mistake("policy", ", ".join(labelled), f"one that the bundle knows: {', '.join(sorted(known))}")
        raise InvalidInput(f"{bundle.name} knows none of the policies of {pack.name}", [wrong])


def _halved(bundle: Path, rules: Path, pack: Path) -> Figures:
    from adverdict.storage.tables.pack import read_pack

    ours = opened(bundle, rules, None, pack)
    if len(ours.ads) < 2:
        raise NotFound(f"{pack.name} has no ads of advertisers {bundle.name} was not made with; train it with --certify-share")
    risks = read_risks(ours)
    half = np.random.default_rng(0).permutation(int(risks.group.max()) + 1)[risks.group] % 2
    targets = targets_of(ours, read_pack(pack).labels)
    tried = [crossed(ours, risks, half, targets, limit) for limit in MAX_FLIPPED]
    return {"ads": len(ours.ads), "labelled": int((~np.isnan(targets)).any(axis=1).sum()), "limits": tried}


def crossed(ours: OpenedPack, risks: Risks, half: NDArray[np.int64], targets: Floats, max_flipped: float) -> Figures:
    """Each half judged by what the other certifies; both judged together."""
    from adverdict.certification.exits.solve import verdicts
    from adverdict.certification.statistics.alikeness import alikeness

    left, rules = np.zeros(len(half), dtype=bool), []
    for judged in (0, 1):
        certificate = _certified(ours, risks, half != judged, max_flipped)
        left |= (half == judged) & (risks.doubt <= certificate.limit)
        rules.append({"limit": certificate.limit, "draws": certificate.draws, "draws_needed": certificate.draws_needed})
    disagree = (verdicts(risks.early, risks.cuts) != verdicts(risks.whole, risks.cuts)).any(axis=1)
    cascade = np.where(left[:, None], risks.early, risks.whole)
    found = {**flipped_of(disagree & left, risks.group, alikeness(disagree, risks.group)), **left_early(left)}
    models = {"cascade": cascade, "full": risks.whole, "early": risks.early}
    ap = {policy: precision(models, targets[:, column], risks.group, column) for column, policy in enumerate(ours.bundle.policies)}
    return {"max_flipped": max_flipped, "rules": rules, **found, "ap": {policy: one for policy, one in ap.items() if one}}


def _certified(ours: OpenedPack, risks: Risks, on: NDArray[np.bool_], max_flipped: float) -> Any:
    from adverdict.certification.exits.evidence import ExitEvidence
    from adverdict.certification.exits.solve import solve_exits
    from adverdict.domain.identity import surface_key

    now = datetime.now(UTC)
    rows = np.flatnonzero(on).tolist()
    evidence = ExitEvidence.of(
        risks.early[on],
        risks.whole[on],
        [(ours.ads[row].market, surface_key(ours.ads[row].surface)) for row in rows],
        np.unique(risks.group[on], return_inverse=True)[1].astype(np.int64),
        max_flipped=max_flipped,
        confidence=CONFIDENCE,
        bundle_version=ours.bundle.version,
        policies=ours.bundle.policies,
        solved_at=now,
        expires_at=now + timedelta(days=1),
    )
    assert ours.bundle.cascade is not None
    return solve_exits(evidence, ours.scorer.book, ours.scorer.solved, ours.bundle.cascade.doubt)


def read_risks(ours: OpenedPack) -> Risks:
    """Of all its ads; the encoder reads each."""
    from adverdict.certification.exits.cuts import CutTable
    from adverdict.training.dataset import groups_of

    bundle, early, whole = ours.bundle, [], []
    history = ours.scorer.known.state if ours.scorer.known else None
    for some in pieces(ours.ads):
        scores = bundle.score(some, history)
        whole.append(scores.risk[:, :, 0])
        if bundle.cascade is not None:
            early.append(bundle.cascade.risk(bundle.cascade.blend.logits(scores.parts), [ad.market for ad in some])[:, :, 0])
    cuts = CutTable(ours.scorer.book, ours.scorer.solved, bundle.policies)(ours.ads)
    everything = np.concatenate(whole)
    cheap = np.concatenate(early) if early else everything
    doubt = bundle.cascade.doubt(cheap, cuts) if bundle.cascade else np.zeros(len(cuts))
    return Risks(cheap, everything, cuts, doubt, np.unique(groups_of(ours.ads), return_inverse=True)[1].astype(np.int64))


def targets_of(ours: OpenedPack, labels: Sequence[Label]) -> Floats:
    """Mean of the raters' verdicts, ``(n_ads, n_policies)``; NaN where nobody rated."""
    row = {ad.ad_id: position for position, ad in enumerate(ours.ads)}
    column = {policy: position for position, policy in enumerate(ours.bundle.policies)}
    total, raters = np.zeros((len(row), len(column))), np.zeros((len(row), len(column)))
    for label in labels:
        if label.ad_id in row and label.policy in column:
            total[row[label.ad_id], column[label.policy]] += label.violates
            raters[row[label.ad_id], column[label.policy]] += 1
    return np.where(raters > 0, total / np.maximum(raters, 1), np.nan)


def precision(models: dict[str, Floats], target: Floats, group: NDArray[np.int64], column: int) -> Figures:
    """Average precision of each model under one policy, and its difference to the second's, with intervals over advertisers that are drawn
    alike for all; empty where no ad, or every one, violates."""
    from adverdict.training.evaluation.metrics import VIOLATES_FROM
    from adverdict.training.evaluation.resampling import draw, interval, ranking

    rated = np.flatnonzero(~np.isnan(target))
    y, clusters = target[rated] >= VIOLATES_FROM, np.unique(group[rated], return_inverse=True)[1]
    if not 0 < y.sum() < len(y):
        return {}
    n = int(clusters.max()) + 1
    once, drawn = np.ones((n, 1)), draw(n, BOOTSTRAP, 0)
    point = {name: float(ranking(y, p[rated, column], clusters, once)[0][0]) for name, p in models.items()}
    resampled = {name: ranking(y, p[rated, column], clusters, drawn)[0] for name, p in models.items()}
    reference = list(models)[1]
    found: Figures = {"n": len(y), "positives": int(y.sum()), "advertisers": n}
    for name in models:
        found[name] = {"ap": point[name], "interval": interval(resampled[name])}
        if name != reference:
            found[name] |= {
                "difference": point[name] - point[reference],
                "difference_interval": interval(resampled[name] - resampled[reference]),
            }
    return found
