"""Scored ads and a policy book -> certified thresholds for every policy in every market, or what is missing.

questions (who needs thresholds) -> strata (whose labels answer) -> answers (how far they certify) -> certificates and thresholds
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from adverdict.certification.certificate import Aim, Bound, Certificate, Decides, LabelNoise, StatedTargets, Status, sealed, thresholds
from adverdict.certification.statistics.bounds import upper_bound
from adverdict.certification.thresholds.answers import Answer, answer
from adverdict.certification.thresholds.capacity import Priced, Traffic, plan, review_price
from adverdict.certification.thresholds.curve import curve
from adverdict.certification.thresholds.edge import count_at, edge, missed_upper
from adverdict.certification.thresholds.evidence import count, labels_needed, like_traffic
from adverdict.certification.thresholds.least_harm import ANY_PRICE
from adverdict.certification.thresholds.scored import ScoredAds
from adverdict.certification.thresholds.sequence import FixedSequenceTest, Side, ThresholdCount
from adverdict.certification.thresholds.strata import Stratum, questions, strata
from adverdict.certification.thresholds.wording import assumptions, findings, statement
from adverdict.decisions.policy import PolicyBook, Thresholds
from adverdict.decisions.thresholds import SolvedThresholds, severity_at


@dataclass(frozen=True)
class Origin:
    """Where the scored ads come from, for the certificates."""

    bundle_version: str
    data: tuple[str, ...]
    solved_at: datetime
    valid_for: timedelta = timedelta(days=90)


@dataclass(frozen=True)
class Terms:
    """How to certify. ``noise`` by policy; others' labels are taken as true. ``all_at_once``: see ``strata``. ``capacity``: reviews a day,
    with ``volume``, ads a day by market; None: a review is worth what makes people see ``capacity.REVIEW_SHARE`` of all ads."""

    noise: Mapping[str, LabelNoise] = field(default_factory=dict)
    all_at_once: bool = False
    capacity: float | None = None
    volume: Mapping[str, float] | None = None
    curves: bool = True


@dataclass(frozen=True)
class Solution:
    """Certificates in order of policy and market, the thresholds that come of them, and what made a review worth its price."""

    certificates: tuple[Certificate, ...]
    solved: SolvedThresholds
    priced: Priced


def certify(scored: ScoredAds, book: PolicyBook, origin: Origin, terms: Terms | None = None) -> Solution:
    """Certify the thresholds of least harm of every policy that ``scored`` has risks for and the book leaves to solved ones.

    A question that cannot be certified gets a certificate too, that says so.
    """
    terms = terms or Terms()
    aimed, found = answers(scored, book, terms)
    if terms.capacity is None:
        return issue(scored, found, [one.thresholds for one in found], book, origin, terms, aimed)
    planned = plan(Traffic.of_answers(scored, book, found, terms.volume), found, terms.capacity)
    return issue(scored, found, planned.thresholds, book, origin, terms, planned)


def answers(scored: ScoredAds, book: PolicyBook, terms: Terms) -> tuple[Priced, list[Answer]]:
    """What a review is worth, and how far the labels certify the thresholds that follow from it, stratum by stratum."""
    asked = questions(scored, book)
    aimed = review_price(scored, book, asked, terms.capacity, terms.volume)
    made = strata(scored, asked, all_at_once=terms.all_at_once)
    return aimed, [answer(scored, stratum, terms.noise, aimed.price) for stratum in made]


def issue(
    scored: ScoredAds,
    found: Sequence[Answer],
    chosen: Sequence[Thresholds],
    book: PolicyBook,
    origin: Origin,
    terms: Terms,
    priced: Priced,
) -> Solution:
    """Certificates of thresholds ``chosen`` within what each answer certifies."""
    made = [_certificate(scored, one, pair, book, origin, terms, priced.price) for one, pair in zip(found, chosen, strict=True)]
    made.sort(key=lambda one: (one.policy, one.strength, [market.market for market in one.markets]))
    return Solution(tuple(made), thresholds(made), priced)


def _certificate(
    scored: ScoredAds, found: Answer, chosen: Thresholds, book: PolicyBook, origin: Origin, terms: Terms, price: float
) -> Certificate:
    stratum, ads, stakes = found.stratum, found.ads, found.stratum.stakes
    bounds = tuple(_bound(side, found, chosen) for side in (found.approve, found.reject) if side is not None)
    used = chosen.approve_below or found.aim.approve_below
    draft = Certificate(
        certificate_id="",
        policy=stratum.policy,
        surfaces=None if stratum.surfaces is None else tuple(sorted(stratum.surfaces)),
        strength=stratum.strength,
        markets=found.markets,
        targets=StatedTargets(
            max_leakage=stratum.targets.max_leakage,
            max_wrongful_reject=stratum.targets.max_wrongful_reject,
            confidence=stratum.targets.confidence,
            max_risk=stakes.max_risk,
            min_risk_rejected=stakes.min_risk_rejected,
            max_missed=stratum.max_missed,
        ),
        status=_status(bounds) if found.served else Status.INFEASIBLE,
        approve_below=chosen.approve_below,
        reject_at=chosen.reject_at,
        aim=Aim(
            approve_below=found.aim.approve_below,
            reject_at=found.aim.reject_at,
            leaked=stakes.leaked,
            price=None if price >= ANY_PRICE else price,
        ),
        traffic=_traffic(scored, found, chosen),
        bounds=bounds,
        edge=edge(ads, used, stakes.max_risk, stratum.level),
        missed_upper=missed_upper(ads, used, 2 * stratum.level),
        violating=float(ads.violating.mean()) if len(ads) else None,
        alike=ads.alikeness,
        family=stratum.family,
        noise=found.noise,
        like_traffic=like_traffic(scored, stratum),
        statement="",
        assumptions=(),
        findings=(),
        curve=curve(ads, stratum.level, chosen) if terms.curves else (),
        bundle_version=origin.bundle_version,
        policy_hash=book.hash,
        data=origin.data,
        solved_at=origin.solved_at,
        expires_at=origin.solved_at + origin.valid_for,
    )
    words = {"statement": statement(draft), "assumptions": assumptions(draft), "findings": findings(draft)}
    return sealed(draft.model_copy(update=words))


def _status(bounds: Sequence[Bound]) -> Status:
    shown = [bound.certified_to is not None for bound in bounds]
    return Status.CERTIFIED if all(shown) else Status.PARTLY if any(shown) else Status.INFEASIBLE


def _traffic(scored: ScoredAds, found: Answer, chosen: Thresholds) -> Decides:
    column = scored.policies.index(found.stratum.policy)
    ads = approved = rejected = 0
    for question in found.served:
        severity = severity_at(scored.risk[question.rows, column], chosen.approve_below, chosen.reject_at)
        ads, approved = ads + len(severity), approved + int((severity == 0).sum())
        rejected += int((severity == 2).sum()) if question.rejects else 0
    return Decides(ads=ads, approved=approved, rejected=rejected)


def _bound(side: FixedSequenceTest, found: Answer, chosen: Thresholds) -> Bound:
    """Raters miss errors: what labels show is raised by as much as the limit they are held to was lowered."""
    targets, approving = found.stratum.targets, side.side is Side.APPROVE
    target = targets.max_leakage if approving else targets.max_wrongful_reject
    used, at_aim = (
        count_at(found.ads, side.side, pair.approve_below if approving else pair.reject_at) if pair else None
        for pair in (chosen if side.certified else None, found.aim)
    )

    def upper(counted: ThresholdCount | None) -> float | None:
        raised = target / side.limit if side.limit else 1.0
        return None if counted is None else min(1.0, upper_bound(counted.errors, counted.sizes, side.level) * raised)

    return Bound(
        side=side.side,
        target=target,
        limit=side.limit,
        level=side.level,
        certified_from=count(side.first),
        certified_to=count(side.last),
        used=count(used),
        upper=upper(used),
        stopped_at=count(side.stopped),
        at_aim=count(at_aim),
        upper_at_aim=upper(at_aim),
        labels_needed=None if side.certified else labels_needed(found.ads, side),
    )
