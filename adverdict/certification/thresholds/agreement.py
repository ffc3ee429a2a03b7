"""How far raters can be trusted, from how often two of them agree on the same ad.

Suppose raters err independently. Were there no false alarms, two ratings of a violating ad would be yes-yes with a**2 and mixed with
2 a (1 - a), where a is their sensitivity, so a = 2 yes-yes / (2 yes-yes + mixed): the positive agreement (Cicchetti and Feinstein 1990,
Journal of Clinical Epidemiology 43, 551-558). False alarms only add mixed pairs, so the positive agreement is at most the sensitivity, and
the negative agreement at most the specificity.

Where a first reading that contradicts a verdict is read twice more (``review.cases.settling``), the ads with three ratings are those whose
first said one thing, and pairs with it would agree too often: a would come out as (2 a + a**2) / 3 over pairs. The two later readings were
asked whatever they would say, so they alone are counted. And of what a first reading finds, two of three must find it still: the label that
is settled has a sensitivity of a (1 - (1 - a)**2).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from adverdict.certification.certificate import LabelNoise

FEWEST = 20
"""Agreements of fewer ratings on one side say too little to lower a bound by."""


def label_noise(ratings: Iterable[Sequence[bool]]) -> LabelNoise:
    """From what each ad's raters said of it under one policy, True for violating, in the order in which they said it; ads that one person
    rated tell nothing.

    With more than two ratings of an ad every pair of them counts, with weights that make them one pair. Where some ads have one rating and
    others three or more, the more were asked because of the first. Without enough pairs the labels are taken as true, and the certificate
    says so.
    """
    said = [tuple(one) for one in ratings]
    because_of_first = any(len(one) == 1 for one in said) and any(len(one) > 2 for one in said)
    both = mixed = neither = 0.0
    twice = disagreed = 0
    for one in said:
        told = one[1:] if because_of_first else one
        n, yes = len(told), sum(told)
        if n < 2:
            continue
        pairs = n * (n - 1) / 2
        both += yes * (yes - 1) / 2 / pairs
        mixed += yes * (n - yes) / pairs
        neither += (n - yes) * (n - yes - 1) / 2 / pairs
        twice += 1
        disagreed += 0 < yes < n
    sensitivity, specificity = _agreement(both, mixed), _agreement(neither, mixed)
    if sensitivity is None and specificity is None:
        return LabelNoise(sensitivity=1.0, specificity=1.0, source="assumed")
    sensitivity, specificity = (1.0 if one is None else one for one in (sensitivity, specificity))
    if because_of_first:
        sensitivity, specificity = _settled(sensitivity), _settled(specificity)
    return LabelNoise(sensitivity=sensitivity, specificity=specificity, source="agreement", twice_rated=twice, disagreed=disagreed)


def _settled(right: float) -> float:
    """How often a first reading and at least one of two more are right, each of which is so often."""
    return right * (1.0 - (1.0 - right) ** 2)


def _agreement(alike: float, mixed: float) -> float | None:
    """Of pairs of one mind and of two; None where there are too few to tell. Raters who are never of one mind are worth half an agreement:
    the least that can be told of so many pairs, and no reason to trust them."""
    ratings = 2 * alike + mixed
    return max(2 * alike, 0.5) / max(ratings, 0.5 + mixed) if ratings >= FEWEST else None
