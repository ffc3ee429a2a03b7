"""What a certificate says in words: compared with golden files, one sentence for each case there is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from adverdict.certification.certificate import (
    Aim,
    Bound,
    Certificate,
    Count,
    Decides,
    Design,
    Edge,
    LabelNoise,
    MarketEvidence,
    StatedTargets,
    Status,
)
from adverdict.certification.thresholds.wording import assumptions, findings, statement
from adverdict.certification.words import Side, Strength
from tests.golden import Golden

SOLVED_AT = datetime(2026, 3, 1, tzinfo=UTC)
USED = Count(threshold=0.12, ads=900, errors=9, advertisers=700, draws=700.0)
BOLD = Count(threshold=0.2, ads=950, errors=15, advertisers=720, draws=720.0)
HIGH = Count(threshold=0.9, ads=120, errors=4, advertisers=100, draws=100.0)
FAILED = Count(threshold=0.02, ads=140, errors=6, advertisers=100, draws=110.0)
TARGETS = StatedTargets(max_leakage=0.02, max_wrongful_reject=0.1, confidence=0.95, max_risk=0.25, min_risk_rejected=0.5, max_missed=None)
AIM = Aim(approve_below=0.12, reject_at=0.9, provisional=0.08, leaked=5.0, price=0.6)
APPROVE = Bound(
    side=Side.APPROVE,
    strength=Strength.OWN,
    target=0.02,
    limit=0.018,
    level=0.025,
    certified_from=USED,
    certified_to=BOLD,
    used=USED,
    upper=0.0161,
    stopped_at=None,
    at_aim=USED,
    upper_at_aim=0.0161,
    labels_needed=None,
)
REJECT = APPROVE.model_copy(
    update={
        "side": Side.REJECT,
        "target": 0.1,
        "limit": 0.1,
        "upper": 0.08,
        "certified_from": HIGH,
        "certified_to": HIGH,
        "used": HIGH,
        "at_aim": HIGH,
        "upper_at_aim": 0.08,
    }
)
STATED = Design(samples=(), announced=None, labelled=1000, looked_again=False)
DRAWN = Design(samples=("sample-1",), announced=1200, labelled=1000, looked_again=False)


def market(name: str, labelled: int = 1000, *, served: bool = True, lends: bool = False, why_not: str | None = None) -> MarketEvidence:
    return MarketEvidence(market=name, ads=2 * labelled, labelled=labelled, violating=20, served=served, lends=lends, why_not=why_not)


def failed(bound: Bound, **changes: Any) -> Bound:
    """Not certified; what is shown at the threshold aimed at is more than the target."""
    nothing = {"certified_from": None, "certified_to": None, "used": None, "upper": None}
    return bound.model_copy(update={**nothing, "upper_at_aim": 1.5 * bound.target, **changes})


def of(bound: Bound, strength: Strength) -> Bound:
    return bound.model_copy(update={"strength": strength})


def certificate(**changes: Any) -> Certificate:
    plain = Certificate(
        certificate_id="cert-0",
        policy="gambling",
        surfaces=None,
        strength=Strength.OWN,
        markets=(market("SE"),),
        targets=TARGETS,
        status=Status.CERTIFIED,
        approve_below=0.12,
        reject_at=0.9,
        aim=AIM,
        traffic=Decides(ads=2000, approved=1400, rejected=260),
        bounds=(APPROVE, REJECT),
        edge=Edge(risk_from=0.04, ads=210, errors=8, upper=0.071, limit=0.25),
        missed_upper=0.1234,
        violating=0.08,
        alike=1.0,
        family=("gambling",),
        noise=LabelNoise(sensitivity=1.0, specificity=1.0, source="assumed"),
        like_traffic=None,
        statement="",
        assumptions=(),
        findings=(),
        bundle_version="0",
        policy_hash="0",
        data=(),
        design=STATED,
        solved_at=SOLVED_AT,
        expires_at=SOLVED_AT + timedelta(days=90),
    )
    return plain.model_copy(update=changes)


NOT_APPROVING: dict[str, Any] = {
    "approve_below": 0.0,
    "bounds": (failed(APPROVE), REJECT),
    "edge": None,
    "missed_upper": None,
    "traffic": Decides(ads=2000, approved=0, rejected=260),
}
NOT_REJECTING: dict[str, Any] = {
    "reject_at": 1.0,
    "bounds": (APPROVE, failed(REJECT)),
    "traffic": Decides(ads=2000, approved=1400, rejected=0),
}
NOTHING: dict[str, Any] = {"approve_below": 0.0, "reject_at": 1.0, "bounds": (failed(APPROVE), failed(REJECT))}
UNSERVED = market("SE", 12, served=False, why_not="12 labelled ads; 30 are needed before anything can be said")
LENT = (market("SE", 100), market("DE", lends=True, served=False), market("US", lends=True, served=False))
TOGETHER = {"markets": LENT, "strength": Strength.TOGETHER, "bounds": (of(APPROVE, Strength.TOGETHER), of(REJECT, Strength.TOGETHER))}
BORROWED = {"markets": LENT, "strength": Strength.BORROWED, "bounds": (APPROVE, of(REJECT, Strength.BORROWED))}
STATEMENTS = {
    "both sides": certificate(),
    "more cautious than the aim: what was tested is promised": certificate(
        aim=AIM.model_copy(update={"approve_below": 0.15, "reject_at": 0.85})
    ),
    "rejecting not shown": certificate(**NOT_REJECTING),
    "rejecting not aimed at": certificate(**NOT_REJECTING, aim=AIM.model_copy(update={"reject_at": 1.0})),
    "rejecting not asked for": certificate(reject_at=1.0, bounds=(APPROVE,), traffic=Decides(ads=2000, approved=1400, rejected=0)),
    "approving not shown": certificate(**NOT_APPROVING),
    "approving not aimed at": certificate(**NOT_APPROVING, aim=AIM.model_copy(update={"approve_below": 0.0, "provisional": 0.0})),
    "a confidence with a fraction": certificate(targets=TARGETS.model_copy(update={"confidence": 0.999})),
    "on one surface": certificate(surfaces=("kids_video", "search")),
    "no label of the riskiest approved": certificate(edge=None, missed_upper=None),
    "all markets together": certificate(**TOGETHER),
    "one side borrowed": certificate(**BORROWED),
    "no ads of the market in the data": certificate(traffic=Decides(ads=0, approved=0, rejected=0)),
    "nothing shown": certificate(**NOTHING),
    "nothing shown and nothing aimed at": certificate(
        **NOTHING, aim=AIM.model_copy(update={"approve_below": 0.0, "reject_at": 1.0, "provisional": 0.0})
    ),
    "not served": certificate(markets=(UNSERVED,)),
}
AGREED = LabelNoise(sensitivity=0.8123, specificity=0.95, source="agreement", twice_rated=12_345, disagreed=1_234)
ASSUMPTIONS = {
    "plain": certificate(),
    "a planned sample": certificate(design=DRAWN),
    "a planned sample, looked at before it was complete": certificate(design=DRAWN.model_copy(update={"looked_again": True})),
    "several policies at once, measured correlation": certificate(alike=0.4567, family=("adult", "gambling")),
    "raters who disagree": certificate(noise=AGREED),
    "raters whose errors were stated": certificate(noise=LabelNoise(sensitivity=0.9, specificity=1.0, source="assumed")),
    "all markets together": certificate(**TOGETHER),
    "one side borrowed": certificate(**BORROWED),
}
FINDINGS = {
    "nothing missing": certificate(like_traffic=0.2),
    "labels missing": certificate(bounds=(failed(APPROVE, labels_needed=4_000), REJECT)),
    "labels missing, others lend": certificate(markets=LENT, bounds=(failed(of(APPROVE, Strength.BORROWED), labels_needed=4_000), REJECT)),
    "labels missing, and where it failed": certificate(bounds=(APPROVE, failed(REJECT, labels_needed=12_000, stopped_at=FAILED))),
    "no ad at the threshold aimed at": certificate(bounds=(failed(APPROVE, labels_needed=4_000, at_aim=None, upper_at_aim=None),)),
    "enough labels, bad luck": certificate(bounds=(failed(APPROVE, labels_needed=900, stopped_at=FAILED),)),
    "no number of labels": certificate(bounds=(failed(APPROVE, stopped_at=FAILED),)),
    "hardly any labels": certificate(markets=(UNSERVED,), bounds=(failed(APPROVE),)),
    "unlike the traffic": certificate(like_traffic=0.00004),
    "just like enough": certificate(like_traffic=0.001),
    "an idle target": certificate(violating=0.0199),
    "just not idle": certificate(violating=0.0201),
    "the edge is not shown": certificate(edge=Edge(risk_from=0.04, ads=9, errors=0, upper=0.28, limit=0.25)),
    "more may be missed than is asked": certificate(targets=TARGETS.model_copy(update={"max_missed": 0.12})),
    "as few are missed as is asked": certificate(targets=TARGETS.model_copy(update={"max_missed": 0.13})),
}


def test_what_is_promised(golden: Golden) -> None:
    golden.check("wording_statement.txt", "\n".join(f"{case}\n    {statement(one)}" for case, one in STATEMENTS.items()))


def test_what_it_rests_on(golden: Golden) -> None:
    golden.check("wording_assumptions.txt", listed({case: assumptions(one) for case, one in ASSUMPTIONS.items()}))


def test_what_is_missing(golden: Golden) -> None:
    golden.check("wording_findings.txt", listed({case: findings(one) for case, one in FINDINGS.items()}))


def listed(found: dict[str, tuple[str, ...]]) -> str:
    return "\n".join("\n".join([case, *(f"    {line}" for line in lines or ("(nothing)",))]) for case, lines in found.items())


@pytest.mark.parametrize(("decides", "approves"), [(NOT_APPROVING, False), (NOT_REJECTING, True)])
def test_nothing_is_promised_of_a_side_that_decides_nothing(decides: dict[str, Any], approves: bool) -> None:
    said = statement(certificate(**decides))
    assert ("Approves below" in said) is approves
    assert ("Rejects from" in said) is not approves


def test_an_upper_bound_is_never_rounded_down() -> None:
    assert "Of 100 violating ads at most 4 are approved" in statement(certificate(missed_upper=0.0301))
    assert "Of 100 violating ads at most 3 are approved" in statement(certificate(missed_upper=0.03))


def test_a_market_that_is_not_served_is_never_promised_anything() -> None:
    said = statement(certificate(markets=(market("SE", served=False),)))
    assert "With 95 % confidence" not in said
    assert said.startswith("Nothing is certified here")
