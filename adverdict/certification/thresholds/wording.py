"""A certificate in sentences, for people who own the policy and not the statistics."""

from __future__ import annotations

import math
from collections.abc import Iterator

from adverdict.certification.certificate import Bound, Certificate, Design, LabelNoise
from adverdict.certification.thresholds.evidence import MOST_LABELS
from adverdict.certification.thresholds.sequence import Side
from adverdict.certification.thresholds.strata import PRESENT, Strength
from adverdict.domain.formats import percent, roughly

UNLIKE = 0.001
"""Labelled ads this unlikely to be a random part of the traffic are worth a finding."""
_DECIDED = {Side.APPROVE: "approved", Side.REJECT: "rejected"}
_IF_THE_POLICY_LETS = "if the policy lets uncertified thresholds decide (when_uncertified: decide)"
_TARGET = {Side.APPROVE: "max_leakage", Side.REJECT: "max_wrongful_reject"}


def statement(certificate: Certificate) -> str:
    """What is promised, or that nothing is, and what then decides."""
    approve, reject = (certificate.bound(side) for side in Side)
    if not certificate.served or not certificate.decides:
        return " ".join(["Nothing is certified here.", _nobody_decided(certificate), *_views(certificate)])
    return " ".join([*_approving(certificate, approve), *_rejecting(certificate, reject), _people(certificate)])


def _nobody_decided(certificate: Certificate) -> str:
    below = certificate.aim.provisional
    if below <= 0:
        return "A person decides every ad."
    return f"Ads below a risk of {below:g} are approved provisionally {_IF_THE_POLICY_LETS}. A person decides all others."


def _approving(certificate: Certificate, bound: Bound | None) -> Iterator[str]:
    if bound is None or bound.used is None:
        below = certificate.aim.provisional
        provisionally = f": ads below a risk of {below:g} are approved provisionally {_IF_THE_POLICY_LETS}" if below > 0 else ""
        yield f"Approving is not certified{provisionally}."
        yield from _views(certificate)
        return
    yield f"Approves below a risk of {certificate.approve_below:g}: {_share_of_ads(certificate, certificate.traffic.approved)}."
    confidence, most = percent(certificate.targets.confidence), _promised(certificate, bound)
    yield f"With {confidence} confidence at most {most} of them violate{_over(certificate, bound)} {_counted(bound)}."
    yield from _views(certificate)
    edge = certificate.edge
    if edge is not None:
        counted = f"{edge.errors:,} of {edge.ads:,} labelled"
        yield (
            f"Of the riskiest it approves (from {edge.risk_from:.3g}) at most {percent(edge.upper)} violate ({counted}); "
            f"none has a risk of {edge.limit:g} or more."
        )
    if certificate.missed_upper is not None:
        yield f"Of 100 violating ads at most {_of_hundred(certificate.missed_upper)} are approved."


def _views(certificate: Certificate) -> Iterator[str]:
    views = certificate.views
    if views is not None:
        counted = f"{views.errors:,} of {views.labelled:,} labelled, drawn by their views"
        yield f"Of the views of what it approves at most {percent(views.upper)} are of violating ads ({counted})."
        yield f"That has {percent(certificate.targets.confidence)} confidence by itself."


def _rejecting(certificate: Certificate, bound: Bound | None) -> Iterator[str]:
    if bound is None:
        return
    if bound.used is None:
        if certificate.aim.reject_at >= 1:
            yield "Rejects nobody: no risk here is high enough to reject without a person."
        else:
            yield "Rejects nobody yet: labels of the riskiest ads have to show first how few would be rejected wrongly."
        return
    confidence, most = percent(certificate.targets.confidence), _promised(certificate, bound)
    yield f"Rejects from a risk of {certificate.reject_at:g}: {_share_of_ads(certificate, certificate.traffic.rejected)}."
    yield f"With {confidence} confidence at most {most} of them do not violate{_over(certificate, bound)} {_counted(bound)}."


def _people(certificate: Certificate) -> str:
    traffic = certificate.traffic
    surfaces = f" on {', '.join(certificate.surfaces)}" if certificate.surfaces else ""
    place = f"in {', '.join(certificate.served)}{surfaces}"
    if not traffic.ads:
        return f"A person decides all others {place}."
    unless = ", but for those approved provisionally" if certificate.approve_below <= 0 < certificate.aim.provisional else ""
    return f"A person decides the other {percent(traffic.people / traffic.ads)} {place}{unless}."


def _promised(certificate: Certificate, bound: Bound) -> str:
    """The bound itself only at the threshold aimed at, which was settled before the labels; else what was tested."""
    aim = certificate.aim.approve_below if bound.side is Side.APPROVE else certificate.aim.reject_at
    at_aim = bound.used is not None and bound.used.threshold == aim and bound.upper is not None
    return percent(bound.upper) if at_aim and bound.upper is not None else percent(bound.target)


def _over(certificate: Certificate, bound: Bound) -> str:
    """Whom the promise is for, where that is not this market alone."""
    if bound.strength is Strength.TOGETHER:
        return f", over {_all_names(certificate)} taken together"
    return ", on average over markets like this one" if bound.strength is Strength.BORROWED else ""


def _counted(bound: Bound) -> str:
    used = bound.used
    return f"({used.errors:,} of {used.ads:,} labelled; asked: {percent(bound.target)})" if used else ""


def _share_of_ads(certificate: Certificate, ads: int) -> str:
    return f"{percent(ads / certificate.traffic.ads)} of the ads" if certificate.traffic.ads else "no ads are here to tell how many"


def _of_hundred(share: float) -> int:
    """An upper bound is not rounded down."""
    return math.ceil(round(100 * share, 6))


def assumptions(certificate: Certificate) -> tuple[str, ...]:
    """Everything the statement rests on."""
    made = [
        "The next ads come from the same mix of advertisers, creatives and policy practice as the labelled ones.",
        _design(certificate.design),
        "Advertisers err independently of each other, and not more the more ads they have.",
        _alike(certificate.alike),
        _noise(certificate.noise),
    ]
    if len(certificate.family) > 1:
        made.append(
            f"The confidence is that of {len(certificate.family)} promises at once, divided equally: {'; '.join(certificate.family)}."
        )
    together = [bound for bound in certificate.bounds if bound.strength is Strength.TOGETHER and bound.used is not None]
    if together:
        made.append(
            f"The promise about ads {' and '.join(_DECIDED[bound.side] for bound in together)} is for {_all_names(certificate)} taken "
            "together, in the proportions of the labels. This market alone may do worse; its own labels make that unlikely, and no more."
        )
    if any(bound.strength is Strength.BORROWED for bound in certificate.bounds):
        names = ", ".join(one.market for one in certificate.markets if one.lends)
        made.append(
            f"Strength is borrowed: before its own labels count, this market is taken to be like {names} with a chance of one half. So the "
            "promise holds on average over markets like these; one that is unlike them may do worse, and its audits matter."
        )
    return tuple(made)


def _design(design: Design) -> str:
    if not design.samples:
        drawn = "That the labelled ads are a random part of all ads was stated by whoever had this solved; nothing on record shows it"
    else:
        of = f" of {design.announced:,} announced" if design.announced is not None else ""
        drawn = f"The labelled ads were drawn by chance, one of an advertiser as far as can be: {design.labelled:,}{of}"
    if design.looked_again:
        return f"{drawn}. They are looked at more than once, so the bounds hold whenever one looks (tests by betting), and are wider."
    return f"{drawn}. They are looked at once; solving again when more are labelled is another look, and is tested as one."


def findings(certificate: Certificate) -> tuple[str, ...]:
    """What is missing and what would do; what speaks against an assumption."""
    found = [_missing(certificate, bound) for bound in certificate.bounds if bound.certified_to is None]
    found += [f"{one.market} is not served: {one.why_not}." for one in certificate.markets if one.why_not]
    found += [*_idle(certificate), *_edge(certificate), *_missed(certificate)]
    if certificate.like_traffic is not None and certificate.like_traffic < UNLIKE:
        found.append(
            f"The labelled ads' risks differ from those of the other ads (p = {certificate.like_traffic:.1g}): the promise holds for ads "
            "like the labelled ones. Label a random part of the traffic."
        )
    return tuple(found)


def _idle(certificate: Certificate) -> Iterator[str]:
    if certificate.idle and certificate.violating is not None:
        yield (
            f"{percent(certificate.violating)} of all labelled ads violate, so max_leakage {certificate.targets.max_leakage:g} limits "
            "nothing here: it would let every ad be approved. max_risk and the harm of a leak do the limiting."
        )


def _edge(certificate: Certificate) -> Iterator[str]:
    edge = certificate.edge
    if edge is not None and not edge.shown and certificate.approve_below > 0:
        yield (
            f"Whether the riskiest ads approved violate less often than max_risk {edge.limit:g} is not shown: {edge.errors:,} of "
            f"{edge.ads:,} labelled from {edge.risk_from:.3g} to {certificate.approve_below:g} do. Label more ads of such risks."
        )


def _missed(certificate: Certificate) -> Iterator[str]:
    asked, upper = certificate.targets.max_missed, certificate.missed_upper
    if asked is not None and upper is not None and upper > asked:
        yield f"max_missed {asked:g} is not shown: of 100 violating ads up to {_of_hundred(upper)} may be approved."


def _missing(certificate: Certificate, bound: Bound) -> str:
    own = sum(one.labelled for one in certificate.markets if not one.lends)
    others = f" and {certificate.ads - own:,} of other markets" if certificate.ads > own else ""
    start = f"{_TARGET[bound.side]} {bound.target:g} is not shown with {own:,} labelled ads{others}"
    if own < PRESENT:
        return f"{start}: at least {PRESENT} are needed before anything can be said."
    shown = f"; shown is at most {percent(bound.upper_at_aim)} at {bound.at_aim.threshold:g}" if bound.at_aim and bound.upper_at_aim else ""
    if bound.labels_needed is None:
        reason = f"not even {MOST_LABELS:,} would do, because the risks do not separate well enough"
        return f"{start}{shown}: {reason}. Loosen the target or improve the model."
    more = bound.labels_needed - own
    if more <= 0:
        likely = "As many labels, each of another advertiser, would show it four times in five"
        return f"{start}{shown}. {likely}: label more advertisers, and solve again."
    return f"{start}{shown}: one ad each of about {roughly(more)} more advertisers would do, if the next are like these."


def _alike(alike: float) -> str:
    if alike >= 1:
        return "The ads of one advertiser, or with one creative, may all stand or fall together."
    why = "the upper 95 % limit of what labels under this policy show"
    unsure = "that this limit may be wrong is not counted in the confidence"
    return f"Two ads of one advertiser, or with one creative, correlate by at most {alike:.2f}, {why} ({unsure})."


def _noise(noise: LabelNoise) -> str:
    quality = f"Raters find {_share(noise.sensitivity, 'violations')} and clear {_share(noise.specificity, 'other ads')}"
    if noise.source == "agreement":
        shown = f"as their agreement shows ({noise.disagreed:,} of {noise.twice_rated:,} ads rated twice were disagreed on)"
        return f"{quality}, {shown}, and err independently; the limits are lowered by as much."
    if noise.sensitivity < 1 or noise.specificity < 1:
        return f"{quality}, as was stated by whoever had this solved; the limits are lowered by as much."
    return "The raters' majority is taken as the truth; their errors are not allowed for."


def _all_names(certificate: Certificate) -> str:
    return ", ".join(sorted(one.market for one in certificate.markets))


def _share(share: float, of: str) -> str:
    return f"all {of}" if share >= 1 else f"at least {percent(share)} of {of}"
