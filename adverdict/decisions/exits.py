"""Which risks a verdict still hangs on, and the rule by which an ad leaves the models early.

An ad whose verdicts an expensive model can no longer change need not be read by it. What can change them depends on the thresholds in
force, so the rule is a limit on doubt, and doubt is worked out anew from the thresholds each time (``models.cascade``).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from adverdict.decisions.policy import PolicyInForce, Stance, WhenUncertified
from adverdict.decisions.thresholds import SolvedThresholds

NOTHING_HANGS_ON_IT = (0.0, 1.0)


@dataclass(frozen=True, slots=True)
class ExitRule:
    """Ads in doubt by no more than ``limit`` leave early. ``certificate_id`` None: nobody has shown how often that flips a verdict."""

    limit: float
    certificate_id: str | None = None
    expires_at: datetime | None = None
    """From when on the certificate no longer holds, and every ad takes the whole way again."""

    def holds_at(self, moment: datetime) -> bool:
        return self.expires_at is None or moment < self.expires_at


def cuts(policy: PolicyInForce, market: str, solved: SolvedThresholds) -> tuple[float, float]:
    """The risks at which the verdict under this policy may change; those of ``NOTHING_HANGS_ON_IT`` when ``decide`` looks at no risk."""
    thresholds = policy.thresholds or solved.find(policy.name, market, policy.targets)
    if policy.stance is Stance.ALLOWED or thresholds is None:
        return NOTHING_HANGS_ON_IT
    if policy.when_uncertified is WhenUncertified.REVIEW and (thresholds.certificate_id is None or thresholds.provisional):
        return NOTHING_HANGS_ON_IT
    limited = policy.limited(thresholds)
    return limited.approve_below, limited.reject_at
