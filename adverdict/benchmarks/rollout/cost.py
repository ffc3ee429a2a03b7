"""What a roll-out of policies costs on the path of an ad: processor time of scoring and recording, with a canary on and without."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np

from adverdict.benchmarks.rollout.field import Field, an_ad, scorer_of
from adverdict.domain.progress import Progress
from adverdict.review.tasks.settings import ReviewSettings
from adverdict.scoring.recorder import DecidedRequest, Recorder
from adverdict.scoring.scorer import Scorer

Fresh = Callable[[], AbstractContextManager[str]]

ADS = 16
"""In a round."""
REAL_PATH = 0.0195
"""Processor seconds that an ad takes on the whole path with a trained bundle, as ADR 19 has it: what the share is of."""


def cost(new: Fresh, folder: Path, rounds: int, progress: Progress) -> dict[str, Any]:
    """Rounds with and without in turn, on one ledger; microseconds an ad, and the share of what an ad takes with a trained model.

    The model is a few lines, so nearly all that is measured is what does not depend on the model.
    """
    progress.stage("cost on the path", rounds)
    with new() as url:
        field = Field(url, folder)
        try:
            scorer, sets = scorer_of(field.ledger, field.base)
            recorder, rng = Recorder(field.ledger, ReviewSettings()), random.Random(0)
            recorder.known(scorer)
            its_id = field.start(0.5)
            sets.look()
            took = _rounds(recorder, scorer, rng, rounds, progress)
            field.abort(its_id)
            without = _rounds(recorder, scorer, rng, rounds, progress)
        finally:
            field.close()
    added = float(np.median(took) - np.median(without))
    return {
        "microseconds_with": float(np.median(took)) * 1e6,
        "microseconds_without": float(np.median(without)) * 1e6,
        "microseconds_added": added * 1e6,
        "cpu_share_without_model": added / float(np.median(without)),
        "cpu_share": added / REAL_PATH,
        "of_microseconds": REAL_PATH * 1e6,
    }


def _rounds(
    recorder: Recorder, scorer: Scorer, rng: random.Random, rounds: int, progress: Progress
) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Processor seconds an ad, of each round."""
    took = []
    for number in range(rounds):
        ads = [an_ad(rng, f"{rng.random()}-{number}-{position}") for position in range(ADS)]
        began = time.process_time()
        known = recorder.known(scorer)
        recorder.record([DecidedRequest(ads, scorer.score(ads, known=known))], scorer)
        took.append((time.process_time() - began) / ADS)
        progress.advance()
    return np.array(took)
