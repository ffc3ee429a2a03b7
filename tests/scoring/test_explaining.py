"""Reasons made when somebody looks are those that would have been made with the decision; others are not shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from adverdict.decisions.policy import PolicyBook
from adverdict.domain.ad import Ad
from adverdict.domain.decision import Decision
from adverdict.ledger.entries import DecisionMade
from adverdict.scoring.explaining import reasons_again
from adverdict.scoring.opened import BundleModel, open_bundle
from adverdict.scoring.scorer import Depth, Scorer
from adverdict.storage.tables.pack import read_ads

ADS = 12


@pytest.fixture(scope="module")
def model(tiny_bundle: Path) -> BundleModel:
    return open_bundle(tiny_bundle)


@pytest.fixture(scope="module")
def ads(marketplace: Path) -> list[Ad]:
    return read_ads(marketplace)[-ADS:]


def made(ad: Ad, decision: Decision) -> DecisionMade:
    return DecisionMade(ad=ad, decision=decision.model_copy(update={"reasons": ()}), first=True)


@pytest.mark.parametrize("depth", ["early", "full"])
def test_they_are_those_that_would_have_been_made_with_the_decision(
    model: BundleModel, book: PolicyBook, ads: list[Ad], depth: Depth
) -> None:
    decisions = Scorer(model, book).score(ads, explain="all", depth=depth)
    again = [reasons_again(made(ad, decision), model, None) for ad, decision in zip(ads, decisions, strict=True)]
    assert again == [decision.reasons for decision in decisions]
    assert any(again)


def test_an_ad_that_was_looked_at_again_is_explained_as_of_that_moment(model: BundleModel, book: PolicyBook, ads: list[Ad]) -> None:
    as_of = max(ad.submitted_at for ad in ads)
    decision = Scorer(model, book).score(ads[:1], as_of=as_of)[0]
    assert reasons_again(made(ads[0], decision), model, None) == decision.reasons


def test_where_the_history_has_come_to_say_something_else_no_reasons_are_shown(model: BundleModel, book: PolicyBook, ads: list[Ad]) -> None:
    ad = ads[0]
    decision = Scorer(model, book).score([ad])[0]
    told_later = model.bundle.fresh_history()
    before = [ad.model_copy(update={"ad_id": f"late-{n}", "submitted_at": ad.submitted_at.replace(year=2000)}) for n in range(500)]
    told_later.observe_ads(before)
    assert reasons_again(made(ad, decision), model, told_later) is None
