"""The roll-outs under way, watched: one worker at a time ends what does harm, lets leases go on, and advances what is shown to do none."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from adverdict.ledger.entropy import hexadecimal
from adverdict.ledger.store import Ledger, now
from adverdict.review.tasks.settings import ReviewSettings
from adverdict.rollout.stages.capacity import Capacity, nobody_told
from adverdict.rollout.stages.freezes import Freeze
from adverdict.rollout.stages.shadow import Shadow
from adverdict.rollout.stages.watch import Models, Watched, watch
from adverdict.serving.worker.periodic import PeriodicWatch


class RolloutWatch(PeriodicWatch):
    """``freezes``: windows in which nothing advances. ``tell`` hears, after each look of this worker's, what every guard's evidence is over
    the line at which it ends its roll-out. ``models``: what roll-outs of models need. ``capacity``: whether people can carry a stage."""

    def __init__(
        self,
        ledger: Ledger,
        review: ReviewSettings,
        freezes: Sequence[Freeze] = (),
        tell: Callable[[Mapping[tuple[str, str], float]], None] = lambda looks: None,
        models: Models | None = None,
        capacity: Capacity = nobody_told,
        clock: Callable[[], datetime] = now,
    ) -> None:
        super().__init__("rollouts", "the roll-outs could not be watched, so leases run out and harm goes on until they do")
        self._ledger = ledger
        self._review = review
        self._shadows: dict[str, Shadow] = {}
        self._freezes = freezes
        self._tell = tell
        self._models = models
        self._capacity = capacity
        self._clock = clock
        self._holder = hexadecimal()

    def look(self) -> list[str]:
        """One look, unless another worker does it; what was done, in words. Raises Unavailable."""
        return watch(
            self._ledger,
            self._holder,
            self._clock,
            freezes=self._freezes,
            settings=self._review,
            shadows=self._shadows,
            tell=self._guarded,
            models=self._models,
            capacity=self._capacity,
        )

    def _guarded(self, seen: Sequence[Watched]) -> None:
        self._tell({(one.rollout.rollout_id, look.guard.name): look.against / look.bar for one in seen for look in one.looks})
