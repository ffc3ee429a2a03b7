"""What other policy files would have done to ads: who flips, why, and what it costs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adverdict.certification.statistics.intervals import clopper_pearson
from adverdict.decisions.decide import decide
from adverdict.decisions.policy import MarketRules, PolicyBook, PolicyInForce, Stance, Targets, Thresholds
from adverdict.decisions.thresholds import POOLED, SolvedFor, SolvedThresholds
from adverdict.domain.ad import Ad
from adverdict.domain.errors import InvalidInput
from adverdict.domain.progress import Silent
from adverdict.domain.risk import RiskScore
from adverdict.domain.verdict import Verdict
from adverdict.models.bundle import Bundle
from adverdict.rollout.whatif import NOBODY, Share, WhatIf, what_if, what_if_on_packs
from tests.decisions.build import CONTEXT, NONE_SOLVED, POLICY, TARGETS, WHEN, book, risk
from tests.training.data import ad, label, pack, said

GAMBLING = POLICY  # prohibited, approves below 0.08, rejects from 0.9
ADULT = replace(POLICY, name="adult", title="Adult")
STRICT, LAX = Thresholds(0.01, 0.5), Thresholds(0.5, 0.95)
NOWHERE = PolicyBook(names=("gambling",), rules={"DE": MarketRules((GAMBLING,))})
ONLY_KIDS = PolicyBook(names=("gambling",), rules={"SE": MarketRules((), {"kids_video": (GAMBLING,)})})


def risks(**p: float) -> dict[str, RiskScore]:
    return {policy: risk(value, policy) for policy, value in p.items()}


def compared(
    before: PolicyBook, after: PolicyBook, *scored: Mapping[str, float], labels: Mapping[str, Mapping[str, bool]] | None = None
) -> WhatIf:
    """Ads ad-0, ad-1, … in SE with these risks."""
    ads = ((ad(number), risks(**p)) for number, p in enumerate(scored))
    return what_if(ads, labels or {}, NONE_SOLVED, before, after, WHEN)


@pytest.mark.parametrize(
    ("before", "after", "p", "direction", "policies", "because"),
    [
        pytest.param(
            [GAMBLING],
            [replace(GAMBLING, thresholds=STRICT)],
            {"gambling": 0.05},
            "approve -> review",
            ("gambling",),
            "risk 0.050 is at least 0.010 and below 0.500: a person decides",
            id="stricter thresholds",
        ),
        pytest.param(
            [GAMBLING],
            [replace(GAMBLING, thresholds=LAX)],
            {"gambling": 0.92},
            "reject -> review",
            ("gambling",),
            "risk 0.920 is at least 0.500 and below 0.950: a person decides",
            id="laxer thresholds",
        ),
        pytest.param(
            [GAMBLING],
            [replace(GAMBLING, stance=Stance.ALLOWED)],
            {"gambling": 0.95},
            "reject -> approve",
            ("gambling",),
            "allowed in SE",
            id="allowed now",
        ),
        pytest.param(
            [GAMBLING, ADULT],
            [GAMBLING, replace(ADULT, thresholds=STRICT)],
            {"gambling": 0.5, "adult": 0.6},
            "review -> reject",
            ("adult",),
            "risk 0.600 is at least 0.500: rejected automatically (uncertified threshold)",
            id="the policy that asks for more is named, not the one that asked for review before",
        ),
        pytest.param(
            [GAMBLING, ADULT],
            [replace(GAMBLING, thresholds=LAX), ADULT],
            {"gambling": 0.2, "adult": 0.01},
            "review -> approve",
            ("gambling",),
            "risk 0.200 is below 0.500: approved automatically (uncertified threshold)",
            id="the policy that asks for less is named",
        ),
        pytest.param(
            [GAMBLING, ADULT],
            [GAMBLING],
            {"gambling": 0.01, "adult": 0.01},
            "approve -> review",
            ("adult",),
            "no policy file defines adult: a person decides",
            id="a policy the model knows is defined no more",
        ),
        pytest.param(
            [GAMBLING, ADULT],
            [replace(GAMBLING, thresholds=LAX), replace(ADULT, thresholds=LAX)],
            {"gambling": 0.2, "adult": 0.3},
            "review -> approve",
            ("gambling", "adult"),
            "risk 0.200 is below 0.500: approved automatically (uncertified threshold); "
            "risk 0.300 is below 0.500: approved automatically (uncertified threshold)",
            id="both had to ask for less",
        ),
    ],
)
def test_a_flip_names_the_policies_behind_it_and_why(
    before: list[PolicyInForce], after: list[PolicyInForce], p: dict[str, float], direction: str, policies: tuple[str, ...], because: str
) -> None:
    found = compared(book(before), book(after), p)
    (flip,) = found.flips
    assert (flip.ad_id, flip.market, flip.surface) == ("ad-0", "SE", None)
    assert (flip.direction, flip.policies, flip.because) == (direction, policies, because)
    assert found.by_market() == {"SE": {direction: 1}}
    assert found.by_policy() == {policy: {direction: 1} for policy in sorted(policies)}


@pytest.mark.parametrize(
    ("before", "after", "p", "direction", "policies", "because"),
    [
        (book([GAMBLING]), NOWHERE, 0.01, "approve -> review", (NOBODY,), "no policy is in force in SE here: a person decides"),
        (book([GAMBLING]), ONLY_KIDS, 0.01, "approve -> review", (NOBODY,), "no policy is in force in SE here: a person decides"),
        (NOWHERE, book([GAMBLING]), 0.01, "review -> approve", (NOBODY,), "SE has policies here now"),
        (book([GAMBLING]), NOWHERE, 0.95, "reject -> review", ("gambling",), "no policy file for market SE: a person decides"),
        (book([GAMBLING]), ONLY_KIDS, 0.95, "reject -> review", ("gambling",), "gambling is not in force here any more"),
        (
            NOWHERE,
            book([GAMBLING]),
            0.95,
            "review -> reject",
            ("gambling",),
            "risk 0.950 is at least 0.900: rejected automatically (uncertified threshold)",
        ),
    ],
)
def test_rules_that_come_or_go_altogether_are_told(
    before: PolicyBook, after: PolicyBook, p: float, direction: str, policies: tuple[str, ...], because: str
) -> None:
    (flip,) = compared(before, after, {"gambling": p}).flips
    assert (flip.direction, flip.policies, flip.because) == (direction, policies, because)


def test_review_load_and_errors_are_counted_on_both_sides() -> None:
    labels = {"ad-0": {"gambling": True}, "ad-1": {"gambling": False}, "ad-3": {"gambling": False}, "ad-4": {"gambling": True}}
    scored = [{"gambling": p} for p in (0.05, 0.02, 0.03, 0.95, 0.97, 0.3)]
    found = compared(book([GAMBLING]), book([replace(GAMBLING, thresholds=Thresholds(0.04, 0.96))]), *scored, labels=labels)
    assert found.ads == 6
    assert (found.before.review, found.after.review) == (Share(1, 6), Share(3, 6))
    before, after = found.before.errors["gambling"], found.after.errors["gambling"]
    assert (before.leakage, before.wrongful_reject) == (Share(1, 2), Share(1, 2))  # ad-2 has no label
    assert (after.leakage, after.wrongful_reject) == (Share(0, 1), Share(0, 1))
    assert found.directions() == {"approve -> review": 1, "reject -> review": 1}


def test_audited_ads_are_counted_beside_those_left_to_people() -> None:
    every, none = (book([replace(GAMBLING, audit_share=share)]) for share in (1.0, 0.0))
    found = compared(every, none, *({"gambling": p} for p in (0.01, 0.5, 0.95)))
    assert (found.before.audited, found.after.audited) == (Share(2, 3), Share(0, 3))
    assert found.flips == ()


def test_policies_are_never_pooled_and_those_without_labels_have_no_errors() -> None:
    labels = {"ad-0": {"gambling": True, "adult": False}}
    policies = book([GAMBLING, ADULT, replace(POLICY, name="weapons")])
    found = compared(policies, policies, {"gambling": 0.01, "adult": 0.99, "weapons": 0.01}, labels=labels)
    assert {name: (errors.leakage, errors.wrongful_reject) for name, errors in found.before.errors.items()} == {
        "gambling": (Share(1, 1), Share(0, 0)),
        "adult": (Share(0, 0), Share(1, 1)),
    }


def test_an_ad_that_the_policy_allows_leaks_nothing() -> None:
    allowed = book([replace(GAMBLING, stance=Stance.ALLOWED)])
    found = compared(book([GAMBLING]), allowed, {"gambling": 0.01}, labels={"ad-0": {"gambling": True}})
    assert found.before.errors["gambling"].leakage == Share(1, 1)
    assert found.after.errors["gambling"].leakage == Share(0, 0)


def test_ads_left_to_people_for_want_of_thresholds_or_risk_are_counted() -> None:
    auto = replace(GAMBLING, thresholds=None)
    tighter = replace(auto, targets=Targets(0.001, 0.1, 0.95))
    solved = SolvedThresholds({SolvedFor("gambling", POOLED, TARGETS): Thresholds(0.1, 0.9)})
    ads = [(ad(0), risks(gambling=0.01)), (ad(1), risks())]
    found = what_if(ads, {}, solved, book([auto]), book([tighter]), WHEN)
    assert (dict(found.before.unsolved), dict(found.before.unscored)) == ({}, {"gambling": 1})
    assert (dict(found.after.unsolved), dict(found.after.unscored)) == ({"gambling": 1}, {"gambling": 1})


@pytest.mark.parametrize(("k", "n"), [(0, 10), (3, 10), (10, 10)])
def test_a_share_has_its_exact_interval(k: int, n: int) -> None:
    assert Share(k, n).interval == clopper_pearson(k, n)
    assert Share(k, n).to_json() == {"k": k, "n": n, "share": k / n, "interval": list(clopper_pearson(k, n))}


def test_a_share_of_nothing_is_undefined_not_zero() -> None:
    assert Share(0, 0).to_json() == {"k": 0, "n": 0, "share": None, "interval": None}


THRESHOLDS = st.tuples(st.floats(0, 1), st.floats(0, 1)).map(lambda ends: Thresholds(*sorted(ends)))
BOOKS = st.tuples(THRESHOLDS, THRESHOLDS, st.sampled_from(Stance)).map(
    lambda parts: book([replace(GAMBLING, thresholds=parts[0], stance=parts[2]), replace(ADULT, thresholds=parts[1])])
)
SCORED = st.lists(st.fixed_dictionaries({"gambling": st.floats(0, 1), "adult": st.floats(0, 1)}), min_size=1, max_size=8)


@given(BOOKS, BOOKS, SCORED)
def test_flips_are_exactly_the_ads_that_two_plain_decisions_tell_apart(before: PolicyBook, after: PolicyBook, scored: Any) -> None:
    found, back = compared(before, after, *scored), compared(after, before, *scored)
    plain = [
        [decide(ad(i), risks(**p), side, NONE_SOLVED, context=CONTEXT).verdict for i, p in enumerate(scored)] for side in (before, after)
    ]
    expected = [(f"ad-{i}", old, new) for i, (old, new) in enumerate(zip(*plain, strict=True)) if old != new]
    assert [(flip.ad_id, flip.before, flip.after) for flip in found.flips] == expected
    assert [(flip.ad_id, flip.after, flip.before) for flip in back.flips] == expected
    assert all(flip.policies and flip.because for flip in found.flips)
    assert [side.review.k for side in (found.before, found.after)] == [verdicts.count(Verdict.REVIEW) for verdicts in plain]


@dataclass
class FakeHistory:
    """Remembers what it was shown."""

    seen: list[str] = field(default_factory=list)

    def observe_ads(self, ads: Iterable[Ad]) -> None:
        self.seen += [one.ad_id for one in ads]


@dataclass
class FakeBundle:
    """A bundle whose risk of an ad is its number in hundredths, and that counts how often it was asked."""

    trained_on: Sequence[str] = ()
    thresholds: SolvedThresholds = NONE_SOLVED
    past: FakeHistory = field(default_factory=FakeHistory)
    scored: list[str] = field(default_factory=list)

    @property
    def manifest(self) -> object:
        return SimpleNamespace(data=[SimpleNamespace(digest=digest) for digest in self.trained_on])

    def fresh_history(self) -> FakeHistory:
        return self.past

    def score(self, ads: Sequence[Ad], history: FakeHistory) -> object:
        assert history is self.past
        self.scored += [one.ad_id for one in ads]
        return SimpleNamespace(risks=lambda row: risks(gambling=int(ads[row].ad_id.removeprefix("ad-")) / 100))


def _numbers(ads: Iterable[int]) -> Iterator[Ad]:
    return (ad(number) for number in ads)


def test_every_ad_of_the_packs_is_scored_once_and_a_tie_of_raters_violates() -> None:
    fake = FakeBundle()
    labels = [*said({1: False, 2: True}), label(3, "gambling", True, "r1"), label(3, "gambling", False, "r2")]
    packs = [pack(list(_numbers([3, 1, 2])), labels, "one"), pack(list(_numbers([5, 4])), [], "two")]
    found = what_if_on_packs(cast(Bundle, fake), packs, book([GAMBLING]), book([replace(GAMBLING, thresholds=STRICT)]), WHEN, Silent())
    assert fake.scored == [f"ad-{number}" for number in (1, 2, 3, 4, 5)]
    assert sorted(fake.past.seen) == fake.scored
    assert found.before.errors["gambling"].leakage == Share(2, 3)
    assert found.before.review == Share(0, 5)
    assert found.after.review == Share(5, 5)
    assert found.trained_on == ()


def test_a_pack_the_model_was_trained_on_is_named_and_not_observed_twice() -> None:
    fake = FakeBundle(trained_on=["oneone"])
    packs = [pack([ad(1)], said({1: True}), "one"), pack([ad(2)], [], "two")]
    found = what_if_on_packs(cast(Bundle, fake), packs, book([GAMBLING]), book([GAMBLING]), WHEN, Silent())
    assert found.trained_on == ("one",)
    assert fake.past.seen == ["ad-2"]
    assert found.flips == ()


def test_packs_that_share_an_ad_are_refused() -> None:
    packs = [pack([ad(1)], said({1: True}), "one"), pack([ad(1)], [], "two")]
    with pytest.raises(InvalidInput, match="ad-1"):
        what_if_on_packs(cast(Bundle, FakeBundle()), packs, book([GAMBLING]), book([GAMBLING]), WHEN, Silent())
