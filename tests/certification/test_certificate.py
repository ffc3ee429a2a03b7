"""A certificate says what it promises in words and in JSON, and one that was changed, or is none, is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from adverdict.certification.certificate import Certificate, Issued, Otherwise, Status, sealed, thresholds
from adverdict.certification.thresholds.solve import Solution
from adverdict.certification.words import Side, Strength
from adverdict.decisions.policy import Targets, Thresholds
from adverdict.decisions.thresholds import SolvedFor, SolvedThresholds
from adverdict.domain.errors import UntrustedBundle
from tests.certification.issued import ORIGIN, PLAIN, cautious, certificates, solutions
from tests.golden import Golden

END = ORIGIN.solved_at + ORIGIN.valid_for
IN_JSON = ("certified", "pooled", "partly", "infeasible", "label_noise")


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
        ("pooled", Status.CERTIFIED, Strength.POOLED, ("DE", "GB", "US")),
        ("borrowed", Status.INFEASIBLE, Strength.POOLED, ()),
        ("partly", Status.PARTLY, Strength.OWN, ("SE",)),
        ("infeasible", Status.INFEASIBLE, Strength.OWN, ("SE",)),
        ("never_rejects", Status.CERTIFIED, Strength.OWN, ("SE",)),
        ("label_noise", Status.CERTIFIED, Strength.OWN, ("SE",)),
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
    assert issued["label_noise"].approve_below < issued["certified"].approve_below


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
    document = json.loads(Issued((issued["certified"], issued["partly"])).to_json())
    change(document["certificates"][0])
    with pytest.raises(UntrustedBundle, match=said):
        Issued.from_json(json.dumps(document))


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"schema": 2, "certificates": []}', '{"schema": 1, "certificates": {}}'])
def test_what_is_no_set_of_certificates_is_refused(text: str) -> None:
    with pytest.raises(UntrustedBundle, match="not a set of certificates"):
        Issued.from_json(text)


@pytest.mark.parametrize(
    ("moment", "expired"),
    [(END - timedelta(microseconds=1), False), (END, True), (END + timedelta(days=1), True)],
)
def test_a_certificate_has_expired_at_the_moment_it_names(moment: datetime, expired: bool, issued: dict[str, Certificate]) -> None:
    assert issued["certified"].expired_at(moment) is expired


def test_markets_get_the_thresholds_of_the_certificate_that_serves_them_and_others_none(solved: dict[str, Solution]) -> None:
    pool = next(one for one in solved["pooled"].certificates if one.strength is Strength.POOLED)
    for market in ("DE", "GB", "US"):
        expected = Thresholds(pool.approve_below, pool.reject_at, pool.certificate_id, END)
        assert solved["pooled"].solved.find("gambling", market, PLAIN.targets) == expected
    for market in ("SE", "JP"):
        found = solved["pooled"].solved.find("gambling", market, PLAIN.targets)
        assert found is not None
        assert (found.approve_below, found.reject_at) == (0.0, 1.0)


def test_a_lender_keeps_the_thresholds_of_its_own_certificate(solved: dict[str, Solution]) -> None:
    own = next(one for one in solved["borrowed"].certificates if one.strength is Strength.OWN)
    found = solved["borrowed"].solved.find("gambling", "DE", PLAIN.targets)
    assert found == Thresholds(own.approve_below, own.reject_at, own.certificate_id, END)


@pytest.mark.parametrize(
    ("name", "otherwise", "expected"),
    [("infeasible", Otherwise.REVIEW, (0.0, 1.0, True)), ("uncertified", Otherwise.UNCERTIFIED, (0.2, 0.7, False))],
)
def test_where_nothing_is_certified_people_decide_or_the_models_own_thresholds(
    name: str, otherwise: Otherwise, expected: tuple[float, float, bool], solved: dict[str, Solution]
) -> None:
    brought = SolvedThresholds({SolvedFor("gambling", "SE", PLAIN.targets): Thresholds(0.2, 0.7)})
    assert {one.otherwise for one in solved[name].certificates} == {otherwise}
    found = thresholds(solved[name].certificates, brought).find("gambling", "SE", PLAIN.targets)
    assert found is not None
    assert (found.approve_below, found.reject_at, found.certificate_id is not None) == expected


def test_other_targets_find_no_certificate(solved: dict[str, Solution]) -> None:
    looser: Targets = replace(PLAIN.targets, max_leakage=0.5)
    assert solved["certified"].solved.find("gambling", "SE", looser) is None
