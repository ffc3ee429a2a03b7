"""Logins that failed, by address: after a few, the next ones have to wait, longer each time. Memory is bounded."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address, ip_network
from threading import Lock

FREE = 5
"""Failures without a wait: people mistype."""
LONGEST = timedelta(minutes=5)
FORGOTTEN = timedelta(minutes=15)
ADDRESSES = 4096
"""Remembered at most; the one longest silent is forgotten first."""


@dataclass(slots=True)
class _Failures:
    count: int
    last: datetime


class Attempts:
    """One a worker. ``clock`` tells the time, aware."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._failures: OrderedDict[str, _Failures] = OrderedDict()
        self._lock = Lock()

    def wait(self, address: str) -> timedelta:
        """How long this address has to wait before it may try again; zero or less: not at all."""
        with self._lock:
            found = self._failures.get(_network(address))
            if found is None or found.count < FREE:
                return timedelta()
            return found.last + min(LONGEST, timedelta(seconds=2 ** min(found.count - FREE, 20))) - self._clock()

    def failed(self, address: str) -> None:
        now, key = self._clock(), _network(address)
        with self._lock:
            found = self._failures.pop(key, None)
            before = found.count if found is not None and now - found.last < FORGOTTEN else 0
            self._failures[key] = _Failures(before + 1, now)
            while len(self._failures) > ADDRESSES:
                self._failures.popitem(last=False)

    def succeeded(self, address: str) -> None:
        with self._lock:
            self._failures.pop(_network(address), None)

    def __len__(self) -> int:
        return len(self._failures)


def _network(address: str) -> str:
    """An IPv6 caller has a whole /64 to call from."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return "unknown"
    return str(ip_network((parsed, 64), strict=False)) if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is None else str(parsed)
