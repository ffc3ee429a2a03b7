"""How far a certificate is to be relied on."""

from __future__ import annotations

from enum import StrEnum


class Standing(StrEnum):
    """Where the certificate under a pair of thresholds is in its life."""

    NONE = "none"
    """There is no certificate."""
    PROVISIONAL = "provisional"
    """Nothing is shown yet; the thresholds decide while audits are gathered."""
    CERTIFIED = "certified"
    RENEWED = "renewed"
    """Shown again, by audits, since it was issued."""
    DOUBTED = "doubted"
    """Audits have begun to speak against it, not yet enough to revoke it."""
    REVOKED = "revoked"
    EXPIRED = "expired"
