"""Scored ads and a policy book -> certified thresholds for every policy in every market, or what is missing.

questions (who needs thresholds) -> what a review is worth -> strata (whose labels answer) -> answers (how far they certify) -> certificates
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from adverdict.certification.certificate import Certificate, LabelNoise, thresholds
from adverdict.certification.thresholds.answers import Answer, Labels, answer
from adverdict.certification.thresholds.capacity import Priced, Traffic, in_use, plan, review_price
from adverdict.certification.thresholds.issue import Origin, certificate
from adverdict.certification.thresholds.scored import ScoredAds
from adverdict.certification.thresholds.shortage import CostsOfLimits, costs_of_limits
from adverdict.certification.thresholds.strata import questions, strata
from adverdict.decisions.policy import PolicyBook, Thresholds
from adverdict.decisions.thresholds import SolvedThresholds


@dataclass(frozen=True)
class Terms:
    """How to certify.

    ``noise`` by policy; others' labels are taken as true. ``all_at_once``: see ``strata``; ``looked_again``: see ``answers.Labels``.
    ``capacity``: reviews a day, with ``volume``, ads a day by market; None: a review has the price of
    ``capacity.review_price``.
    """

    noise: Mapping[str, LabelNoise] = field(default_factory=dict)
    all_at_once: bool = False
    looked_again: bool = False
    capacity: float | None = None
    volume: Mapping[str, float] | None = None
    curves: bool = True


@dataclass(frozen=True)
class Solution:
    """Certificates in order of policy and market, the thresholds that come of them, and what made a review worth its price."""

    certificates: tuple[Certificate, ...]
    solved: SolvedThresholds
    priced: Priced
    people: float
    """Share of the ads, in [0, 1], that a person sees once these thresholds decide, provisional ones where the policy lets them."""
    costs: CostsOfLimits | None = None
    """What the policies' limits cost, where reviewers do not suffice; None: they do, or nobody said how many there are."""


def certify(scored: ScoredAds, book: PolicyBook, origin: Origin, terms: Terms | None = None) -> Solution:
    """Certify the thresholds of least harm of every policy that ``scored`` has risks for and the book leaves to solved ones.

    A question that cannot be certified gets a certificate too, that says so.
    """
    terms = terms or Terms()
    aimed, found = answers(scored, book, terms)
    if terms.capacity is None:
        return issue(scored, book, found, [one.thresholds for one in found], origin, aimed, curves=terms.curves)
    traffic = Traffic.of_answers(scored, book, found, terms.volume)
    planned = plan(traffic, found, terms.capacity)
    solution = issue(scored, book, found, planned.thresholds, origin, planned, curves=terms.curves)
    return solution if planned.feasible else replace(solution, costs=costs_of_limits(traffic, found))


def answers(scored: ScoredAds, book: PolicyBook, terms: Terms) -> tuple[Priced, list[Answer]]:
    """What a review is worth, and how far the labels certify the thresholds that follow from it, stratum by stratum."""
    asked = questions(scored, book)
    aimed = review_price(scored, book, asked, terms.capacity, terms.volume)
    labels, made = Labels(scored, looked_again=terms.looked_again), strata(scored, asked, all_at_once=terms.all_at_once)
    return aimed, [answer(labels, stratum, terms.noise, aimed.price) for stratum in made]


def issue(
    scored: ScoredAds,
    book: PolicyBook,
    found: Sequence[Answer],
    chosen: Sequence[Thresholds],
    origin: Origin,
    priced: Priced,
    *,
    curves: bool = True,
) -> Solution:
    """Certificates of thresholds ``chosen`` within what each answer certifies."""
    made = [certificate(scored, one, pair, origin, priced.price, curves=curves) for one, pair in zip(found, chosen, strict=True)]
    made.sort(key=lambda one: (one.policy, [market.market for market in one.markets], one.surfaces or ()))
    solved = thresholds(made)
    asked = [one.stratum.question for one in found]
    people = Traffic(scored, book, asked).reviews(in_use(asked, solved)) / max(len(scored), 1)
    return Solution(tuple(made), solved, priced, people)
