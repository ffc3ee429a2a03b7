"""One answer and the thresholds chosen within it -> the certificate that promises them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np

from adverdict.certification.certificate import Aim, Bound, Certificate, Decides, Design, MarketEvidence, StatedTargets, Status, sealed
from adverdict.certification.thresholds.answers import Answer, SideAnswer
from adverdict.certification.thresholds.curve import curve
from adverdict.certification.thresholds.edge import WIDTH, edge, missed_upper
from adverdict.certification.thresholds.evidence import count, labels_needed, like_traffic
from adverdict.certification.thresholds.least_harm import ANY_PRICE
from adverdict.certification.thresholds.scored import ScoredAds
from adverdict.certification.thresholds.sequence import GRID, LabelledAds, Side, ThresholdCount
from adverdict.certification.thresholds.strata import PRESENT
from adverdict.certification.thresholds.wording import assumptions, findings, statement
from adverdict.certification.words import Strength
from adverdict.decisions.policy import Thresholds
from adverdict.decisions.thresholds import severity_at


@dataclass(frozen=True)
class Origin:
    """Where the scored ads come from, for the certificates."""

    bundle_version: str
    policy_hash: str
    data: tuple[str, ...]
    solved_at: datetime
    design: Design
    """How the labels came to be."""
    valid_for: timedelta = timedelta(days=90)


def certificate(scored: ScoredAds, found: Answer, chosen: Thresholds, origin: Origin, price: float, *, curves: bool = True) -> Certificate:
    """Of thresholds ``chosen`` within what ``found`` certifies, where a review costs ``price``."""
    stratum, question = found.stratum, found.stratum.question
    ads = found.approve.counts.ads
    bounds = tuple(_bound(side, found, chosen) for side in (found.approve, found.reject) if side is not None)
    used = chosen.approve_below or found.aim.approve_below
    draft = Certificate(
        certificate_id="",
        policy=stratum.policy,
        surfaces=None if question.surfaces is None else tuple(sorted(question.surfaces)),
        strength=max((bound.strength for bound in bounds), key=list(Strength).index),
        markets=_markets(scored, found, bounds),
        targets=_targets(found),
        status=_status(bounds) if found.served else Status.INFEASIBLE,
        approve_below=chosen.approve_below,
        reject_at=chosen.reject_at,
        aim=_aim(found, price),
        traffic=_traffic(scored, found, chosen),
        bounds=bounds,
        edge=edge(_riskiest(scored, found, used), used, question.stakes.max_risk, stratum.level),
        missed_upper=missed_upper(ads, used, 2 * stratum.level),
        violating=float(ads.violating.mean()) if len(ads) else None,
        alike=ads.alikeness,
        family=stratum.family,
        noise=found.noise,
        like_traffic=like_traffic(scored, stratum),
        statement="",
        assumptions=(),
        findings=(),
        curve=curve(found, chosen) if curves else (),
        bundle_version=origin.bundle_version,
        policy_hash=origin.policy_hash,
        data=origin.data,
        design=origin.design,
        solved_at=origin.solved_at,
        expires_at=origin.solved_at + origin.valid_for,
    )
    words = {"statement": statement(draft), "assumptions": assumptions(draft), "findings": findings(draft)}
    return sealed(draft.model_copy(update=words))


def _status(bounds: Sequence[Bound]) -> Status:
    shown = [bound.certified_to is not None for bound in bounds]
    return Status.CERTIFIED if all(shown) else Status.PARTLY if any(shown) else Status.INFEASIBLE


def _targets(found: Answer) -> StatedTargets:
    targets, question = found.stratum.targets, found.stratum.question
    return StatedTargets(
        max_leakage=targets.max_leakage,
        max_wrongful_reject=targets.max_wrongful_reject,
        confidence=targets.confidence,
        max_risk=question.stakes.max_risk,
        min_risk_rejected=question.stakes.min_risk_rejected,
        max_missed=question.max_missed,
    )


def _riskiest(scored: ScoredAds, found: Answer, used: float) -> LabelledAds:
    """The labelled ads at the edge of what is approved, and all that are riskier."""
    return replace(scored.labelled_from(found.stratum.policy, found.approve.rows, used / WIDTH), elsewhere=found.ads.elsewhere)


def _aim(found: Answer, price: float) -> Aim:
    return Aim(
        approve_below=found.aim.approve_below,
        reject_at=found.aim.reject_at,
        provisional=min(found.aim.approve_below, found.stratum.question.attainable.approve_below),
        leaked=found.stratum.question.stakes.leaked,
        price=None if price >= ANY_PRICE else price,
    )


def _markets(scored: ScoredAds, found: Answer, bounds: Sequence[Bound]) -> tuple[MarketEvidence, ...]:
    """The market's own evidence, and that of those who lent theirs."""
    stratum, question = found.stratum, found.stratum.question
    few = f"{len(found.ads)} labelled ads; {PRESENT} are needed before anything can be said"
    own = MarketEvidence(
        market=question.market,
        ads=len(question.rows),
        labelled=len(found.ads),
        violating=int(found.ads.violating.sum()),
        served=found.served,
        why_not=None if found.served else few,
    )
    if all(bound.strength is Strength.OWN for bound in bounds):
        return (own,)
    lent = {market: scored.labelled(stratum.policy, rows) for market, rows in sorted(stratum.lenders.items())}
    return own, *(
        MarketEvidence(market=market, ads=len(ads), labelled=len(ads), violating=int(ads.violating.sum()), served=False, lends=True)
        for market, ads in lent.items()
    )


def _traffic(scored: ScoredAds, found: Answer, chosen: Thresholds) -> Decides:
    question = found.stratum.question
    risk = scored.risk[question.rows, scored.policies.index(question.policy)]
    severity = severity_at(risk, chosen.approve_below, chosen.reject_at)
    return Decides(ads=len(risk), approved=int((severity == 0).sum()), rejected=int((severity == 2).sum()) if question.rejects else 0)


def _bound(side: SideAnswer, found: Answer, chosen: Thresholds) -> Bound:
    """Raters miss errors: what labels show is raised by as much as the limit they are held to was lowered."""
    test, targets = side.test, found.stratum.targets
    target = targets.max_leakage if test.side is Side.APPROVE else targets.max_wrongful_reject
    used = _at(side, chosen) if test.certified else None
    at_aim = _at(side, found.aim)

    def upper(counted: ThresholdCount | None) -> float | None:
        if counted is None:
            return None
        shown = side.counts.upper(int(np.searchsorted(GRID, counted.threshold)), test.level)
        return min(1.0, shown * (target / test.limit if test.limit else 1.0))

    return Bound(
        side=test.side,
        strength=side.strength,
        target=target,
        limit=test.limit,
        level=test.level,
        certified_from=count(test.first),
        certified_to=count(test.last),
        used=count(used),
        upper=upper(used),
        stopped_at=count(test.stopped),
        at_aim=count(at_aim),
        upper_at_aim=upper(at_aim),
        labels_needed=None if test.certified else labels_needed(side.counts, test),
    )


def _at(side: SideAnswer, pair: Thresholds) -> ThresholdCount | None:
    """What one side of a pair decides of the labelled ads; None: nothing."""
    threshold = pair.approve_below if side.test.side is Side.APPROVE else pair.reject_at
    index = int(np.searchsorted(GRID, threshold))
    if index >= len(GRID) or GRID[index] != threshold:
        return None  # 0 and 1 decide nothing
    counted = side.counts.at(index)
    return counted if counted.ads else None
