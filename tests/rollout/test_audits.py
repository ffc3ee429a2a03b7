"""What a certificate approves is audited often enough to renew it, and never less than its policy asks."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from adverdict.certification.certificate import Certificate, Issued, thresholds
from adverdict.certification.life import FEWEST_AUDITS, audits_a_day
from adverdict.certification.thresholds.scored import ScoredAds
from adverdict.decisions.policy import MarketRules, PolicyBook
from adverdict.domain.standing import RAISED
from adverdict.rollout.audits import ads_a_day, with_audit_shares
from tests.decisions.build import POLICY
from tests.ledger.made import START, an_ad
from tests.review.certificates import a_certificate

DECEPTIVE = replace(POLICY, name="deceptive", thresholds=None, audit_share=0.01)
BOOK = PolicyBook(names=("deceptive",), rules={"SE": MarketRules((DECEPTIVE,))})


def scored(below: int, above: int, surface: str = "") -> ScoredAds:
    """So many ads of SE that are approved, and so many that are not."""
    n = below + above
    return ScoredAds(
        policies=("deceptive",),
        market=np.full(n, "SE"),
        surface=np.full(n, surface),
        group=np.arange(n),
        risk=np.repeat([0.01, 0.5], [below, above])[:, None],
        verdict=np.full((n, 1), np.nan),
    )


def share(made: Certificate, volume: float, book: PolicyBook = BOOK, ads: ScoredAds | None = None) -> float | None:
    (found,) = with_audit_shares([made], ads or scored(80, 20), book, {"SE": volume})
    return found.audit_share


def test_so_many_are_audited_that_the_certificate_is_renewed_four_times_in_five() -> None:
    due = audits_a_day(3 / 600, 0.02, 0.025)
    assert due is not None
    assert share(a_certificate(), 1000.0) == pytest.approx(due / 800, abs=1e-4)


def test_what_is_provisional_is_audited_more_often() -> None:
    found = [share(a_certificate(shown=shown), 10_000.0, replace_share(0.0)) for shown in (True, False)]
    assert found[1] == pytest.approx(RAISED * found[0], rel=0.05) if found[0] else False


def test_few_ads_a_day_are_all_audited_and_the_policys_share_is_the_floor() -> None:
    assert share(a_certificate(), 5.0) == 1.0
    assert share(a_certificate(), 1e9) == 0.01


def test_a_limit_that_no_number_of_audits_would_show_is_watched_all_the_same() -> None:
    assert share(a_certificate(limit=0.004), 10_000.0, replace_share(0.0)) == pytest.approx(FEWEST_AUDITS / 8000, abs=1e-4)


def test_ads_of_surfaces_with_rules_of_their_own_are_not_its_approvals() -> None:
    book = PolicyBook(names=("deceptive",), rules={"SE": MarketRules((DECEPTIVE,), {"feed": (DECEPTIVE,)})})
    assert share(a_certificate(), 1000.0, book, scored(80, 20, "feed")) is None
    assert share(a_certificate(), 1000.0, book, scored(80, 20, "search")) is not None


def test_what_approves_nothing_or_has_no_traffic_says_nothing() -> None:
    assert share(a_certificate(below=0.0), 1000.0) is None
    assert share(a_certificate(), 0.0) is None


def test_the_share_goes_with_the_thresholds_and_is_part_of_what_the_certificate_is_named_by() -> None:
    plain = a_certificate()
    (made,) = with_audit_shares([plain], scored(80, 20), BOOK, {"SE": 1000.0})
    (point,) = thresholds([made]).points.values()
    assert point.audit_share == made.audit_share
    assert made.certificate_id != plain.certificate_id
    assert Issued.from_json(Issued((made,)).to_json()).certificates == (made,)


def test_ads_a_day_are_those_of_the_span_in_which_they_came() -> None:
    ads = [an_ad(number, submitted_at=START + timedelta(days=number / 10), market="SE" if number % 2 else "DE") for number in range(41)]
    assert ads_a_day(ads) == {"SE": pytest.approx(5.0), "DE": pytest.approx(5.25)}
    assert ads_a_day(ads[:1]) == {"DE": 1.0}
    assert ads_a_day([]) == {}


def replace_share(audit_share: float) -> PolicyBook:
    return PolicyBook(names=("deceptive",), rules={"SE": MarketRules((replace(DECEPTIVE, audit_share=audit_share),))})
