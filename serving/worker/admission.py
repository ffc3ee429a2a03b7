"""How long an ad would wait, told before it waits: what is in line, times what an ad has lately taken.

Refusing at once what cannot be answered in time keeps the others' waiting short, and costs next to nothing. What the line takes is learnt
from the rounds themselves, so neither a slower model nor a slower disk needs a setting.
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
LONG = 0.01
"""The same where it is asked how a round's time grows with its ads, which rounds of one size in a row do not tell."""
MARGIN = 4.0
"""Mean deviations beyond the mean within which a promise is kept, as TCP sets its timer (RFC 6298)."""
OUTLIER = 4.0
LEAST = 0.001
"""Seconds; a round that seems to take less is not believed to when outliers are judged."""
FADING = 0.98
"""Of an estimate that only keeps itself alive: what is never tried because it seems slow is believed less each time."""
FRESH = 1.0
"""Seconds for which an estimate needs no trying: else callers who ask for the impossible would talk it down for all others."""

LATELY = 0.5
"""Seconds after which a request counts a third of a new one in what came lately."""
MANY, FEW = 0.1, 0.02
"""Shares of what came lately that were refused: more than the first, and more comes than can be answered; less than the second, and it is
over."""
ENOUGH = 20.0
"""Requests lately, fewer of which tell nothing."""
OVERHEAD = 0.2
"""Of a round's time, what it costs however few ads are in it. Larger rounds answer somewhat more ads a second, each of them much later."""


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

    def __init__(self, weight: float = WEIGHT) -> None:
        self.rounds = 0
        self._weight = weight
        self.tried = -math.inf
        """When it last learnt, by the clock of ``AdmissionControl``."""
        self._ads = self._seconds = self._variance = self._covariance = self._deviation = 0.0

    def learn(self, ads: int, seconds: float) -> None:
        """One more round. One that was held up, by a slow disk say, counts for no more than ``OUTLIER`` rounds do at their longest."""
        self.rounds += 1
        if self.rounds > 1:
            seconds = min(seconds, OUTLIER * max(self.within(1, ads), LEAST))
        weight = max(self._weight, 1 / self.rounds)
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


class Pressure:
    """Whether more comes than can be answered.

    How long the line is does not say so: callers who wait for their answers before they ask again stand in one that never grows, and to
    refuse them would win nothing. Refusals do: who is refused comes beside those who are answered.
    """

    def __init__(self) -> None:
        self.too_much = False
        self._came = self._refused = 0.0
        self._at = -math.inf

    def came(self, refused: bool, now: float) -> None:
        kept = math.exp((self._at - now) / LATELY)
        self._came, self._refused, self._at = self._came * kept + 1, self._refused * kept + refused, now
        most = FEW if self.too_much else MANY
        self.too_much = self._refused > most * max(self._came, ENOUGH)


class AdmissionControl:
    """The line before the intake. Asked by the event loop, told by the intake's thread.

    ``most``: seconds of waiting beyond which a request is refused. ``chunk``: ads in a round.
    """

    def __init__(self, most: float = math.inf, chunk: int = 1, clock: Callable[[], float] = time.monotonic) -> None:
        self.most = most
        self._chunk = chunk
        self.clock = clock
        self._lock = Lock()
        self._requests = 0
        self._ads = 0
        self._pressure = Pressure()
        self._any_depth = ServiceTime()
        self._for_long = ServiceTime(LONG)
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
        wait, before = self.wait(ads), min(self._ads, self._requests * ads)
        # Who would be in the next round is let in, however long rounds have become, for it shares what that costs; unless far more comes.
        refused = (before > self._chunk and wait > self.most) or (self._pressure.too_much and before >= self.busy())
        self._pressure.came(refused, self.clock())
        if refused:
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

    def busy(self) -> int:
        """Ads in line, those in progress included, that keep the intake busy. Two rounds, of which
        one waits behind the other, no larger than ``OVERHEAD`` asks for."""
        fixed = self._for_long.seconds(1, 0)
        each = self._for_long.seconds(1, 1) - fixed
        least = fixed * (1 / OVERHEAD - 1)
        return 2 * (max(1, math.ceil(least / each)) if least < self._chunk * each else self._chunk)

    def joined(self, ads: int) -> None:
        with self._lock:
            self._requests += 1
            self._ads += ads

    def left(self, requests: int, ads: int) -> None:
        with self._lock:
            self._requests -= requests
            self._ads -= ads

    def learn(self, depth: Depth, ads: int, seconds: float) -> None:
        """A round of these ads is done and on record."""
        self._any_depth.learn(ads, seconds)
        self._for_long.learn(ads, seconds)
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
