"""Scored ads and a policy book -> certified thresholds for every policy in every market, or what is missing.

questions (who needs thresholds) -> strata (whose labels answer) -> answers (how far they certify) -> certificates and thresholds
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from adverdict.certification.certificate import Bound, Certificate, LabelNoise, Otherwise, StatedTargets, Status, sealed, thresholds
from adverdict.certification.thresholds.answers import Answer, answer
from adverdict.certification.thresholds.curve import curve
from adverdict.certification.thresholds.evidence import count, labels_needed, like_traffic
from adverdict.certification.thresholds.scored import ScoredAds
from adverdict.certification.thresholds.sequence import FixedSequenceTest, LabelledAds, Side
from adverdict.certification.thresholds.strata import Stratum, questions, strata
from adverdict.certification.thresholds.wording import assumptions, findings, statement
from adverdict.decisions.policy import PolicyBook, Thresholds
from adverdict.decisions.thresholds import SolvedThresholds


@dataclass(frozen=True)
class Origin:
    """Where the scored ads come from, for the certificates."""

    bundle_version: str
    data: tuple[str, ...]
    solved_at: datetime
    valid_for: timedelta = timedelta(days=90)


@dataclass(frozen=True)
class Terms:
    """How to certify. ``noise`` by policy; others' labels are taken as true. ``one_policy``: see ``strata``."""

    noise: Mapping[str, LabelNoise] = field(default_factory=dict)
    one_policy: bool = False
    otherwise: Otherwise = Otherwise.REVIEW
    curves: bool = True


@dataclass(frozen=True)
class Solution:
    """Certificates in order of policy and market, and the thresholds that the markets they serve get."""

    certificates: tuple[Certificate, ...]
    solved: SolvedThresholds


def certify(scored: ScoredAds, book: PolicyBook, origin: Origin, terms: Terms | None = None) -> Solution:
    """Certify the boldest thresholds of every policy that ``scored`` has risks for and the book leaves to solved ones.

    A question that cannot be certified gets a certificate too, that says so, and thresholds that leave everything to people.
    """
    terms = terms or Terms()
    found = answers(scored, book, terms)
    return issue(scored, found, [one.thresholds for one in found], book, origin, terms)


def answers(scored: ScoredAds, book: PolicyBook, terms: Terms) -> list[Answer]:
    """How far the labels certify, stratum by stratum."""
    made = strata(scored, questions(scored, book), one_policy=terms.one_policy)
    return [answer(scored, stratum, terms.noise) for stratum in made]


def issue(
    scored: ScoredAds, found: Sequence[Answer], chosen: Sequence[Thresholds], book: PolicyBook, origin: Origin, terms: Terms
) -> Solution:
    """Certificates of thresholds ``chosen`` within what each answer certifies."""
    made = [_certificate(scored, one, pair, book, origin, terms) for one, pair in zip(found, chosen, strict=True)]
    made.sort(key=lambda one: (one.policy, one.strength, [market.market for market in one.markets]))
    return Solution(tuple(made), thresholds(made))


def _certificate(scored: ScoredAds, found: Answer, chosen: Thresholds, book: PolicyBook, origin: Origin, terms: Terms) -> Certificate:
    stratum, ads = found.stratum, found.ads
    bounds = tuple(_bound(side, ads, stratum) for side in (found.approve, found.reject) if side is not None)
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
        ),
        status=_status(bounds) if found.served else Status.INFEASIBLE,
        approve_below=chosen.approve_below,
        reject_at=chosen.reject_at,
        otherwise=terms.otherwise,
        bounds=bounds,
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


def _bound(side: FixedSequenceTest, ads: LabelledAds, stratum: Stratum) -> Bound:
    targets = stratum.targets
    target = targets.max_leakage if side.side is Side.APPROVE else targets.max_wrongful_reject
    upper = side.upper()
    return Bound(
        side=side.side,
        target=target,
        limit=side.limit,
        level=side.level,
        certified_from=count(side.first),
        certified_to=count(side.last),
        upper=None if upper is None else min(1.0, upper * target / side.limit),
        stopped_at=count(side.stopped),
        labels_needed=None if side.certified else labels_needed(ads, side),
    )
