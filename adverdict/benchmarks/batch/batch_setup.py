"""What batch scoring is measured on: a bundle, rules, an early exit certified on one marketplace, and the unseen ads of another."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adverdict.benchmarks.shared.certified_exit import CertifiedExit
from adverdict.benchmarks.shared.testbed import SimulatedTestBed, made, simulate

Figures = dict[str, Any]
Write = Callable[[Figures], None]
Advance = Callable[[], None]

FRESH_SEED = 1_000_003
"""Of the marketplace that is measured on: one that nobody is likely to train or certify on."""


@dataclass(frozen=True)
class BatchSetup:
    """``fresh``: how many ads are scored, ``certified_on`` how many the exit is certified on. ``policies``: files to decide by; rules with
    thresholds set by hand when None. ``certificates``: of the bundle; issued here when None."""

    testbed: SimulatedTestBed
    fresh: int
    certified_on: int
    policies: Path | None = None
    certificates: Path | None = None

    def bundle(self) -> Path:
        """With an encoder."""
        return self.testbed.bundle(True) if self.testbed.model is None else self.testbed.model

    def ads(self) -> Path:
        """Of advertisers that were neither trained nor certified on."""
        return made(self.testbed.folder / f"fresh-{self.fresh}", lambda folder: simulate(folder, self.fresh, FRESH_SEED))

    def certifying(self) -> Path:
        return self._exit().certifying()

    def rules(self, pack: Path | None = None) -> Path:
        """For the markets of a pack; of the simulated marketplaces when None."""
        return self.policies or self.testbed.rules(self.bundle(), pack or self.certifying())

    def certified(self) -> Path:
        """``certificates.json``. Raises NotFound where the bundle has no early exit, InvalidInput where simulated ads cannot certify it."""
        if self.certificates is not None:
            return self.certificates
        return self._exit().of(self.bundle(), self.rules())

    def _exit(self) -> CertifiedExit:
        return CertifiedExit(self.testbed, self.certified_on, by_hand=self.policies is None)
