"""One comparison of risks with thresholds, for whoever decides, counts or draws."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adverdict.certification.exits.solve import verdicts
from adverdict.decisions.policy import Licence, PolicyInForce, Stance, Thresholds
from adverdict.decisions.thresholds import severity_at, verdict_at
from adverdict.domain.verdict import Verdict
from tests.decisions.build import POLICY, decided

shares = st.floats(0, 1)
pairs = st.tuples(shares, shares).map(sorted)


@st.composite
def policies(draw: st.DrawFn) -> PolicyInForce:
    stance = draw(st.sampled_from([Stance.PROHIBITED, Stance.RESTRICTED]))
    licence = draw(st.sampled_from(Licence)) if stance is Stance.RESTRICTED else Licence.NONE
    return replace(POLICY, stance=stance, licence=licence, thresholds=Thresholds(*draw(pairs)))


@given(policies(), st.data(), st.sampled_from([None, (), ("gambling:SE",), ("gambling:GB",)]))
def test_the_comparison_says_what_decide_decides(policy: PolicyInForce, data: st.DataObject, licences: tuple[str, ...] | None) -> None:
    assert policy.thresholds is not None
    ends = (policy.thresholds.approve_below, policy.thresholds.reject_at)
    p = data.draw(shares | st.sampled_from(ends))
    may_reject = policy.may_reject(policy.licence_held("SE", licences))
    assert verdict_at(p, *ends, may_reject=may_reject) is decided([policy], {"gambling": p}, licences=licences).verdict


@given(pairs, st.data())
def test_arrays_are_compared_as_single_risks_are(ends: list[float], data: st.DataObject) -> None:
    risks = data.draw(st.lists(shares | st.sampled_from([*ends, math.nan]), min_size=1))
    one_by_one = [verdict_at(p, *ends).severity for p in risks]
    assert severity_at(np.array(risks), *ends).tolist() == one_by_one
    assert verdicts(np.array(risks)[:, None], np.tile(ends, (len(risks), 1, 1))).tolist() == [[one] for one in one_by_one]


@pytest.mark.parametrize(("may_reject", "verdict"), [(True, Verdict.REJECT), (False, Verdict.REVIEW)])
def test_a_high_risk_is_left_to_a_person_where_the_policy_may_not_reject(may_reject: bool, verdict: Verdict) -> None:
    assert verdict_at(0.95, 0.1, 0.9, may_reject=may_reject) is verdict
