"""Where the certificate of a pair of thresholds stands at a moment."""

from __future__ import annotations

from collections.abc import Set
from datetime import datetime

from adverdict.decisions.policy import Thresholds
from adverdict.domain.standing import Standing


def standing_at(thresholds: Thresholds, moment: datetime, revoked: Set[str] = frozenset()) -> Standing:
    """``moment``: aware. ``revoked``: ids of certificates."""
    if thresholds.certificate_id is None:
        return Standing.NONE
    if thresholds.certificate_id in revoked:
        return Standing.REVOKED
    if thresholds.expired_at(moment):
        return Standing.EXPIRED
    return Standing.PROVISIONAL if thresholds.provisional else Standing.CERTIFIED
