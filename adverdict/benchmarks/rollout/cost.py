"""What a roll-out of policies costs the path of an ad: rounds with and without one in turn, in one process, on one ledger."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from adverdict.benchmarks.rollout.field import Field
from adverdict.benchmarks.shared.testbed import SimulatedTestBed
from adverdict.decisions.arms import InForce
from adverdict.domain.ad import Ad
from adverdict.domain.progress import Progress
from adverdict.review.tasks.settings import ReviewSettings
from adverdict.scoring.known import HistorySnapshot
from adverdict.scoring.recorder import DecidedRequest, Recorder
from adverdict.scoring.scorer import Scorer
from adverdict.serving.worker.sets import SetsInForce
from adverdict.storage.tables.pack import read_pack

Fresh = Callable[[], AbstractContextManager[str]]

ROUND = 16
"""Ads in a round."""
ADS = 2000
SHARES = (0.01, 0.5)
"""A first canary, and the largest: then every round has ads of both arms."""
WARM = 20
"""Pairs before those that count: what is loaded when it is first needed is no part of the cost."""
RESAMPLES = 2000


def cost(new: Fresh, folder: Path, rounds: int, progress: Progress) -> dict[str, Any]:
    """Processor seconds an ad, scored and recorded by a small trained bundle without a transformer: what takes longer with a larger one
    does not depend on the roll-out, so the share is then smaller. Means of pairs of rounds, with 95 % intervals by resampling pairs."""
    progress.stage("cost on the path", rounds * len(SHARES))
    from adverdict.scoring.opened import open_bundle

    bed = SimulatedTestBed(folder, quick=True)
    model = open_bundle(bed.bundle(encoder=False))
    ads = _ads(bed.ads(ADS))
    rows = []
    with new() as url:
        field = Field(url, folder / "field", model.policies, sorted({ad.market for ad in ads}))
        try:
            sets = SetsInForce(field.base, field.ledger)
            sets.look()
            recorder, scorer = Recorder(field.ledger, ReviewSettings()), Scorer(model, field.base, sets=sets)
            for share in SHARES:
                its_id = field.start(share)
                rows.append({"share": share, **_told(*_rounds(recorder, scorer, ads, rounds, progress))})
                field.abort(its_id)
        finally:
            field.close()
    worst = max(rows, key=lambda row: row["cpu_share"])
    return {"cpu_share": worst["cpu_share"], "cpu_share_interval": worst["interval"], "shares": rows}


def _ads(pack: Path) -> list[Ad]:
    return read_pack(pack).ads


def _rounds(
    recorder: Recorder, scorer: Scorer, ads: Sequence[Ad], rounds: int, progress: Progress
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Processor seconds an ad of each pair of rounds, with and without; which is first changes from pair to pair."""
    took: dict[bool, list[float]] = {True: [], False: []}
    for number in range(-WARM, rounds):
        start = number * ROUND % (len(ads) - ROUND)
        some = [ad.model_copy(update={"ad_id": f"{ad.ad_id}-{number}"}) for ad in ads[start : start + ROUND]]
        for on in (True, False) if number % 2 else (False, True):
            spent = _round(recorder, scorer, [ad.model_copy(update={"ad_id": f"{ad.ad_id}-{on}"}) for ad in some], on)
            if number >= 0:
                took[on].append(spent / ROUND)
        progress.advance()
    return np.array(took[True]), np.array(took[False])


def _round(recorder: Recorder, scorer: Scorer, ads: Sequence[Ad], on: bool) -> float:
    began = time.process_time()
    known: HistorySnapshot | None = recorder.known(scorer)
    assert known is not None
    if not on:
        known = replace(known, in_force=InForce(known.in_force.policies))
    recorder.record([DecidedRequest(ads, scorer.score(ads, known=known))], scorer)
    return time.process_time() - began


def _told(having: NDArray[np.float64], without: NDArray[np.float64]) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    picks = rng.integers(0, len(having), (RESAMPLES, len(having)))
    ratios = having[picks].sum(axis=1) / without[picks].sum(axis=1) - 1.0
    return {
        "rounds": len(having),
        "microseconds_with": float(having.mean()) * 1e6,
        "microseconds_without": float(without.mean()) * 1e6,
        "cpu_share": float(having.sum() / without.sum()) - 1.0,
        "interval": [float(one) for one in np.quantile(ratios, (0.025, 0.975))],
    }
