"""How well the model in service tells ads apart, as its training measured it on advertisers it had not seen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Measured:
    """One policy's. ``ap`` None: too few violating advertisers for an interval, so that a figure would say nothing."""

    policy: str
    ads: int
    violating: int
    advertisers: int
    ap: float | None
    """Average precision, with its 95 % interval, drawn over advertisers."""
    ap_low: float | None
    ap_high: float | None
    expected: float | None
    """Violating ads, by the risks; beside ``violating``, which there were."""

    @property
    def chance(self) -> float:
        """Average precision of a model that knows nothing: the share that violates."""
        return self.violating / self.ads if self.ads else 0.0


def measured(metrics: Mapping[str, Any]) -> tuple[Measured, ...]:
    """From a bundle's manifest, by policy; what another version wrote otherwise is left out."""
    found = []
    for policy, told in sorted((metrics.get("policies") or {}).items()):
        if not isinstance(told, Mapping) or not isinstance(told.get("n"), int) or not isinstance(told.get("positives"), int):
            continue
        low, high = told.get("ap_interval") or (None, None)
        ap = told.get("ap") if low is not None else None
        expected = (told.get("calibration") or {}).get("expected")
        found.append(Measured(policy, told["n"], told["positives"], int(told.get("advertisers") or 0), ap, low, high, expected))
    return tuple(found)
