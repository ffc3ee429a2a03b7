"""A certificate of approvals, written by hand: at most 2 % of the ads of ``deceptive`` approved in SE below .1 violate."""

from __future__ import annotations

from datetime import datetime, timedelta

from adverdict.certification.certificate import (
    Aim,
    Bound,
    Certificate,
    Count,
    Decides,
    Design,
    LabelNoise,
    MarketEvidence,
    StatedTargets,
    Status,
    sealed,
)
from adverdict.certification.words import Side, Strength
from tests.ledger.made import START


def a_certificate(at: datetime = START, *, limit: float = 0.02, shown: bool = True, below: float = 0.1, days: int = 90) -> Certificate:
    """Issued ``at``, for so many days. Not ``shown``: it is provisional, and so approves only what a policy lets it."""
    counted = Count(threshold=below, ads=600, errors=3, advertisers=600, draws=600)
    used = counted if shown else None
    bound = Bound(
        side=Side.APPROVE,
        strength=Strength.OWN,
        target=0.02,
        limit=limit,
        level=0.025,
        certified_from=used,
        certified_to=used,
        used=used,
        upper=0.015 if shown else None,
        stopped_at=None,
        at_aim=counted,
        upper_at_aim=0.015,
        labels_needed=None,
    )
    return sealed(
        Certificate(
            certificate_id="",
            policy="deceptive",
            surfaces=None,
            strength=Strength.OWN,
            markets=(MarketEvidence(market="SE", ads=900, labelled=600, violating=12, served=True),),
            targets=StatedTargets(
                max_leakage=0.02, max_wrongful_reject=0.1, confidence=0.95, max_risk=0.25, min_risk_rejected=0.5, max_missed=None
            ),
            status=Status.CERTIFIED if shown else Status.INFEASIBLE,
            approve_below=below if shown else 0.0,
            reject_at=1.0,
            aim=Aim(approve_below=below, reject_at=1.0, provisional=below, leaked=5.0, price=0.5),
            traffic=Decides(ads=900, approved=800, rejected=0),
            bounds=(bound,),
            edge=None,
            missed_upper=None,
            violating=0.02,
            alike=0.5,
            family=("deceptive",),
            noise=LabelNoise(sensitivity=1.0, specificity=1.0, source="assumed"),
            like_traffic=None,
            statement="",
            assumptions=(),
            findings=(),
            bundle_version="v1",
            policy_hash="0" * 64,
            data=("5a" * 32,),
            design=Design(samples=(), announced=None, labelled=600, looked_again=False),
            solved_at=at,
            expires_at=at + timedelta(days=days),
        )
    )
