"""A certificate says what it promises in words and in JSON, and one that was changed, or is none, is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from adverdict.certification.certificate import Certificate, Issued, Status, sealed, thresholds
from adverdict.certification.thresholds.solve import Solution
from adverdict.certification.words import Side, Strength
from adverdict.decisions.policy import Targets, Thresholds
from adverdict.domain.errors import UntrustedBundle
from tests.certification.issued import ORIGIN, PLAIN, cautious, certificates, of_market, solutions
from tests.golden import Golden

END = ORIGIN.solved_at + ORIGIN.valid_for
IN_JSON = ("certified", "together", "rejecting_not_shown", "infeasible", "label_noise")


@pytest.fixture(scope="module")
def issued() -> dict[str, Certificate]:
    return certificates()


@pytest.fixture(scope="module")
def solved() -> dict[str, Solution]:
    return solutions(curves=False)


def rounded(value: Any) -> Any:
    """Four digits of every number, as the last ones are the machine's affair."""
    if isinstance(value, float):
        return float(f"{value:.4g}")
    if isinstance(value, dict):
        return {key: rounded(one) for key, one in value.items()}
    return [rounded(one) for one in value] if isinstance(value, list) else value


def in_words(certificate: Certificate) -> str:
    lines = [certificate.statement, "  assuming", *(f"  - {one}" for one in certificate.assumptions)]
    return "\n".join([*lines, *(["  but", *(f"  - {one}" for one in certificate.findings)] if certificate.findings else [])])


@pytest.mark.parametrize("name", IN_JSON)
def test_a_certificate_of_each_kind_is_stored_as_people_have_read_it(name: str, issued: dict[str, Certificate], golden: Golden) -> None:
    entry = json.loads(Issued((issued[name],)).to_json())["certificates"][0]
    entry |= {"certificate_id": "cert-…", "policy_hash": "…"}  # digests, of digits that are not compared and of the whole policy book
    entry["curve"] = entry["curve"][:1]
    golden.check(f"{name}.json", json.dumps(rounded(entry), indent=1, ensure_ascii=False, sort_keys=True))


def test_certificates_of_all_kinds_in_words(issued: dict[str, Certificate], golden: Golden) -> None:
    golden.check("in_words.txt", "\n\n".join(f"{name}\n{in_words(one)}" for name, one in {**issued, "cautious": cautious()}.items()))


@pytest.mark.parametrize(
    ("name", "status", "strength", "served"),
    [
        ("certified", Status.CERTIFIED, Strength.OWN, ("SE",)),
        ("together", Status.CERTIFIED, Strength.TOGETHER, ("SE",)),
        ("unlike_the_others", Status.INFEASIBLE, Strength.BORROWED, ("SE",)),
        ("rejecting_not_shown", Status.PARTLY, Strength.OWN, ("SE",)),
        ("approving_not_shown", Status.PARTLY, Strength.OWN, ("SE",)),
        ("infeasible", Status.INFEASIBLE, Strength.OWN, ("SE",)),
        ("never_rejects", Status.CERTIFIED, Strength.OWN, ("SE",)),
        ("idle", Status.CERTIFIED, Strength.OWN, ("SE",)),
        ("label_noise", Status.CERTIFIED, Strength.OWN, ("SE",)),
        ("looked_again", Status.CERTIFIED, Strength.OWN, ("SE",)),
    ],
)
def test_the_example_of_each_kind_is_of_that_kind(
    name: str, status: Status, strength: Strength, served: tuple[str, ...], issued: dict[str, Certificate]
) -> None:
    found = issued[name]
    assert (found.status, found.strength, found.served) == (status, strength, served)


def test_every_certified_bound_is_under_its_target(issued: dict[str, Certificate]) -> None:
    shown = [bound for one in issued.values() for bound in one.bounds if bound.upper is not None]
    assert len(shown) > 8
    assert all(bound.upper is not None and bound.upper <= bound.target for bound in shown)


def test_raters_who_miss_violations_cost_automatic_approvals(issued: dict[str, Certificate]) -> None:
    true, missed = (issued[name].bound(Side.APPROVE) for name in ("certified", "label_noise"))
    assert true is not None
    assert missed is not None
    assert missed.limit == pytest.approx(true.limit * 0.9)
    assert true.certified_to is not None
    assert missed.certified_to is not None
    assert missed.certified_to.ads < true.certified_to.ads


def test_what_is_stored_is_read_back_the_same_and_always_in_the_same_bytes(issued: dict[str, Certificate]) -> None:
    everything = tuple(issued.values())
    text = Issued(everything).to_json()
    assert Issued.from_json(text) == Issued(everything)
    assert Issued.from_json(text).to_json() == text
    assert Issued(tuple(certificates().values())).to_json() == text


def test_a_certificate_is_named_by_its_content(issued: dict[str, Certificate]) -> None:
    one = issued["certified"]
    assert sealed(one) == one
    assert sealed(one.model_copy(update={"policy_hash": "other"})).certificate_id != one.certificate_id
    assert len({certificate.certificate_id for certificate in issued.values()}) == len(issued)


def bolder(entry: dict[str, Any]) -> None:
    entry["approve_below"] = 0.9


def later(entry: dict[str, Any]) -> None:
    entry["expires_at"] = "2036-11-22T16:05:00Z"


def reworded(entry: dict[str, Any]) -> None:
    entry["statement"] = "All is well."


def extra(entry: dict[str, Any]) -> None:
    entry["signed_by"] = "me"


def lacking(entry: dict[str, Any]) -> None:
    del entry["noise"]


def nowhere(entry: dict[str, Any]) -> None:
    entry["expires_at"] = "2036-11-22T16:05:00"


def nan(entry: dict[str, Any]) -> None:
    entry["approve_below"] = float("nan")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (bolder, "changed after they were issued"),
        (later, "changed after they were issued"),
        (reworded, "changed after they were issued"),
        (extra, "signed_by"),
        (lacking, "noise"),
        (nowhere, "expires_at"),
        (nan, "approve_below"),
    ],
)
def test_a_certificate_that_was_changed_is_refused(
    change: Callable[[dict[str, Any]], None], said: str, issued: dict[str, Certificate]
) -> None:
    document = json.loads(Issued((issued["certified"], issued["infeasible"])).to_json())
    change(document["certificates"][0])
    with pytest.raises(UntrustedBundle, match=said):
        Issued.from_json(json.dumps(document))


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"certificates": []}', '{"schema": 2, "certificates": {}}'])
def test_what_is_no_set_of_certificates_is_refused(text: str) -> None:
    with pytest.raises(UntrustedBundle, match="not a set of certificates"):
        Issued.from_json(text)


@pytest.mark.parametrize(
    ("moment", "expired"),
    [(END - timedelta(microseconds=1), False), (END, True), (END + timedelta(days=1), True)],
)
def test_a_certificate_has_expired_at_the_moment_it_names(moment: datetime, expired: bool, issued: dict[str, Certificate]) -> None:
    assert issued["certified"].expired_at(moment) is expired


@pytest.mark.parametrize("schema", ["1", "3", '"2"', "null"])
def test_certificates_of_another_schema_are_refused_with_the_command_that_replaces_them(schema: str) -> None:
    with pytest.raises(UntrustedBundle) as refused:
        Issued.from_json(f'{{"schema": {schema}, "certificates": [{{"status": "certified"}}]}}')
    assert "certify again with adverdict policy solve --data FOLDER" in str(refused.value)
    assert "this version reads schema 2, under which no ad is approved above its policy's max_risk" in str(refused.value)


def test_each_market_gets_the_thresholds_of_its_own_certificate(solved: dict[str, Solution]) -> None:
    for market in ("BR", "DE", "GB", "SE", "US"):
        own = of_market(solved["together"], market)
        found = solved["together"].solved.find("gambling", market, PLAIN.targets)
        assert found == Thresholds(own.approve_below, own.reject_at, own.certificate_id, END)


@pytest.mark.parametrize(
    ("name", "market", "rejects"),
    [
        pytest.param("infeasible", "SE", False, id="nothing is certified"),
        pytest.param("together", "JP", False, id="nothing is labelled"),
        pytest.param("unlike_the_others", "SE", False, id="its own labels speak against it"),
        pytest.param("approving_not_shown", "SE", True, id="only rejecting is certified"),
    ],
)
def test_where_approving_is_not_certified_the_threshold_that_risks_speak_for_is_provisional(
    name: str, market: str, rejects: bool, solved: dict[str, Solution]
) -> None:
    own = of_market(solved[name], market)
    found = solved[name].solved.find("gambling", market, PLAIN.targets if name != "approving_not_shown" else own.targets.averages)
    assert found is not None
    assert (found.provisional, found.approve_below) == (True, own.aim.provisional)
    assert own.aim.provisional <= own.aim.approve_below
    assert (found.reject_at < 1) is rejects
    assert found.approve_below <= own.targets.max_risk


def test_a_provisional_threshold_crosses_no_rejection_that_is_certified(issued: dict[str, Certificate]) -> None:
    crossed = issued["approving_not_shown"].model_copy(update={"reject_at": 0.002})
    (found,) = thresholds([crossed]).points.values()
    assert (found.approve_below, found.reject_at) == (0.002, 0.002)


def test_other_targets_find_no_certificate(solved: dict[str, Solution]) -> None:
    looser: Targets = replace(PLAIN.targets, max_leakage=0.5)
    assert solved["certified"].solved.find("gambling", "SE", looser) is None
