"""The limits on every ad: none as risky as ``max_risk`` is approved, none less risky than ``min_risk_rejected`` rejected, whoever set the
thresholds; and books kept before there were limits are what they were."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adverdict.decisions.decide import decide
from adverdict.decisions.exits import cuts
from adverdict.decisions.policy import PolicyBook, PolicyInForce, Stance, Thresholds
from adverdict.decisions.thresholds import SolvedFor, SolvedThresholds
from adverdict.domain.decision import PolicyVerdict
from adverdict.domain.verdict import Verdict
from tests.decisions.build import CONTEXT, NONE_SOLVED, POLICY, TARGETS, WHEN, an_ad, decided, risk
from tests.decisions.test_decide_properties import licences, policies, shares
from tests.golden import Golden

LIMITED = replace(POLICY, max_risk=0.25, min_risk_rejected=0.6)
BOLD = Thresholds(0.5, 0.5)
ORIGINS = {
    "written by hand": (BOLD, None),
    "solved, uncertified": (None, BOLD),
    "certified": (None, replace(BOLD, certificate_id="cert-1", expires_at=WHEN + timedelta(days=1))),
    "provisional": (None, replace(BOLD, certificate_id="cert-1", provisional=True)),
    "expired": (None, replace(BOLD, certificate_id="cert-1", expires_at=WHEN)),
}
KEPT = """\
{"names":["gambling"],"rules":{"SE":{"elsewhere":[{"name":"gambling","title":"Gambling","severity":"serious",
"stance":"prohibited",
"targets":{"max_leakage":0.02,"max_wrongful_reject":0.1,"confidence":0.95},"thresholds":null,"when_degraded":"review",
"reason":"Gambling may not be advertised here.","licence":"none","when_uncertified":"decide",
"audit_share":0.01}],"by_surface":{}},"DE":{"elsewhere":[{"name":"gambling","title":"Gambling","severity":"serious",
"stance":"prohibited",
"targets":{"max_leakage":0.02,"max_wrongful_reject":0.1,"confidence":0.95},"thresholds":{"approve_below":0.6,"reject_at":0.7,"certificate_id":null,"expires_at":null},"when_degraded":"review",
"reason":"Gambling may not be advertised here.","licence":"none","when_uncertified":"decide",
"audit_share":0.01}],"by_surface":{"kids_video":[{"name":"gambling","title":"Gambling","severity":"severe","stance":"prohibited",
"targets":{"max_leakage":0.02,"max_wrongful_reject":0.1,"confidence":0.95},"thresholds":null,"when_degraded":"review",
"reason":"Gambling may not be advertised here.","licence":"none","when_uncertified":"decide","audit_share":0.01}]}}}}
"""
"""A book as it was kept before there were limits; one of its thresholds is written by hand."""
KEPT_HASH = "4a98108de4dd7c955337bc37ff467618632782a7a69e4d89fadb1634d38f0d27"


def solved(thresholds: Thresholds | None) -> SolvedThresholds:
    return NONE_SOLVED if thresholds is None else SolvedThresholds({SolvedFor("gambling", "SE", TARGETS): thresholds})


def ruled(policy: PolicyInForce, p: float, found: SolvedThresholds = NONE_SOLVED) -> PolicyVerdict:
    return decided([policy], {"gambling": p}, solved=found).policies[0]


@pytest.mark.parametrize("origin", ORIGINS)
@pytest.mark.parametrize(
    ("p", "verdict"),
    [
        (math.nextafter(0.25, 0), "approve"),
        (0.25, "review"),
        (0.49, "review"),
        (0.5, "review"),
        (math.nextafter(0.6, 0), "review"),
        (0.6, "reject"),
    ],
)
def test_thresholds_decide_within_the_limits_whoever_set_them(origin: str, p: float, verdict: str) -> None:
    written, found = ORIGINS[origin]
    assert ruled(replace(LIMITED, thresholds=written), p, solved(found)).verdict == verdict


@pytest.mark.parametrize("origin", ORIGINS)
def test_a_decision_tells_the_thresholds_it_was_held_to(origin: str) -> None:
    written, found = ORIGINS[origin]
    told = ruled(replace(LIMITED, thresholds=written), 0.01, solved(found))
    assert (told.approve_below, told.reject_at) == (0.25, 0.6)
    assert told.certificate_id == (found.certificate_id if found else None)


@given(policies(), st.data())
def test_no_ad_is_approved_from_max_risk_on_and_none_rejected_below_min_risk_rejected(
    in_force: list[PolicyInForce], data: st.DataObject
) -> None:
    edges = [limit for policy in in_force for limit in (policy.max_risk, policy.min_risk_rejected) if limit is not None]
    near = [p for edge in edges for p in (edge, math.nextafter(edge, 0), math.nextafter(edge, 1))]
    somewhere = shares | st.sampled_from(near) if near else shares
    found = SolvedThresholds({SolvedFor("gambling", "SE", TARGETS): Thresholds(*sorted(data.draw(st.tuples(shares, shares))))})
    known = {policy.name: data.draw(somewhere) for policy in in_force}
    decision = decided(in_force, known, solved=found, licences=data.draw(licences))
    for policy, told in zip(in_force, decision.policies, strict=True):
        p, limited = known[policy.name], policy.stance is not Stance.ALLOWED
        if limited and told.verdict is Verdict.APPROVE:
            assert policy.max_risk is None or p < policy.max_risk
        if limited and told.verdict is Verdict.REJECT:
            assert policy.min_risk_rejected is None or p >= policy.min_risk_rejected


@given(policies(), st.data())
def test_limits_only_ever_hand_an_ad_to_a_person_and_say_so(in_force: list[PolicyInForce], data: st.DataObject) -> None:
    known = {policy.name: data.draw(shares) for policy in in_force}
    free = [replace(policy, max_risk=None, min_risk_rejected=None) for policy in in_force]
    held = data.draw(licences)
    without, within = (decided(some, known, licences=held).policies for some in (free, in_force))
    for before, after in zip(without, within, strict=True):
        if after.verdict != before.verdict:
            assert after.verdict is Verdict.REVIEW
            limit = "max_risk" if before.verdict is Verdict.APPROVE else "min_risk_rejected"
            assert limit in after.because
            assert after.because.endswith("a person decides, whatever the thresholds")


@given(shares, shares, shares)
def test_the_sentence_shows_on_which_side_of_the_limit_the_risk_is(p: float, max_risk: float, min_risk_rejected: float) -> None:
    above = ruled(replace(POLICY, thresholds=Thresholds(1.0, 1.0), max_risk=max_risk), p).because.split()
    if "max_risk" in above:
        assert float(above[1]) >= float(above[above.index("max_risk") + 1].rstrip(":"))
    below = ruled(replace(POLICY, thresholds=Thresholds(0.0, 0.0), min_risk_rejected=min_risk_rejected), p).because.split()
    if "min_risk_rejected" in below:
        assert float(below[1]) < float(below[below.index("min_risk_rejected") + 1].rstrip(":"))


@given(policies(), st.data())
def test_early_exits_hang_on_thresholds_within_the_limits(in_force: list[PolicyInForce], data: st.DataObject) -> None:
    for policy in in_force:
        below, at = cuts(policy, "SE", solved(data.draw(st.sampled_from([None, BOLD]))))
        assert below <= at
        assert below <= (1.0 if policy.max_risk is None else policy.max_risk)
        assert at >= (0.0 if policy.min_risk_rejected is None else policy.min_risk_rejected)


def test_why_in_words(golden: Golden) -> None:
    said = [
        f"{origin}: {ruled(replace(LIMITED, thresholds=written), p, solved(found)).because}"
        for origin, (written, found) in ORIGINS.items()
        for p in (0.1, 0.4, 0.5, 0.9)
    ]
    close = replace(LIMITED, thresholds=BOLD, max_risk=0.12345, min_risk_rejected=0.98765)
    said += [f"close to the limits: {ruled(close, p).because}" for p in (0.12345, 0.123456, 0.98764)]
    golden.check("because_limits.txt", "\n".join(said))


def test_a_book_kept_before_there_were_limits_has_the_hash_it_had() -> None:
    kept = PolicyBook.from_json(KEPT.encode())
    assert kept.hash == KEPT_HASH
    assert PolicyBook.from_json(kept.to_json()).hash == KEPT_HASH


@pytest.mark.parametrize(("p", "verdict"), [(0.59, "approve"), (0.6, "review"), (0.7, "reject")])
def test_a_book_kept_before_there_were_limits_decides_as_before(p: float, verdict: str) -> None:
    decision = decide(an_ad("DE"), {"gambling": risk(p)}, PolicyBook.from_json(KEPT.encode()), NONE_SOLVED, context=CONTEXT)
    assert decision.verdict == verdict


@pytest.mark.parametrize("limit", ["max_risk", "min_risk_rejected", "max_missed"])
def test_the_hash_knows_each_limit(limit: str) -> None:
    hashes = {decided([replace(POLICY, **{limit: share})], {}).policy_hash for share in (None, 0.2, 0.3)}  # type: ignore[arg-type]
    assert len(hashes) == 3


@pytest.mark.parametrize("limit", ["max_risk", "min_risk_rejected", "max_missed"])
@pytest.mark.parametrize("share", [-0.1, 1.1, math.nan])
def test_a_limit_that_is_no_share_is_refused(limit: str, share: float) -> None:
    with pytest.raises(Exception, match=f"{limit} = .*; expected a share from 0 to 1"):
        replace(POLICY, **{limit: share})  # type: ignore[arg-type]
