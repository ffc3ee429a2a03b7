"""Ads of both arms of a roll-out in one call: scored as few times as can be, each decided by its own policies and bundle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from adverdict.decisions.arms import Arms, InForce, bucket
from adverdict.decisions.policy import PolicyBook, Thresholds
from adverdict.domain.ad import Ad
from adverdict.features.history.known import History
from adverdict.scoring.known import HistorySnapshot
from adverdict.scoring.scorer import Scorer
from tests.decisions.build import POLICY
from tests.decisions.build import book as book_of
from tests.scoring.ads import ad
from tests.scoring.fakes import FakeModel, FakeRisks

BASE = book_of([replace(POLICY, name="deceptive"), POLICY])
STRICTER = book_of([replace(POLICY, name="deceptive", thresholds=Thresholds(0.005, 0.9)), POLICY])
ARMS = Arms("rol-1", BASE.hash, STRICTER.hash, 0.5, 0.5, salt=b"s" * 32)
NOW = datetime(2026, 3, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Counted(FakeModel):
    """Tells how many ads it was asked about, each time."""

    asked: list[int] = field(default_factory=list)

    def score(self, ads: Sequence[Ad], history: History | None = None) -> FakeRisks:
        self.asked.append(len(ads))
        return super().score(ads, history)


def ads(count: int) -> list[Ad]:
    return [Ad.model_validate(ad(ad_id=f"ad-{n}", advertiser_id=f"adv-{n}", title="Fresh bread", market="SE")) for n in range(count)]


def known(arms: Arms) -> HistorySnapshot:
    return HistorySnapshot(None, 1, in_force=InForce(BASE.hash, (arms,)))


def by(model: FakeModel, other: FakeModel | None = None) -> Scorer:
    def sets(scorer: Scorer, policies: str, bundle: str | None = None) -> Scorer | None:
        books: dict[str, PolicyBook] = {BASE.hash: BASE, STRICTER.hash: STRICTER}
        chosen = other if bundle is not None else model
        return None if chosen is None else Scorer(chosen, books[policies], clock=lambda: NOW, sets=sets)

    return Scorer(model, BASE, clock=lambda: NOW, sets=sets)


def test_the_model_is_asked_once_where_two_sets_of_policies_decide_by_what_it_says() -> None:
    model = Counted()
    decided = by(model).score(ads(16), known=known(ARMS))
    assert model.asked == [16]
    for one in decided:
        candidate = bucket(b"s" * 32, one.advertiser_id) < 0.5
        assert (one.policy_hash, one.verdict.value) == ((STRICTER.hash, "review") if candidate else (BASE.hash, "approve"))
    assert [one.ad_id for one in decided] == [f"ad-{n}" for n in range(16)]


def test_each_bundle_is_asked_once_for_the_ads_of_its_arm() -> None:
    model, other = Counted("v1"), Counted("v2", otherwise=0.2)
    arms = replace(ARMS, candidate=BASE.hash, base_bundle="v1", candidate_bundle="v2")
    decided = by(model, other).score(ads(16), known=known(arms))
    sides = [bucket(b"s" * 32, f"adv-{n}") < 0.5 for n in range(16)]
    assert (model.asked, other.asked) == ([16 - sum(sides)], [sum(sides)])
    assert [one.bundle_version == "v2" for one in decided] == sides
    assert all(one.arm is not None and one.arm.took_ms is not None for one in decided)


def test_a_bundle_that_is_not_at_hand_leaves_its_ads_to_what_decided_before_and_that_is_told() -> None:
    arms = replace(ARMS, candidate=BASE.hash, base_bundle="v1", candidate_bundle="v2")
    decided = by(FakeModel("v1")).score(ads(16), known=known(arms))
    told = {(one.arm.side if one.arm else None, one.bundle_version, one.degraded) for one in decided}
    assert told == {("candidate", "v1", ("arm_missing:v2",)), ("control", "v1", ())}


def test_only_the_ad_that_a_bundle_on_trial_fails_on_is_left_to_people() -> None:
    arms = replace(ARMS, candidate=BASE.hash, base_bundle="v1", candidate_bundle="v2")
    some = [one if n else one.model_copy(update={"title": "I stumble"}) for n, one in enumerate(ads(16))]
    decided = by(FakeModel("v1"), FakeModel("v2")).score(some, known=known(arms))
    assert [one.degraded for one in decided] == [("arm_failed",), *[()] * 15]
    assert [one.verdict.value for one in decided] == ["review", *["approve"] * 15]
