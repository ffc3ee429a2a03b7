"""Keys that were wrong, by the address they came from: after some, the next have to wait, longer each time. Memory is bounded.

A key that was right here before is let in all the same, or whoever sends wrong ones would lock out everybody behind the same address.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from ipaddress import IPv6Address, ip_address, ip_network
from threading import Lock

log = logging.getLogger("adverdict.access")

FREE = 5
"""Failures without a wait: people mistype."""
LONGEST = timedelta(minutes=5)
FORGOTTEN = timedelta(minutes=15)
RECENTLY = timedelta(hours=12)
"""For so long a key that was right from an address is known there."""
NOTED_EVERY = timedelta(hours=1)
ADDRESSES = 4096
"""Remembered at most, of failures and of keys that were right; the one longest silent is forgotten first."""


@dataclass(slots=True)
class _Failures:
    count: int
    last: datetime


class Attempts:
    """One a worker. ``clock`` tells the time, aware."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._failures: OrderedDict[str, _Failures] = OrderedDict()
        self._right: OrderedDict[tuple[str, str], datetime] = OrderedDict()
        self._lock = Lock()

    def wait(self, address: str, name: str | None = None) -> timedelta:
        """How long this address has to wait before it may try again; zero or less: not at all.

        ``name``: of the key it presents, where that is right.
        """
        if not self._failures:
            return timedelta()
        with self._lock:
            found, now = self._failures.get(_network(address)), self._clock()
            if found is None or found.count < FREE or now - found.last >= FORGOTTEN:
                return timedelta()
            if name is not None and now - self._right.get((_network(address), name), now - RECENTLY) < RECENTLY:
                return timedelta()
            return found.last + min(LONGEST, timedelta(seconds=2 ** min(found.count - FREE, 20))) - now

    def failed(self, address: str) -> None:
        """Also told in the log, without the address, which may be a person's: every time that the number has doubled."""
        now, key = self._clock(), _network(address)
        with self._lock:
            found = self._failures.pop(key, None)
            count = found.count + 1 if found is not None and now - found.last < FORGOTTEN else 1
            self._failures[key] = _Failures(count, now)
            while len(self._failures) > ADDRESSES:
                self._failures.popitem(last=False)
        if count & (count - 1) == 0:
            log.warning("%d wrong key%s came from one address", count, "" if count == 1 else "s")

    def succeeded(self, address: str, name: str) -> None:
        """Noted once an hour at most: every request of a platform comes by here."""
        known, now = (_network(address), name), self._clock()
        if now - self._right.get(known, now - RECENTLY) < NOTED_EVERY:
            return
        with self._lock:
            self._right.pop(known, None)
            self._right[known] = now
            while len(self._right) > ADDRESSES:
                self._right.popitem(last=False)

    def __len__(self) -> int:
        return len(self._failures)


@lru_cache(maxsize=ADDRESSES)
def _network(address: str) -> str:
    """An IPv6 caller has a whole /64 to call from."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return "unknown"
    return str(ip_network((parsed, 64), strict=False)) if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is None else str(parsed)
