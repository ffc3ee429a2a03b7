"""Markets, surfaces and policies of the simulated marketplace: who shows ads where, and what is allowed there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum

import numpy as np

from adverdict.simulation.copy.pack import TOPICS

POLICIES = TOPICS
SURFACES = ("feed", "search", "kids_video", "native")
KIDS_VIDEO = SURFACES.index("kids_video")
KIDS_POLICY = POLICIES.index("kids_unsuitable")

START = int(datetime(2026, 1, 5, tzinfo=UTC).timestamp())
"""The first simulated second, a Monday at midnight UTC."""
DAYS = 120
"""Simulated, where nobody asks for more: the fewest in which all of the drift is seen."""
DAY = 86_400


class Intent(IntEnum):
    """What an advertiser is after. The platform never sees it."""

    HONEST = 0
    CARELESS = 1
    EVASIVE = 2
    RING = 3


class Stance(IntEnum):
    """What an ad says about its subject: denies the forbidden thing, leaves it open, or offers it."""

    DENIED = 0
    UNCLEAR = 1
    OFFERED = 2


@dataclass(frozen=True, slots=True)
class Market:
    """A country. ``temptation`` multiplies how often its advertisers offer forbidden things (per cent)."""

    code: str
    languages: tuple[tuple[str, int], ...]
    weight: int
    temptation: int
    gambling_licensed: bool
    weapons_licensed: bool
    prudish: bool
    launch_day: int = 0


MARKETS = (
    Market("US", (("en", 94), ("pt", 6)), 24, 100, True, True, False),
    Market("GB", (("en", 97), ("hi", 3)), 14, 80, True, False, False),
    Market("DE", (("de", 90), ("en", 10)), 12, 75, True, False, False),
    Market("SE", (("sv", 88), ("en", 12)), 6, 55, True, False, False),
    Market("BR", (("pt", 95), ("en", 5)), 12, 135, False, False, False),
    Market("IN", (("hi", 58), ("en", 42)), 13, 150, False, False, True),
    Market("JP", (("ja", 93), ("en", 7)), 7, 60, False, False, False),
    Market("EG", (("ar", 75), ("en", 25)), 6, 145, False, False, True),
    Market("GR", (("el", 90), ("en", 10)), 3, 110, True, False, False),
    Market("BG", (("bg", 92), ("en", 8)), 3, 165, True, False, False, launch_day=50),
)
MARKET_CODES = tuple(market.code for market in MARKETS)
TEMPTATION = np.array([market.temptation / 100 for market in MARKETS])
GAMBLING_LICENSED = np.array([market.gambling_licensed for market in MARKETS])
WEAPONS_LICENSED = np.array([market.weapons_licensed for market in MARKETS])
PRUDISH = np.array([market.prudish for market in MARKETS])
LAUNCH_DAY = np.array([market.launch_day for market in MARKETS])
MARKET_WEIGHTS = np.array([float(market.weight) for market in MARKETS])

SURFACE_WEIGHTS = np.array([40.0, 18.0, 25.0, 17.0])

SUBJECT_WEIGHTS = np.array(
    # deceptive, gambling, kids_unsuitable, political_issue, counterfeit, weapons, adult, phishing
    [
        [30.0, 13.0, 0.0, 18.0, 13.0, 6.0, 8.0, 12.0],
        [24.0, 14.0, 0.0, 6.0, 18.0, 10.0, 8.0, 20.0],
        [20.0, 6.0, 44.0, 7.0, 7.0, 4.0, 3.0, 9.0],
        [42.0, 12.0, 0.0, 16.0, 8.0, 4.0, 8.0, 10.0],
    ]
)
"""How often a subject comes up on each surface (rows as ``SURFACES``), among ads that touch on any policy."""

OFFER_FACTOR = np.array([1.1, 1.1, 0.45, 1.2, 1.1, 1.0, 1.1, 1.1])
"""How willingly the subject's forbidden thing is offered."""


def phase(day: int) -> int:
    """Drift: 0 to day 59; 1 from day 60, new phrases appear; 2 from day 90, they dominate."""
    return 0 if day < 60 else 1 if day < 90 else 2
