"""Ads that leave early: who does, who does not, and what a decision says of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from adverdict.decisions.policy import MarketRules, PolicyBook, Thresholds
from adverdict.domain.ad import Ad
from adverdict.domain.decision import Decision
from adverdict.domain.degraded import Cause, Degradation
from adverdict.domain.errors import UntrustedBundle
from adverdict.scoring.scorer import Depth, Scorer
from tests.scoring.ads import ad
from tests.scoring.early import EXPIRES, ISSUED, EarlyFakeModel, NoEarlyExit, issued
from tests.scoring.fakes import FakeModel

SETTLED, OPEN, TURNED = "0.02 0.03", "0.09 0.03", "0.09 0.95"
UNKNOWN_MARKET = "FR"


def ads(*titles: str, **changes: str) -> list[Ad]:
    return [Ad.model_validate(ad(ad_id=f"ad-{n}", title=title, **changes)) for n, title in enumerate(titles)]


def scorer(book: PolicyBook, model: FakeModel, at: datetime = ISSUED) -> Scorer:
    return Scorer(model, book, clock=lambda: at)


def certified(book: PolicyBook, model: FakeModel | None = None, at: datetime = ISSUED) -> Scorer:
    return scorer(book, model or EarlyFakeModel(), at).certified(issued())


def told(decisions: list[Decision]) -> list[tuple[str, str | None, tuple[str, ...]]]:
    return [(str(one.verdict), one.exit, one.degraded) for one in decisions]


def test_who_is_settled_leaves_and_the_others_are_read_by_every_model(book: PolicyBook) -> None:
    model = EarlyFakeModel()
    found = certified(book, model)
    decisions = found.score(ads(SETTLED, OPEN, TURNED))
    assert told(decisions) == [("approve", "early", ()), ("approve", "full", ()), ("reject", "full", ())]
    assert model.read == ["ad-1", "ad-2"]
    assert found.exits is not None
    assert {one.exit_certificate for one in decisions} == {found.exits.certificate_id}
    assert [one.policies[0].risk and one.policies[0].risk.p for one in decisions] == [0.02, 0.03, 0.95]


@pytest.mark.parametrize("depth", ["cascade", "full"])
def test_without_a_rule_every_model_reads_every_ad_and_nothing_is_said_of_exits(book: PolicyBook, depth: Depth) -> None:
    model = EarlyFakeModel()
    decisions = scorer(book, model).score(ads(SETTLED, TURNED), depth=depth)
    assert told(decisions) == [("approve", None, ()), ("reject", None, ())]
    assert [one.exit_certificate for one in decisions] == [None, None]
    assert model.read == ["ad-0", "ad-1"]


def test_all_of_them_go_all_the_way_when_asked_to(book: PolicyBook) -> None:
    model = EarlyFakeModel()
    assert told(certified(book, model).score(ads(SETTLED, TURNED), depth="full")) == [("approve", None, ()), ("reject", None, ())]
    assert model.read == ["ad-0", "ad-1"]


@pytest.mark.parametrize(("after", "left"), [(timedelta(seconds=-1), "early"), (timedelta(0), None), (timedelta(days=1), None)])
def test_a_rule_whose_certificate_has_expired_lets_nobody_leave(book: PolicyBook, after: timedelta, left: str | None) -> None:
    assert certified(book, at=EXPIRES + after).score(ads(SETTLED))[0].exit == left


# Who cannot wait --------------------------------------------------------------------------------------------------------------------


def test_who_cannot_wait_gets_what_is_settled_and_people_get_the_rest(book: PolicyBook) -> None:
    model = EarlyFakeModel()
    found = certified(book, model)
    decisions = found.score(ads(SETTLED, OPEN, TURNED), depth="early")
    assert told(decisions) == [
        ("approve", "early", ()),
        ("review", "early", ("deadline",)),
        ("review", "early", ("deadline",)),
    ]
    assert model.read == []
    assert {one.exit_certificate for one in decisions} == {found.exits and found.exits.certificate_id}


@pytest.mark.parametrize("expired", [True, False])
def test_who_cannot_wait_is_left_to_people_where_nothing_is_certified(book: PolicyBook, expired: bool) -> None:
    model = EarlyFakeModel()
    found = certified(book, model, EXPIRES) if expired else scorer(book, model)
    decisions = found.score(ads(SETTLED, OPEN), depth="early", degraded=(Degradation(Cause.UNREACHABLE),))
    assert told(decisions) == [("review", "early", ("registry_unreachable", "deadline"))] * 2
    assert [one.exit_certificate for one in decisions] == [None, None]
    assert model.read == []


def test_what_a_deadline_left_undecided_still_says_what_was_known(book: PolicyBook) -> None:
    [decision] = certified(book).score(ads(OPEN), depth="early")
    assert [one.risk and one.risk.p for one in decision.policies] == [0.09, 0.09]
    assert decision.reasons


@pytest.mark.parametrize("model", [FakeModel(), NoEarlyExit()])
@pytest.mark.parametrize("depth", ["cascade", "full", "early"])
def test_a_model_without_an_early_exit_scores_as_ever(book: PolicyBook, model: FakeModel, depth: Depth) -> None:
    [decision] = certified(book, model).score(ads("0.02 0.02"), depth=depth)
    assert (decision.verdict, decision.exit, decision.exit_certificate, decision.degraded) == ("approve", None, None, ())
    assert certified(book, model).exits is None


@pytest.mark.parametrize("depth", ["cascade", "full", "early"])
def test_without_a_model_there_is_nothing_to_leave(book: PolicyBook, depth: Depth) -> None:
    [decision] = Scorer(None, book).score(ads(SETTLED), depth=depth)
    assert (decision.verdict, decision.exit) == ("review", None)
    assert "deadline" not in decision.degraded


# Where ads are, and what the rule follows -------------------------------------------------------------------------------------------


def test_where_no_policy_looks_at_risks_ads_leave_early_and_people_decide(book: PolicyBook) -> None:
    model = EarlyFakeModel()
    [decision] = certified(book, model).score(ads(TURNED, market=UNKNOWN_MARKET))
    assert (decision.verdict, decision.exit, model.read) == ("review", "early", [])
    assert f"unknown_market:{UNKNOWN_MARKET}" in decision.degraded


def test_other_thresholds_are_another_rule(book: PolicyBook) -> None:
    """What is settled is settled by thresholds: .02 is far from .1, and just below .03."""
    rules = book.rules["SE"]
    near = MarketRules(tuple(replace(one, thresholds=Thresholds(0.03, 0.9)) for one in rules.elsewhere), rules.by_surface)
    other = PolicyBook(book.names, {**book.rules, "SE": near})
    first, second = certified(book), certified(other)
    assert first.exits is not None
    assert second.exits is not None
    assert first.exits.certificate_id != second.exits.certificate_id
    assert first.score(ads(SETTLED))[0].exit == "early"
    assert second.score(ads("0.02 0.5"))[0].exit == ("early" if second.exits.limit >= 0.8 else "full")


def test_with_too_little_evidence_only_those_on_whom_nothing_hangs_leave(book: PolicyBook) -> None:
    found = scorer(book, EarlyFakeModel()).certified(issued(max_flipped=1e-5))
    assert found.exits is not None
    assert found.exits.limit == 0
    assert [one.exit for one in found.score(ads(SETTLED) + ads(SETTLED, market=UNKNOWN_MARKET))] == ["full", "early"]


def test_dropping_the_certificates_drops_the_rule(book: PolicyBook) -> None:
    assert certified(book).certified(None).exits is None


def test_evidence_of_another_bundle_is_refused(book: PolicyBook) -> None:
    with pytest.raises(UntrustedBundle, match="for bundle v0, and the bundle in use is v1"):
        scorer(book, EarlyFakeModel()).certified(issued(bundle_version="v0"))


def test_telling_a_model_with_an_early_exit_apart_does_not_read_its_history(book: PolicyBook) -> None:
    class Heavy(EarlyFakeModel):
        @property
        def snapshot(self) -> bytes | None:
            raise AssertionError("a snapshot may be large")

    assert scorer(book, Heavy()).certified(issued()).score(ads(SETTLED))[0].exit == "early"
