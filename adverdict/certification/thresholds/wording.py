"""A certificate in sentences, for people who own the policy and not the statistics."""

from __future__ import annotations

from adverdict.certification.certificate import Bound, Certificate, LabelNoise, Otherwise
from adverdict.certification.thresholds.evidence import MOST_LABELS
from adverdict.certification.thresholds.sequence import Side
from adverdict.certification.thresholds.strata import PRESENT, Strength
from adverdict.domain.formats import percent

UNLIKE = 0.001
"""Labelled ads this unlikely to be a random part of the traffic are worth a finding."""
_ERROR = {Side.APPROVE: "violating", Side.REJECT: "not violating"}
_OTHERWISE = {
    Otherwise.REVIEW: "every ad whose risk decides goes to a person",
    Otherwise.UNCERTIFIED: "the model's own thresholds decide, without any promise",
}
_DECIDED = {Side.APPROVE: "approved automatically", Side.REJECT: "rejected automatically"}


def statement(certificate: Certificate) -> str:
    """What is promised, or that nothing is."""
    if not certificate.served or not certificate.decides:
        return f"Nothing is certified here: {_OTHERWISE[certificate.otherwise]}."
    promised = [
        f"at most {percent(bound.target)} of the ads {_DECIDED[bound.side]} ({_at(certificate, bound.side)}) are {_ERROR[bound.side]}"
        for bound in certificate.bounds
        if _used(certificate, bound.side)
    ]
    return f"With {percent(certificate.targets.confidence)} confidence, {' and '.join(promised)}, {_where(certificate)}."


def assumptions(certificate: Certificate) -> tuple[str, ...]:
    """Everything the statement rests on."""
    made = [
        "The next ads come from the same mix of advertisers, creatives and policy practice as the labelled ones, which are a random part "
        "of the traffic.",
        "Advertisers err independently of each other, and not more the more ads they have.",
        _alike(certificate.alike),
        _noise(certificate.noise),
    ]
    if len(certificate.family) > 1:
        made.append(
            f"The confidence is that of {len(certificate.family)} promises at once, divided equally: {'; '.join(certificate.family)}."
        )
    if certificate.strength is Strength.POOLED:
        names = ", ".join(one.market for one in certificate.markets)
        made.append(
            f"Strength is borrowed: the labels are those of {names} together, and the promise holds for them together, in the proportions "
            "of the data. One of them alone may do worse."
        )
    return tuple(made)


def findings(certificate: Certificate) -> tuple[str, ...]:
    """What is missing and what would do; what speaks against an assumption."""
    found = [_missing(certificate, bound) for bound in certificate.bounds if bound.certified_to is None]
    found += [f"{one.market} is not served: {one.why_not}." for one in certificate.markets if one.why_not]
    if certificate.like_traffic is not None and certificate.like_traffic < UNLIKE:
        found.append(
            f"The labelled ads' risks differ from those of the other ads (p = {certificate.like_traffic:.1g}): the promise holds for ads "
            "like the labelled ones. Label a random part of the traffic."
        )
    return tuple(found)


def _missing(certificate: Certificate, bound: Bound) -> str:
    name = "max_leakage" if bound.side is Side.APPROVE else "max_wrongful_reject"
    start = f"{name} {bound.target:g} is infeasible with {certificate.ads:,} labelled ads"
    if certificate.ads < PRESENT:
        return f"{start}: at least {PRESENT} are needed before anything can be said."
    stopped = bound.stopped_at
    seen = f" ({stopped.errors} of {stopped.ads} ads wrong at {stopped.threshold:g})" if stopped else ""
    if bound.labels_needed is None:
        reason = f"not even {MOST_LABELS:,} would do, because the risks do not separate well enough"
        return f"{start}{seen}: {reason}. Loosen the target or improve the model."
    more = bound.labels_needed - certificate.ads
    if more <= 0:
        return f"{start}{seen}: as many do four times in five, these did not. Label more, and solve again."
    return f"{start}{seen}: about {bound.labels_needed:,} would do ({more:,} more), if the next are like these."


def _alike(alike: float) -> str:
    if alike >= 1:
        return "The ads of one advertiser, or with one creative, may all stand or fall together."
    why = "the upper 95 % limit of what their labels show"
    return f"Two ads of one advertiser, or with one creative, correlate by at most {alike:.2f}, {why} (not counted in the confidence)."


def _noise(noise: LabelNoise) -> str:
    quality = f"Raters find {_share(noise.sensitivity, 'violations')} and clear {_share(noise.specificity, 'other ads')}"
    if noise.source == "agreement":
        shown = f"as their agreement shows ({noise.disagreed:,} of {noise.twice_rated:,} ads rated twice were disagreed on)"
        return f"{quality}, {shown}, and err independently; the limits are lowered by as much."
    if noise.sensitivity < 1 or noise.specificity < 1:
        return f"{quality}, as was stated by whoever had this solved; the limits are lowered by as much."
    return "The raters' majority is taken as the truth; their errors are not allowed for."


def _at(certificate: Certificate, side: Side) -> str:
    return f"risk below {certificate.approve_below:g}" if side is Side.APPROVE else f"risk at least {certificate.reject_at:g}"


def _used(certificate: Certificate, side: Side) -> bool:
    """Whether the thresholds chosen decide anything on this side."""
    return certificate.approve_below > 0 if side is Side.APPROVE else certificate.reject_at < 1


def _where(certificate: Certificate) -> str:
    names = ", ".join(certificate.served)
    place = f" on {', '.join(certificate.surfaces)}" if certificate.surfaces else ""
    if certificate.strength is Strength.OWN:
        return f"in {names}{place}"
    sources = ", ".join(one.market for one in certificate.markets)
    together = f"over {sources} taken together{place}"
    return together if len(certificate.served) == len(certificate.markets) else f"{together}; it serves {names}"


def _share(share: float, of: str) -> str:
    return f"all {of}" if share >= 1 else f"at least {percent(share)} of {of}"
