"""Decisions become columns and come back the same, to the last bit."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adverdict.domain.ad import Ad
from adverdict.domain.decision import Arm, Audit, Decision, PolicyVerdict, Reason
from adverdict.domain.errors import InvalidTable
from adverdict.domain.risk import RiskScore
from adverdict.domain.standing import Standing
from adverdict.domain.verdict import Verdict
from adverdict.rescoring.folder.columns import ADDED, COLUMNS, decisions_of, parquet_of, schema, to_table
from tests.effort import examples
from tests.rescoring.tables import a_decision, an_ad

words = st.from_regex(r"[a-z]{1,20}-[0-9]", fullmatch=True)
texts = st.text(alphabet=st.characters(codec="utf-8"), max_size=20)
names = st.sampled_from(["gambling", "weapons", "kids_unsuitable"])
verdicts = st.sampled_from(list(Verdict))
shares = st.floats(0, 1)
numbers = st.floats(allow_nan=False)
moments = st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31)).map(lambda moment: moment.replace(tzinfo=UTC))


@st.composite
def policy_verdicts(draw: st.DrawFn) -> PolicyVerdict:
    policy = draw(names)
    risk = draw(st.none() | st.builds(RiskScore, policy=st.just(policy), p=shares, p_low=shares, p_high=shares))
    return PolicyVerdict(
        policy=policy,
        verdict=draw(verdicts),
        risk=risk,
        approve_below=draw(st.none() | numbers),
        reject_at=draw(st.none() | numbers),
        certificate_id=draw(st.none() | texts),
        because=draw(texts),
        advertiser_reason=draw(st.none() | texts),
        standing=draw(st.none() | st.sampled_from(list(Standing))),
    )


risks = st.builds(RiskScore, policy=names, p=shares, p_low=shares, p_high=shares)
arms = st.builds(
    Arm, rollout=words, side=st.sampled_from(["control", "candidate", "outside"]), bucket=st.floats(0, 1, exclude_max=True), share=shares
)
reasons = st.builds(Reason, policy=names, kind=st.sampled_from(["phrase", "fact"]), signal=texts, text=texts, effect=numbers)
decisions = st.builds(
    Decision,
    decision_id=texts,
    ad_id=texts,
    advertiser_id=texts,
    market=st.sampled_from(["DE", "SE"]),
    surface=st.none() | texts,
    decided_at=moments,
    verdict=verdicts,
    policies=st.lists(policy_verdicts(), max_size=3).map(tuple),
    unused_risks=st.none() | st.lists(risks, max_size=3).map(tuple),
    reasons=st.lists(reasons, max_size=3).map(tuple),
    degraded=st.lists(texts, max_size=3).map(tuple),
    uncertified=st.booleans(),
    audit=st.none() | st.builds(Audit, probability=shares, chosen=st.booleans(), design=st.none() | words),
    bundle_version=st.none() | texts,
    policy_hash=texts,
    threshold_set=st.none() | texts,
    history_seq=st.none() | st.integers(0, 2**63 - 1),
    as_of=st.none() | moments,
    exit=st.none() | st.sampled_from(["early", "full"]),
    exit_certificate=st.none() | texts,
    familiarity=st.none() | shares,
    arm=st.none() | arms,
    cluster=st.none() | words,
    steered_seq=st.none() | st.integers(0, 2**63 - 1),
    record=st.integers(1, 9),
)


def of(told: list[Decision]) -> pa.Table:
    return to_table(range(1, len(told) + 1), [an_ad(i) for i in range(len(told))], told, "part-00000-00000")


@examples(150)
@given(st.lists(decisions, max_size=4))
def test_what_is_written_reads_back_exactly(told: list[Decision]) -> None:
    read = decisions_of(pq.read_table(io.BytesIO(parquet_of(of(told)))))
    assert read == told
    assert [one.model_dump_json() for one in read] == [
        one.model_dump_json() for one in told
    ]  # -0.0 and 0.0 are equal, and yet not the same


def test_what_the_ad_and_the_run_say_stands_beside_the_decision() -> None:
    ads: list[Ad] = [an_ad(1, impressions=None), an_ad(2)]
    table = to_table([4, 9], ads, [a_decision(ad) for ad in ads], "part-00000-00007")
    assert tuple(table.column_names) == COLUMNS
    told = table.select(["impressions", "submitted_at", "shard", "row"]).to_pylist()
    assert [tuple(row.values()) for row in told] == [
        (None, ads[0].submitted_at, "part-00000-00007", 4),
        (20.0, ads[1].submitted_at, "part-00000-00007", 9),
    ]


def test_a_risk_is_three_numbers_beside_its_verdict_and_null_without_one() -> None:
    [policies] = of([a_decision(an_ad(1))]).column("policies").to_pylist()
    assert [(one["policy"], one["p"], one["p_low"], one["p_high"]) for one in policies] == [
        ("gambling", 0.1 + 0.2, 0.0, 1.0),
        ("weapons", None, None, None),
    ]


def test_an_older_table_is_read_with_nothing_in_the_columns_it_lacks() -> None:
    told = [a_decision(an_ad(1)), a_decision(an_ad(2))]
    assert set(ADDED) < set(COLUMNS)
    assert decisions_of(of(told).drop_columns(list(ADDED))) == told
    assert decisions_of(of([]).drop_columns(list(ADDED))) == []
    left = [one.model_copy(update={"exit": "early", "exit_certificate": "exit-1"}) for one in told]
    assert decisions_of(of(left).drop_columns(["exit_certificate"])) == [one.model_copy(update={"exit": "early"}) for one in told]


def test_a_table_of_record_1_is_read_as_such() -> None:
    told = [a_decision(an_ad(1)), a_decision(an_ad(2))]
    table = of([one.model_copy(update={"record": 2, "cluster": "c-1"}) for one in told])
    for name, lost in (("audit", "design"), ("policies", "standing")):
        kind = table.schema.field(name).type
        fields = [field for field in (kind.value_type if name == "policies" else kind) if field.name != lost]
        before = pa.list_(pa.struct(fields)) if name == "policies" else pa.struct(fields)
        table = table.set_column(table.column_names.index(name), name, pa.array(_without(table.column(name).to_pylist(), lost), before))
    assert decisions_of(table.drop_columns(list(ADDED))) == told


def _without(told: Any, name: str) -> Any:
    if isinstance(told, list):
        return [_without(one, name) for one in told]
    return {key: value for key, value in told.items() if key != name} if isinstance(told, dict) else told


def test_no_decisions_have_the_same_columns_as_some() -> None:
    assert of([]).schema == of([a_decision(an_ad(1))]).schema == schema()
    assert decisions_of(of([])) == []


def test_the_same_rows_give_the_same_bytes() -> None:
    told = [a_decision(an_ad(i)) for i in range(100)]
    whole, parts = of(told), [of(told).slice(0, 40), of(told).slice(40)]
    assert parquet_of(whole) == parquet_of(of(told)) == parquet_of(pa.concat_tables(parts))


def test_what_does_not_belong_together_is_refused() -> None:
    ad = an_ad(1)
    with pytest.raises(ValueError, match="1 rows, 1 ads and 0 decisions of part-x do not belong together"):
        to_table([1], [ad], [], "part-x")
    wrong = RiskScore(policy="weapons", p=0.5, p_low=0.5, p_high=0.5)
    verdict = PolicyVerdict(policy="gambling", verdict=Verdict.REVIEW, risk=wrong, because="")
    with pytest.raises(ValueError, match="the risk of another policy"):
        of([a_decision(ad).model_copy(update={"policies": (verdict,)})])


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        (lambda table: table.drop_columns(["audit", "policies"]), "policies = None; expected a column of this name"),
        (lambda table: table.set_column(5, "verdict", pa.array(["perhaps"])), "1 values are none"),
    ],
)
def test_a_table_of_something_else_is_refused(changed: Any, words: str) -> None:
    with pytest.raises(InvalidTable, match=words):
        decisions_of(changed(of([a_decision(an_ad(1))])))
