"""The roll-outs under way, watched: one worker at a time ends what does harm, lets leases go on, and advances what is shown to do none."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from adverdict.domain.errors import AdverdictError
from adverdict.ledger.entropy import hexadecimal
from adverdict.ledger.store import Ledger, now
from adverdict.review.tasks.settings import ReviewSettings
from adverdict.rollout.stages.freezes import Freeze
from adverdict.rollout.stages.shadow import Shadow
from adverdict.rollout.stages.watch import EVERY, Watched, watch

log = logging.getLogger("adverdict.rollout")


class RolloutWatch:
    """``freezes``: windows in which nothing advances. ``tell`` hears, after each look of this worker's, what every guard's evidence is over
    the line at which it ends its roll-out."""

    def __init__(
        self,
        ledger: Ledger,
        review: ReviewSettings,
        freezes: Sequence[Freeze] = (),
        tell: Callable[[Mapping[tuple[str, str], float]], None] = lambda looks: None,
        clock: Callable[[], datetime] = now,
    ) -> None:
        self._ledger = ledger
        self._review = review
        self._shadows: dict[str, Shadow] = {}
        self._freezes = freezes
        self._tell = tell
        self._clock = clock
        self._holder = hexadecimal()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="rollouts", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Ask the thread to end, and wait a little."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout=2.0)

    def look(self) -> list[str]:
        """One look, unless another worker does it; what was done, in words. Called by the thread. Raises Unavailable."""
        seen_by, freezes = self._guarded, self._freezes
        return watch(self._ledger, self._holder, self._clock, freezes=freezes, settings=self._review, shadows=self._shadows, tell=seen_by)

    def _guarded(self, seen: Sequence[Watched]) -> None:
        self._tell({(one.rollout.rollout_id, look.guard.name): look.against / look.bar for one in seen for look in one.looks})

    def _run(self) -> None:
        while not self._stop.wait(EVERY.total_seconds()):
            try:
                self.look()
            except AdverdictError as error:
                log.warning("%s", error)
            except Exception:
                # The thread's last line of defence: if it died, leases would run out and harm go on until they do.
                log.exception("the roll-outs could not be watched; the next look is in %s s", EVERY.total_seconds())
