"""Where the certificate of a pair of thresholds stands at a moment."""

from __future__ import annotations

from datetime import datetime

from adverdict.decisions.policy import Thresholds
from adverdict.domain.standing import Standing


def standing_at(thresholds: Thresholds, moment: datetime) -> Standing:
    """``moment``: aware."""
    if thresholds.certificate_id is None:
        return Standing.NONE
    if thresholds.expired_at(moment):
        return Standing.EXPIRED
    return Standing.PROVISIONAL if thresholds.provisional else Standing.CERTIFIED
