"""The path of an ad without HTTP."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime

from adverdict.decisions.policy import PolicyBook
from adverdict.domain.ad import Ad
from adverdict.domain.degraded import Cause, Degradation
from adverdict.scoring.scorer import Scorer
from tests.scoring.ads import ad
from tests.scoring.fakes import FakeModel

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def scorer(book: PolicyBook, model: FakeModel | None) -> Scorer:
    return Scorer(model, book, clock=lambda: NOW, ids=iter(["dec-1", "dec-2", "dec-3"]).__next__)


def ads(*titles: str) -> list[Ad]:
    return [Ad.model_validate(ad(ad_id=title, title=title)) for title in titles]


def test_decisions_come_in_order_with_the_given_ids_and_clock(book: PolicyBook) -> None:
    decisions = scorer(book, FakeModel()).score(ads("bread", "scam"))
    assert [(d.decision_id, d.ad_id, d.verdict, d.decided_at) for d in decisions] == [
        ("dec-1", "bread", "approve", NOW),
        ("dec-2", "scam", "reject", NOW),
    ]


def test_reasons_explain_what_stood_against_the_ad_else_the_largest_risk(book: PolicyBook) -> None:
    bread, scam = scorer(book, FakeModel()).score(ads("bread", "scam"))
    assert [reason.policy for reason in bread.reasons] == ["deceptive"]
    assert [reason.policy for reason in scam.reasons] == ["deceptive", "gambling"]


def test_reasons_can_be_left_out(book: PolicyBook) -> None:
    assert scorer(book, FakeModel()).score(ads("scam"), explain="none")[0].reasons == ()


def test_a_policy_the_bundle_does_not_know_is_never_approved(book: PolicyBook) -> None:
    [decision] = scorer(book, FakeModel(policies=("gambling",))).score(ads("bread"))
    assert (decision.verdict, decision.degraded) == ("review", ("no_risk:deceptive",))


def test_without_a_model_every_ad_goes_to_people(book: PolicyBook) -> None:
    [decision] = scorer(book, None).score(ads("bread"), degraded=(Degradation(Cause.UNREACHABLE),))
    assert (decision.verdict, decision.bundle_version, decision.reasons) == ("review", None, ())
    assert decision.degraded[:2] == ("no_model", "registry_unreachable")


def test_an_ad_that_the_model_finds_strange_goes_to_people(book: PolicyBook) -> None:
    [decision] = scorer(book, FakeModel()).score(ads("strange bread"))
    assert (decision.verdict, decision.familiarity, decision.degraded) == ("review", 0.001, ("unfamiliar:text",))


def test_no_ads_no_decisions(book: PolicyBook) -> None:
    assert scorer(book, FakeModel()).score([]) == []


def test_importing_the_package_loads_no_model_library() -> None:
    code = "import sys, adverdict; adverdict.Scorer; assert not {'numpy', 'lightgbm', 'mlflow', 'bentoml'} & set(sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False).returncode == 0
