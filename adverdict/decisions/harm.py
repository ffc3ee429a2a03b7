"""What a wrong decision costs beside another: the exchange rates by which thresholds and the order of review are weighed."""

from __future__ import annotations

from adverdict.decisions.policy import Severity

LEAKED = {Severity.ZERO_TOLERANCE: 100.0, Severity.SEVERE: 20.0, Severity.SERIOUS: 5.0, Severity.QUALITY: 1.0}
"""Harm of one violating ad that is approved, in wrongly rejected ads: what a wrong decision costs beside another, not in money."""
WRONGED = 1.0
"""Harm of one rejected ad that does not violate: the unit."""
