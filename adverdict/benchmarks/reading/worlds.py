"""Open tasks about simulated ads, some of them copies of each other, in a ledger that knows the copies."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from adverdict.clusters.follower import ClusterFollower
from adverdict.decisions.policy import PolicyBook
from adverdict.domain.ad import Ad
from adverdict.domain.decision import Decision, PolicyVerdict
from adverdict.domain.risk import RiskScore
from adverdict.domain.verdict import Verdict
from adverdict.ledger.entries import DecisionMade
from adverdict.ledger.store import Ledger
from adverdict.review.tasks.opening import open_tasks
from adverdict.review.tasks.settings import ReviewSettings
from adverdict.simulation.copies import SimulatedCopy, campaigns, copies
from adverdict.simulation.world import POLICIES

MARKET = "US"
EVERYWHERE = tuple(policy for policy in POLICIES if policy != "kids_unsuitable")
"""Policies in force on every surface."""
NOW = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
ALONE = 0.77
"""Share of campaigns of one ad: with it about as many tasks share their ad with another as did on the quickstart's ledger (47 %)."""
LARGEST = 10
"""Ads of a campaign that wait at once, at most: as there."""
SETTINGS = ReviewSettings(double_share=0.0, golden_share=0.0)
"""Second readings and golden tasks cost as much in either way, and copies play no part in them."""


@dataclass(frozen=True)
class Waiting:
    """What is true of an ad that waits."""

    campaign: int
    violates: bool
    policy: str
    """The one its reader is asked about."""


def filled(ledger: Ledger, book: PolicyBook, tasks: int, seed: int) -> dict[str, Waiting]:
    """By decision. Nothing is open afterwards but a review for each, and the clusters know every ad."""
    told: dict[str, Waiting] = {}
    made = list[DecisionMade]()
    for ad in _some(seed, tasks):
        decision_id, policy = f"dec-{seed}-{len(made)}", _asked(ad)
        told[decision_id] = Waiting(ad.campaign, ad.violates, policy)
        made.append(_decided(ad, decision_id, policy, NOW - timedelta(hours=10) + timedelta(seconds=60 * len(made))))
    with ledger.write() as writing:
        for one in made:
            writing.append(one.decision.decision_id, one, one.decision.decided_at)
        open_tasks(writing, made, book, SETTINGS, NOW)
    ClusterFollower(ledger).catch_up()
    return told


def opened(folder: Path, name: str, *, create: bool = False) -> Ledger:
    return Ledger.open(f"sqlite:///{folder / name}", create=create)


def _some(seed: int, tasks: int) -> list[SimulatedCopy]:
    """So many ads, in the order of their submission: whole campaigns, the last of them cut to fit, none with more than ``LARGEST`` ads."""
    simulated = campaigns(seed, 4 * tasks, alone=ALONE)
    capped = np.minimum(simulated.size, LARGEST)
    last = int(np.searchsorted(np.cumsum(capped), tasks))
    left = dict(enumerate(capped[: last + 1].tolist()))
    left[last] -= sum(left.values()) - tasks
    found = []
    for ad in (one for block in copies(simulated) for one in block):
        if left.get(ad.campaign, 0):
            left[ad.campaign] -= 1
            found.append(ad)
    return found


def _asked(ad: SimulatedCopy) -> str:
    """A campaign's readers are asked one thing, whatever is true of it."""
    return EVERYWHERE[ad.campaign % len(EVERYWHERE)]


def _decided(ad: SimulatedCopy, decision_id: str, policy: str, at: datetime) -> DecisionMade:
    shown = Ad(
        ad_id=f"ad-{decision_id}",
        advertiser_id=f"adv-{ad.advertiser}",
        market=MARKET,
        submitted_at=at,
        language=ad.language,
        title=ad.title,
        body=ad.body,
        call_to_action=ad.call,
        landing_domain=ad.domain,
        creative_phash=ad.picture,
        impressions=float(ad.impressions),
    )
    risk = RiskScore(policy=policy, p=0.3, p_low=0.2, p_high=0.4)
    ruling = PolicyVerdict(policy=policy, verdict=Verdict.REVIEW, risk=risk, because="between the thresholds")
    decision = Decision(
        decision_id=decision_id,
        ad_id=shown.ad_id,
        advertiser_id=shown.advertiser_id,
        market=MARKET,
        surface=None,
        decided_at=at,
        verdict=Verdict.REVIEW,
        policies=(ruling,),
        uncertified=False,
        bundle_version="simulated",
        policy_hash="0" * 64,
        threshold_set=None,
    )
    return DecisionMade(ad=shown, decision=decision, first=True)
