"""A certificate that was changed and named anew is refused for what it says: its thresholds do not follow from its counts."""

from __future__ import annotations

from typing import Any

import pytest

from adverdict.certification.certificate import Certificate, Count, Issued, sealed
from adverdict.certification.consistency import contradictions
from adverdict.certification.words import Side, Strength
from adverdict.domain.errors import UntrustedBundle
from tests.certification.issued import certificates


@pytest.fixture(scope="module")
def issued() -> dict[str, Certificate]:
    return dict(certificates())


def changed(one: Certificate, side: Side = Side.APPROVE, **bound: Any) -> Certificate:
    """With one bound's fields as told; named anew."""
    bounds = tuple(other.model_copy(update=bound) if other.side is side else other for other in one.bounds)
    return sealed(one.model_copy(update={"bounds": bounds}))


def test_every_certificate_that_is_issued_follows_from_its_evidence(issued: dict[str, Certificate]) -> None:
    assert {name: contradictions(one) for name, one in issued.items()} == {name: [] for name in issued}


def test_what_other_markets_lent_may_lie_below_the_rate_of_a_few_ads_of_its_own(issued: dict[str, Certificate]) -> None:
    one = issued["certified"]
    bound = one.bound(Side.REJECT)
    assert bound is not None
    counted = Count(threshold=0.9, ads=1, errors=1, advertisers=1, draws=1.0)
    lent = changed(one, Side.REJECT, strength=Strength.BORROWED, at_aim=counted, upper_at_aim=0.95)
    assert contradictions(lent) == []
    assert contradictions(changed(lent, Side.REJECT, strength=Strength.OWN)) != []


def test_thresholds_raised_by_themselves_are_refused_for_every_certificate(issued: dict[str, Certificate]) -> None:
    for one in issued.values():
        for change in (
            {"approve_below": min(one.reject_at, one.approve_below + 0.05)},
            {"reject_at": max(one.approve_below, one.reject_at - 0.05)},
        ):
            with pytest.raises(UntrustedBundle, match=r"does not follow from its own evidence: it (approves below|rejects from)"):
                Issued.from_json(Issued((sealed(one.model_copy(update=change)),)).to_json())


def test_a_bound_lowered_or_errors_taken_away_are_refused(issued: dict[str, Certificate]) -> None:
    one = issued["certified"]
    bound = one.bound(Side.APPROVE)
    assert bound is not None
    assert bound.used is not None
    assert bound.upper is not None
    used, raised = bound.used, one.model_copy(update={"approve_below": 0.9})
    cases = {
        "show no bound as low as": changed(one, upper=used.rate),
        "the curve counts": changed(one, used=used.model_copy(update={"errors": 0})),
        "is above the limit": changed(one, upper=bound.target * 1.5),
        "and there are": changed(one, used=used.model_copy(update={"ads": 10**6, "draws": 10.0**6})),
        "errors and": changed(one, used=used.model_copy(update={"errors": used.ads + 1})),
        "the policy's limit is": changed(one, target=0.5),
        "the confidence stated leaves": changed(one, level=0.9),
        "is the boldest threshold that was certified": changed(raised, used=used.model_copy(update={"threshold": 0.9})),
        "so that some ads are both": sealed(one.model_copy(update={"reject_at": 0.0})),
        "no labels show a bound there": changed(one, used=None, upper=None),
    }
    for why, tampered in cases.items():
        with pytest.raises(UntrustedBundle, match=why):
            Issued.from_json(Issued((tampered,)).to_json())
