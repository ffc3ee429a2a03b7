"""The audit stream: who is drawn, with which probability, and that it is the same draw everywhere."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adverdict.decisions.audit import KEYED, OPEN, audit, audit_draw
from adverdict.decisions.decide import DecisionContext, decide
from adverdict.decisions.policy import PolicyInForce, Stance, Thresholds
from adverdict.decisions.thresholds import SolvedThresholds
from adverdict.domain.ad import Ad
from adverdict.domain.decision import Audit
from adverdict.domain.risk import RiskScore
from adverdict.domain.verdict import Verdict
from adverdict.domain.written import says_nothing
from tests.decisions.build import POLICY, WHEN, an_ad, book, decided


def sharing(share: float, name: str = "gambling") -> PolicyInForce:
    return replace(POLICY, name=name, audit_share=share)


SHARES = [(0.0, False), (1.0, True)]


@pytest.mark.parametrize(("share", "chosen"), SHARES)
@pytest.mark.parametrize(("p", "verdict"), [(0.01, "approve"), (0.95, "reject")])
def test_an_automatic_decision_is_drawn_with_its_share_and_stands(share: float, chosen: bool, p: float, verdict: str) -> None:
    decision = decided([sharing(share)], {"gambling": p})
    assert (decision.verdict, decision.audit) == (verdict, Audit(probability=share, chosen=chosen, design=OPEN))


@pytest.mark.parametrize(("share", "chosen"), [(audit_draw(an_ad()), False), (math.nextafter(audit_draw(an_ad()), 1), True)])
def test_a_draw_must_lie_below_the_share(share: float, chosen: bool) -> None:
    assert decided([sharing(share)], {"gambling": 0.01}).audit == Audit(probability=share, chosen=chosen, design=OPEN)


@pytest.mark.parametrize("share", [0.0, 1.0])
@pytest.mark.parametrize("risks", [{"gambling": 0.5}, {}])
def test_an_ad_that_a_person_sees_anyway_is_not_drawn(share: float, risks: dict[str, float]) -> None:
    assert decided([sharing(share)], risks).audit is None


@pytest.mark.parametrize("risks", [{"gambling": 0.01, "adult": 0.01}, {"gambling": 0.95, "adult": 0.01}, {"gambling": 0.01, "adult": 0.95}])
def test_the_largest_share_of_the_policies_in_force_counts_whichever_decided(risks: dict[str, float]) -> None:
    drawn = decided([sharing(0.125), sharing(0.5, "adult")], risks).audit
    assert drawn is not None
    assert drawn.probability == 0.5


def test_an_allowed_policy_is_audited_too() -> None:
    assert decided([replace(sharing(1.0), stance=Stance.ALLOWED)], {"gambling": 0.95}).audit == Audit(
        probability=1.0, chosen=True, design=OPEN
    )


@pytest.mark.parametrize(("needed", "probability"), [(None, 0.1), (0.05, 0.1), (0.3, 0.3)])
def test_thresholds_that_need_more_audits_to_be_renewed_get_them(needed: float | None, probability: float) -> None:
    solved = replace(POLICY, thresholds=Thresholds(0.08, 0.9, "cert-1", audit_share=needed), audit_share=0.1)
    found = decided([solved], {"gambling": 0.01}).audit
    assert found is not None
    assert found.probability == probability


def test_under_no_policy_nobody_is_drawn() -> None:
    assert audit(an_ad(), Verdict.APPROVE, [], []) == Audit(probability=0.0, chosen=False, design=OPEN)


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_an_impossible_share_cannot_be_in_force(share: float) -> None:
    with pytest.raises(Exception, match=r"audit_share = .*; expected a share from 0 to 1"):
        sharing(share)


def test_the_draw_is_this_number_for_good() -> None:
    """A ledger holds the outcomes of earlier draws; a replay must come to the same."""
    assert audit_draw(an_ad()) == 0.418709381388776


def test_a_draw_with_a_secret_is_this_number_for_good_and_says_nothing_of_the_one_without() -> None:
    secret = bytes(range(32))
    assert audit_draw(an_ad(), secret) == 0.49376789983174796
    assert audit_draw(an_ad(), bytes(32)) not in (audit_draw(an_ad(), secret), audit_draw(an_ad()))
    both = [(audit_draw(an_ad(ad_id=f"ad-{i}")) < 0.5, audit_draw(an_ad(ad_id=f"ad-{i}"), secret) < 0.5) for i in range(4000)]
    alike = sum(one == other for one, other in both)
    assert abs(alike - 2000) < 5 * math.sqrt(1000)


def test_a_decision_says_by_which_design_its_ad_was_drawn_and_never_by_which_secret() -> None:
    context = DecisionContext("d-1", WHEN, "7", audit_secret=b"nobody knows it" * 2)
    risks = {"gambling": RiskScore(policy="gambling", p=0.01, p_low=0.01, p_high=0.01)}
    decision = decide(an_ad(), risks, book([sharing(1.0)]), SolvedThresholds(), context=context)
    assert decision.audit == Audit(probability=1.0, chosen=True, design=KEYED)
    assert "nobody knows it" not in repr(context) + repr(decision)


ids = st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=50).filter(
    lambda text: not says_nothing(text)
)
moments = st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))


@given(ids, moments, st.integers(-12, 14))
def test_a_draw_is_a_share_of_1_and_depends_on_the_instant_not_on_how_it_is_written(ad_id: str, moment: datetime, hours: int) -> None:
    def submitted(at: datetime) -> Ad:
        return Ad(ad_id=ad_id, advertiser_id="a", market="SE", submitted_at=at, title="t")

    drawn = audit_draw(submitted(moment))
    assert 0 <= drawn < 1
    assert audit_draw(submitted(moment.astimezone(timezone(timedelta(hours=hours))))) == drawn


def test_only_the_id_and_the_time_of_an_ad_move_its_draw() -> None:
    ad = an_ad()
    other = ad.model_copy(update={"title": "Other", "market": "GB", "advertiser_id": "adv-2", "advertiser_licences": ()})
    assert audit_draw(other) == audit_draw(ad)
    assert audit_draw(ad.model_copy(update={"submitted_at": WHEN + timedelta(microseconds=1)})) != audit_draw(ad)
    assert audit_draw(an_ad(ad_id="ad-2")) != audit_draw(ad)


def test_draws_are_uniform() -> None:
    """20,000 ids in a row, as a platform numbers them: each tenth gets 2,000, give or take five standard deviations (212)."""
    counts = [0] * 10
    for i in range(20_000):
        counts[int(10 * audit_draw(an_ad(ad_id=f"ad-{i}")))] += 1
    assert all(abs(count - 2000) < 212 for count in counts), counts
