"""How far thresholds can be relied on at a moment: what their certificate has come to."""

from __future__ import annotations

from enum import StrEnum

RAISED = 3.0
"""Times as many audits, while there is doubt or nothing is shown yet."""


class Standing(StrEnum):
    """Of a pair of thresholds, or of the certificate behind it."""

    NONE = "none"
    """Nobody has shown anything of them."""
    PROVISIONAL = "provisional"
    """Something was tested and not everything asked for is shown; they decide only where the policy says so."""
    CERTIFIED = "certified"
    """Every bound the policy asks for is shown."""
    RENEWED = "renewed"
    """Shown again by audits, and its end moved."""
    DOUBTED = "doubted"
    """The audits begin to speak against it; it still decides, and more of it is audited."""
    REVOKED = "revoked"
    """The audits speak against it: it decides nothing any more."""
    EXPIRED = "expired"
    """Its end has come."""

    @property
    def holds(self) -> bool:
        """Whether its promise is still given."""
        return self in (Standing.CERTIFIED, Standing.RENEWED, Standing.DOUBTED)

    @property
    def in_force(self) -> bool:
        """Whether its certificate decides: by its promise, or provisionally, where the policy lets it."""
        return self is Standing.PROVISIONAL or self.holds

    @property
    def audits_times(self) -> float:
        """How many times the usual audits are due."""
        return RAISED if self in (Standing.PROVISIONAL, Standing.DOUBTED) else 1.0
