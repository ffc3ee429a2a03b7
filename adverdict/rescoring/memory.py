"""How much memory a run may use, how much a process does use, and how many workers fit."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from adverdict.domain.errors import InvalidSettings, Mistake

MIB = 2**20
UNITS = {"KIB": 2**10, "MIB": MIB, "GIB": 2**30, "TIB": 2**40, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
ROOM = 160 * MIB
"""What a worker needs on top of what it loaded, to read, score and write a shard of ``PIECE`` ads at a time; measured, not guessed at."""
SLACK = 64 * MIB
"""The driver grows by the markers and the reports it holds."""
BESIDE = 200 * MIB
"""What freezing a history takes beside DuckDB."""
LEAST_TO_FREEZE = 128 * MIB
"""Below this DuckDB cannot even sort."""


@dataclass(frozen=True, slots=True)
class Budget:
    """``total`` bytes for the driver and all workers; ``driver`` of them are the driver's."""

    total: int
    driver: int

    @property
    def workers(self) -> int:
        """Bytes left to all workers together."""
        return self.total - self.driver - SLACK

    def fit(self, wanted: int, each: int) -> int:
        """How many workers of ``each`` bytes fit, up to ``wanted``. Raises InvalidSettings naming the least limit that one needs."""
        fits = self.workers // each
        if fits < 1:
            least = f"at least {shown(self.total - self.workers + each)}: the driver and one worker with this model need as much"
            raise InvalidSettings("the run does not fit into the memory it may use:", [Mistake("--limit-memory", shown(self.total), least)])
        return min(wanted, fits)

    @property
    def freezing(self) -> int:
        """Bytes for DuckDB while no worker runs."""
        return max(self.workers - BESIDE, LEAST_TO_FREEZE)


def parse(told: str, option: str = "--limit-memory") -> int:
    """Bytes in a text such as ``4GiB`` or ``512MiB``. Raises InvalidSettings."""
    match = re.fullmatch(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([KMGT]i?B)\s*", told, re.IGNORECASE)
    size = int(float(match[1]) * UNITS[match[2].upper()]) if match else 0
    if size < MIB:
        raise InvalidSettings("not an amount of memory:", [Mistake(option, told, "a number with a unit, such as 4GiB or 512MiB")])
    return size


def shown(size: int) -> str:
    """Bytes as a person reads them, rounded up: ``512 MiB``, ``4.0 GiB``."""
    mib = -(-size // MIB)
    return f"{mib} MiB" if mib < 1024 else f"{mib / 1024:.1f} GiB"


def in_use() -> int:
    """Bytes of memory that this process holds now (resident set)."""
    return _status("VmRSS")


def peak() -> int:
    """The most that this process has ever held (bytes of resident set)."""
    return _status("VmHWM")


def machine() -> int:
    """Bytes of memory of this machine."""
    import os

    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _status(field: str) -> int:
    try:
        text = Path("/proc/self/status").read_text(encoding="ascii")
    except OSError:  # no Linux: the peak is what can be known
        import resource
        import sys

        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return most if sys.platform == "darwin" else most * 1024
    return next(int(line.split()[1]) * 1024 for line in text.splitlines() if line.startswith(field))
