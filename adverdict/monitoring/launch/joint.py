"""What several certificates promise at once. Each holds with its own confidence; a launch that claims all of them is wrong where one is."""

from __future__ import annotations

from typing import NamedTuple

from adverdict.certification.statistics.intervals import clopper_pearson


class Evidence(NamedTuple):
    """What a certificate's labels show of the rate of errors at its threshold."""

    errors: float
    draws: float
    """Errors and ads, as the independent draws that they are worth."""
    limit: float
    """What was tested."""
    level: float
    """The chance of being wrong that was spent."""


def joint_limit(shown: Evidence, among: int) -> float:
    """The rate that is claimed of one of ``among`` certificates, all of which are to hold with the confidence of each: its limit, or the
    upper bound at a level divided by their number (Bonferroni) where that is more."""
    return max(shown.limit, clopper_pearson(shown.errors, shown.draws, 1 - 2 * shown.level / among)[1])  # its upper end is one-sided
