"""What a certificate says in words: compared with golden files, one sentence for each case there is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from adverdict.certification.certificate import Bound, Certificate, Count, LabelNoise, MarketEvidence, Otherwise, StatedTargets, Status
from adverdict.certification.thresholds.wording import assumptions, findings, statement
from adverdict.certification.words import Side, Strength
from tests.golden import Golden

SOLVED_AT = datetime(2026, 3, 1, tzinfo=UTC)
BOLD = Count(threshold=0.12, ads=900, errors=9, advertisers=700, draws=700.0)
FAILED = Count(threshold=0.02, ads=140, errors=6, advertisers=100, draws=110.0)
APPROVE = Bound(
    side=Side.APPROVE,
    target=0.02,
    limit=0.018,
    level=0.0125,
    certified_from=BOLD,
    certified_to=BOLD,
    upper=0.0199,
    stopped_at=None,
    labels_needed=None,
)
REJECT = APPROVE.model_copy(update={"side": Side.REJECT, "target": 0.1, "limit": 0.1, "upper": 0.08})


def market(name: str, labelled: int = 1000, *, served: bool = True, lends: bool = False, why_not: str | None = None) -> MarketEvidence:
    return MarketEvidence(market=name, ads=2 * labelled, labelled=labelled, violating=20, served=served, lends=lends, why_not=why_not)


def failed(bound: Bound, **changes: Any) -> Bound:
    return bound.model_copy(update={"certified_from": None, "certified_to": None, "upper": None, **changes})


def certificate(**changes: Any) -> Certificate:
    plain = Certificate(
        certificate_id="cert-0",
        policy="gambling",
        surfaces=None,
        strength=Strength.OWN,
        markets=(market("SE"),),
        targets=StatedTargets(max_leakage=0.02, max_wrongful_reject=0.1, confidence=0.95),
        status=Status.CERTIFIED,
        approve_below=0.12,
        reject_at=0.9,
        bounds=(APPROVE, REJECT),
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
        solved_at=SOLVED_AT,
        expires_at=SOLVED_AT + timedelta(days=90),
    )
    return plain.model_copy(update=changes)


POOLED = {"strength": Strength.POOLED}
UNSERVED = market("SE", 60, served=False, why_not="its own labels speak against it: 10 of 27 ads the pool would approve violate")
STATEMENTS = {
    "both sides": certificate(),
    "only approving": certificate(reject_at=1.0),
    "only rejecting": certificate(approve_below=0.0),
    "a confidence with a fraction": certificate(targets=StatedTargets(max_leakage=0.02, max_wrongful_reject=0.1, confidence=0.999)),
    "a pool that serves all": certificate(**POOLED, markets=(market("DE"), market("SE"))),
    "a pool that serves some": certificate(**POOLED, markets=(market("DE"), UNSERVED, market("US", lends=True, served=False))),
    "nothing chosen": certificate(approve_below=0.0, reject_at=1.0),
    "nobody served": certificate(markets=(UNSERVED,)),
    "nobody served, the model decides": certificate(markets=(UNSERVED,), otherwise=Otherwise.UNCERTIFIED),
}
AGREED = LabelNoise(sensitivity=0.8123, specificity=0.95, source="agreement", twice_rated=12_345, disagreed=1_234)
ASSUMPTIONS = {
    "plain": certificate(),
    "several policies, measured correlation": certificate(alike=0.4567, family=("adult", "gambling")),
    "raters who disagree": certificate(noise=AGREED),
    "raters whose errors were stated": certificate(noise=LabelNoise(sensitivity=0.9, specificity=1.0, source="assumed")),
    "a pool": certificate(**POOLED, markets=(market("DE"), market("US", lends=True, served=False))),
}
FINDINGS = {
    "nothing missing": certificate(like_traffic=0.2),
    "labels missing": certificate(bounds=(failed(APPROVE, labels_needed=4_000), REJECT)),
    "labels missing, and where it failed": certificate(bounds=(APPROVE, failed(REJECT, labels_needed=12_000, stopped_at=FAILED))),
    "enough labels, bad luck": certificate(bounds=(failed(APPROVE, labels_needed=900, stopped_at=FAILED),)),
    "no number of labels": certificate(bounds=(failed(APPROVE, stopped_at=FAILED),)),
    "hardly any labels": certificate(markets=(market("SE", 12, served=False, why_not="12 labelled ads"),), bounds=(failed(APPROVE),)),
    "a market not served": certificate(**POOLED, markets=(market("DE"), UNSERVED)),
    "unlike the traffic": certificate(like_traffic=0.00004),
    "just like enough": certificate(like_traffic=0.001),
}


def test_what_is_promised(golden: Golden) -> None:
    golden.check("wording_statement.txt", "\n".join(f"{case}\n    {statement(one)}" for case, one in STATEMENTS.items()))


def test_what_it_rests_on(golden: Golden) -> None:
    golden.check("wording_assumptions.txt", listed({case: assumptions(one) for case, one in ASSUMPTIONS.items()}))


def test_what_is_missing(golden: Golden) -> None:
    golden.check("wording_findings.txt", listed({case: findings(one) for case, one in FINDINGS.items()}))


def listed(found: dict[str, tuple[str, ...]]) -> str:
    return "\n".join("\n".join([case, *(f"    {line}" for line in lines or ("(nothing)",))]) for case, lines in found.items())


@pytest.mark.parametrize("side", [{"approve_below": 0.0}, {"reject_at": 1.0}])
def test_nothing_is_promised_of_a_side_that_decides_nothing(side: dict[str, float]) -> None:
    said = statement(certificate(**side))
    assert ("approved automatically" in said) is ("reject_at" in side)
    assert ("rejected automatically" in said) is ("approve_below" in side)


@pytest.mark.parametrize("served", [True, False])
def test_a_market_that_is_not_served_is_never_promised_anything(served: bool) -> None:
    said = statement(certificate(**POOLED, markets=(market("DE"), market("SE", served=served))))
    assert ("it serves DE" in said) is not served
