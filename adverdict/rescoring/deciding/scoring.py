"""What decides a run, as a scorer: its model, policies, thresholds and history, and what was out of automatic hands. The same for whoever
decides its shards and for whoever asks afterwards why."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from adverdict.decisions.strikes import StrikesListed
from adverdict.domain.errors import Conflict
from adverdict.features.history.frozen import FrozenHistory
from adverdict.rescoring.folder.manifest import RunFolder
from adverdict.scoring.known import HistorySnapshot
from adverdict.scoring.model import Model
from adverdict.scoring.scorer import Scorer


def scorer_of(
    folder: RunFolder, model: Model, history: FrozenHistory, ids: Callable[[], str], *, audit_secret: bytes | None = None, whose: str
) -> Scorer:
    """``ids``: decision ids, in the order of the ads; ``whose``: who has the model and the history, for the errors.

    Raises Conflict where the model or the history is not the run's.
    """
    run = folder.run
    if model.version != run.model.version:
        raise Conflict(f"{whose} has bundle {model.version}, and the run decides by {run.model.version}")
    if history.digest != run.history.digest:
        raise Conflict(f"the history that {whose} has is not the run's: {history.digest}, expected {run.history.digest}")
    known = HistorySnapshot(history, run.history.seq)
    if run.steering is not None:
        steering = run.steering
        strikes = StrikesListed(steering.strikes) if steering.strikes else None
        known = replace(known, steering=steering.steering, steered_seq=steering.seq, strikes=strikes)
    return Scorer(
        model,
        folder.book(),
        solved=folder.thresholds(),
        exits=run.exits,
        known=known,
        audit_secret=audit_secret,
        clock=lambda: run.started_at,
        ids=ids,
    )
