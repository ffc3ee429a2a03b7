"""How long an ad would wait, told before it waits: what is in line, times what an ad has lately taken.

Refusing at once what cannot be answered in time keeps the others' waiting short, and costs next to nothing. What the line takes is learnt
from the rounds themselves, so neither a slower model nor a slower disk needs a setting. A burst may wait; a line that stands makes
everybody wait and nobody's answer come sooner, so it is kept to what the next round takes.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from threading import Lock
from typing import Literal

from adverdict.domain.errors import Unavailable

Depth = Literal["cascade", "early"]
"""As much of the model as an ad needs; or no more than is cheap, because its caller does not wait longer."""

WEIGHT = 0.1
"""Of the newest round in what is learnt; one that is 20 rounds old has an eighth of that."""
MARGIN = 4.0
"""Mean deviations beyond the mean within which a promise is kept, as TCP sets its timer (RFC 6298)."""
OUTLIER = 4.0
LEAST = 0.001
"""Seconds; a round that seems to take less is not believed to when outliers are judged."""
BURST = 0.05
"""Seconds for which a line may be long before it is taken to stand."""
CALM = 0.25
"""Seconds without anybody refused after which it no longer stands."""
ROOM = 0.75
"""Of a round: what may wait for the next one in a line that stands. Rounds that are not quite full cost a fourteenth of the throughput, and
save a sixth of the wait."""
STANDING = 1 / 16
"""Of the longest wait: what may be waited for in a line that stands."""
FADING = 0.98
"""Of an estimate that only keeps itself alive: what is never tried because it seems slow is believed less each time."""
FRESH = 1.0
"""Seconds for which an estimate needs no trying: else callers who ask for the impossible would talk it down for all others."""


class TurnedAway(Unavailable):
    """A request that was refused for want of time; nothing of it is on record. ``seconds``: until it is worth asking again."""

    def __init__(self, what: str, seconds: float) -> None:
        self.seconds = seconds
        super().__init__(what)


class Overloaded(TurnedAway):
    """More is waiting than can be answered within the bound."""

    code = "overloaded"

    def __init__(self, seconds: float) -> None:
        super().__init__("too much is waiting, so nothing was decided; ask again after a while", seconds)


class DeadlineMissed(TurnedAway):
    """The caller would no longer be there."""

    code = "deadline_missed"

    def __init__(self, seconds: float) -> None:
        super().__init__("no answer was possible within the time the caller waits, so nothing was decided", seconds)


class ServiceTime:
    """Seconds a round takes, ``fixed + each x ads``: least squares over the rounds, in which older ones fade."""

    def __init__(self) -> None:
        self.rounds = 0
        self.tried = -math.inf
        """When it last learnt, by the clock of ``AdmissionControl``."""
        self._ads = self._seconds = self._variance = self._covariance = self._deviation = 0.0

    def learn(self, ads: int, seconds: float) -> None:
        """One more round. One that was held up, by a slow disk say, counts for no more than ``OUTLIER`` rounds do at their longest."""
        self.rounds += 1
        if self.rounds > 1:
            seconds = min(seconds, OUTLIER * max(self.within(1, ads), LEAST))
        weight = max(WEIGHT, 1 / self.rounds)
        off = abs(seconds - self.seconds(1, ads)) if self.rounds > 1 else seconds / 2
        more, longer = ads - self._ads, seconds - self._seconds
        self._ads += weight * more
        self._seconds += weight * longer
        self._variance += weight * ((1 - weight) * more * more - self._variance)
        self._covariance += weight * ((1 - weight) * more * longer - self._covariance)
        self._deviation += weight * (off - self._deviation)

    def seconds(self, rounds: int, ads: int) -> float:
        """What so many ads in so many rounds take; 0 while nothing is known. A line of which only one size was seen is taken as flat."""
        each = min(max(self._covariance / (self._variance + 0.25), 0.0), self._seconds / self._ads if self._ads else 0.0)
        return rounds * (self._seconds - each * self._ads) + ads * each

    def within(self, rounds: int, ads: int) -> float:
        """Seconds that suffice nearly always."""
        return self.seconds(rounds, ads) + MARGIN * self._deviation

    def fade(self) -> None:
        """It was believed without being tried."""
        self._seconds *= FADING
        self._covariance *= FADING
        self._deviation *= FADING


class Burst:
    """Tells a burst, which ends by itself, from a line that stands: as long after a while as it was, however much is answered.

    Nichols and Jacobson, "Controlling Queue Delay", 2012; of requests as here: Maurer, "Fail at Scale", 2015.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._short, self._stood = clock(), -math.inf
        """When the line was last seen short; when it was last told to stand."""

    def over(self, long: bool) -> bool:
        """Whether the line, seen this long now, stands."""
        now = self._clock()
        if not long:
            self._short = now
            return False
        if now - self._short <= BURST and now - self._stood > CALM:
            return False
        self._stood = now
        return True


class AdmissionControl:
    """The line before the intake. Asked by the event loop, told by the intake's thread.

    ``most``: seconds of waiting beyond which a request is refused. ``chunk``: ads in a round, and requests that take a turn.
    """

    def __init__(self, most: float = math.inf, chunk: int = 1, clock: Callable[[], float] = time.monotonic) -> None:
        self.most = most
        self._chunk = chunk
        self.clock = clock
        self._lock = Lock()
        self._requests = 0
        self._ads = 0
        self._deciding = 0
        """Requests whose turn it is; 0: the next turn begins at once."""
        self._burst = Burst(clock)
        self._any_depth = ServiceTime()
        self._by_depth: dict[Depth, ServiceTime] = {"cascade": ServiceTime(), "early": ServiceTime()}

    @property
    def ads(self) -> int:
        """In line, those of the round in progress included."""
        return self._ads

    def wait(self, ads: int = 1) -> float:
        """Seconds before the last of so many ads has its turn. Requests take turns: each one before costs no more ads than this one has."""
        before = min(self._ads, self._requests * ads)
        return self._any_depth.seconds(-(-before // self._chunk), before)

    def admit(self, ads: int = 1, until: float | None = None) -> None:
        """Raises Overloaded, or DeadlineMissed when the answer would come after ``until`` (by ``clock``), however little is done."""
        wait = self.wait(ads)
        before = self._requests - (self._deciding or min(self._requests, self._chunk))
        stands = self._burst.over(before >= ROOM * self._chunk and wait > STANDING * self.most)
        # Who would be in the next round is let in, however long rounds have become: it shares what that costs.
        if stands or (wait > self.most and min(self._ads, self._requests * ads) > self._chunk):
            raise Overloaded(wait)
        if until is not None:
            self._in_time(ads, until - wait)

    def depth(self, ads: int, until: float | None) -> Depth:
        """How much can be done about this many ads, whose turn it is, by ``until``. Raises DeadlineMissed."""
        if until is None:
            return "cascade"
        left = self._in_time(ads, until)
        service_time = self._by_depth["cascade"]
        if service_time.within(self._rounds(ads), ads) <= left:
            return "cascade"
        self._doubt(service_time)
        return "early"

    def joined(self, ads: int) -> None:
        with self._lock:
            self._requests += 1
            self._ads += ads

    def called(self, requests: int) -> None:
        """It is the turn of so many, and of nobody else."""
        self._deciding = requests

    def answered(self, requests: int, ads: int) -> None:
        """Of those whose turn it is, so many are about to hear their answers: whoever asks again then is not to find them in line."""
        with self._lock:
            self._deciding = 0
            self._requests -= requests
            self._ads -= ads

    def left(self, requests: int, ads: int) -> None:
        with self._lock:
            self._requests -= requests
            self._ads -= ads

    def learn(self, depth: Depth, ads: int, seconds: float) -> None:
        """A round of these ads is done and on record."""
        self._any_depth.learn(ads, seconds)
        self._by_depth[depth].learn(ads, seconds)
        self._by_depth[depth].tried = self.clock()

    def _in_time(self, ads: int, until: float) -> float:
        """The seconds that are left."""
        left = until - self.clock()
        service_time = self._by_depth["early"]
        if left <= 0:
            raise DeadlineMissed(-left)
        needed = service_time.within(self._rounds(ads), ads)
        if needed > left:
            self._doubt(service_time)
            raise DeadlineMissed(needed)
        return left

    def _doubt(self, service_time: ServiceTime) -> None:
        """Somebody was refused because of what it says."""
        if self.clock() - service_time.tried > FRESH:
            service_time.fade()

    def _rounds(self, ads: int) -> int:
        return -(-ads // self._chunk)
