"""Certificates as one page for the people who own the policies: no network and no script."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from adverdict.certification.certificate import Bound, Certificate, Count, MarketEvidence, Status
from adverdict.certification.words import Side, Strength
from adverdict.domain.formats import counted, day, moment, percent, share_of
from adverdict.rollout.pages.plots import Split, draw_errors, draw_review, split
from adverdict.rollout.ways import Way, ways
from adverdict.storage.pages import environment
from adverdict.storage.whole import write_whole
from adverdict.training.pages.plots import Drawing, render

PAGE = "certificates.html"


@dataclass(frozen=True)
class CertificateStanding:
    """How a certificate, or a market under it, stands: a sign for those who see no colours, and words."""

    kind: str
    """``certified``, ``partly`` or ``infeasible``: the colour's name in the page."""
    sign: str
    words: str


STANDINGS = {
    Status.CERTIFIED: CertificateStanding("certified", "✓", "certified"),
    Status.PARTLY: CertificateStanding("partly", "◐", "partly certified"),
    Status.INFEASIBLE: CertificateStanding("infeasible", "✕", "not certified"),
}
NOT_SERVED = CertificateStanding("infeasible", "✕", "not served")
NOT_USED = CertificateStanding("partly", "◐", "not in use")
"""Certified, but the thresholds chosen within what is certified decide nothing."""
EVERY = (*STANDINGS.values(), NOT_USED, NOT_SERVED)


@dataclass(frozen=True)
class Row:
    """One side's evidence: what the threshold in use decided, or the boldest certified one, or the one that failed."""

    bound: Bound
    count: Count | None
    chosen: float
    """The threshold in use, which is a more cautious one where reviewers have time, or where both sides could have taken the same ads."""


def write_page(folder: Path, certificates: Sequence[Certificate], *, solved_by: str = "", titles: Mapping[str, str] | None = None) -> Path:
    """Write ``certificates.html`` into ``folder``, which is created; the page's path.

    ``solved_by`` says in words who or what solved them, ``titles`` names policies for people; both may hold anything, all of it is escaped.
    """
    filters = {"share": share_of, "percent": percent, "day": day, "moment": moment}
    templates = environment("adverdict.rollout.pages", filters)
    ordered = sorted(certificates, key=lambda certificate: certificate.policy)
    drawn: Drawn = {}
    policies = [
        {
            "number": number,
            "name": name,
            "title": (titles or {}).get(name, name),
            **_certificates(list(group), drawn),
        }
        for number, (name, group) in enumerate(groupby(ordered, key=lambda certificate: certificate.policy), start=1)
    ]
    page = templates.get_template(PAGE).render(
        policies=policies,
        markets=sorted({one.market for certificate in certificates for one in asking(certificate)}),
        tally=_tally(certificates),
        solved_by=solved_by,
        titles=titles or {},
        numbers={policy["name"]: policy["number"] for policy in policies},
        ways=ways(certificates),
        promise=_promise(ways(certificates)),
    )
    target = folder / PAGE
    write_whole(target, page)
    return target


def _certificates(group: Sequence[Certificate], drawn: Drawn) -> dict[str, Any]:
    """Of one policy: each, and how many stand how."""
    made = [_certificate(certificate, drawn) for certificate in group]
    signs = Counter(one["standing"].sign for one in made)
    return {"certificates": made, "signs": list(signs.items())}


def _promise(found: Sequence[Way]) -> str:
    """What is certified, in one sentence."""
    some, places = [way for way in found if way.certified], sum(way.places for way in found)
    certified = sum(way.certified for way in found)
    if not some:
        return "No threshold is certified yet: until then each policy says whether risks decide without a promise, or people do."
    return f"Approving is certified in {certified} of {counted(places, 'place')}, under {counted(len(some), 'policy', 'policies')}."


def standing(certificate: Certificate) -> CertificateStanding:
    """Of all the certificate's markets together. What serves nobody, or decides nothing, is not called certified."""
    if certificate.status is Status.INFEASIBLE:
        return STANDINGS[certificate.status]
    if not certificate.served:
        return NOT_SERVED
    return STANDINGS[certificate.status] if certificate.decides else NOT_USED


def asking(certificate: Certificate) -> list[MarketEvidence]:
    """The markets whose thresholds these are, served or not; not those that only lend their labels."""
    return [one for one in certificate.markets if not one.lends]


def _tally(certificates: Iterable[Certificate]) -> list[tuple[CertificateStanding, int]]:
    """How many (policy, market, targets) stand how."""
    stand = [_of_market(one, market) for one in certificates for market in asking(one)]
    return [(one, stand.count(one)) for one in EVERY if one in stand]


def _of_market(certificate: Certificate, market: MarketEvidence) -> CertificateStanding:
    return standing(certificate) if market.served or certificate.status is Status.INFEASIBLE else NOT_SERVED


Drawn = dict[tuple[object, ...], list[dict[str, str]]]
"""Plots by what they show: markets that rest on the same labels and decide by the same thresholds share them."""


def _certificate(certificate: Certificate, drawn: Drawn) -> dict[str, Any]:
    """Everything the page says of one certificate."""
    counted = split(certificate)
    return {
        "is": certificate,
        "standing": standing(certificate),
        "asking": {one.market: _of_market(certificate, one) for one in asking(certificate)},
        "others": certificate.strength is not Strength.OWN,
        "decides": bool(certificate.served) and certificate.decides,
        "provisional": certificate.aim.provisional > 0,
        "split": counted,
        "rows": [_row(certificate, bound) for bound in certificate.bounds],
        "plots": _plots(certificate, counted, drawn),
    }


def _row(certificate: Certificate, bound: Bound) -> Row:
    chosen = certificate.approve_below if bound.side is Side.APPROVE else certificate.reject_at
    return Row(bound, bound.used or bound.certified_to or bound.stopped_at, chosen)


def _plots(certificate: Certificate, counted: Split, drawn: Drawn) -> list[dict[str, str]]:
    """Where something is certified: of what is not, the table says all there is."""
    if not certificate.curve or not counted.ads or not certificate.decides:
        return []
    ranges = tuple((bound.side, bound.target, bound.certified_from, bound.certified_to) for bound in certificate.bounds)
    shown = certificate.policy, certificate.curve, ranges, certificate.approve_below, certificate.reject_at
    if shown not in drawn:
        drawn[shown] = _draw(certificate)
    return drawn[shown]


def _draw(certificate: Certificate) -> list[dict[str, str]]:
    titles = {Side.APPROVE: ("leakage", "Leakage"), Side.REJECT: ("wrongful", "Wrongful rejection")}
    drawings: dict[str, tuple[str, Drawing]] = {}
    for bound in certificate.bounds:
        kind, title = titles[bound.side]
        drawings[kind] = (title, draw_errors(certificate, bound))
    drawings["review"] = ("Review load", draw_review(certificate))
    together = any(bound.strength is Strength.TOGETHER for bound in certificate.bounds)
    where = "all markets together" if together else ", ".join(one.market for one in asking(certificate))
    return [
        {"title": title, "kind": kind, "svg": render(draw, _title(title, certificate, where), f"{certificate.certificate_id}-{kind}")}
        for kind, (title, draw) in drawings.items()
    ]


def _title(title: str, certificate: Certificate, where: str) -> str:
    shortened = where if len(where) <= 24 else f"{where[:20].rsplit(', ', 1)[0]}, …"
    return f"{title}: {certificate.policy}, {shortened}".replace("$", r"\$")  # a dollar would begin a formula
